"""Rounded stones in dark grit."""

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from inng_bench.textures.noise import (
    Field,
    Index,
    Size,
    blend,
    brightness,
    coordinates,
    scattered_points,
    smooth_noise,
    smoothstep,
)

SPACING = 38.0
"""Least distance in pixels between two stones' centres; stones are 35 to 60 px wide."""

GAP = 2.6
"""Half the width in pixels of the gap between two stones."""

RIM = 11.0
"""Width in pixels over which a stone rises from the gap to its flat top."""

LAMP = (-0.55, -0.60, 0.85)
GRIT = np.array([46.0, 38.0, 32.0])

# Sand, two greys, ochre, brick red, slate, chalk: each with its share of the stones.
STONES = np.array(
    [
        [196, 182, 160],
        [158, 150, 142],
        [124, 118, 116],
        [186, 142, 106],
        [150, 98, 76],
        [108, 118, 126],
        [216, 206, 190],
    ],
    dtype=np.float64,
)
SHARES = np.array([0.22, 0.20, 0.14, 0.16, 0.09, 0.12, 0.07])


def paint_pebbles(size: Size, generator: np.random.Generator) -> Field:
    """Paint the cells of a Voronoi tessellation as stones that are lit from the upper left."""
    centres = scattered_points(size, SPACING, generator)
    nearest, edge = _rounded_cells(size, centres, generator)
    depth = np.clip((edge - GAP) / RIM, 0.0, 1.0)
    grain = smooth_noise(size, (0.7, 0.7), generator)
    mottle = smooth_noise(size, (3.5, 3.5), generator)

    dome = np.sqrt(1.0 - (1.0 - depth) ** 2)
    light = brightness(ndimage.gaussian_filter(9.0 * dome, 1.2) + 0.12 * mottle + 0.06 * grain, LAMP)
    veins = _stripes(size, nearest, len(centres), generator)
    surface = 1.0 + 0.05 * mottle + 0.045 * grain + 0.05 * veins
    shadow = 0.45 + 0.55 * smoothstep(0.0, 0.55, depth)
    stones = _colours(len(centres), generator)[nearest] * (surface * shadow * (0.30 + 0.78 * light))[..., None]

    grit = GRIT * (1.0 + 0.30 * grain + 0.20 * mottle)[..., None]
    return blend(grit, stones, smoothstep(GAP - 0.8, GAP + 0.8, edge))


def _rounded_cells(size: Size, centres: Field, generator: np.random.Generator) -> tuple[Index, Field]:
    """Return the cell of each pixel and its distance in pixels to the cell's border, with corners rounded off.

    The distances to the five nearest bisectors are joined by a smooth minimum, which is what rounds the corners.
    """
    softness = 3.0
    rows, columns = coordinates(size)
    rows = rows + 2.0 * smooth_noise(size, (9.0, 9.0), generator)
    columns = columns + 2.0 * smooth_noise(size, (9.0, 9.0), generator)
    distance, index = cKDTree(centres).query(np.stack([rows, columns], axis=-1), k=6)
    own = centres[index[..., :1]]
    apart = np.linalg.norm(centres[index[..., 1:]] - own, axis=-1)
    to_bisectors = (distance[..., 1:] ** 2 - distance[..., :1] ** 2) / (2.0 * apart)
    edge = -softness * np.log(np.sum(np.exp(-to_bisectors / softness), axis=-1))
    return index[..., 0], edge


def _colours(count: int, generator: np.random.Generator) -> Field:
    chosen = STONES[generator.choice(len(STONES), size=count, p=SHARES)]
    return np.asarray(chosen * generator.normal(1.0, 0.07, (count, 1)) + generator.normal(0.0, 5.0, (count, 3)))


def _stripes(size: Size, nearest: Index, count: int, generator: np.random.Generator) -> Field:
    """Draw stripes of a direction, a period and a strength of their own in each stone, in [-1, 1]."""
    angle = generator.uniform(0.0, np.pi, count)
    period = generator.uniform(6.0, 16.0, count)
    strength = np.clip(generator.normal(0.3, 0.5, count), 0.0, 1.0)
    rows, columns = coordinates(size)
    across = rows * np.sin(angle)[nearest] + columns * np.cos(angle)[nearest]
    across = across + 2.0 * smooth_noise(size, (6.0, 6.0), generator)
    return np.asarray(strength[nearest] * np.sin(2.0 * np.pi * across / period[nearest]))
