"""What plays the sample and what it is compared with: never a window and its own degradation.

Compared with the window that it was made of, a degraded picture would lie on a ladder whose lowest rung is zero by
construction, and any metric of pixels would climb it. A sample of a method is never the reference's own pixels; so here
the degraded window is compared with *other* pixels of the same texture, and the undegraded one stands at the floor that
other pixels have.

Procedural textures give as many independent pairs of pictures as asked for: the first is the texture's own held-out and
train window, the others are drawn anew. A photograph has two halves. Each of its four quarters plays the sample once,
against the whole other half; these four share their references, so that an interval over them tells how much the
verdict depends on the place in this photograph, not how another photograph would fare.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inng_bench.errors import InputError
from inng_bench.ladder.degradations import BLOCK
from inng_bench.metrics.crops import Pixels
from inng_bench.seeds import derive_seed, numpy_generator
from inng_bench.suggest import did_you_mean
from inng_bench.textures import Kind, load_texture, texture_infos
from inng_bench.textures.procedural import REALISATION, realise

QUARTERS = 4


@dataclass(frozen=True, eq=False)
class Pair:
    """Two windows of one texture that share no pixel.

    Attributes
    ----------
    held_out : Pixels
        uint8 (H, W, 3): the window that is degraded and plays the sample, its sides multiples of 32 px.
    train : Pixels
        uint8 (H, W, 3): what it is compared with, and what a copy is made of.
    """

    held_out: Pixels
    train: Pixels


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


def window_pair(name: str, replicate: int) -> Pair:
    """Return a replicate of a bundled texture, counted from 0."""
    texture = load_texture(name)
    assert texture.held_out is not None  # as every bundled texture has one
    if texture.kind is Kind.PROCEDURAL:
        return _realised(name, replicate) if replicate else Pair(texture.held_out, texture.train)
    halves = [(texture.held_out, texture.train), (texture.train, texture.held_out)]
    quarters = [(piece, other) for half, other in halves for piece in _halved(half)]
    piece, other = quarters[replicate]
    return Pair(whole_blocks(piece), other)


def whole_blocks(pixels: Pixels) -> Pixels:
    """Return the middle of a picture that whole blocks of 32 px fill, so that all of it can be shuffled."""
    height, width = (side - side % BLOCK for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def _realised(name: str, replicate: int) -> Pair:
    held_out, train = (
        realise(name, REALISATION, numpy_generator(derive_seed(texture=name, purpose=purpose, replicate=replicate)))
        for purpose in ("ladder held-out", "ladder train")
    )
    return Pair(held_out, train)


def _halved(window: Pixels) -> list[Pixels]:
    """Cut a window across its longer side."""
    return np.array_split(window, 2, axis=int(window.shape[1] > window.shape[0]))


def _kind(name: str) -> Kind:
    return next(info.kind for info in texture_infos() if info.name == name)
