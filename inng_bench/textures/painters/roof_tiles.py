"""A roof of scalloped clay tiles."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from inng_bench.textures.drawing import cast_shadow, hollow
from inng_bench.textures.noise import (
    Field,
    Index,
    Size,
    band_noise,
    blend,
    brightness,
    coordinates,
    smooth_noise,
    smoothstep,
)

PITCH = 23.0
"""Rows of the picture from one row of tiles to the next."""

WIDTH = 31.0
"""Width in pixels of a tile with its gap."""

ROUNDING = 8.5
"""By how many pixels the middle of a tile's lower edge lies below its corners."""

STEP = 4.2
"""Height in pixels of a tile's lower edge above the tile that it covers."""

LAMP = (-0.66, -0.42, 0.62)

# Terracotta, brick red, brown, scorched, sand, weathered grey: each with its share of the tiles.
CLAYS = np.array(
    [[172, 114, 86], [156, 94, 76], [136, 94, 76], [100, 76, 68], [192, 148, 114], [142, 124, 110]],
    dtype=np.float64,
)
SHARES = np.array([0.30, 0.22, 0.18, 0.10, 0.10, 0.10])
GRIME = np.array([52.0, 46.0, 42.0])
LICHEN = np.array([186.0, 182.0, 156.0])
MOSS = np.array([104.0, 104.0, 56.0])


@dataclass(frozen=True)
class _Layer:
    """One of the rows of tiles that lie over each other at a pixel; all (H, W), pixels are the unit.

    Attributes
    ----------
    tile : numpy.ndarray
        The tile's number.
    up : numpy.ndarray
        How far the pixel lies above the tile's lower edge, negative below it.
    across : numpy.ndarray
        Where it lies between the tile's sides, from -0.5 to 0.5.
    edge : numpy.ndarray
        How far it lies inside the tile's outline.
    """

    tile: Index
    up: Field
    across: Field
    edge: Field


def paint_roof_tiles(size: Size, generator: np.random.Generator) -> Field:
    """Paint rows of overlapping tiles with round lower ends, lit from the upper left, with grime, lichen and moss."""
    grain = smooth_noise(size, (0.6, 0.6), generator)
    patches = band_noise(size, 3.0, 50.0, 2.4, generator)
    height, clay = _roof(size, generator)

    sunk = np.clip(hollow(height, 3.0) / STEP, -0.5, 1.0)
    streaks = smooth_noise(size, (9.0, 0.9), generator)
    roof = clay * (1.0 + 0.07 * grain + 0.07 * patches + 0.05 * streaks)[..., None]
    roof = _weathered(roof, sunk, generator)
    cushions = _moss(size, sunk, generator)
    green = MOSS * (1.0 + 0.22 * smooth_noise(size, (0.8, 0.8), generator) + 0.15 * patches)[..., None]
    roof = blend(roof, green, 0.9 * smoothstep(0.1, 0.5, cushions))

    pits = smoothstep(1.9, 2.8, smooth_noise(size, (0.9, 0.9), generator))
    height = height + 0.16 * grain + 0.22 * patches - 0.8 * pits + 1.3 * cushions
    light = brightness(ndimage.gaussian_filter(height, 0.45), LAMP)
    shade = cast_shadow(height, LAMP, reach=7, softness=1.2)
    ambient = 1.0 - 0.45 * np.clip(sunk, 0.0, 1.0)
    return np.asarray(roof * (ambient * (0.42 + 0.90 * light * (1.0 - 0.68 * shade)))[..., None])


