"""The picture files of a folder: listed at once, and each read as it was when it was listed."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inng_bench.errors import InputError
from inng_bench.textures.decoding import CheckSize, decode_picture, read_size


@dataclass(frozen=True)
class PictureFile:
    """A file of a folder.

    Attributes
    ----------
    path : pathlib.Path
        Where it is.
    identity : tuple[str, int, int]
        Name, size in bytes and time of the last change.
    """

    path: Path
    identity: tuple[str, int, int]


def list_files(folder: Path, most: int) -> list[PictureFile]:
    """List the files of a folder by name, hidden ones left out.

    Raises
    ------
    InputError
        When the folder cannot be read, is empty, or holds more than ``most`` files.
    """
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if len(names) == most:
                    raise InputError(f"{folder} holds more than {most} files; give a folder of fewer pictures.")
                names.append(entry.name)
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be read ({error.strerror}); check its name.") from error
    if not names:
        raise InputError(f"the folder {folder} is empty; name a folder of pictures.")
    return [note_file(folder / name) for name in sorted(names)]


def note_file(path: Path) -> PictureFile:
    """Return a file as it is now."""
    return PictureFile(path, _identity(path))


def read_file(folder: Path, file: PictureFile, check_size: CheckSize) -> NDArray[np.uint8]:
    """Decode a listed file, see :func:`inng_bench.textures.decoding.decode_picture`.

    Raises
    ------
    InputError
        When it is no picture, leads out of the folder, or has changed since it was listed.
    """
    _check_inside(folder, file)
    pixels = decode_picture(file.path, check_size)
    check_unchanged(file)
    return pixels


def check_unchanged(file: PictureFile) -> None:
    """Refuse a file that is no longer as it was."""
    if note_file(file.path) != file:
        raise InputError(f"{file.path} changed while it was read; run again when nothing writes into it.")


def measure_file(folder: Path, file: PictureFile) -> tuple[int, int]:
    """Return width and height of a listed file as it is stored, without decoding it."""
    _check_inside(folder, file)
    return read_size(file.path)


def _check_inside(folder: Path, file: PictureFile) -> None:
    if not file.path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{file.path} is a link that leads out of the folder; put the picture itself there.")


def _identity(path: Path) -> tuple[str, int, int]:
    try:
        facts = path.stat()
    except OSError:  # a link that leads nowhere: it is refused when it is read
        return path.name, 0, 0
    return path.name, facts.st_size, facts.st_mtime_ns
