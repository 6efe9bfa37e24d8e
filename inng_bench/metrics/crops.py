"""Which crops of a picture are measured: a grid, the same number for every row of a table."""

import hashlib
import math
from functools import cache

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


def scattered(count: int, pictures: Pixels, crop: int) -> NDArray[np.int64]:
    """Spread crops over pictures where nobody who makes them can know: one changed pixel moves all crops.

    Each picture is parted into as many cells as it gets crops, and a crop begins anywhere in its cell. Where is drawn
    with a hash of the pictures as the seed, so that the same pictures always have the same crops.

    Parameters
    ----------
    count : int
        Number of crops in all.
    pictures : Pixels
        uint8 (N, H, W, 3).
    crop : int
        Side of a crop in pixels.

    Returns
    -------
    NDArray[np.int64]
        (count, 3), as :func:`grid`, which also says what is raised.
    """
    images, *size, _ = pictures.shape
    room = np.array(size) - crop + 1
    places = grid(count, images, (size[0], size[1]), crop)
    seed = int.from_bytes(hashlib.sha256(np.ascontiguousarray(pictures).tobytes()).digest()[:8], "big")
    generator = np.random.default_rng(seed)
    for image in range(images):
        own = places[:, 0] == image
        cells = np.array(_cells(int(own.sum()), *room)).reshape(-1, 4)
        places[own, 1:] = (cells[:, ::2] + generator.random((len(cells), 2))) / cells[:, 1::2] * room
    return places


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
    cells = _cells(count, tops, lefts)
    places = [(_spread(rows, tops)[row], _spread(columns, lefts)[column]) for row, rows, column, columns in cells]
    return np.array(places, np.int64).reshape(-1, 2)


def _cells(count: int, tops: int, lefts: int) -> list[tuple[int, int, int, int]]:
    """Part a picture into cells, nearly square: row, number of rows, column, number of columns in the row."""
    if count == 0:
        return []
    square = round(math.sqrt(count * tops / lefts))
    rows = min(max(square, math.ceil(count / lefts)), tops, count)
    in_row = np.diff(np.arange(rows + 1) * count // rows).tolist()
    return [(row, rows, column, columns) for row, columns in enumerate(in_row) for column in range(columns)]


@cache
def _spread(count: int, places: int) -> NDArray[np.int64]:
    """Return ``count`` evenly spaced numbers from 0 to ``places - 1``, both included; a single one is the middle."""
    if count == 1:
        return np.array([(places - 1) // 2])
    return np.rint(np.linspace(0, places - 1, count)).astype(np.int64)
