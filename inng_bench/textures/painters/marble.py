"""Veined marble."""

import numpy as np
from scipy import ndimage

from inng_bench.textures.drawing import nearest_cells
from inng_bench.textures.noise import Field, Size, band_noise, blend, coordinates, smooth_noise, smoothstep

LEAN = 0.8
"""Columns to the left by which veins run for each row down."""

CRYSTAL = 3.0
"""Side in pixels of a crystal of calcite."""

BRECCIA = 34.0
"""Side in pixels of the pieces into which hairline cracks part the stone."""

GROUND = np.array([218.0, 206.0, 186.0])
CLOUD = np.array([150.0, 148.0, 148.0])
WARM = np.array([204.0, 164.0, 112.0])
OCHRE = np.array([142.0, 92.0, 48.0])
DARK = np.array([62.0, 54.0, 50.0])
CALCITE = np.array([236.0, 228.0, 216.0])


def paint_marble(size: Size, generator: np.random.Generator) -> Field:
    """Paint a polished slab: clouds, ochre and dark veins of several widths that lean one way, and crystals."""
    rows, columns = _flow(size, generator)
    clouds = _sample(band_noise(size, 5.0, 80.0, 2.8, generator), rows, columns)
    warmth = _sample(band_noise(size, 4.0, 60.0, 2.6, generator), rows, columns)
    wisps = _sample(smooth_noise(size, (26.0, 2.2), generator), rows, columns)
    grain, glint = _crystals(size, generator)

    slab = blend(GROUND, CLOUD, smoothstep(-0.6, 2.2, clouds + 0.35 * wisps))
    slab = blend(slab, WARM, 0.75 * smoothstep(0.0, 2.2, warmth - 0.3 * wisps))
    for spread, width, colour, strength in (
        ((13.0, 5.0), 0.5, OCHRE, 0.5),
        ((22.0, 8.0), 1.0, CALCITE, 0.6),
        ((30.0, 10.0), 1.3, OCHRE, 0.85),
        ((44.0, 15.0), 1.5, DARK, 0.85),
    ):
        vein = _vein(_sample(smooth_noise(size, spread, generator), rows, columns), width, generator)
        halo = ndimage.gaussian_filter(vein, 3.0) * np.clip(1.0 + 0.5 * warmth, 0.0, None)
        slab = blend(slab, OCHRE, np.clip(0.5 * strength * halo, 0.0, 0.6))
        slab = blend(slab, colour, strength * vein)
    slab = blend(slab, DARK, 0.55 * _hairlines(size, rows, columns, generator))

    gloss = 1.0 + 0.02 * smooth_noise(size, (24.0, 24.0), generator)
    return np.asarray(slab * (gloss * (1.0 + 0.034 * grain + 0.032 * glint))[..., None])


def _flow(size: Size, generator: np.random.Generator) -> tuple[Field, Field]:
    """Return coordinates that lean and are stirred at three scales: what is drawn in them looks folded."""
    rows, columns = coordinates(size)
    columns = columns + LEAN * rows
    for spread, far in ((18.0, 9.0), (6.0, 2.0), (1.8, 0.5)):
        rows = rows + far * smooth_noise(size, (spread, spread), generator)
        columns = columns + far * smooth_noise(size, (spread, spread), generator)
    return rows, columns


def _sample(field: Field, rows: Field, columns: Field) -> Field:
    """Read a field that wraps around at the given places."""
    return np.asarray(ndimage.map_coordinates(field, (rows, columns), order=1, mode="grid-wrap"))


def _vein(field: Field, width: float, generator: np.random.Generator) -> Field:
    """Draw a vein along the zeros of a field, of a changing width, and let it fade out in places."""
    size = (field.shape[0], field.shape[1])
    steepness = np.maximum(np.hypot(*np.gradient(field)), 1e-6)
    usual = np.sqrt(np.mean(steepness**2))
    distance = np.abs(field) / steepness
    width_here = width * np.exp(0.45 * band_noise(size, 5.0, 60.0, 2.6, generator))
    here = smoothstep(-0.5, 0.7, band_noise(size, 24.0, 80.0, 2.0, generator))
    # Where the field is flat the quotient is no distance, and the vein would swell into a blot.
    here = here * smoothstep(0.15, 0.6, steepness / usual)
    return np.asarray(here * smoothstep(1.0, 0.2, distance / (width_here + 0.6)))


def _hairlines(size: Size, rows: Field, columns: Field, generator: np.random.Generator) -> Field:
    _, border = nearest_cells(0.6 * rows, columns, BRECCIA, generator)
    here = smoothstep(-0.3, 1.2, band_noise(size, 14.0, 70.0, 2.2, generator))
    return np.asarray(here * smoothstep(1.1, 0.1, border))


def _crystals(size: Size, generator: np.random.Generator) -> tuple[Field, Field]:
    """Return the shade of each pixel's crystal, of unit variance, and the finer glitter on it."""
    rows, columns = coordinates(size)
    crystal, _ = nearest_cells(rows, columns, CRYSTAL, generator)
    shade = generator.standard_normal(int(crystal.max()) + 1)[crystal]
    return ndimage.gaussian_filter(shade, 0.45), smooth_noise(size, (0.5, 0.5), generator)
