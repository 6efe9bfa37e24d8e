"""A folder of one's own pictures, or an archive, as a set.

All pictures are decoded once, into one file in the cache folder that is then mapped into memory: a hundred thousand of
64 px take 1.2 GB there, and of memory what is read at a time.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray
from PIL import Image

from inng_bench.errors import InputError
from inng_bench.files import write_atomically
from inng_bench.textures.catalogue import Kind, Role, TextureInfo
from inng_bench.textures.folders import PictureFile, check_unchanged, list_files, note_file, read_file
from inng_bench.textures.own import own_texture_name, printable
from inng_bench.textures.paper import CACHE_VARIABLE
from inng_bench.textures.sets.archives import (
    MOST_PICTURES,
    SIDES,
    Sample,
    cifar_files,
    published,
    samples_of,
)
from inng_bench.textures.sets.bundled import make_set
from inng_bench.textures.texture import Texture

Pixels = NDArray[np.uint8]

LEAST_PICTURES = 64

HELD_OUT = 8
"""One picture of so many is held out: those whose hash begins with a byte below 256 / 8."""

NAMED = 3
"""Files that a sentence names at the most."""

MEND = "mend or remove what cannot be used, or pass it over with --pass-over"


def load_folder(folder: Path, *, side: int | None = None, pass_over: bool = False) -> Texture:
    """Read a folder of square pictures of one size, or an archive (:mod:`inng_bench.textures.sets.archives`).

    Whether a picture is held out depends on its own pixels alone, so that it stays what it is when others come to the
    folder, and a copy of it goes with it.

    Parameters
    ----------
    folder : pathlib.Path
        Its files are PNG, JPEG, TIFF or WebP pictures of 8 to 128 px a side; hidden ones do not count.
    side : int or None
        To which side in pixels the middle square of each picture is reduced, whatever its size; None takes them as
        they are.
    pass_over : bool
        Whether files that cannot be used are left out. They are counted in the set's source.

    Returns
    -------
    Texture
        Of the kind ``own set``, named after the folder.

    Raises
    ------
    InputError
        When the folder or a file in it cannot be used, in one sentence.
    """
    folder = Path(folder)
    files, samples = _open(folder)
    known = [str(folder.resolve()), side, pass_over, [file.identity for file in files]]
    key = hashlib.sha256(json.dumps(known).encode()).hexdigest()
    packed = _cache() / f"{key}.npy"
    if not (packed.exists() and packed.with_suffix(".json").exists()):
        try:
            _pack(folder, samples, packed, side, pass_over=pass_over)
        except OSError as error:
            raise InputError(
                f"the pictures of {folder} cannot be kept in {packed.parent} ({error.strerror}); make room there, or "
                f"name another folder by {CACHE_VARIABLE}."
            ) from error
    facts = json.loads(packed.with_suffix(".json").read_text(encoding="utf-8"))
    pictures: Pixels = np.load(packed, mmap_mode="r", allow_pickle=False)
    left = f", {facts['left']} files passed over" if facts["left"] else ""
    cut = f", middle squares of {side} px" if side is not None else ""
    info = TextureInfo(
        name=own_texture_name(folder),
        kind=Kind.OWN_SET,
        role=Role.NONE,
        licence="not stated",
        source=f"{printable(folder.resolve().name)}: {len(pictures)} pictures{cut}{left}{facts['which']}",
        scale=1.0,
        description="",
    )
    texture = make_set(info, pictures[: facts["train"]], pictures[facts["train"] :])
    return replace(texture, hashes=tuple(facts["sha256"]))


def _open(path: Path) -> tuple[list[PictureFile], Iterator[Sample]]:
    """Return the files that a set stands in, and what reads its pictures."""
    if path.is_file():
        files = [note_file(path)]
    elif not (files := [note_file(batch) for batch in cifar_files(path)]):
        files = list_files(path, MOST_PICTURES)
        return files, ((file.path, partial(read_file, path, file)) for file in files)
    return files, chain.from_iterable(map(_of_archive, files))


def _of_archive(file: PictureFile) -> Iterator[Sample]:
    yield from samples_of(file.path)
    check_unchanged(file)


def _cache() -> Path:
    return Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("inng-bench")).expanduser() / "sets"


def _pack(folder: Path, samples: Iterator[Sample], packed: Path, side: int | None, *, pass_over: bool) -> None:
    """Write all pictures into one file, those to learn from first, each part in the order of their hashes."""
    packed.parent.mkdir(parents=True, exist_ok=True)
    with _scratch(packed.parent) as scratch:
        digests, unusable = _decode_all(folder, samples, scratch, side)
        if unusable and not pass_over:
            named = " ".join(str(error) for error in unusable[:NAMED])
            count = len(digests) + len(unusable)
            raise InputError(f"{len(unusable)} of {count} files in {folder} cannot be used; {MEND}: {named}")
        if len(digests) < LEAST_PICTURES:
            raise InputError(
                f"{folder} holds {len(digests)} pictures that can be used and a set needs {LEAST_PICTURES}; "
                "to learn one texture from a picture or some photographs, name them with --texture."
            )
        order = sorted(range(len(digests)), key=lambda number: (_is_held_out(digests[number]), digests[number]))
        train = sum(not _is_held_out(digest) for digest in digests)
        if not 1 < train < len(digests) - 1:
            raise InputError(f"{folder} holds too many copies of one picture to be a set; remove them.")
        hashes = _write_packed(packed, scratch, [order[:train], order[train:]])
    facts = json.dumps({"train": train, "sha256": hashes, "left": len(unusable), "which": _which(folder)})
    write_atomically(packed.with_suffix(".json"), facts.encode())  # last: it says that the pictures are there


def _which(path: Path) -> str:
    """Say which published file an archive is, in words that continue a sentence; nothing of a folder."""
    if path.is_dir():
        return ""
    known = published(path)
    return f", by its MD5 {known}" if known else ", of no published MD5"


def _write_packed(packed: Path, scratch: Path, parts: Sequence[Sequence[int]]) -> list[str]:
    """Bring pictures into the order of parts, one at a time, and return the hash of each part's pixels.

    A map of the file would hold all of it in memory.
    """
    count = sum(map(len, parts))
    size = scratch.stat().st_size // count
    side = round((size / 3) ** 0.5)
    temporary = packed.with_suffix(f".{os.getpid()}.npy")
    with scratch.open("rb") as source, temporary.open("wb") as target:
        shape = {"descr": "|u1", "fortran_order": False, "shape": (count, side, side, 3)}
        np.lib.format.write_array_header_1_0(target, shape)
        hashes = [hashlib.sha256() for _ in parts]
        for part, sha256 in zip(parts, hashes, strict=True):
            for number in part:
                source.seek(number * size)
                content = source.read(size)
                target.write(content)
                sha256.update(content)
    temporary.replace(packed)
    return [sha256.hexdigest() for sha256 in hashes]


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(dir=folder, suffix=".raw")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _decode_all(
    folder: Path, samples: Iterator[Sample], scratch: Path, side: int | None
) -> tuple[list[bytes], list[InputError]]:
    """Write the pixels of all usable pictures one after the other; return their hashes, and why others are not."""
    digests: list[bytes] = []
    unusable: list[InputError] = []
    size = None if side is None else (side, side)
    with scratch.open("wb") as stream:
        for path, read in samples:
            if len(digests) + len(unusable) == MOST_PICTURES:
                raise InputError(f"{folder} holds more than {MOST_PICTURES} pictures; give fewer.")
            try:
                pixels = read(partial(_check_size, path, wanted=size, side=side))
            except InputError as error:
                unusable.append(error)
                continue
            pixels = pixels if side is None else _middle(pixels, side)
            size = (pixels.shape[0], pixels.shape[1])
            content = pixels.tobytes()
            stream.write(content)
            digests.append(hashlib.sha256(content).digest())
    return digests, unusable


def _middle(pixels: Pixels, side: int) -> Pixels:
    """Return the middle square of a picture, reduced to a side."""
    height, width = pixels.shape[:2]
    length = min(height, width)
    top, left = (height - length) // 2, (width - length) // 2
    square = Image.fromarray(pixels[top : top + length, left : left + length])
    return np.asarray(square.resize((side, side), Image.Resampling.LANCZOS))


def _check_size(path: Path, found: tuple[int, int], wanted: tuple[int, int] | None, side: int | None) -> None:
    height, width = found
    if side is not None:
        if min(found) < side:
            raise InputError(f"{path} has {width}x{height} px, which is less than the side of {side} px.")
        return
    if height != width or width not in SIDES:
        raise InputError(
            f"{path} has {width}x{height} px, and the pictures of a set are squares of {SIDES[0]} to {SIDES[-1]} px; "
            "--side 64 reduces the middle square of each to 64 px."
        )
    if wanted is not None and found != wanted:
        raise InputError(
            f"{path} has {width}x{height} px and others {wanted[1]}x{wanted[0]} px; bring all pictures of a set to one "
            "size, with --side."
        )


def _is_held_out(digest: bytes) -> bool:
    return digest[0] < 256 // HELD_OUT
