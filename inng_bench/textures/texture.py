"""One texture, ready for training: its pixels and where they come from."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inng_bench.records.schema import TextureFacts, Window
from inng_bench.textures.catalogue import Kind, TextureInfo
from inng_bench.textures.windows import Box, extract


@dataclass(frozen=True, eq=False)
class Texture:
    """A train window, a disjoint held-out window, and the facts about both.

    Attributes
    ----------
    name : str
        Of characters ``a-z 0-9 - _``.
    kind : Kind
        Natural, procedural, the paper's or own.
    licence : str
        Under which terms the pixels may be used.
    source : str
        Where they come from; for an own picture its file name, without folders.
    scale : float
        Factor by which the picture was resized before it was cut.
    train : numpy.ndarray
        uint8 (H, W, 3), RGB, read-only.
    held_out : numpy.ndarray or None
        The same size as ``train``; None when the picture is too small for two windows.
    train_box, held_out_box : Box
        Where the windows lie in the scaled picture. The two realisations of a procedural texture are pictures of their
        own, so that both boxes begin at (0, 0).
    """

    name: str
    kind: Kind
    licence: str
    source: str
    scale: float
    train: NDArray[np.uint8]
    held_out: NDArray[np.uint8] | None
    train_box: Box
    held_out_box: Box | None

    def facts(self) -> TextureFacts:
        """Return what a record keeps of this texture: all but the pixels, of which it keeps the SHA-256."""
        held_out = None
        if self.held_out is not None and self.held_out_box is not None:
            held_out = _window(self.held_out_box, self.held_out)
        return TextureFacts(
            name=self.name,
            kind=self.kind.value,
            licence=self.licence,
            source=self.source,
            scale=self.scale,
            train=_window(self.train_box, self.train),
            held_out=held_out,
        )


def cut_texture(info: TextureInfo, pixels: NDArray[np.uint8], boxes: tuple[Box, Box | None]) -> Texture:
    """Cut the train window and the held-out window, if there is one, out of a scaled picture of the catalogue."""
    train_box, held_out_box = boxes
    return Texture(
        name=info.name,
        kind=info.kind,
        licence=info.licence,
        source=info.source,
        scale=info.scale,
        train=extract(pixels, train_box),
        held_out=extract(pixels, held_out_box) if held_out_box else None,
        train_box=train_box,
        held_out_box=held_out_box,
    )


def _window(box: Box, pixels: NDArray[np.uint8]) -> Window:
    sha256 = hashlib.sha256(pixels.tobytes()).hexdigest()
    return Window(top=box.top, left=box.left, height=box.height, width=box.width, sha256=sha256)
