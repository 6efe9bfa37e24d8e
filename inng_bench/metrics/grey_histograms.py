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

from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.tiles import luminance

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

Histogram = NDArray[np.float64]
"""Shares that sum to 1."""


def cooccurrence_distance(samples: Pixels, reference: Pixels) -> dict[str, float]:
    """Return the total variation between co-occurrence matrices, mean over angles, for each distance (``1 px``)."""
    first, second = (cooccurrences(luminance(tiles)) for tiles in (samples, reference))
    return {
        f"{distance} px": float(np.mean([total_variation(first[d, a], second[d, a]) for a in range(len(ANGLES))]))
        for d, distance in enumerate(DISTANCES)
    }


def pattern_distance(samples: Pixels, reference: Pixels) -> dict[str, float]:
    """Return the total variation between histograms of local binary patterns for each radius (``1 px``)."""
    first, second = (luminance(tiles) for tiles in (samples, reference))
    return {
        f"{radius} px": total_variation(binary_patterns(first, radius), binary_patterns(second, radius))
        for radius in RADII
    }


def cooccurrences(tiles: NDArray[np.uint8]) -> Histogram:
    """Return how often two grey levels stand at each distance and angle, in either order.

    Parameters
    ----------
    tiles : NDArray[np.uint8]
        (N, H, W).

    Returns
    -------
    Histogram
        (distances, angles, GREY_LEVELS, GREY_LEVELS), each matrix of sum 1.
    """
    coarse = tiles // (256 // GREY_LEVELS)
    counts = np.zeros((GREY_LEVELS, GREY_LEVELS, len(DISTANCES), len(ANGLES)))
    for tile in coarse:
        counts += graycomatrix(tile, DISTANCES, ANGLES, GREY_LEVELS, symmetric=True)
    return np.asarray((counts / counts.sum((0, 1))).transpose(2, 3, 0, 1))


def binary_patterns(tiles: NDArray[np.uint8], radius: int) -> Histogram:
    """Return the shares of the uniform patterns of eight points; those that reach beyond a tile do not count.

    Parameters
    ----------
    tiles : NDArray[np.uint8]
        (N, H, W).
    radius : int
        In pixels.

    Returns
    -------
    Histogram
        (PATTERNS,).
    """
    inside = slice(radius, -radius)
    codes = [local_binary_pattern(tile, POINTS, radius, method="nri_uniform")[inside, inside] for tile in tiles]
    counts = np.bincount(np.stack(codes).astype(np.int64).ravel(), minlength=PATTERNS)
    return np.asarray(counts / counts.sum())


def total_variation(first: Histogram, second: Histogram) -> float:
    """Return half the sum of absolute differences: the share that would have to be moved, from 0 to 1."""
    return float(np.abs(first - second).sum() / 2)
