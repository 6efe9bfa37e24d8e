"""Which crops of a picture are measured: a fixed grid, the same number for every row of a table."""

import math

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""Pictures as uint8 RGB, (N, H, W, 3), or one picture, (H, W, 3)."""


def grid(count: int, images: int, size: tuple[int, int], crop: int) -> NDArray[np.int64]:
    """Spread a number of crops evenly over pictures of one size.

    Every picture gets ``count / images`` crops, rounded so that the total is exact. In a picture they stand in evenly
    spaced rows from border to border, and evenly spaced in each row, with steps as equal as whole numbers allow. A
    position repeats only in a picture that has fewer positions than crops.

    Parameters
    ----------
    count : int
        Number of crops in all.
    images : int
        Number of pictures.
    size : tuple[int, int]
        Height and width of each picture in pixels.
    crop : int
        Side of a crop in pixels.

    Returns
    -------
    NDArray[np.int64]
        (count, 3): picture, top and left of each crop, by picture.

    Raises
    ------
    ValueError
        When a picture is smaller than a crop.
    """
    height, width = size
    if min(size) < crop:
        raise ValueError(f"a picture of {height}×{width} px has no room for a crop of {crop} px")
    shares = np.diff(np.arange(images + 1) * count // images)
    places = {share: _one_picture(share, height - crop + 1, width - crop + 1) for share in set(shares.tolist())}
    return np.concatenate([np.insert(places[share], 0, image, axis=1) for image, share in enumerate(shares.tolist())])


def cut(pictures: Pixels, positions: NDArray[np.int64], crop: int) -> Pixels:
    """Cut crops out of pictures.

    Returns
    -------
    Pixels
        uint8 (n, crop, crop, 3), in the order of ``positions``.
    """
    return np.stack([pictures[image, top : top + crop, left : left + crop] for image, top, left in positions])


def disjoint(images: int, size: tuple[int, int], crop: int) -> int:
    """Say how many crops fit into pictures of one size without overlap."""
    return images * (size[0] // crop) * (size[1] // crop)


def groups(images: int) -> NDArray[np.int64]:
    """Say which group of equal area each picture belongs to.

    Consecutive pictures form four groups of equally many, three or two where their number cannot be cut into four:
    four canvases are four groups, and so are 64 tiles of the same area, 16 to a group.

    Parameters
    ----------
    images : int
        Number of pictures.

    Returns
    -------
    NDArray[np.int64]
        (images,): groups from 0. All are 0 where the number can be cut into none of these.
    """
    count = next((count for count in (4, 3, 2) if images % count == 0), 1)
    return np.arange(images) * count // images


def _one_picture(count: int, tops: int, lefts: int) -> NDArray[np.int64]:
    """Return (count, 2) places on a grid of ``tops`` by ``lefts`` possible ones."""
    if count == 0:
        return np.empty((0, 2), np.int64)
    square = round(math.sqrt(count * tops / lefts))
    rows = min(max(square, math.ceil(count / lefts)), tops, count)
    in_row = np.diff(np.arange(rows + 1) * count // rows)
    return np.array(
        [
            (top, left)
            for top, columns in zip(_spread(rows, tops), in_row, strict=True)
            for left in _spread(columns, lefts)
        ],
        np.int64,
    )


def _spread(count: int, places: int) -> NDArray[np.int64]:
    """Return ``count`` evenly spaced numbers from 0 to ``places - 1``, both included; a single one is the middle."""
    if count == 1:
        return np.array([(places - 1) // 2])
    return np.rint(np.linspace(0, places - 1, count)).astype(np.int64)
