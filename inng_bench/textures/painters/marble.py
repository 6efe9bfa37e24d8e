"""Veined marble."""

import numpy as np
from scipy import ndimage

from inng_bench.textures.drawing import nearest_cells
from inng_bench.textures.noise import Field, Size, band_noise, blend, coordinates, smooth_noise, smoothstep

CRYSTAL = 3.2
"""Side in pixels of a crystal of calcite."""

GROUND = np.array([216.0, 202.0, 180.0])
CLOUD = np.array([164.0, 160.0, 158.0])
WARM = np.array([198.0, 160.0, 112.0])
OCHRE = np.array([150.0, 98.0, 50.0])
DARK = np.array([66.0, 58.0, 54.0])
CALCITE = np.array([238.0, 230.0, 218.0])


def paint_marble(size: Size, generator: np.random.Generator) -> Field:
    """Paint a polished slab: clouds, ochre and dark veins of several widths along one direction, crystals."""
    warp = _Warp(size, generator)
    clouds = warp.through(band_noise(size, 8.0, 80.0, 2.6, generator))
    warmth = warp.through(band_noise(size, 6.0, 70.0, 2.4, generator))
    slab = blend(GROUND, CLOUD, smoothstep(-0.4, 2.0, clouds))
    slab = blend(slab, WARM, 0.75 * smoothstep(0.0, 2.2, warmth))
    return slab
