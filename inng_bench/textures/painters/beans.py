"""Coffee beans on linen."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inng_bench.textures.drawing import Things, cast_shadow, hollow
from inng_bench.textures.noise import Field, Index, Size, blend, brightness, coordinates, smooth_noise, smoothstep

LENGTH, WIDTH = 43.0, 31.0
"""Mean length and width in pixels of a bean."""

OVERLAP = 0.8
"""How far in pixels two beans may overlap."""

DARTS = 0.0085
"""How many times a square pixel it is tried to lay down a bean."""

THREAD = 3.6
"""Width in pixels of a thread of the linen."""

LAMP = (-0.62, -0.50, 0.80)
LOW_LAMP = (-0.62, -0.50, 0.52)
"""Lamp of the shadows: longer than those of a small source as high as :data:`LAMP`."""

LINEN = np.array([203.0, 190.0, 168.0])

# From medium to dark roast: each bean lies somewhere between the two.
MEDIUM = np.array([142.0, 86.0, 46.0])
DARK = np.array([58.0, 35.0, 24.0])
SKIN = np.array([190.0, 146.0, 98.0])
"""Colour of the silvery skin in the crease."""

GLEAM = np.array([104.0, 101.0, 98.0])


def paint_beans(size: Size, generator: np.random.Generator) -> Field:
    """Scatter beans with a crease each over a plain cloth; a window lights them from the upper left."""
    beans = _scattered(size, generator)
    owner = beans.owners(size, _inside)
    along, across = beans.local(*coordinates(size), owner)
    radius = np.where(owner >= 0, _radius(along, across), 1.2)
    covered = smoothstep(1.03, 0.97, radius)
    dome = np.sqrt(np.clip(1.0 - radius**2.4, 0.0, None))
    shadow = ndimage.gaussian_filter(cast_shadow(13.0 * dome, LOW_LAMP, 20, 4.0), 1.6)
    nook = np.clip(1.0 - hollow(9.0 * dome, 4.0) / 9.0, 0.35, 1.0)
    cloth = _linen(size, generator) * ((1.0 - 0.55 * shadow) * nook)[..., None]
    roasted = _roasted(owner, along, across, dome, 1.0 - 0.45 * shadow, generator)
    return blend(cloth, roasted * np.minimum(nook, 1.0)[..., None], covered)


def _radius(along: Field, across: Field) -> Field:
    """Return the distance from a bean's middle, 1 at its outline, which is a little fuller than an ellipse."""
    return np.asarray((np.abs(along) ** 2.2 + np.abs(across) ** 2.2) ** (1.0 / 2.2))


def _inside(along: Field, across: Field, _: int) -> NDArray[np.bool_]:
    """Reach a pixel beyond the outline, where the bean and what lies below share a pixel."""
    return np.asarray(_radius(along, across) < 1.06)


def _scattered(size: Size, generator: np.random.Generator) -> Things:
    """Throw beans one by one; one that would lie on another is taken back.

    For this a bean is two discs, one at each end.
    """
    area = (size[0] + 2.0 * LENGTH, size[1] + 2.0 * LENGTH)
    tries = int(DARTS * area[0] * area[1])
    centres = generator.uniform(-LENGTH, (size[0] + LENGTH, size[1] + LENGTH), (tries, 2))
    angles = generator.uniform(0.0, 2.0 * np.pi, tries)
    half_sizes = 0.5 * np.array([LENGTH, WIDTH]) * np.clip(generator.normal(1.0, 0.07, (tries, 2)), 0.82, 1.18)
    axes = np.stack([np.sin(angles), np.cos(angles)], axis=-1) * (half_sizes[:, :1] - half_sizes[:, 1:])
    discs = np.stack([centres + axes, centres - axes], axis=1)
    kept: list[int] = []
    for number in range(tries):
        apart = np.linalg.norm(discs[kept][:, :, None] - discs[number][None, None], axis=-1)
        touching = half_sizes[kept, 1][:, None, None] + half_sizes[number, 1] - OVERLAP
        if not np.any(apart < touching):
            kept.append(number)
    return Things(centres[kept], angles[kept], half_sizes[kept])


