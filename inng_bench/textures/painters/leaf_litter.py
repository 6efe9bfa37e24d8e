"""Fallen leaves."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inng_bench.textures.drawing import Things, cast_shadow, hollow
from inng_bench.textures.noise import Field, Index, Size, blend, brightness, coordinates, smooth_noise, smoothstep

LENGTH, WIDTH = 62.0, 34.0
"""Mean length and width in pixels of a leaf."""

LEAVES = 0.0042
"""Leaves that fall on a square pixel; each hides what lies below it."""

LAMP = (-0.55, -0.62, 0.80)
LOW_LAMP = (-0.55, -0.62, 0.62)

SOIL = np.array([58.0, 44.0, 32.0])

# Ochre, rust, brown, wine, straw, olive: each with its share of the leaves.
COLOURS = np.array(
    [[196, 142, 58], [170, 88, 38], [122, 80, 48], [118, 44, 40], [206, 178, 112], [128, 122, 58]], dtype=np.float64
)
SHARES = np.array([0.22, 0.24, 0.26, 0.08, 0.12, 0.08])


def paint_leaf_litter(size: Size, generator: np.random.Generator) -> Field:
    """Let leaves fall on soil, each curled a little, with a midrib, side veins and the shadow that it casts."""
    leaves = _fallen(size, generator)
    count = len(leaves.centres)
    bend = generator.normal(0.0, 0.16, count)
    owner = leaves.owners(size, lambda along, across, number: _inside(along, across, bend[number]))
    along, across = leaves.local(*coordinates(size), owner)
    bent = across - bend[owner] * (1.0 - along**2)
    edge = _half_width(along) - np.abs(bent)

    height, veins = _relief(owner, along, bent, edge, leaves, generator)
    layer = np.where(owner >= 0, 7.0 + 5.0 * (owner % 3) / 3.0 + height, 0.0)
    shadow = ndimage.gaussian_filter(cast_shadow(layer, LOW_LAMP, 14, 5.0), 1.0)
    nook = np.clip(1.0 - hollow(layer, 3.0) / 14.0, 0.45, 1.0)
    grain = smooth_noise(size, (0.7, 0.7), generator)
    leaf = _coloured(owner, edge, veins, grain, count, generator)
    light = 0.30 + 0.85 * brightness(ndimage.gaussian_filter(height, 0.7) + 0.12 * grain, LAMP)
    soil = SOIL * (1.0 + 0.35 * grain + 0.25 * smooth_noise(size, (2.5, 2.5), generator))[..., None]
    picture = blend(soil, leaf * light[..., None], (owner >= 0).astype(np.float64))
    lit = picture * ((1.0 - 0.52 * shadow) * nook)[..., None]
    return np.stack([ndimage.gaussian_filter(lit[..., channel], 0.45) for channel in range(3)], axis=-1)


def _fallen(size: Size, generator: np.random.Generator) -> Things:
    area = (size[0] + 2.0 * LENGTH) * (size[1] + 2.0 * LENGTH)
    count = int(LEAVES * area)
    scale = np.clip(generator.normal(1.0, 0.22, (count, 1)), 0.5, 1.5)
    slender = np.clip(generator.normal(1.0, 0.15, count), 0.7, 1.35)
    half_sizes = 0.5 * scale * np.stack([np.full(count, LENGTH), WIDTH * slender], axis=-1)
    centres = generator.uniform(-LENGTH, (size[0] + LENGTH, size[1] + LENGTH), (count, 2))
    return Things(centres, generator.uniform(0.0, 2.0 * np.pi, count), half_sizes)


def _half_width(along: Field) -> Field:
    """Return the half width of a leaf, widest before its middle, with a pointed tip."""
    inner = np.clip(1.0 - along**2, 0.0, None)
    return np.asarray(inner**0.8 * (0.94 - 0.30 * along) + 0.035 * np.abs(np.sin(17.0 * along)) * inner)


def _inside(along: Field, across: Field, bend: float) -> NDArray[np.bool_]:
    stalk = (np.abs(across) < 0.06) & (along < -0.9) & (along > -1.12)
    return np.asarray((np.abs(across - bend * (1.0 - along**2)) < _half_width(along)) | stalk)


def _relief(
    owner: Index, along: Field, bent: Field, edge: Field, leaves: Things, generator: np.random.Generator
) -> tuple[Field, Field]:
    """Return the height of the leaves' upper sides in pixels, and the strength of their veins in [0, 1]."""
    size, count = (owner.shape[0], owner.shape[1]), len(leaves.centres)
    width = leaves.half_sizes[owner, 1]
    midrib = np.exp(-0.5 * (bent * width / 0.9) ** 2)
    phase = generator.uniform(4.0, 6.5, count)[owner] * (along + 0.55 * np.abs(bent))
    distance = np.abs((phase + 0.5) % 1.0 - 0.5) * width / 2.2
    side_veins = 0.65 * np.exp(-0.5 * (distance / 0.55) ** 2) * smoothstep(0.0, 0.25, edge)
    veins = np.maximum(midrib, side_veins)
    cup = generator.normal(0.0, 5.0, count)[owner] * bent**2 + generator.normal(0.0, 4.5, count)[owner] * along**2
    tilt = generator.normal(0.0, 3.2, count)[owner] * bent + generator.normal(0.0, 3.2, count)[owner] * along
    crumpled = 0.9 * smooth_noise(size, (4.0, 4.0), generator) + 0.3 * smooth_noise(size, (1.6, 1.6), generator)
    return np.asarray(cup + tilt + crumpled + 0.8 * veins), veins


def _coloured(
    owner: Index, edge: Field, veins: Field, grain: Field, count: int, generator: np.random.Generator
) -> Field:
    """Paint each leaf in its own colour, darker at its margin and in spots, its veins paler or darker."""
    size = (owner.shape[0], owner.shape[1])
    own = COLOURS[generator.choice(len(COLOURS), size=count, p=SHARES)]
    own = own * generator.normal(1.0, 0.13, (count, 1)) + generator.normal(0.0, 5.0, (count, 3))
    mottle, blotch = smooth_noise(size, (2.2, 2.2), generator), smooth_noise(size, (7.0, 7.0), generator)
    surface = own[owner] * (1.0 + 0.07 * mottle + 0.07 * blotch + 0.05 * grain)[..., None]
    surface = surface * (1.0 - 0.28 * smoothstep(0.16, 0.0, edge))[..., None]
    surface = blend(surface, 0.45 * surface, smoothstep(1.4, 2.0, mottle + 0.4 * blotch))
    tone = np.where(generator.random(count) < 0.6, 1.28, 0.72)[owner]
    return blend(surface, surface * tone[..., None], 0.75 * veins)
