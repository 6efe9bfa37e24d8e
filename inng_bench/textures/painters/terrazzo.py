"""Polished chips of stone in cement."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from inng_bench.textures.noise import (
    Field,
    Index,
    Size,
    band_noise,
    blend,
    coordinates,
    jittered_points,
    smooth_noise,
    smoothstep,
)

CORNERS = 6
"""Sides of a chip's outline at most; some of them lie outside the others and do not show."""


@dataclass(frozen=True)
class _Sieve:
    """Chips of one sieve: spacing of their centres, least and largest radius in pixels, and the share that is laid."""

    spacing: float
    radii: tuple[float, float]
    share: float


SIEVES = (
    _Sieve(36.0, (11.0, 21.0), 0.9),
    _Sieve(17.0, (5.0, 10.0), 1.0),
    _Sieve(8.5, (2.4, 5.0), 1.0),
    _Sieve(4.2, (0.9, 2.2), 0.8),
)
"""From coarse to fine; finer chips fill the room that coarser ones leave."""

# Chalk, cream, pale grey, slate, black, Verona red, ochre, serpentine: each with its share of the chips.
STONES = np.array(
    [
        [214, 208, 196],
        [206, 188, 158],
        [172, 168, 160],
        [108, 108, 110],
        [52, 50, 52],
        [156, 84, 66],
        [182, 140, 90],
        [94, 114, 96],
    ],
    dtype=np.float64,
)
SHARES = np.array([0.19, 0.17, 0.13, 0.10, 0.10, 0.14, 0.10, 0.07])
CEMENT = np.array([188.0, 178.0, 162.0])
SEAM = np.array([120.0, 108.0, 94.0])


def paint_terrazzo(size: Size, generator: np.random.Generator) -> Field:
    """Paint a ground floor of angular chips, the coarse ones first and finer ones between them."""
    grain = smooth_noise(size, (0.55, 0.55), generator)
    clouds = band_noise(size, 6.0, 70.0, 2.2, generator)
    floor = _cement(size, grain, clouds, generator)
    depth = np.full(size, -np.inf)
    for sieve in SIEVES:
        floor, depth = _strew(floor, depth, sieve, generator)
    gloss = 1.0 + 0.035 * smooth_noise(size, (26.0, 20.0), generator) + 0.012 * grain
    return np.asarray(ndimage.gaussian_filter(floor, (0.36, 0.36, 0.0)) * gloss[..., None])


def _cement(size: Size, grain: Field, clouds: Field, generator: np.random.Generator) -> Field:
    """Cement with grains of sand, darker and lighter ones."""
    sand = smooth_noise(size, (0.8, 0.8), generator)
    ground = CEMENT * (1.0 + 0.05 * grain + 0.045 * clouds + 0.04 * sand)[..., None]
    ground = blend(ground, STONES[3], 0.6 * smoothstep(1.5, 2.3, sand))
    return blend(ground, STONES[0], 0.7 * smoothstep(1.5, 2.3, -sand))


def _strew(floor: Field, taken: Field, sieve: _Sieve, generator: np.random.Generator) -> tuple[Field, Field]:
    """Lay the chips of one sieve where there is room; return the floor and how deep inside a chip each pixel lies."""
    size = (floor.shape[0], floor.shape[1])
    centres, radii = _room(size, taken, sieve, generator)
    rows, columns = coordinates(size)
    wobble = min(0.7, 0.10 * sieve.radii[1])
    rows = rows + wobble * smooth_noise(size, (2.5, 2.5), generator)
    columns = columns + wobble * smooth_noise(size, (2.5, 2.5), generator)
    _, chip = cKDTree(centres).query(np.stack([rows, columns], axis=-1), workers=1)
    depth = _outlines(rows, columns, centres, radii, chip, generator)

    stone = _stone(size, chip, len(centres), generator)
    stone = blend(stone, SEAM, 0.35 * smoothstep(1.3, 0.2, depth))
    return blend(floor, stone, smoothstep(-0.5, 0.5, depth)), np.maximum(taken, depth)


def _room(size: Size, taken: Field, sieve: _Sieve, generator: np.random.Generator) -> tuple[Field, Field]:
    """Draw the centres and the radii of chips and drop those that would lie on a coarser one."""
    centres = jittered_points(size, sieve.spacing, generator)
    radii = sieve.radii[0] * (sieve.radii[1] / sieve.radii[0]) ** generator.uniform(size=len(centres))
    pixel = np.clip(np.rint(centres).astype(np.intp), 0, np.array(size) - 1)
    free = taken[pixel[:, 0], pixel[:, 1]] < -0.8 * radii
    kept = free & (generator.uniform(size=len(centres)) < sieve.share)
    return centres[kept], radii[kept]


def _outlines(
    rows: Field, columns: Field, centres: Field, radii: Field, chip: Index, generator: np.random.Generator
) -> Field:
    """Return how far inside its chip a pixel lies: the least distance to one of the chip's straight sides."""
    count = len(centres)
    down, right = rows - centres[chip, 0], columns - centres[chip, 1]
    depth = np.full(rows.shape, np.inf)
    turn = generator.uniform(0.0, 2.0 * np.pi, count)
    for side in range(CORNERS):
        angle = turn + 2.0 * np.pi * (side + generator.uniform(-0.4, 0.4, count)) / CORNERS
        apart = radii * generator.uniform(0.45, 1.0, count)
        across = down * np.sin(angle)[chip] + right * np.cos(angle)[chip]
        depth = np.minimum(depth, apart[chip] - across)
    return depth


def _stone(size: Size, chip: Index, count: int, generator: np.random.Generator) -> Field:
    """Return the colour of each pixel's chip, mottled and veined a little, every chip in its own way."""
    colours = STONES[generator.choice(len(STONES), size=count, p=SHARES)]
    colours = colours * generator.normal(1.0, 0.06, (count, 1)) + generator.normal(0.0, 3.0, (count, 3))
    mottle = band_noise(size, 2.2, 16.0, 1.8, generator)
    strength = generator.uniform(0.02, 0.09, count)
    veins = smoothstep(0.16, 0.0, np.abs(band_noise(size, 5.0, 20.0, 2.0, generator)))
    veined = np.clip(generator.normal(-0.05, 0.25, count), -0.4, 0.35)
    return np.asarray(colours[chip] * (1.0 + strength[chip] * mottle + veined[chip] * veins)[..., None])
