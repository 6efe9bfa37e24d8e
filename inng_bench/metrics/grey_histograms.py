"""Histograms of grey levels side by side: co-occurrence matrices and local binary patterns, by scikit-image.

References
----------
R. M. Haralick, K. Shanmugam, I. Dinstein, "Textural features for image classification", 1973,
https://doi.org/10.1109/TSMC.1973.4309314

T. Ojala, M. Pietikäinen, T. Mäenpää, "Multiresolution gray-scale and rotation invariant texture classification with
local binary patterns", 2002, https://doi.org/10.1109/TPAMI.2002.1017623
"""

import numpy as np
from numpy.typing import NDArray
from skimage.feature import graycomatrix, local_binary_pattern

from inng_bench.metrics.comparison import Comparison, Outcome
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.tiles import compare_tiles, luminance

GREY_LEVELS = 32
"""Of co-occurrence: eight of the 256 levels each, the same for every picture."""

DISTANCES = (1, 2, 4, 8)
"""Pixels between the two levels of a co-occurrence."""

ANGLES = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)

RADII = (1, 2, 4)
"""Pixels from the middle of a binary pattern to its eight points."""

POINTS = 8

PATTERNS = POINTS * (POINTS - 1) + 3
"""Uniform patterns that are told apart, their direction included, and one for all others."""


Histograms = dict[str, NDArray[np.float64]]
"""One or several histograms of sum 1 in the rows of each array, by distance or radius such as ``1 px``."""


def glcm(comparison: Comparison) -> Outcome:
    """Measure the mean distance of the co-occurrence matrices over distances and angles."""
    return compare_tiles(comparison, cooccurrences, total_variation)


def lbp(comparison: Comparison) -> Outcome:
    """Measure the mean distance of the local binary patterns over the radii."""
    return compare_tiles(comparison, binary_patterns, total_variation)


def cooccurrences(tiles: Pixels) -> Histograms:
    """Return how often two grey levels stand at each distance and angle, in either order.

    Parameters
    ----------
    tiles : Pixels
        uint8 (N, H, W, 3).

    Returns
    -------
    Histograms
        (angles, GREY_LEVELS²) by distance.
    """
    counts = np.zeros((GREY_LEVELS, GREY_LEVELS, len(DISTANCES), len(ANGLES)))
    for tile in luminance(tiles) // (256 // GREY_LEVELS):
        counts += graycomatrix(tile, DISTANCES, ANGLES, GREY_LEVELS, symmetric=True)
    shares = (counts / counts.sum((0, 1))).reshape(GREY_LEVELS**2, len(DISTANCES), len(ANGLES)).T
    return {f"{distance} px": shares[:, place] for place, distance in enumerate(DISTANCES)}


def binary_patterns(tiles: Pixels) -> Histograms:
    """Return the shares of the uniform patterns; those that reach beyond a tile do not count.

    Parameters
    ----------
    tiles : Pixels
        uint8 (N, H, W, 3).

    Returns
    -------
    Histograms
        (1, PATTERNS) by radius.
    """
    grey = luminance(tiles)
    return {f"{radius} px": _patterns(grey, radius) for radius in RADII}


def total_variation(first: Histograms, second: Histograms) -> dict[str, float]:
    """Return half the sum of absolute differences, mean over the rows: the share to be moved, from 0 to 1."""
    return {name: float(np.abs(shares - second[name]).sum(1).mean() / 2) for name, shares in first.items()}


def _patterns(grey: NDArray[np.uint8], radius: int) -> NDArray[np.float64]:
    inside = slice(radius, -radius)
    codes = [local_binary_pattern(tile, POINTS, radius, method="nri_uniform")[inside, inside] for tile in grey]
    counts = np.bincount(np.stack(codes).astype(np.int64).ravel(), minlength=PATTERNS)
    return np.asarray(counts / counts.sum())[np.newaxis]