def _roasted(
    owner: Index, along: Field, across: Field, dome: Field, light_left: Field, generator: np.random.Generator
) -> Field:
    """Paint the beans: each of its own roast, wrinkled, with a bent crease that keeps some skin."""
    size = (owner.shape[0], owner.shape[1])
    count = int(owner.max()) + 1
    wrinkle, grain = smooth_noise(size, (1.6, 1.6), generator), smooth_noise(size, (0.6, 0.6), generator)
    mottle = smooth_noise(size, (5.0, 5.0), generator)
    bend = generator.uniform(-0.18, 0.18, count)[owner] * np.sin(
        2.8 * along + generator.uniform(-0.5, 0.5, count)[owner]
    )
    off = (across - bend - generator.normal(0.0, 0.07, count)[owner]) * (0.5 * WIDTH)
    ends = smoothstep(0.97, 0.80, np.abs(along))
    width = generator.uniform(0.65, 1.15, count)[owner] + 0.22 * mottle
    crease = np.exp(-0.5 * (off / np.maximum(width, 0.4)) ** 2) * ends
    valley = np.exp(-0.5 * (off / 3.4) ** 2) * ends
    height = ndimage.gaussian_filter(9.0 * dome - 1.5 * valley - 1.6 * crease, 0.5) + 0.13 * wrinkle + 0.2 * mottle

    roast = np.clip(generator.normal(0.55, 0.24, (count, 1)), 0.0, 1.0)
    colours = (MEDIUM + (DARK - MEDIUM) * roast) * generator.normal(1.0, 0.06, (count, 1))
    surface = colours[owner] * (1.0 + 0.07 * wrinkle + 0.06 * grain + 0.07 * mottle)[..., None]
    skin = generator.uniform(0.1, 0.9, count)[owner] * smoothstep(0.45, 0.95, crease) * smoothstep(-1.4, 0.8, wrinkle)
    surface = blend(surface * (1.0 - 0.45 * valley)[..., None], SKIN, skin)

    light = brightness(height, LAMP)
    towards_both = np.array(LAMP) / np.linalg.norm(LAMP) + np.array([0.0, 0.0, 1.0])
    mirror = brightness(height, (float(towards_both[0]), float(towards_both[1]), float(towards_both[2])))
    oil = generator.uniform(0.35, 1.0, count)[owner] * (1.0 + 0.25 * grain)
    gleam = oil * (0.85 * mirror**34 + 0.32 * mirror**8) * light_left
    return np.asarray(surface * ((0.24 + 0.92 * light) * light_left)[..., None] + GLEAM * gleam[..., None])


def _linen(size: Size, generator: np.random.Generator) -> Field:
    """Paint fine plain linen of uneven threads."""
    rows, columns = coordinates(size)
    weft = (rows + 0.8 * smooth_noise(size, (5.0, 14.0), generator)) / THREAD
    warp = (columns + 0.8 * smooth_noise(size, (14.0, 5.0), generator)) / THREAD
    weave = np.cos(2.0 * np.pi * weft) * np.cos(2.0 * np.pi * warp)
    slubs = smooth_noise(size, (0.9, 13.0), generator) + smooth_noise(size, (13.0, 0.9), generator)
    folds = smooth_noise(size, (24.0, 24.0), generator)
    grain = smooth_noise(size, (0.6, 0.6), generator)
    tone = 1.0 + 0.04 * weave + 0.026 * slubs + 0.024 * folds + 0.03 * grain
    yellowing = np.array([0.0, -0.4, -1.6]) * slubs[..., None]
    return np.asarray(LINEN * tone[..., None] + yellowing)
