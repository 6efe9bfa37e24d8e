"""Textures from a seed: stationary by construction, so that a fresh realisation is a true held-out sample."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from inng_bench.errors import InputError
from inng_bench.seeds import derive_seed, numpy_generator
from inng_bench.textures.catalogue import TextureInfo
from inng_bench.textures.cloth import paint_cloth
from inng_bench.textures.gaussian_field import paint_field
from inng_bench.textures.noise import Field, Size
from inng_bench.textures.painters.bark import paint_bark
from inng_bench.textures.painters.beans import paint_beans
from inng_bench.textures.painters.brick import paint_brick
from inng_bench.textures.painters.knitting import paint_knitting
from inng_bench.textures.painters.leaf_litter import paint_leaf_litter
from inng_bench.textures.painters.lichen import paint_lichen
from inng_bench.textures.painters.marble import paint_marble
from inng_bench.textures.painters.roof_tiles import paint_roof_tiles
from inng_bench.textures.painters.rust import paint_rust
from inng_bench.textures.painters.terrazzo import paint_terrazzo
from inng_bench.textures.pebbles import paint_pebbles
from inng_bench.textures.texture import Texture, texture_of
from inng_bench.textures.windows import Box
from inng_bench.textures.wood import paint_wood

REALISATION = (256, 256)
"""Height and width in pixels of every window: the area of one canvas of a method."""

HELD_OUT = 3
"""Number of held-out windows, each an independent realisation."""

MARGIN = 64
"""Pixels that are painted around a realisation and cut off, so that its border is like its middle."""

PAINTERS: dict[str, Callable[[Size, np.random.Generator], Field]] = {
    "pebbles": paint_pebbles,
    "cloth": paint_cloth,
    "wood": paint_wood,
    "brick": paint_brick,
    "roof-tiles": paint_roof_tiles,
    "terrazzo": paint_terrazzo,
    "marble": paint_marble,
    "rust": paint_rust,
    "bark": paint_bark,
    "knitting": paint_knitting,
    "leaf-litter": paint_leaf_litter,
    "lichen": paint_lichen,
    "beans": paint_beans,
    "field": paint_field,
}
"""From a size and a generator to float64 (height, width, 3) levels, before rounding and clipping to 0..255."""


def realise(name: str, size: Size, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one realisation of a procedural texture.

    Parameters
    ----------
    name : str
        A key of :data:`PAINTERS`.
    size : tuple[int, int]
        Height and width in pixels.
    generator : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width, 3), RGB.

    Raises
    ------
    InputError
        When there is no such procedural texture.
    """
    if name not in PAINTERS:
        raise InputError(f"no procedural texture is called {name!r}; choose one of {', '.join(PAINTERS)}.")
    height, width = size
    painted = PAINTERS[name]((height + 2 * MARGIN, width + 2 * MARGIN), generator)
    inner = painted[MARGIN : MARGIN + height, MARGIN : MARGIN + width]
    return np.clip(np.rint(inner), 0.0, 255.0).astype(np.uint8)


def procedural_texture(info: TextureInfo) -> Texture:
    """Return the realisation that methods are trained on and independent ones that are held out."""
    purposes = ["train", *(f"held-out {number}" for number in range(HELD_OUT))]
    windows = [_fixed_realisation(info.name, purpose) for purpose in purposes]
    return texture_of(info, windows, [Box(0, 0, *REALISATION)] * len(windows))


@cache
def _fixed_realisation(name: str, purpose: str) -> NDArray[np.uint8]:
    """Return a window of a texture; a plan, a run and a report of one process ask for the same ones again and again."""
    pixels = realise(name, REALISATION, numpy_generator(derive_seed(texture=name, purpose=purpose)))
    pixels.setflags(write=False)
    return pixels
