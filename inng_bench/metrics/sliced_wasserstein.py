"""Sliced Wasserstein distance of patches on a Laplacian pyramid, as Karras et al. measure it; no network.

Each level of the pyramid is cut into 7 px patches. Those of either side are set to mean 0 and deviation 1 in each
channel, and projected on random directions; the distance is that of the sorted projections, the mean of their absolute
differences. The published figures are a thousand times as large, from 16384 pictures, and not comparable.

References
----------
T. Karras, T. Aila, S. Laine, J. Lehtinen, "Progressive growing of GANs", 2018, section 5 and appendix,
https://arxiv.org/abs/1710.10196
"""

from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.tiles import compare_tiles, tiles

LEVELS = 3
"""Levels of the pyramid: of a 64 px tile the last one has 16 px."""

PATCH = 7
"""Side of a patch in pixels of its level."""

PATCHES = 64
"""Patches of each tile and level, at the same random places in all tiles."""

PROJECTIONS = 256

_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16

Pyramid = list[NDArray[np.float32]]
"""Bands of pictures an octave apart, finest first: (N, H / 2**level, W / 2**level, 3)."""

Descriptors = NDArray[np.float32]
"""Patches as vectors, (n, 7 · 7 · 3)."""


def swd(comparison: Comparison) -> Outcome:
    """Measure the mean distance over the levels."""
    return compare_tiles(comparison, _tile_pyramid, partial(sliced_wasserstein, seed=comparison.seed))


def _tile_pyramid(pictures: Pictures) -> Pyramid:
    return laplacian_pyramid(pictures.derive(tiles))


def sliced_wasserstein(samples: Pyramid, reference: Pyramid, *, seed: int) -> dict[str, float]:
    """Return the distance of each level by the size of its pixels: ``1 px``, ``2 px``, ``4 px``.

    Parameters
    ----------
    samples, reference : Pyramid
        Of tiles of one size; of fewer tiles on one side each counts as if it stood there several times.
    seed : int
        Of the directions and of the places of the patches.
    """
    generator = np.random.default_rng(seed)
    distances = {}
    for level, pair in enumerate(zip(samples, reference, strict=True)):
        positions = [side - PATCH + 1 for side in pair[0].shape[1:3]]
        chosen = generator.permutation(positions[0] * positions[1])[:PATCHES]
        first, second = (_patches(pictures, chosen) for pictures in pair)
        distances[f"{2**level} px"] = _distance(first, second, generator)
    return distances


def laplacian_pyramid(pictures: Pixels) -> Pyramid:
    """Split pictures into bands that add up to them when enlarged; the last one holds all that is coarser."""
    pyramid = [pictures.astype(np.float32)]
    for _ in range(LEVELS - 1):
        smaller = _reduce(pyramid[-1])
        pyramid[-1] = pyramid[-1] - enlarge(smaller)
        pyramid.append(smaller)
    return pyramid


def enlarge(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Double height and width by the binomial filter."""
    count, height, width, channels = pictures.shape
    spread = np.zeros((count, 2 * height, 2 * width, channels), np.float32)
    spread[:, ::2, ::2] = pictures
    return _smooth(spread, 2 * _BINOMIAL)


def _reduce(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    return _smooth(pictures, _BINOMIAL)[:, ::2, ::2]


def _smooth(pictures: NDArray[np.float32], weights: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(convolve1d(convolve1d(pictures, weights, 1, mode="mirror"), weights, 2, mode="mirror"))


def _patches(pictures: NDArray[np.float32], chosen: NDArray[np.int64]) -> Descriptors:
    """Cut the chosen patches out of every picture and normalise each channel over all of them."""
    windows = sliding_window_view(pictures, (PATCH, PATCH), axis=(1, 2))
    tops, lefts = np.divmod(chosen, windows.shape[2])
    patches = windows[:, tops, lefts].reshape(-1, pictures.shape[3], PATCH * PATCH)
    centred = patches - patches.mean((0, 2), dtype=np.float64, keepdims=True)
    deviation = np.sqrt((centred**2).mean((0, 2), keepdims=True))
    normalised = np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 0)
    return np.asarray(normalised.reshape(len(patches), -1), np.float32)


def _distance(first: Descriptors, second: Descriptors, generator: np.random.Generator) -> float:
    directions = generator.standard_normal((first.shape[1], PROJECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    count = max(len(first), len(second))
    quantiles = [_quantiles(side @ directions.astype(np.float32), count) for side in (first, second)]
    return float(np.abs(quantiles[0] - quantiles[1]).mean(dtype=np.float64))


def _quantiles(projected: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Sort each column and read it at the middles of ``count`` equal shares; a multiple of the rows repeats each."""
    rows = (2 * np.arange(count) + 1) * len(projected) // (2 * count)
    return np.sort(projected, axis=0)[rows]
