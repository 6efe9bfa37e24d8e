"""The sets of pictures that the package ships; LICENSES.md beside them says whose they are."""

from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inng_bench.textures.catalogue import TextureInfo
from inng_bench.textures.texture import Texture, texture_of
from inng_bench.textures.windows import Box
from inng_bench.tiles import as_strip

Pixels = NDArray[np.uint8]

FACES, FACE_SIDE = 2048, 64
"""Faces to learn from, the seeds 0 to 2047; the others, 2048 to 2559, are held out."""

DIGITS, DIGIT_SCALE = 1437, 4
"""Digits to learn from, the first four fifths, and the factor by which their 8 px are enlarged (bicubic)."""


def bundled_set(info: TextureInfo) -> Texture:
    """Return a set of the catalogue."""
    pictures, count = (_faces(), FACES) if info.name == "faces" else (digits()[0], DIGITS)
    return make_set(info, pictures[:count], pictures[count:])


def make_set(info: TextureInfo, train: Pixels, held_out: Pixels) -> Texture:
    """Return square pictures (N, S, S, 3) to learn from, and held-out ones, as a texture of the kind ``set``."""
    windows = [as_strip(pictures) for pictures in (train, held_out)]
    for window in windows:
        window.setflags(write=False)
    return texture_of(info, windows, [Box(0, 0, *window.shape[:2]) for window in windows])


def digits() -> tuple[Pixels, Pixels]:
    """Return all digits, enlarged, (1797, 32, 32, 3), and their classes (1797,)."""
    with _file("digits.npz") as path, np.load(path, allow_pickle=False) as content:
        levels, classes = content["levels"], content["classes"]
    side = levels.shape[1] * DIGIT_SCALE
    grey = np.rint(levels * (255 / 16)).astype(np.uint8)
    enlarged = [np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC)) for one in grey]
    return np.repeat(np.stack(enlarged)[..., None], 3, axis=3), classes


def _faces() -> Pixels:
    with _file("faces.webp") as path, Image.open(path) as image:
        rows = np.asarray(image.convert("RGB"))
    columns = rows.shape[1] // FACE_SIDE
    return rows.reshape(-1, FACE_SIDE, columns, FACE_SIDE, 3).swapaxes(1, 2).reshape(-1, FACE_SIDE, FACE_SIDE, 3)


def _file(name: str) -> AbstractContextManager[Path]:
    return resources.as_file(resources.files("inng_bench.textures.sets").joinpath(name))
