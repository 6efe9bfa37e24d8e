"""Painted steel that rusts through its paint."""

import numpy as np
from scipy import ndimage

from inng_bench.textures.drawing import cast_shadow
from inng_bench.textures.noise import Field, Size, band_noise, blend, brightness, smooth_noise, smoothstep

LAMP = (-0.60, -0.45, 0.75)

PAINT = np.array([84.0, 134.0, 138.0])
FADED = np.array([150.0, 176.0, 172.0])
PRIMER = np.array([150.0, 132.0, 112.0])
RUST = np.array([150.0, 82.0, 38.0])
FRESH_RUST = np.array([196.0, 116.0, 48.0])
OLD_RUST = np.array([74.0, 42.0, 30.0])


def paint_rust(size: Size, generator: np.random.Generator) -> Field:
    """Paint a plate: a coat with torn edges over rust of several ages, pits, and stains that run down."""
    grain = smooth_noise(size, (0.6, 0.6), generator)
    crust = band_noise(size, 2.0, 20.0, 2.0, generator)
    cover = _cover(size, generator)
    coat = smoothstep(-0.5, 0.5, cover)
    pits = smoothstep(1.5, 2.6, smooth_noise(size, (1.3, 1.3), generator) + 0.3 * crust)

    steel = _rusty(size, crust, grain, pits, generator)
    paint = _coat(size, cover, grain, generator)
    surface = blend(steel, paint, coat)

    curl = 0.9 * np.exp(-np.clip(cover, 0.0, None) / 2.2)
    blisters = 0.5 * smoothstep(0.8, 2.4, smooth_noise(size, (3.0, 3.0), generator))
    under = 0.55 * crust + 0.30 * grain - 1.2 * pits
    over = 1.6 + curl + blisters + 0.10 * crust + 0.05 * grain
    height = under + (over - under) * coat
    light = brightness(ndimage.gaussian_filter(height, 0.5), LAMP)
    shade = cast_shadow(height, LAMP, reach=3, softness=1.0)
    return np.asarray(surface * (0.42 + 0.80 * light * (1.0 - 0.55 * shade))[..., None])


def _cover(size: Size, generator: np.random.Generator) -> Field:
    """Return the distance in pixels to the nearest edge of the coat, negative where it has flaked off."""
    flakes = band_noise(size, 12.0, 80.0, 2.2, generator) + 0.55 * band_noise(size, 2.5, 16.0, 1.6, generator)
    flakes = flakes + 0.45
    inside = flakes > 0.0
    inwards, outwards = ndimage.distance_transform_edt(inside), ndimage.distance_transform_edt(~inside)
    return np.asarray(ndimage.gaussian_filter(inwards - outwards, 0.5))


def _rusty(size: Size, crust: Field, grain: Field, pits: Field, generator: np.random.Generator) -> Field:
    """Rust of three ages in patches of several sizes."""
    age = band_noise(size, 3.0, 60.0, 1.9, generator)
    rust = blend(RUST, FRESH_RUST, 0.9 * smoothstep(0.1, 1.6, age))
    rust = blend(rust, OLD_RUST, 0.9 * smoothstep(0.0, 1.8, -age + 0.4 * crust))
    return blend(rust * (1.0 + 0.12 * grain + 0.07 * crust)[..., None], OLD_RUST, 0.7 * pits)


def _coat(size: Size, cover: Field, grain: Field, generator: np.random.Generator) -> Field:
    """Paint that fades, shows primer at its edge and is stained by the rust that runs down from above."""
    faded = band_noise(size, 4.0, 70.0, 2.4, generator)
    paint = blend(PAINT, FADED, np.clip(0.35 + 0.30 * faded, 0.0, 1.0))
    paint = paint * (1.0 + 0.035 * grain + 0.04 * smooth_noise(size, (9.0, 0.8), generator))[..., None]
    paint = blend(paint, PRIMER, 0.7 * smoothstep(1.6, 0.4, cover + 0.6 * grain))
    bare = (cover < 0.0).astype(np.float64)
    halo = ndimage.gaussian_filter(bare, 3.0)
    runs = _run_down(bare, 22.0) * np.clip(0.7 + 0.6 * smooth_noise(size, (16.0, 1.2), generator), 0.0, None)
    mottle = np.clip(1.0 + 0.35 * band_noise(size, 2.5, 12.0, 1.8, generator), 0.0, None)
    return blend(paint, RUST, np.clip((1.1 * halo + 0.6 * runs) * mottle, 0.0, 0.85))


def _run_down(bare: Field, length: float) -> Field:
    """Smear what is bare downwards over ``length`` px with an exponential tail."""
    kernel = np.exp(-np.arange(4 * int(length)) / length)
    tail = np.concatenate([np.zeros(len(kernel) - 1), kernel / kernel.sum()])
    return np.asarray(ndimage.convolve1d(bare, tail, axis=0, mode="wrap"))
