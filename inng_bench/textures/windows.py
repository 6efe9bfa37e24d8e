"""Resizing a picture and cutting it into a train window and a disjoint held-out window."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WHOLE_UP_TO = 256
"""Long side in pixels up to which a picture is one window, as the paper's 256² pictures are."""


class Box(NamedTuple):
    """A rectangle in pixels."""

    top: int
    left: int
    height: int
    width: int


class Cut(StrEnum):
    """Along which line a picture is halved."""

    LEFT_RIGHT = "left-right"
    TOP_BOTTOM = "top-bottom"


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


def cut_windows(region: Box, cut: Cut | None = None) -> tuple[Box, Box | None]:
    """Place the train window and the held-out window in a region of a picture.

    Parameters
    ----------
    region : Box
        The part of the picture that is used.
    cut : Cut or None
        None cuts along the longer side, a square into left and right.

    Returns
    -------
    tuple[Box, Box | None]
        Two disjoint halves of equal size; of an odd number of lines the middle one belongs to neither. A region of at
        most 256 px on its long side is one window.
    """
    top, left, height, width = region
    if max(height, width) <= WHOLE_UP_TO:
        return region, None
    if cut is None:
        cut = Cut.LEFT_RIGHT if width >= height else Cut.TOP_BOTTOM
    if cut is Cut.LEFT_RIGHT:
        half = width // 2
        return Box(top, left, height, half), Box(top, left + width - half, height, half)
    half = height // 2
    return Box(top, left, half, width), Box(top + height - half, left, half, width)


def extract(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return a read-only copy of a rectangle of a picture, contiguous in memory."""
    window = pixels[box.top : box.top + box.height, box.left : box.left + box.width].copy()
    window.setflags(write=False)
    return window
