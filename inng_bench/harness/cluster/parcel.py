"""Files of a folder as one piece of bytes, with the hash of each: taken in whole or not at all."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from pydantic import BaseModel

from inng_bench.files import sync_folder
from inng_bench.hashes import file_hash
from inng_bench.records.store import RECORD_NAME

PIECE = 4 * 2**20
"""Bytes that travel at once."""


class Item(BaseModel, extra="forbid", frozen=True):
    """One file: its name within the folder, and what its bytes must be."""

    name: str
    size: int
    sha256: str


class Parcel(BaseModel, extra="forbid", frozen=True):
    """What a folder holds, in the order in which the bytes follow each other."""

    items: tuple[Item, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(item.size for item in self.items)


class RejectedError(Exception):
    """A parcel whose bytes or names are not what they should be."""


def pack(folder: Path) -> Parcel:
    """Describe the files of a folder; those of its subfolders and hidden ones stay where they are."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    return Parcel(items=tuple(Item(name=f.name, size=f.stat().st_size, sha256=file_hash(f)) for f in files))


def read_piece(folder: Path, parcel: Parcel, offset: int, length: int = PIECE) -> bytes:
    """Read bytes of a parcel from the folder that it was packed of."""
    pieces, begin = [], 0
    for item in parcel.items:
        start, end = max(offset - begin, 0), min(offset + length - begin, item.size)
        if start < end:
            with (folder / item.name).open("rb") as stream:
                stream.seek(start)
                pieces.append(stream.read(end - start))
        begin += item.size
    return b"".join(pieces)


def unpack(parcel: Parcel, pieces: Iterable[bytes], staging: Path) -> None:
    """Write the files of a parcel into a folder, with no more than one piece in memory.

    Raises
    ------
    RejectedError
        When a name leads elsewhere, bytes are missing or left over, or a hash is another one.
    """
    rest, source = b"", iter(pieces)
    staging.mkdir(parents=True, exist_ok=True)
    for item in parcel.items:
        if PurePosixPath(item.name).name != item.name or item.name.startswith(".") or "\\" in item.name:
            raise RejectedError(f"the name {item.name!r} leads elsewhere")
        digest, left = hashlib.sha256(), item.size
        with (staging / item.name).open("wb") as stream:
            while left:
                rest = rest or next(source, b"")
                if not rest:
                    raise RejectedError(f"{item.name} is cut short")
                part, rest = rest[:left], rest[left:]
                digest.update(part)
                stream.write(part)
                left -= len(part)
            stream.flush()
            os.fsync(stream.fileno())
        if digest.hexdigest() != item.sha256:
            raise RejectedError(f"{item.name} does not agree with its SHA-256")
    if rest or next(source, b""):
        raise RejectedError("there are more bytes than files")


def install(parcel: Parcel, staging: Path, folder: Path) -> None:
    """Move the files of a parcel to their place, the record last: with it the run is done."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD_NAME).unlink(missing_ok=True)  # what it describes is about to be replaced
    for item in sorted(parcel.items, key=lambda item: item.name == RECORD_NAME):
        (staging / item.name).replace(folder / item.name)
    sync_folder(folder)
