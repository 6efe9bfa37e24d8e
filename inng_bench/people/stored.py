"""The pictures of a results folder that people can compare: samples, and real windows for the row ``real``."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from inng_bench.errors import InputError
from inng_bench.hashes import file_hash
from inng_bench.records import store
from inng_bench.records.schema import Record, TextureFacts, Window
from inng_bench.report.canvas import load_picture
from inng_bench.report.rows import REAL, Row, by_texture, claimed, make_rows
from inng_bench.suggest import did_you_mean


@dataclass(frozen=True)
class StoredPicture:
    """A picture of a results folder.

    Attributes
    ----------
    name : str
        Its path within the folder.
    sha256 : str
        Of its pixels if it is a window, else of its file.
    """

    path: Path
    name: str
    sha256: str
    is_window: bool

    def load(self) -> Image.Image:
        """Return the picture as RGB.

        Raises
        ------
        InputError
            When it is not as its run wrote it.
        """
        loaded = load_picture(self.path, self.name)
        if loaded.image is None or self._hash(loaded.image) != self.sha256:
            mend = "run the suite again, which writes it" if self.is_window else "delete its run and run again"
            raise InputError(f"{self.path} is damaged; {mend}.")
        return loaded.image

    def _hash(self, image: Image.Image) -> str:
        return hashlib.sha256(np.asarray(image).tobytes()).hexdigest() if self.is_window else file_hash(self.path)


@dataclass(frozen=True)
class Contestant:
    """A method on one texture, with its pictures over all seeds; never without any."""

    method: str
    copies: bool
    pictures: tuple[StoredPicture, ...]


@dataclass(frozen=True)
class Contest:
    """A texture, its train window and the methods that have pictures of it: two or more."""

    facts: TextureFacts
    source: StoredPicture
    contestants: tuple[Contestant, ...]


def find_contests(results: Path, methods: Sequence[str] | None = None) -> tuple[Contest, ...]:
    """Return what can be compared in a results folder.

    Textures are those that the report takes its means over: where there are test textures, these alone.

    Parameters
    ----------
    results : Path
        The results folder.
    methods : Sequence[str] or None
        Labels of the rows to compare; None for all.

    Raises
    ------
    InputError
        When there are no records, a method is not known, or no texture has pictures of two methods.
    """
    records = store.read_records(results)
    if not records:
        raise InputError(f"there are no records in {results}; make some with `inng-bench run --suite quick`.")
    rows = make_rows(records)
    _check_methods(methods, {row.method for row in rows})
    chosen = [row for row in claimed(rows) if methods is None or row.method in methods]
    found = [_contest(results, group) for group in by_texture(chosen).values()]
    contests = tuple(one for one in found if one is not None)
    if not contests:
        raise InputError(
            f"no texture of {results} has its window and pictures of two or more methods; name a folder in which a "
            "suite was run, or more --methods."
        )
    return contests


def _check_methods(methods: Sequence[str] | None, known: set[str]) -> None:
    for method in methods or ():
        if method not in known:
            raise InputError(f"there is no row {method!r}; {did_you_mean(method, known)}")


def _contest(results: Path, rows: Sequence[Row]) -> Contest | None:
    facts = rows[0].texture
    source = next(iter(_windows(results, facts)))
    contestants = [
        Contestant(row.method, row.copies, pictures) for row in rows if (pictures := _pictures(results, row))
    ]
    if len(contestants) < 2 or not source.path.exists():
        return None
    return Contest(facts, source, tuple(contestants))


def _pictures(results: Path, row: Row) -> tuple[StoredPicture, ...]:
    if row.implementation == REAL:
        found: Iterable[StoredPicture] = _windows(results, row.texture)[1:]
    else:
        found = (picture for record in row.succeeded for picture in _samples(results, record))
    return tuple(picture for picture in found if picture.path.exists())


def _windows(results: Path, facts: TextureFacts) -> list[StoredPicture]:
    """Return the train window, then the held-out ones."""
    windows: tuple[Window, ...] = (facts.train, *facts.held_out)
    paths = store.window_paths(results, facts.name, len(facts.held_out))
    return [
        StoredPicture(path, path.relative_to(results).as_posix(), window.sha256, is_window=True)
        for path, window in zip(paths, windows, strict=True)
    ]


def _samples(results: Path, record: Record) -> Iterable[StoredPicture]:
    for role in sorted(role for role in record.artefacts if role.startswith("sample-")):
        path = store.artefact_path(results, record, role)
        assert path is not None
        yield StoredPicture(path, path.relative_to(results).as_posix(), record.hashes.get(role, ""), is_window=False)
