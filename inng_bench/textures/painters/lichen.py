"""Lichen on granite."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from inng_bench.textures.drawing import cast_shadow, hollow, nearest_cells
from inng_bench.textures.noise import Field, Index, Size, blend, brightness, coordinates, smooth_noise, smoothstep

DENSITY = 1.0 / 900.0
"""Patches a square pixel."""

SMALLEST, LARGEST = 4.0, 36.0
"""Radii in pixels of the smallest and of the largest patch."""

LOBE = 4.6
"""Width in pixels of a lobe or a wart of a patch."""

MINERAL = 2.6
"""Width in pixels of a grain of the granite."""

BLUR = 0.65
"""Deviation in pixels of the blur of the lens, without which the sharp margins would fill the highest frequencies."""

GRAIN = 3.0
"""Deviation in grey levels of the camera's noise, by pixel and channel."""

LAMP = (-0.60, -0.50, 0.75)

# Feldspar, pinkish feldspar, quartz, mica: each with its share of the grains.
MINERALS = np.array([[176.0, 168.0, 158.0], [172.0, 148.0, 132.0], [140.0, 138.0, 138.0], [62.0, 60.0, 62.0]])
MINERAL_SHARES = np.array([0.36, 0.20, 0.28, 0.16])

# Grey-green, pale green, sulphur, orange, chalk: middle, margin and share of the patches.
MIDDLES = np.array(
    [[128, 138, 116], [164, 174, 138], [158, 156, 76], [188, 112, 36], [196, 194, 182]], dtype=np.float64
)
MARGINS = np.array(
    [[172, 184, 160], [196, 204, 172], [190, 190, 112], [222, 156, 58], [218, 218, 208]], dtype=np.float64
)
SHARES = np.array([0.30, 0.24, 0.14, 0.20, 0.12])


@dataclass(frozen=True)
class Patches:
    """The topmost patch at each pixel: its number, -1 for none, and how far in pixels its margin is."""

    owner: Index
    inwards: Field
    radius: Field


def paint_lichen(size: Size, generator: np.random.Generator) -> Field:
    """Paint rosettes of warts and lobes that overgrow each other on granite, lit from the upper left."""
    rows, columns = coordinates(size)
    rows = rows + 1.0 * smooth_noise(size, (3.0, 3.0), generator)
    columns = columns + 1.0 * smooth_noise(size, (3.0, 3.0), generator)
    cell, border = nearest_cells(rows, columns, LOBE, generator)
    wart = np.clip(border / (0.40 * LOBE), 0.0, 1.0)
    wart = np.sqrt(wart * (2.0 - wart))
    patches = _grown(size, wart, generator)
    grain = smooth_noise(size, (0.6, 0.6), generator)

    rim = np.clip(patches.inwards / 2.6, 0.0, 1.0)
    thick = np.sqrt(rim * (2.0 - rim)) * (patches.owner >= 0)
    stone, stone_height = _granite(size, generator)
    height = stone_height + thick * (2.2 + 1.5 * wart + 0.25 * grain)
    crust = _crust(patches, cell, wart, generator) * (1.0 + 0.06 * grain)[..., None]
    colour = blend(stone, crust, smoothstep(0.0, 0.9, patches.inwards) * (patches.owner >= 0))

    light = brightness(ndimage.gaussian_filter(height, 0.5), LAMP)
    shadow = ndimage.gaussian_filter(cast_shadow(height, LAMP, 7, 1.2), 0.6)
    nooks = np.clip(1.0 - 0.13 * hollow(height, 1.8) - 0.05 * hollow(height, 6.0), 0.35, 1.15)
    dirt = 1.0 - 0.10 * smoothstep(0.3, 2.0, smooth_noise(size, (9.0, 9.0), generator))
    lit = colour * ((0.36 + 0.84 * light) * (1.0 - 0.42 * shadow) * nooks * dirt)[..., None]
    # Highlights level off below white, so that few pixels are clipped.
    levelled = np.where(lit > 205.0, 205.0 + 48.0 * np.tanh((lit - 205.0) / 48.0), lit)
    seen = ndimage.gaussian_filter(levelled, (BLUR, BLUR, 0.0))
    return np.asarray(seen + GRAIN * generator.standard_normal(seen.shape))


