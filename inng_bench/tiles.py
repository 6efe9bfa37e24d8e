"""Pictures of one size beside and below each other.

A set stands in a results folder as a strip, whose pixels are those of the set in their order; samples as mosaics.
"""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

COLUMNS, ROWS = 16, 16
"""Pictures beside and below each other in a mosaic at the most."""

PER_MOSAIC = COLUMNS * ROWS


def as_strip(pictures: Pixels) -> Pixels:
    """Return pictures (N, H, W, 3) below each other, (N * H, W, 3); nothing is copied."""
    count, height, width = pictures.shape[:3]
    return pictures.reshape(count * height, width, 3)


def of_strip(strip: Pixels) -> Pixels:
    """Return the square pictures (N, W, W, 3) of a strip (N * W, W, 3); nothing is copied."""
    side = strip.shape[1]
    return strip.reshape(-1, side, side, 3)


def mosaics(pictures: Pixels) -> list[Pixels]:
    """Set pictures (N, H, W, 3) row by row into mosaics of up to 256; places that are left over are white."""
    return [mosaic(pictures[first : first + PER_MOSAIC]) for first in range(0, len(pictures), PER_MOSAIC)]


def mosaic(pictures: Pixels, columns: int = COLUMNS) -> Pixels:
    """Set pictures (N, H, W, 3) row by row into one; places that are left over are white."""
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    height, width = pictures.shape[1:3]
    places = np.full((rows * columns, height, width, 3), 255, np.uint8)
    places[: len(pictures)] = pictures
    return places.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)


def of_mosaics(found: list[Pixels], side: int, count: int | None) -> Pixels:
    """Return the first pictures (count, side, side, 3) of mosaics or strips; all places for None."""
    parts = [
        one.reshape(one.shape[0] // side, side, one.shape[1] // side, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
        for one in found
    ]
    return np.concatenate(parts)[:count]
