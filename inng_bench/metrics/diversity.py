"""Diversity: whether the samples of a model differ from each other.

The mean squared distance of two pictures, pixel by pixel, in units of what two unrelated pictures of the same colours
have, which is twice the variance. That is the variance between pictures at one pixel over the variance of all pixels:
about 1 for independent pictures of a stationary texture whatever their number and size, and 0 where all are the same.
"""

from itertools import combinations

import numpy as np

from inng_bench.metrics.crops import Pixels


"""How many of the samples are compared at most."""


def diversity(pictures: Pixels) -> float:
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
