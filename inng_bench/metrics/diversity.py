"""Diversity: whether the samples of a model differ from each other.

The mean squared distance of two pictures, pixel by pixel, in units of what two unrelated pictures of the same colours
have, which is twice the variance. That is the variance between pictures at one pixel over the variance of all pixels:
about 1 for independent pictures of a stationary texture whatever their number and size, and 0 where all are the same.
"""

from itertools import combinations

import numpy as np

from inng_bench.metrics.comparison import Comparison, Outcome
from inng_bench.metrics.crops import Pixels

PICTURES = 64
"""How many samples are compared at most, the first ones: their pairs grow with the square."""


def diversity(comparison: Comparison) -> Outcome:
    """Measure the diversity of the samples; a single picture, such as the row ``real`` has, beside the window."""
    pictures, note = comparison.samples.pixels[:PICTURES], ""
    if len(pictures) == 1:
        pictures, note = _side_by_side(pictures, comparison.reference.pixels[:1]), "one picture beside the window"
    parts = {"closest_pair": closest_pair(pictures)}
    return Outcome(mean_distance(pictures), len(pictures), parts=parts, note=note)


def mean_distance(pictures: Pixels) -> float:
    """Return the mean squared distance of pictures, relative to unrelated ones.

    Parameters
    ----------
    pictures : Pixels
        uint8 (N, H, W, 3), at least two.
    """
    spread = _total_variance(pictures)
    return float(pictures.var(0, ddof=1, dtype=np.float64).mean() / spread) if spread > 0 else 0.0


def closest_pair(pictures: Pixels) -> float:
    """Return the same for the two pictures that are most alike, at the roll at which they are.

    A sample that is drawn twice has 0, rolled or not. Unrelated pictures stay below 1, the smaller and the more regular
    they are the more, since some roll suits them best.
    """
    spread = _total_variance(pictures)
    if spread == 0:
        return 0.0
    centred = pictures - pictures.mean((0, 1, 2))
    energy = (centred**2).sum((1, 2, 3))
    spectra = np.fft.rfft2(centred, axes=(1, 2))
    least = np.inf
    for first, second in combinations(range(len(pictures)), 2):
        products = np.fft.irfft2((spectra[first] * spectra[second].conj()).sum(2), s=pictures.shape[1:3])
        least = min(least, energy[first] + energy[second] - 2 * products.max())
    return max(0.0, float(least / (2 * spread * pictures[0].size)))


def _total_variance(pictures: Pixels) -> float:
    """Return the variance about the mean colour of all pictures, mean over the channels."""
    return float(pictures.var((0, 1, 2), dtype=np.float64).mean())


def _side_by_side(first: Pixels, second: Pixels) -> Pixels:
    """Cut both to what they have in common: halves of an odd picture differ by a line."""
    height, width = np.minimum(first.shape[1:3], second.shape[1:3])
    return np.concatenate([first[:, :height, :width], second[:, :height, :width]])
