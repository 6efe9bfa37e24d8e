"""Power spectra of tiles: their distance over all directions, and what stands out at the periods of strides.

The spectra are Welch's: the mean periodogram of tiles under a Hann window, so that the borders of a tile add nothing.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal.windows import hann

from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.tiles import compare_tiles, tiles

OCTAVES = ((2, 4), (4, 8), (8, 16), (16, 32))
"""First and last cycles per tile of 64 px of each octave that is compared; below 2 the window sees no difference."""

PERIODS = (2, 4, 8, 16)
"""Pixels between the outputs of one to four layers of stride 2."""

RING = 2
"""Steps of frequency from a peak to its surroundings: the first ones that a pure wave does not reach."""

ROUNDING = 1 / 12
"""Power of rounding to whole grey levels, which is white: what even a flat picture is given."""

Spectrum = NDArray[np.float64]
"""Power by frequency, (side, side), zero frequency first."""


def spectrum(comparison: Comparison) -> Outcome:
    """Measure the mean difference of the radial spectra over the octaves."""
    return compare_tiles(comparison, _tile_spectrum, spectral_distance)


def speckle(comparison: Comparison) -> Outcome:
    """Measure how much higher a grid stands out than in the reference, at the period where it does so most."""
    return compare_tiles(comparison, _tile_peaks, _peak_ratios, summarise=max)


def power_spectrum(tiles: Pixels) -> Spectrum:
    """Return the mean power spectrum of tiles and channels in squared grey levels.

    White noise of variance v in each channel has power v at all frequencies. The mean of each tile is taken out.

    Parameters
    ----------
    tiles : Pixels
        uint8 (N, side, side, 3).
    """
    axis = hann(tiles.shape[1], sym=False)
    window = np.outer(axis, axis)[..., np.newaxis]
    centred = tiles - tiles.mean((1, 2), keepdims=True)
    periodograms = np.abs(np.fft.fft2(centred * window, axes=(1, 2))) ** 2
    return np.asarray(periodograms.mean((0, 3)) / (window**2).sum())


def spectral_distance(samples: Spectrum, reference: Spectrum) -> dict[str, float]:
    """Return the root mean square difference of radial spectra in decibels, by octave.

    Returns
    -------
    dict[str, float]
        By the octave's longest and shortest wavelength, such as ``32-16 px``.
    """
    difference = radial_decibels(samples) - radial_decibels(reference)
    side = len(samples)
    return {
        f"{side // first}-{side // last} px": float(np.sqrt((difference[first : last + 1] ** 2).mean()))
        for first, last in OCTAVES
    }


def radial_decibels(spectrum: Spectrum) -> NDArray[np.float64]:
    """Return the mean power over rings of 0, 1, ... side / 2 cycles per tile, rounded, in decibels."""
    side = len(spectrum)
    cycles = np.fft.fftfreq(side, 1 / side)
    ring = np.rint(np.hypot(cycles[:, np.newaxis], cycles)).astype(np.int64).ravel()
    means = np.bincount(ring, spectrum.ravel()) / np.bincount(ring)
    return np.asarray(10 * np.log10(means[: side // 2 + 1] + ROUNDING))


def grid_peaks(spectrum: Spectrum) -> dict[int, float]:
    """Return how high the frequencies of a grid stand over their surroundings, for each of :data:`PERIODS`.

    A pattern that repeats every p pixels along both axes has its power at multiples of 1/p. Those that are multiples
    of 2/p too count for the shorter period. At each of the others power is divided by the geometric mean of the square
    ring :data:`RING` steps around it. The mean of these ratios is about 1 where there is no grid: in white noise, and
    in any spectrum that falls as a power of the frequency, since the logarithm of a power law is harmonic, and the
    mean of a harmonic function around a point is its value there.
    """
    power = spectrum + ROUNDING
    contrast = power / np.exp(_ring_mean(np.log(power)))
    return {period: float(contrast[_frequencies(len(power), period)].mean()) for period in PERIODS}


def _tile_spectrum(pictures: Pictures) -> Spectrum:
    return power_spectrum(pictures.derive(tiles))


def _tile_peaks(pictures: Pictures) -> dict[int, float]:
    return grid_peaks(pictures.derive(_tile_spectrum))


def _peak_ratios(samples: dict[int, float], reference: dict[int, float]) -> dict[str, float]:
    return {f"{period} px": samples[period] / reference[period] for period in PERIODS}


def _ring_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the square ring around every frequency; frequencies are periodic."""
    steps = range(-RING, RING + 1)
    ring = [(down, right) for down in steps for right in steps if max(abs(down), abs(right)) == RING]
    return np.asarray(np.mean([np.roll(values, offset, (0, 1)) for offset in ring], axis=0))


def _frequencies(side: int, period: int) -> NDArray[np.bool_]:
    """Mark the multiples of 1 / period along both axes that no shorter period has."""
    multiple, shorter = (np.arange(side) % (side // p) == 0 for p in (period, period // 2))
    return np.outer(multiple, multiple) & ~np.outer(shorter, shorter)
