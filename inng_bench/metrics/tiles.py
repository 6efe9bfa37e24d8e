"""The tiles that the weight-free metrics look at: of every row equally many of one size, on a fixed grid.

They are as large as the smallest samples, so that a border, a window function or a pyramid does the same to the tiles
of a canvas as to samples that are tiles already.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from inng_bench.metrics.catalogue import TILE, TILES
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.crops import Pixels, cut

_LUMA = np.array([0.299, 0.587, 0.114])

Description = TypeVar("Description")


def tiles(pictures: Pictures) -> Pixels:
    """Cut the tiles: uint8 (TILES, TILE, TILE, 3), picture by picture."""
    return cut(pictures.pixels, pictures.places(TILES, TILE), TILE)


def luminance(pictures: Pixels) -> NDArray[np.uint8]:
    """Return the luma of ITU-R BT.601, rounded: uint8 of the shape of the pictures without their colours."""
    luma: NDArray[np.uint8] = np.rint(pictures @ _LUMA).astype(np.uint8)
    return luma


def compare_tiles(
    comparison: Comparison,
    describe: Callable[[Pictures], Description],
    distance: Callable[[Description, Description], dict[str, float]],
    summarise: Callable[[Iterable[float]], float] | None = None,
) -> Outcome:
    """Measure the samples' tiles against the reference's.

    Parameters
    ----------
    comparison : Comparison
        Of pictures of at least TILE px a side.
    describe : callable
        From pictures, whose :func:`tiles` it looks at, to what is compared.
    distance : callable
        From the descriptions of samples and reference to named parts.
    summarise : callable or None
        From the parts to the value; None for their mean.
    """
    parts = distance(comparison.samples.derive(describe), comparison.reference.derive(describe))
    return Outcome((summarise or _mean)(parts.values()), TILES, TILE, parts)


def _mean(parts: Iterable[float]) -> float:
    return float(np.mean(list(parts)))
