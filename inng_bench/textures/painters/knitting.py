"""Stocking stitch in wool."""

from typing import Any

import numpy as np
from scipy import ndimage

from inng_bench.textures.drawing import cast_shadow, hollow
from inng_bench.textures.noise import (
    Field,
    Index,
    Size,
    blend,
    brightness,
    coordinates,
    oriented_noise,
    smooth_noise,
    smoothstep,
)

WALE, COURSE = 16.0, 12.0
"""Width and height in pixels of a stitch."""

LEAN = 0.50
"""Columns per row by which the two legs of a stitch lean outwards."""

YARN = 3.9
"""Half the yarn's width in pixels."""

LEG = 8.6
"""Half the length in rows of the part of a leg that lies in front."""

TWIST = 5.4
"""Length in pixels along the yarn after which its plies look the same."""

LAMP = (-0.55, -0.45, 0.80)

BLUE = np.array([80.0, 112.0, 132.0])
OCHRE = np.array([196.0, 152.0, 84.0])
CREAM = np.array([222.0, 212.0, 190.0])


def paint_knitting(size: Size, generator: np.random.Generator) -> Field:
    """Paint V-shaped stitches of a heather yarn of two plies, uneven and fuzzy."""
    rows, columns = coordinates(size)
    rows = rows + 1.5 * smooth_noise(size, (14.0, 20.0), generator) + 0.5 * smooth_noise(size, (4.0, 4.0), generator)
    columns = (
        columns + 1.7 * smooth_noise(size, (20.0, 13.0), generator) + 0.5 * smooth_noise(size, (4.0, 4.0), generator)
    )
    wale = np.floor(columns / WALE)
    from_axis = columns - (wale + 0.5) * WALE
    side = np.where(from_axis < 0.0, -1.0, 1.0)
    height, along, across, course = _topmost(rows, np.abs(from_axis), wale, generator)

    ply = np.cos(2.0 * np.pi * (along / TWIST + 0.42 * side * across / YARN))
    slant = float(np.arctan2(1.0, LEAN))
    left = [oriented_noise(size, *blur, slant, generator) for blur in ((4.5, 0.55), (6.0, 0.7), (7.0, 0.6))]
    right = [oriented_noise(size, *blur, -slant, generator) for blur in ((4.5, 0.55), (6.0, 0.7), (7.0, 0.6))]
    fibre, ochre, cream = (np.where(side < 0.0, one, other) for one, other in zip(left, right, strict=True))

    relief = ndimage.gaussian_filter(7.5 * height + 0.45 * ply * height, 0.5) + 0.14 * fibre
    light = brightness(relief, LAMP)
    shadow = ndimage.gaussian_filter(cast_shadow(5.5 * height, LAMP, 5, 2.0), 0.6)
    nooks = np.clip(1.0 - 0.12 * hollow(relief, 2.5), 0.3, 1.12) * (0.45 + 0.55 * smoothstep(0.1, 0.75, height))
    nooks = nooks * (1.0 - 0.45 * smoothstep(2.6, 0.3, 0.5 * WALE - np.abs(from_axis)))
    wool = _dyed(size, course, ochre, cream, generator)
    tone = (0.40 + 0.90 * light) * (1.0 - 0.45 * shadow) * nooks * (1.0 + 0.085 * fibre + 0.05 * ply)
    return _fuzzy(wool * tone[..., None], generator)


def _topmost(
    rows: Field, from_axis: Field, wale: Field, generator: np.random.Generator
) -> tuple[Field, Field, Field, Index]:
    """Return of the leg in front: its height in [0, 1], the place along and across it in pixels, and its course."""
    first_course, first_wale = int(np.floor(rows.min() / COURSE)) - 2, int(wale.min())
    shape = int(rows.max() / COURSE) - first_course + 4, int(wale.max()) - first_wale + 1, 2
    shifts = np.clip(generator.normal(0.0, 0.5, shape), -1.2, 1.2)
    thickness = np.clip(generator.normal(1.0, 0.06, shape), 0.85, 1.15)
    leg = (wale.astype(np.intp) - first_wale) * 2
    flat = shape[1] * shape[2]
    middle = np.rint(rows / COURSE).astype(np.intp)
    length = float(np.hypot(1.0, LEAN))
    best: tuple[Any, ...] = np.zeros(rows.shape), np.zeros(rows.shape), np.zeros(rows.shape), middle
    for course in (middle - 1, middle, middle + 1):
        number = (course - first_course) * flat + leg
        down = rows - course * COURSE - shifts.ravel()[number]
        right = from_axis - 0.235 * WALE + LEAN * down
        across = right / length
        along = down * length - LEAN * across
        share = np.clip(down / LEG, -1.0, 1.0)
        half = YARN * thickness.ravel()[number] * (1.0 - 0.35 * share**2)
        height = (
            np.sqrt(np.clip(1.0 - (across / half) ** 2, 0.0, None)) * (1.0 - 0.55 * share**2) * (1.0 + 0.12 * share)
        )
        over = height > best[0]
        best = tuple(np.where(over, new, old) for new, old in zip((height, along, across, course), best, strict=True))
    return best[0], best[1], best[2], best[3].astype(np.intp)


def _dyed(size: Size, course: Index, ochre: Field, cream: Field, generator: np.random.Generator) -> Field:
    """Colour the yarn: a blue that drifts along each course, with fibres of two other colours."""
    first = int(course.min())
    drift = smooth_noise((int(course.max()) - first + 1, size[1]), (0.35, 26.0), generator)
    columns = np.broadcast_to(np.arange(size[1]), size)
    shade = drift[course - first, columns]
    blotch = smooth_noise(size, (6.0, 8.0), generator)
    wool = BLUE * (1.0 + 0.09 * shade + 0.05 * blotch)[..., None] + np.array([7.0, 2.0, -6.0]) * blotch[..., None]
    wool = blend(wool, OCHRE, 0.50 * smoothstep(0.9, 2.4, ochre + 0.35 * blotch + 0.3 * shade))
    return blend(wool, CREAM, 0.42 * smoothstep(1.1, 2.6, cream - 0.3 * shade))


def _fuzzy(wool: Field, generator: np.random.Generator) -> Field:
    """Lay stray fibres of all directions over the wool."""
    size = (wool.shape[0], wool.shape[1])
    for angle in generator.uniform(0.0, np.pi, 5):
        hair = smoothstep(2.3, 3.3, oriented_noise(size, 7.0, 0.45, float(angle), generator))
        wool = blend(wool, np.array([176.0, 186.0, 188.0]), 0.4 * hair)
    return wool * (1.0 + 0.03 * smooth_noise(size, (0.5, 0.5), generator))[..., None]
