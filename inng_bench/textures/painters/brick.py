"""A red-brick wall in running bond."""

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

BRICK = (19.5, 47.0)
"""Height and width in pixels of a brick with its share of the joints."""

JOINT = 3.4
"""Mean width in pixels of a joint."""

LAMP = (-0.62, -0.50, 0.62)
"""From the upper left, at a low angle: joints lie half in shadow."""

# Orange, red, wine, salmon, scorched: each with its share of the bricks.
CLAYS = np.array(
    [[172, 104, 78], [154, 84, 66], [126, 70, 60], [188, 134, 108], [96, 68, 62]],
    dtype=np.float64,
)
SHARES = np.array([0.30, 0.32, 0.18, 0.10, 0.10])
SCORCHED = np.array([70.0, 50.0, 50.0])
MORTAR = np.array([176.0, 166.0, 150.0])
LIME = np.array([214.0, 202.0, 188.0])
SOOT = np.array([58.0, 52.0, 46.0])


@dataclass(frozen=True)
class _Bond:
    """Which brick each pixel belongs to, how far inside it lies and where; all (H, W), pixels are the unit."""

    brick: Index
    count: int
    depth: Field
    row: Field
    column: Field


def paint_brick(size: Size, generator: np.random.Generator) -> Field:
    """Paint hand-made bricks with rough edges, lit from the upper left, in sandy mortar that lies back a little."""
    grain = smooth_noise(size, (0.6, 0.6), generator)
    sand = smooth_noise(size, (1.1, 1.1), generator)
    patches = band_noise(size, 4.0, 40.0, 2.4, generator)
    bond = _lay(size, generator)
    pits = smoothstep(1.75, 2.6, smooth_noise(size, (1.0, 1.3), generator) + 0.35 * patches)

    face = smoothstep(-0.6, 1.8, bond.depth)
    lumps = band_noise(size, 2.5, 30.0, 3.0, generator)
    tilt = generator.normal(0.0, 0.02, (bond.count, 2))[bond.brick]
    relief = 0.30 * lumps + 0.16 * grain - 1.1 * pits + tilt[..., 0] * bond.row + 0.5 * tilt[..., 1] * bond.column
    bed = 0.35 * sand + 0.12 * grain + 0.3 * lumps
    height = bed + (2.6 + relief - bed) * face

    clay = _clay(bond, patches, generator)
    clay = clay * (1.0 + 0.085 * grain + 0.05 * sand + 0.09 * patches - 0.30 * pits)[..., None]
    clay = _speckled(clay, generator)
    mortar = MORTAR * (1.0 + 0.09 * sand + 0.07 * grain + 0.06 * patches)[..., None]
    wall = _weathered(blend(mortar, clay, smoothstep(0.0, 1.0, bond.depth)), face, generator)

    light = brightness(ndimage.gaussian_filter(height, 0.5), LAMP)
    shade = cast_shadow(height, LAMP, reach=4, softness=0.9)
    ambient = 1.0 - 0.20 * np.clip(hollow(height, 2.5), -0.6, 1.6)
    return np.asarray(wall * (ambient * (0.45 + 0.80 * light * (1.0 - 0.75 * shade)))[..., None])


def _lay(size: Size, generator: np.random.Generator) -> _Bond:
    """Lay courses of bricks, every other one shifted by half a brick, none quite level or of the nominal size."""
    rows, columns = coordinates(size)
    rows = rows + generator.uniform(0.0, 2.0 * BRICK[0]) + 0.8 * smooth_noise(size, (14.0, 40.0), generator)
    columns = columns + 0.8 * smooth_noise(size, (12.0, 30.0), generator)
    course = np.floor(rows / BRICK[0]).astype(np.intp)
    course -= course.min()
    courses = int(course.max()) + 1
    start = 0.5 * (np.arange(courses) % 2) + generator.normal(0.0, 0.05, courses) + generator.uniform()
    place = columns / BRICK[1] + start[course]
    in_course = np.floor(place).astype(np.intp)
    in_course -= in_course.min()
    per_course = int(in_course.max()) + 1
    brick = course * per_course + in_course
    count = courses * per_course

    row = (rows / BRICK[0] - np.floor(rows / BRICK[0]) - 0.5) * BRICK[0] + generator.normal(0.0, 0.45, count)[brick]
    column = (place - np.floor(place) - 0.5) * BRICK[1] + generator.normal(0.0, 0.8, count)[brick]
    turn = np.clip(generator.normal(0.0, 0.012, count), -0.03, 0.03)[brick]
    row, column = row + turn * column, column - turn * row
    half = (BRICK[0] - JOINT) / 2.0 + generator.normal(0.0, 0.35, count)[brick]
    half_length = (BRICK[1] - JOINT) / 2.0 + generator.normal(0.0, 0.8, count)[brick]
    depth = _inside(half - np.abs(row), half_length - np.abs(column), radius=1.8)
    return _Bond(brick, count, depth + _rough(size, generator), row, column)


def _inside(across: Field, along: Field, radius: float) -> Field:
    """Return how far inside a rectangle with rounded corners a place lies, from its distances to the two sides."""
    outside = np.hypot(np.minimum(across - radius, 0.0), np.minimum(along - radius, 0.0))
    return np.asarray(radius - outside + np.clip(np.minimum(across, along) - radius, 0.0, None))


def _rough(size: Size, generator: np.random.Generator) -> Field:
    """Make edges uneven and break chips out of some of them."""
    chips = smoothstep(1.3, 2.4, smooth_noise(size, (2.2, 2.6), generator))
    return np.asarray(0.42 * band_noise(size, 2.5, 20.0, 2.6, generator) - 2.8 * chips)


def _clay(bond: _Bond, patches: Field, generator: np.random.Generator) -> Field:
    """Give each brick a clay of its own, and burn some of them darker towards one end."""
    count = bond.count
    colours = CLAYS[generator.choice(len(CLAYS), size=count, p=SHARES)]
    colours = colours * generator.normal(1.0, 0.08, (count, 1)) + generator.normal(0.0, 2.5, (count, 3))
    end = generator.choice([-1.0, 1.0], count) * np.clip(generator.normal(0.2, 0.45, count), 0.0, 1.0)
    burnt = np.clip(end[bond.brick] * (bond.column / (0.5 * BRICK[1])) + 0.22 * patches - 0.1, 0.0, 0.8)
    return blend(colours[bond.brick], SCORCHED, burnt * np.abs(end[bond.brick]))


def _speckled(clay: Field, generator: np.random.Generator) -> Field:
    size = (clay.shape[0], clay.shape[1])
    specks = smooth_noise(size, (0.75, 0.75), generator)
    clay = blend(clay, SCORCHED, 0.7 * smoothstep(1.9, 2.7, specks))
    return blend(clay, LIME, 0.5 * smoothstep(2.2, 2.9, -specks))


def _weathered(wall: Field, face: Field, generator: np.random.Generator) -> Field:
    """Lay soot and washed-out lime over the wall, in clouds of up to 80 px that have ragged edges."""
    size = (wall.shape[0], wall.shape[1])
    clouds = band_noise(size, 3.0, 80.0, 2.8, generator)
    streaks = smooth_noise(size, (16.0, 1.6), generator)
    wall = blend(wall, SOOT, 0.62 * smoothstep(0.0, 2.2, clouds + 0.3 * streaks) * (1.0 - 0.3 * face))
    bloom = band_noise(size, 2.5, 64.0, 1.9, generator)
    return blend(wall, LIME, 0.42 * smoothstep(0.5, 2.4, bloom))
