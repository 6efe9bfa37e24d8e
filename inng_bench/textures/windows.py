"""Resizing a picture and cutting it into a train window and disjoint held-out windows."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WHOLE_UP_TO = 256
"""Long side in pixels up to which a picture is one window, as the paper's 256² pictures are."""

SHORTEST_SIDE = 128
"""Shortest side in pixels of a window where a picture is cut into four."""


class Box(NamedTuple):
    """A rectangle in pixels."""

    top: int
    left: int
    height: int
    width: int


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Return height and width after resizing by ``scale``, at least 1 px each."""
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize(pixels: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Resize a picture with an anti-aliasing Lanczos filter.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 (H, W, 3).
    scale : float
        Above 0; 1 returns the picture unchanged.

    Returns
    -------
    numpy.ndarray
        uint8 (round(H * scale), round(W * scale), 3).
    """
    height, width = scaled_size(pixels.shape[:2], scale)
    if (height, width) == pixels.shape[:2]:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def cut_windows(region: Box) -> tuple[Box, ...]:
    """Place the train window, which comes first, and the held-out windows in a region of a picture.

    Parameters
    ----------
    region : Box
        The part of the picture that is used.

    Returns
    -------
    tuple[Box, ...]
        Disjoint windows of equal size. A region of at most 256 px on its long side is one window, and one that gives
        four windows of 128 px a side or more is cut into four: quarters, or a row of four where it is long and
        narrow. Any other is halved across its longer side. Lines that are left over belong to no window.
    """
    _, _, height, width = region
    long, short = max(height, width), min(height, width)
    if long <= WHOLE_UP_TO:
        return (region,)
    if short >= 2 * SHORTEST_SIDE:
        return _cells(region, 2, 2)
    count = 4 if long >= 4 * SHORTEST_SIDE else 2
    return _cells(region, 1, count) if width >= height else _cells(region, count, 1)


def _cells(region: Box, rows: int, columns: int) -> tuple[Box, ...]:
    """Divide a region into a grid of equal boxes."""
    height, width = region.height // rows, region.width // columns
    return tuple(
        Box(region.top + row * height, region.left + column * width, height, width)
        for row in range(rows)
        for column in range(columns)
    )


def squares(size: tuple[int, int], side: int) -> tuple[Box, ...]:
    """Return the disjoint squares of a side from the upper left corner of a picture of a height and width."""
    height, width = size
    return tuple(
        Box(top, left, side, side)
        for top in range(0, height - side + 1, side)
        for left in range(0, width - side + 1, side)
    )


def extract(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return a read-only copy of a rectangle of a picture, contiguous in memory."""
    window = pixels[box.top : box.top + box.height, box.left : box.left + box.width].copy()
    window.setflags(write=False)
    return window
