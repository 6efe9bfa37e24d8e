"""What plays the sample and what it is compared with: never a window and its own degradation.

Compared with the window that it was made of, a degraded picture would lie on a ladder whose lowest rung is zero by
construction, and any metric of pixels would climb it. A sample of a method is never the reference's own pixels; so here
the degraded window is compared with *other* pixels of the same texture, and the undegraded one stands at the floor that
other pixels have.

Procedural textures give as many independent windows as asked for: those of the first replicate are the texture's own,
the others are drawn anew. A photograph has four windows, its quarters. Each plays the sample once, against the next
one; these four replicates share their windows, so that an interval over them tells how much the verdict depends on the
place in this photograph, not how another photograph would fare.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inng_bench.errors import InputError
from inng_bench.ladder.degradations import BLOCK
from inng_bench.metrics.crops import Pixels
from inng_bench.seeds import derive_seed, numpy_generator
from inng_bench.suggest import did_you_mean
from inng_bench.textures import Kind, find_texture, load_texture, texture_infos
from inng_bench.textures.procedural import HELD_OUT, REALISATION, realise

QUARTERS = 4


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one texture that share no pixel, uint8 (H, W, 3) each.

    Attributes
    ----------
    sample : Pixels
        What is degraded and plays the sample, its sides multiples of 64 px.
    train : Pixels
        What it is compared with, and what a copy is made of.
    honest : tuple[Pixels, ...]
        The others, which tell a metric of copying what is no copy.
    """

    sample: Pixels
    train: Pixels
    honest: tuple[Pixels, ...]


def bundled_textures() -> tuple[str, ...]:
    """Return the names of the textures that need no download."""
    return tuple(info.name for info in texture_infos() if info.kind in (Kind.NATURAL, Kind.PROCEDURAL))


def chosen_textures(names: Sequence[str] | None) -> tuple[str, ...]:
    """Return bundled textures by name, each once; all of them for None.

    Raises
    ------
    InputError
        When there is none of a name.
    """
    bundled = bundled_textures()
    for name in names or ():
        if name not in bundled:
            raise InputError(f"the ladder has no texture {name!r}; {did_you_mean(name, bundled)}")
    return bundled if names is None else tuple(dict.fromkeys(names))


def replicates_of(texture: str, seeds: int) -> int:
    """Return how many replicates a texture gives where so many are asked for."""
    return seeds if _kind(texture) is Kind.PROCEDURAL else min(seeds, QUARTERS)


def windows_of(name: str, replicate: int) -> Windows:
    """Return a replicate of a bundled texture, counted from 0."""
    texture = load_texture(name)
    found = (texture.train, *texture.held_out)
    if texture.kind is not Kind.PROCEDURAL:
        found = (*found[replicate:], *found[:replicate])
    elif replicate:
        found = _realised(name, replicate)
    train, sample, *honest = found
    return Windows(whole_blocks(sample), train, tuple(honest))


def whole_blocks(pixels: Pixels) -> Pixels:
    """Return the middle of a picture that whole blocks of 64 px fill, so that all of it can be shuffled."""
    height, width = (side - side % BLOCK for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def _realised(name: str, replicate: int) -> tuple[Pixels, ...]:
    generators = (
        numpy_generator(derive_seed(texture=name, purpose="ladder", replicate=replicate, number=number))
        for number in range(1 + HELD_OUT)
    )
    return tuple(realise(name, REALISATION, generator) for generator in generators)


def _kind(name: str) -> Kind:
    return find_texture(name).kind
