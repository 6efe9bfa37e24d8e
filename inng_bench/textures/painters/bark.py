"""Bark of an old tree."""

import numpy as np
from scipy import ndimage

from inng_bench.textures.drawing import cast_shadow, hollow, nearest_cells
from inng_bench.textures.noise import Field, Size, blend, brightness, coordinates, smooth_noise, smoothstep

PLATE = 18.0
"""Mean width in pixels of a plate between two furrows."""

STRETCH = 4.2
"""How many times longer than wide a plate is."""

LAMP = (-0.42, -0.72, 0.70)

CORK = np.array([148.0, 134.0, 120.0])
FRESH = np.array([128.0, 92.0, 71.0])
FURROW = np.array([66.0, 50.0, 39.0])
GREEN = np.array([146.0, 156.0, 118.0])
PALE = np.array([188.0, 192.0, 176.0])


def paint_bark(size: Size, generator: np.random.Generator) -> Field:
    """Paint cork plates that flake in layers between furrows that split and join, lit from the left."""
    plate, tone = _plates(size, generator)
    flakes = _flakes(size, generator)
    cracks = _cracks(size, generator) * smoothstep(0.3, 0.8, plate)
    rough = smooth_noise(size, (2.6, 1.3), generator)
    grain = 0.75 * smooth_noise(size, (0.6, 0.5), generator) + 0.65 * smooth_noise(size, (2.6, 0.6), generator)
    height = 8.5 * plate + (0.4 + 0.6 * plate) * (1.9 * flakes + 0.75 * rough + 0.42 * grain) - 1.7 * cracks

    light = brightness(ndimage.gaussian_filter(height, 0.4), LAMP)
    shadow = ndimage.gaussian_filter(cast_shadow(height, LAMP, 12, 2.0), 0.7)
    nooks = np.clip(1.05 - 0.065 * hollow(height, 5.0) - 0.10 * hollow(height, 1.6), 0.34, 1.25)
    colour = _coloured(size, plate, flakes, tone, generator)
    colour = colour * (1.0 + 0.11 * grain + 0.05 * rough)[..., None]
    return np.asarray(
        colour * ((0.36 + 0.86 * light) * (1.0 - 0.42 * shadow) * nooks * (1.0 - 0.45 * cracks))[..., None]
    )


def _plates(size: Size, generator: np.random.Generator) -> tuple[Field, Field]:
    """Return the height of the plates, 0 at the bottom of a furrow to 1, and a tone of each plate's own."""
    rows, columns = coordinates(size)
    sway = 6.0 * smooth_noise(size, (34.0, 16.0), generator) + 1.6 * smooth_noise(size, (5.0, 3.5), generator)
    climb = 17.0 * smooth_noise(size, (30.0, 9.0), generator)
    cell, border = nearest_cells((rows + climb) / STRETCH, columns + sway, PLATE, generator)
    # The stretch makes furrows across the trunk wide; to divide by the slope gives pixels again, near a furrow.
    border = border / np.clip(ndimage.gaussian_filter(np.hypot(*np.gradient(border)), 2.0), 0.25, 1.0)
    width = np.clip(2.1 + 1.1 * smooth_noise(size, (16.0, 8.0), generator), 0.3, 5.0)
    ragged = 0.5 * smooth_noise(size, (3.0, 1.6), generator)
    rise = np.clip((border + ragged - 0.5 * width) / 6.0, 0.0, 1.0)
    tone = generator.normal(0.0, 1.0, int(cell.max()) + 1)[cell]
    return np.sqrt(rise * (2.0 - rise)), tone


def _flakes(size: Size, generator: np.random.Generator) -> Field:
    """Return a surface of small terraces, as cork that peels in layers."""
    slope = 1.5 * smooth_noise(size, (13.0, 5.0), generator) + 0.35 * smooth_noise(size, (3.0, 2.0), generator)
    layer = np.floor(slope)
    return np.asarray(layer + smoothstep(0.0, 0.3, slope - layer) + 0.35 * (slope - layer))


def _cracks(size: Size, generator: np.random.Generator) -> Field:
    """Return short cracks across the plates, 0 to 1."""
    line = np.abs(smooth_noise(size, (4.0, 9.0), generator) + 0.3 * smooth_noise(size, (2.0, 2.0), generator))
    place = smoothstep(0.2, 1.2, smooth_noise(size, (12.0, 8.0), generator))
    return np.asarray(smoothstep(0.16, 0.04, line) * place)


def _coloured(size: Size, plate: Field, flakes: Field, tone: Field, generator: np.random.Generator) -> Field:
    """Colour grey weathered tops, redder flanks, dark furrows, and lichen in patches on the tops."""
    weather = smooth_noise(size, (22.0, 9.0), generator)
    speckle = smooth_noise(size, (1.0, 1.0), generator)
    top = smoothstep(0.45, 1.0, plate)
    worn = np.clip(top * (0.72 + 0.16 * weather + 0.10 * tone) + 0.10 * np.sin(2.6 * flakes), 0.0, 1.0)
    colour = blend(FURROW, FRESH, smoothstep(0.05, 0.65, plate))
    colour = blend(colour, CORK, worn)
    film = smooth_noise(size, (18.0, 12.0), generator) + 0.45 * smooth_noise(size, (3.0, 2.4), generator)
    colour = blend(colour, GREEN, 0.62 * smoothstep(0.1, 1.5, film + 0.25 * speckle) * smoothstep(0.25, 0.8, plate))
    spots = (
        smooth_noise(size, (3.2, 2.8), generator) + 0.5 * smooth_noise(size, (20.0, 20.0), generator) + 0.3 * speckle
    )
    return blend(colour, PALE, 0.7 * smoothstep(1.7, 2.2, spots) * top)
