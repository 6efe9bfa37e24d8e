"""Painted steel that rusts through its paint."""

import numpy as np
from scipy import ndimage

from inng_bench.textures.drawing import cast_shadow, nearest_cells
from inng_bench.textures.noise import (
    Field,
    Size,
    band_noise,
    blend,
    brightness,
    coordinates,
    smooth_noise,
    smoothstep,
)

LAMP = (-0.60, -0.45, 0.75)

FLAKE = 8.5
"""Side in pixels of the flakes into which the coat cracks."""

PAINT = np.array([72.0, 122.0, 130.0])
FADED = np.array([168.0, 184.0, 174.0])
PRIMER = np.array([176.0, 164.0, 148.0])
RUST = np.array([128.0, 78.0, 49.0])
FRESH_RUST = np.array([182.0, 119.0, 72.0])
OLD_RUST = np.array([70.0, 46.0, 38.0])


def paint_rust(size: Size, generator: np.random.Generator) -> Field:
    """Paint a plate: a coat with torn edges over rust of several ages, pits, and stains that run down."""
    grain = smooth_noise(size, (0.55, 0.55), generator)
    crust = band_noise(size, 2.0, 24.0, 2.4, generator)
    cover, crack = _cover(size, generator)
    coat = smoothstep(-0.5, 0.5, cover)
    pits = smoothstep(1.5, 2.6, smooth_noise(size, (1.1, 1.1), generator) + 0.3 * crust)

    steel = _rusty(size, crust, grain, pits, generator)
    paint = blend(_coat(size, cover, grain, generator), OLD_RUST, 0.75 * crack)
    surface = blend(steel, paint, coat)

    curl = 0.8 * np.exp(-np.clip(cover, 0.0, None) / 2.0)
    blisters = 0.7 * smoothstep(1.0, 2.6, smooth_noise(size, (2.6, 2.6), generator))
    under = 0.45 * crust + 0.24 * grain - 0.9 * pits
    over = 1.5 + curl + blisters - 0.8 * crack + 0.14 * crust + 0.09 * grain
    height = under + (over - under) * coat
    light = brightness(ndimage.gaussian_filter(height, 0.45), LAMP)
    shade = cast_shadow(height, LAMP, reach=3, softness=1.0)
    return np.asarray(surface * (0.44 + 0.88 * light * (1.0 - 0.5 * shade))[..., None])


def _cover(size: Size, generator: np.random.Generator) -> tuple[Field, Field]:
    """Tear flakes off the coat.

    Returns
    -------
    tuple[numpy.ndarray, numpy.ndarray]
        The distance in pixels to the nearest edge of the coat, negative where it has flaked off, and the cracks in
        [0, 1], which surround flakes that are about to fall.
    """
    hold = 0.50 + band_noise(size, 14.0, 80.0, 2.6, generator) + 0.22 * band_noise(size, 2.5, 16.0, 2.2, generator)
    rows, columns = coordinates(size)
    rows = rows + 1.6 * smooth_noise(size, (3.0, 3.0), generator)
    columns = columns + 1.6 * smooth_noise(size, (3.0, 3.0), generator)
    flake, border = nearest_cells(rows, columns, FLAKE, generator)
    hold = hold + generator.normal(0.0, 0.30, int(flake.max()) + 1)[flake]
    crack = smoothstep(0.8, 0.15, border) * smoothstep(1.1, 0.2, hold)

    inside = hold > 0.0
    inwards, outwards = ndimage.distance_transform_edt(inside), ndimage.distance_transform_edt(~inside)
    return np.asarray(ndimage.gaussian_filter(inwards - outwards, 0.55)), crack


def _rusty(size: Size, crust: Field, grain: Field, pits: Field, generator: np.random.Generator) -> Field:
    """Rust of three ages in patches of several sizes."""
    age = band_noise(size, 2.5, 60.0, 2.3, generator)
    rust = blend(RUST, FRESH_RUST, 0.95 * smoothstep(0.0, 1.5, age))
    rust = blend(rust, OLD_RUST, 0.9 * smoothstep(0.1, 1.7, -age + 0.35 * crust))
    return blend(rust * (1.0 + 0.17 * grain + 0.08 * crust)[..., None], OLD_RUST, 0.7 * pits)


def _coat(size: Size, cover: Field, grain: Field, generator: np.random.Generator) -> Field:
    """Paint that fades, shows primer at its edge and is stained by the rust that runs down from above."""
    faded = band_noise(size, 2.5, 70.0, 2.4, generator)
    paint = blend(PAINT, FADED, np.clip(0.35 + 0.30 * faded, 0.0, 1.0))
    paint = paint * (1.0 + 0.05 * grain + 0.03 * smooth_noise(size, (7.0, 0.7), generator))[..., None]
    paint = blend(paint, FADED, 0.6 * smoothstep(1.3, 2.6, smooth_noise(size, (0.8, 0.8), generator) + 0.4 * faded))
    paint = blend(paint, PRIMER, 0.8 * smoothstep(1.9, 0.7, cover + 0.5 * grain))
    bare = (cover < 0.0).astype(np.float64)
    halo = ndimage.gaussian_filter(bare, 3.0)
    runs = _run_down(bare, 22.0) * np.clip(0.7 + 0.6 * smooth_noise(size, (16.0, 1.2), generator), 0.0, None)
    spots = ndimage.gaussian_filter(smoothstep(2.5, 3.0, smooth_noise(size, (0.8, 0.8), generator)), 0.6)
    mottle = np.clip(1.0 + 0.35 * band_noise(size, 2.5, 12.0, 1.8, generator), 0.0, None)
    return blend(paint, RUST, np.clip((1.1 * halo + 0.8 * runs) * mottle + 1.2 * spots, 0.0, 0.85))


def _run_down(bare: Field, length: float) -> Field:
    """Smear what is bare downwards over ``length`` px with an exponential tail."""
    kernel = np.exp(-np.arange(4 * int(length)) / length)
    tail = np.concatenate([np.zeros(len(kernel) - 1), kernel / kernel.sum()])
    return np.asarray(ndimage.convolve1d(bare, tail, axis=0, mode="wrap"))
