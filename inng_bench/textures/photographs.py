"""Several photographs of one material as one texture."""

import hashlib
from functools import lru_cache, partial
from itertools import chain, zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inng_bench.errors import InputError
from inng_bench.textures.catalogue import Kind, Role, TextureInfo
from inng_bench.textures.folders import PictureFile, list_files, measure_file, read_file
from inng_bench.textures.own import check_contrast, check_scale, check_size, own_texture_name, printable, scale_for
from inng_bench.textures.texture import Texture, texture_of
from inng_bench.textures.windows import WHOLE_UP_TO, Box, extract, resize, scaled_size, squares
from inng_bench.tiles import as_strip

Pixels = NDArray[np.uint8]

MOST_PHOTOGRAPHS = 32

MOST_TRAIN, MOST_HELD_OUT = 32, 4
"""Windows that are learnt from and compared with; what there is more of is left out, the same of every photograph."""

HELD_OUT = 4
"""One photograph of so many is held out: those whose hash begins with a byte below 256 / 4, but one at the least."""


class _Photograph(NamedTuple):
    sha256: bytes
    """Of its pixels as they are stored."""

    windows: tuple[Pixels, ...]


def load_photographs(folder: Path, scale: float | None = None) -> Texture:
    """Read a folder of photographs, scale all by one factor, and cut them into square windows of one size.

    Whether a photograph is held out depends on its own pixels alone, as long as there are enough of them.

    Parameters
    ----------
    folder : pathlib.Path
        Its files are PNG, JPEG, TIFF or WebP pictures of any size; hidden ones do not count.
    scale : float or None
        Factor in (0, 8]. None brings the largest photograph to 512 px on its long side.

    Returns
    -------
    Texture
        Of the kind ``photographs``, named after the folder. Windows are as large as the shortest side of all
        photographs, 256 px at the most; the first is one of the largest photograph.

    Raises
    ------
    InputError
        When the folder or a file in it cannot be used, in one sentence.
    """
    check_scale(scale)
    folder = Path(folder).resolve()  # whose name the texture has
    return _load(folder, tuple(list_files(folder, MOST_PHOTOGRAPHS)), scale)


@lru_cache(maxsize=2)
def _load(folder: Path, files: tuple[PictureFile, ...], scale: float | None) -> Texture:
    sizes = [measure_file(folder, file) for file in files]
    factor = scale_for(sizes, scale)
    for file, (width, height) in zip(files, sizes, strict=True):
        check_size(file.path, (height, width), factor)
    side = min(WHOLE_UP_TO, *(min(scaled_size(size, factor)) for size in sizes))
    photographs = {found.sha256: found for found in (_read(folder, file, factor, side) for file in files)}
    if len(photographs) == 1:
        raise InputError(f"{folder} holds a single photograph; name the file itself, or add others.")
    train, held_out = _split(sorted(photographs.values()))
    windows = [_in_turn(train)[:MOST_TRAIN], _in_turn(held_out)[:MOST_HELD_OUT]]
    strip = as_strip(np.stack(windows[0]))
    strip.setflags(write=False)
    info = TextureInfo(
        name=own_texture_name(folder),
        kind=Kind.PHOTOGRAPHS,
        role=Role.NONE,
        licence="not stated",
        source=f"{printable(folder.name)}: {len(train)} photographs, {len(windows[0])} windows of {side} px; "
        f"{len(held_out)} held out",
        scale=factor,
        description="",
    )
    every = [strip, *windows[1]]
    return texture_of(info, every, [Box(0, 0, *window.shape[:2]) for window in every])


def _read(folder: Path, file: PictureFile, factor: float, side: int) -> _Photograph:
    stored = read_file(folder, file, partial(check_size, file.path, factor=factor))
    pixels = resize(stored, factor)
    windows = tuple(extract(pixels, box) for box in squares(pixels.shape[:2], side)[:MOST_TRAIN])
    check_contrast(file.path, *windows)
    return _Photograph(hashlib.sha256(stored.tobytes()).digest(), windows)


def _split(photographs: list[_Photograph]) -> tuple[list[_Photograph], list[_Photograph]]:
    """Return those to learn from and those to hold out, in the order of their hashes; at least one of either."""
    count = sum(photograph.sha256[0] < 256 // HELD_OUT for photograph in photographs)
    count = min(max(count, 1), len(photographs) - 1)
    return photographs[count:], photographs[:count]


def _in_turn(photographs: list[_Photograph]) -> list[Pixels]:
    """Return the first window of each photograph, that of the largest first, then the second of each, and so on."""
    largest_first = sorted(photographs, key=lambda photograph: -len(photograph.windows))
    rounds = zip_longest(*(photograph.windows for photograph in largest_first))
    return [window for window in chain.from_iterable(rounds) if window is not None]