def _grown(size: Size, wart: Field, generator: np.random.Generator) -> Patches:
    """Let patches grow one over the other: round, but for dents at two scales and a margin that follows the warts."""
    margin = LARGEST * 1.3
    count = int(DENSITY * (size[0] + 2.0 * margin) * (size[1] + 2.0 * margin))
    centres = generator.uniform(-margin, (size[0] + margin, size[1] + margin), (count, 2))
    radii = SMALLEST * (LARGEST / SMALLEST) ** (generator.uniform(0.0, 1.0, count) ** 1.6)
    rows, columns = coordinates(size)
    dents = 3.2 * smooth_noise(size, (7.0, 7.0), generator) + 2.6 * (wart - 0.6)
    owner, inwards = np.full(size, -1, dtype=np.intp), np.zeros(size)
    for number, (centre, radius) in enumerate(zip(centres, radii, strict=True)):
        reach = radius + 16.0
        low, high = np.maximum(centre - reach, 0.0).astype(int), np.maximum(centre + reach, 0.0).astype(int)
        part = slice(low[0], high[0]), slice(low[1], high[1])
        inside = radius - np.hypot(rows[part] - centre[0], columns[part] - centre[1]) + dents[part]
        here = inside > 0.0
        owner[part][here] = number
        inwards[part][here] = inside[here]
    return Patches(owner, inwards, radii[owner])


def _crust(patches: Patches, cell: Index, wart: Field, generator: np.random.Generator) -> Field:
    """Colour the patches: paler towards the margin, dark between the warts, with spore cups in the middle of some."""
    size = (wart.shape[0], wart.shape[1])
    count = int(patches.owner.max()) + 1
    kind = generator.choice(len(SHARES), size=count, p=SHARES)
    tint = generator.normal(1.0, 0.06, (count, 1)) + generator.normal(0.0, 0.02, (count, 3))
    mottle = smooth_noise(size, (5.0, 5.0), generator)
    age = smoothstep(2.0, 9.0, patches.inwards + 1.6 * mottle)
    colour = blend((MARGINS[kind] * tint)[patches.owner], (MIDDLES[kind] * tint)[patches.owner], age)
    wart_tone = generator.normal(1.0, 0.07, int(cell.max()) + 1)[cell]
    colour = colour * (wart_tone * (0.62 + 0.38 * smoothstep(0.1, 0.8, wart)) * (1.0 + 0.05 * mottle))[..., None]
    fertile = (generator.uniform(0.0, 1.0, int(cell.max()) + 1)[cell] < 0.22) & (patches.inwards > 6.0)
    cup = smoothstep(0.80, 0.97, wart) * fertile
    return blend(colour, np.array([92.0, 66.0, 40.0]), 0.65 * cup)


def _granite(size: Size, generator: np.random.Generator) -> tuple[Field, Field]:
    """Return the colour and the height of the bare stone."""
    rows, columns = coordinates(size)
    rows = rows + 0.9 * smooth_noise(size, (1.6, 1.6), generator)
    columns = columns + 0.9 * smooth_noise(size, (1.6, 1.6), generator)
    cell, border = nearest_cells(rows, columns, MINERAL, generator)
    count = int(cell.max()) + 1
    colours = MINERALS[generator.choice(len(MINERALS), size=count, p=MINERAL_SHARES)]
    colours = colours * generator.normal(1.0, 0.08, (count, 1))
    swell = smooth_noise(size, (12.0, 12.0), generator)
    weather = smooth_noise(size, (10.0, 10.0), generator)
    tone = 0.92 + 0.06 * weather + 0.05 * smooth_noise(size, (0.6, 0.6), generator)
    height = 2.2 * swell + 0.35 * smooth_noise(size, (1.2, 1.2), generator) + 0.4 * np.minimum(border, 0.8)
    return ndimage.gaussian_filter(colours[cell], (0.45, 0.45, 0.0)) * tone[..., None], height
