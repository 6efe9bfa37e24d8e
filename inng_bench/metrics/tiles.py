"""The tiles that the weight-free metrics look at: of every row equally many of one size, on a fixed grid.

They are as large as the smallest samples, so that a border, a window function or a pyramid does the same to the tiles
of a canvas as to samples that are tiles already.
"""

import numpy as np
from numpy.typing import NDArray

from inng_bench.metrics.crops import Pixels, cut, grid

TILE = 64
"""Side in pixels."""

TILES = 64
"""Number of a row: four canvases of 256 px cut without a rest."""

_LUMA = np.array([0.299, 0.587, 0.114])


def places(pictures: Pixels) -> NDArray[np.int64]:
    """Return picture, top and left of each tile, (TILES, 3)."""
    return grid(TILES, len(pictures), pictures.shape[1:3], TILE)


def tiles(pictures: Pixels) -> Pixels:
    """Cut the tiles out of pictures (N, H, W, 3): uint8 (TILES, TILE, TILE, 3), in the order of :func:`places`."""
    return cut(pictures, places(pictures), TILE)


def luminance(pictures: Pixels) -> NDArray[np.uint8]:
    """Return the luma of ITU-R BT.601, rounded: uint8 of the shape of the pictures without their colours."""
    return np.rint(pictures @ _LUMA).astype(np.uint8)