def _roof(size: Size, generator: np.random.Generator) -> tuple[Field, Field]:
    """Lay the rows of tiles over each other, the lower rows first; return their height and their colour."""
    rows, columns = coordinates(size)
    rows = rows + generator.uniform(0.0, 2.0 * PITCH) + 0.8 * smooth_noise(size, (20.0, 40.0), generator)
    columns = columns + 0.5 * smooth_noise(size, (30.0, 20.0), generator)
    highest = np.floor((rows - ROUNDING - 4.0) / PITCH).astype(np.intp)
    tiles = _Tiles.drawn(size, generator)
    rough = 0.5 * band_noise(size, 3.0, 20.0, 2.6, generator)
    height, clay = np.zeros(size), np.zeros((*size, 3))
    for below in (3, 2, 1, 0):
        layer = tiles.layer(rows, columns, highest + below, rough)
        cover = smoothstep(-0.5, 0.6, layer.edge)
        bowed = 2.3 * (1.0 - (2.0 * layer.across) ** 2) - 0.9 * np.exp(-np.clip(layer.edge, 0.0, None) / 0.9)
        top = STEP * (1.0 - layer.up / PITCH) + bowed + tiles.lift[layer.tile]
        height = height + (top - height) * cover
        clay = blend(clay, tiles.colour(layer), cover)
    return height, clay


@dataclass(frozen=True)
class _Tiles:
    """What is drawn once for each tile: its place, its turn, how far it stands up, and its colour."""

    per_row: int
    start: Field
    down: Field
    turn: Field
    lift: Field
    clay: Field
    tail: Field

    @classmethod
    def drawn(cls, size: Size, generator: np.random.Generator) -> "_Tiles":
        row_count, per_row = int(size[0] / PITCH) + 8, int(size[1] / WIDTH) + 6
        count = row_count * per_row
        start = 0.5 * (np.arange(row_count) % 2) + generator.uniform() + generator.normal(0.0, 0.03, row_count)
        clay = CLAYS[generator.choice(len(CLAYS), size=count, p=SHARES)]
        clay = clay * generator.normal(1.0, 0.09, (count, 1)) + generator.normal(0.0, 2.5, (count, 3))
        return cls(
            per_row=per_row,
            start=start + 2.0,
            down=generator.normal(0.0, 0.7, count),
            turn=np.clip(generator.normal(0.0, 0.8, count), -2.0, 2.0),
            lift=generator.normal(0.0, 0.35, count),
            clay=clay,
            tail=np.clip(generator.normal(0.12, 0.22, count), -0.2, 0.5),
        )

    def layer(self, rows: Field, columns: Field, row: Index, rough: Field) -> _Layer:
        place = columns / WIDTH + self.start[row + 2]
        number = np.floor(place).astype(np.intp)
        across = place - number - 0.5
        tile = (row + 2) * self.per_row + number
        rounding = ROUNDING * np.sqrt(np.clip(1.0 - (1.95 * across) ** 2, 0.0, None))
        lower_edge = row * PITCH + rounding + self.down[tile] + self.turn[tile] * across
        up = lower_edge - rows
        side = (0.5 - np.abs(across)) * WIDTH - 0.7
        return _Layer(tile, up, across, np.minimum(side + 0.4 * rough, 0.85 * up + rough))

    def colour(self, layer: _Layer) -> Field:
        """Return the tile's clay, which the weather has darkened or bleached towards the lower edge."""
        exposed = 1.0 - self.tail[layer.tile] * smoothstep(PITCH, 0.0, layer.up)
        return np.asarray(self.clay[layer.tile] * exposed[..., None])


def _weathered(roof: Field, sunk: Field, generator: np.random.Generator) -> Field:
    """Lay grime where water stands and runs, and pale lichen in round spots of two sizes."""
    size = (roof.shape[0], roof.shape[1])
    grime = band_noise(size, 2.5, 80.0, 2.2, generator) + 0.5 * smooth_noise(size, (12.0, 1.5), generator)
    roof = blend(roof, GRIME, 0.66 * smoothstep(-0.2, 2.4, grime + 1.1 * sunk))
    for radius, share in ((2.4, 0.45), (1.1, 0.6)):
        spots = smoothstep(1.7, 2.2, smooth_noise(size, (radius, radius), generator))
        roof = blend(roof, LICHEN, share * spots)
    return roof


def _moss(size: Size, sunk: Field, generator: np.random.Generator) -> Field:
    """Return the thickness in [0, 1] of moss, which likes joints and comes in patches."""
    patches = band_noise(size, 8.0, 70.0, 2.4, generator)
    cushions = band_noise(size, 3.0, 14.0, 2.4, generator)
    return smoothstep(1.3, 2.5, 1.0 * patches + 0.5 * cushions + 1.3 * sunk)
