"""A stationary Gaussian random field: a texture without any phase structure, on which random phase must tie."""

import numpy as np

from inng_bench.textures.noise import Field, Size, band_noise

MEAN = np.array([128.0, 124.0, 116.0])
"""Mean colour."""

COLOURS = np.array([[24.0, 4.0, -20.0], [-5.0, 10.0, 8.0], [17.0, 19.0, 16.0]])
"""Colour in which each of three independent scalar fields of unit variance is added.

The largest standard deviation of a channel is 30 levels, so that clipping to 0..255 touches under 0.1 % of the pixels.
"""

BANDS = ((14.0, 80.0, 3.2), (10.0, 64.0, 3.0), (5.0, 48.0, 2.6))
"""Shortest and longest wavelength in pixels and the exponent of the power spectrum of each scalar field."""


def paint_field(size: Size, generator: np.random.Generator) -> Field:
    """Paint a field of the mean :data:`MEAN` and the colour covariance ``COLOURS.T @ COLOURS``."""
    scalars = [band_noise(size, *band, generator) for band in BANDS]
    return np.asarray(MEAN + np.stack(scalars, axis=-1) @ COLOURS)
