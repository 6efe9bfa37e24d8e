"""One texture, ready for training: its pixels and where they come from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inng_bench.records.schema import SETS, STRIPS, TextureFacts, Window
from inng_bench.textures.catalogue import Kind, Role, TextureInfo
from inng_bench.textures.windows import Box, extract
from inng_bench.tiles import of_strip

if TYPE_CHECKING:
    from inng_bench.pictures import TrainingPictures


@dataclass(frozen=True, eq=False)
class Texture:
    """A train window, disjoint held-out windows of the same size, and the facts about them.

    Attributes
    ----------
    name : str
        Of characters ``a-z 0-9 - _``.
    kind : Kind
        Natural, procedural, the paper's, own or a set.
    role : Role
        What its figures may be used for.
    licence : str
        Under which terms the pixels may be used.
    source : str
        Where they come from; for an own picture its file name, without folders.
    scale : float
        Factor by which the picture was resized before it was cut.
    train : numpy.ndarray
        uint8 (H, W, 3), RGB, read-only; of a set and of several photographs a strip, one square below the other.
    held_out : tuple[numpy.ndarray, ...]
        Of the same size as ``train``; empty when the picture is too small for two windows.
    train_box, held_out_boxes : Box, tuple[Box, ...]
        Where the windows lie in the scaled picture. The realisations of a procedural texture are pictures of their
        own, so that all boxes begin at (0, 0).
    hashes : tuple[str, ...]
        SHA-256 of the windows' pixels, the train window's first, where they are known already: a large set is not read
        for them again.
    """

    name: str
    kind: Kind
    role: Role
    licence: str
    source: str
    scale: float
    train: NDArray[np.uint8]
    held_out: tuple[NDArray[np.uint8], ...]
    train_box: Box
    held_out_boxes: tuple[Box, ...]
    hashes: tuple[str, ...] = ()

    @property
    def is_set(self) -> bool:
        """Whether this is a set of pictures: its windows are strips, one picture below the other."""
        return self.kind in SETS

    @property
    def train_windows(self) -> NDArray[np.uint8]:
        """What is learnt from as uint8 (N, H, W, 3): one window, or those of several photographs."""
        return of_strip(self.train) if self.kind in STRIPS else self.train[np.newaxis]

    @property
    def pictures(self) -> "TrainingPictures":
        """What a method learns from, of a set."""
        from inng_bench.pictures import TrainingPictures  # here, so that a window alone needs no torch

        return TrainingPictures(of_strip(self.train))

    def facts(self) -> TextureFacts:
        """Return what a record keeps of this texture: all but the pixels, of which it keeps the SHA-256."""
        hashes = self.hashes or tuple(map(_sha256, (self.train, *self.held_out)))
        train, *held_out = map(_window, (self.train_box, *self.held_out_boxes), hashes)
        return TextureFacts(
            name=self.name,
            kind=self.kind.value,
            role=self.role.value,
            licence=self.licence,
            source=self.source,
            scale=self.scale,
            train=train,
            held_out=tuple(held_out),
        )


def cut_texture(info: TextureInfo, pixels: NDArray[np.uint8], boxes: Sequence[Box]) -> Texture:
    """Cut the train window, the first box, and the held-out windows out of a scaled picture of the catalogue."""
    return texture_of(info, [extract(pixels, box) for box in boxes], boxes)


def texture_of(info: TextureInfo, windows: Sequence[NDArray[np.uint8]], boxes: Sequence[Box]) -> Texture:
    """Put the train window, the first one, and the held-out windows together with the facts about them."""
    train, *held_out = windows
    train_box, *held_out_boxes = boxes
    return Texture(
        name=info.name,
        kind=info.kind,
        role=info.role,
        licence=info.licence,
        source=info.source,
        scale=info.scale,
        train=train,
        held_out=tuple(held_out),
        train_box=train_box,
        held_out_boxes=tuple(held_out_boxes),
    )


def _sha256(pixels: NDArray[np.uint8]) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()


def _window(box: Box, sha256: str) -> Window:
    return Window(top=box.top, left=box.left, height=box.height, width=box.width, sha256=sha256)
