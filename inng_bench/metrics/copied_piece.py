"""The largest piece of a picture that stands in the train window too, whole and at one offset."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from inng_bench.metrics.crops import Pixels


def largest_piece(samples: Pixels, train: Pixels, offsets: NDArray[np.int64], patch: int, threshold: float) -> float:
    """Return the side in pixels of a square as large as the largest piece copied at one of the offsets.

    A piece is all that a connected set of patches covers, each of them nearer than the threshold to the train patch at
    the offset; patches stand at every pixel, and their covering blurs its border by less than a patch.

    Parameters
    ----------
    samples : Pixels
        uint8 (N, H, W, 3).
    train : Pixels
        uint8 (H, W, 3), continued periodically.
    offsets : NDArray[np.int64]
        (n, 3): picture, and down and right from a place in it to the place in the train window.
    patch : int
        Side of a patch in pixels.
    threshold : float
        Root mean square difference in grey levels.
    """
    distinct = np.unique(np.column_stack([offsets[:, 0], offsets[:, 1:] % train.shape[:2]]), axis=0)
    areas = [
        _largest_area(_close_patches(samples[image], train, (down, right), patch, threshold), patch)
        for image, down, right in distinct
    ]
    return float(np.sqrt(max(areas, default=0)))


def _close_patches(
    sample: Pixels, train: Pixels, offset: tuple[int, int], patch: int, threshold: float
) -> NDArray[np.bool_]:
    """Mark the top left pixels of all patches that match at the offset."""
    rows, columns = ((np.arange(sample.shape[axis]) + offset[axis]) % train.shape[axis] for axis in (0, 1))
    squares = ((sample.astype(np.int64) - train[np.ix_(rows, columns)]) ** 2).sum(2)
    return np.asarray(_box_sums(squares, patch) < threshold**2 * patch**2 * 3)


def _largest_area(close: NDArray[np.bool_], patch: int) -> int:
    """Return how many pixels the largest connected set of patches covers."""
    pieces, count = label(close, np.ones((3, 3)))
    if count == 0:
        return 0
    largest = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    return int((_box_sums(np.pad(largest, patch - 1).astype(np.int64), patch) > 0).sum())


def _box_sums(values: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Return the sums over all squares that lie inside, exactly."""
    total = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    return total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
