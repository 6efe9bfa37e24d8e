"""Whether a results folder is whole: every record, artefact, window and checkpoint against its hash."""

import hashlib
import json
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image

from inng_bench.errors import InputError
from inng_bench.hashes import CHECKSUM, file_hash, unsealed
from inng_bench.records import store
from inng_bench.records.generations import Generations, read_state
from inng_bench.records.schema import Record, Window


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes
    ----------
    records, files : int
        How many were looked at; files are pictures, models, windows and checkpoints.
    problems : tuple[str, ...]
        A sentence for each that is damaged or missing.
    """

    records: int
    files: int
    problems: tuple[str, ...]


def verify(out: Path) -> Verification:
    """Compare everything in a results folder with its hash; nothing is changed.

    A folder of which nothing but the records was kept, such as the committed reference results, lacks no file.

    Raises
    ------
    InputError
        When there is nothing to verify.
    """
    paths = store.record_files(out)
    states = [path for folder in (out / "runs").glob("*/*/*/checkpoint") for path in Generations(folder).complete()]
    if not paths and not states:
        raise InputError(f"there is nothing to verify in {out}; name a results folder, such as results/runs/quick.")
    records, problems = _read_all(out, paths)
    windows = _windows(out, records)
    artefacts = [(record, role) for record in records for role in record.artefacts]
    places = [store.folder_of(out, record) / record.artefacts[role] for record, role in artefacts]
    if not any(path.exists() for path in (*places, *windows)):
        windows, artefacts = {}, []
    problems += [_check_artefact(out, record, role) for record, role in artefacts]
    problems += [_check_window(path, window) for path, window in windows.items()]
    problems += [_check_suite(store.suite_path(out)), *(_check_state(path) for path in states)]
    files = len(artefacts) + len(windows) + len(states)
    return Verification(len(paths), files, tuple(problem for problem in problems if problem))


def damaged_pictures(out: Path, records: Iterable[Record]) -> tuple[str, ...]:
    """Return a sentence for each picture of some records that is lost, or is not as it was written.

    A folder of which only the records were kept lacks no picture.

    Raises
    ------
    InputError
        When a path leads out of its record's folder.
    """
    records = list(records)
    artefacts = [(record, role) for record in records for role in record.artefacts]
    places = [(store.artefact_path(out, *artefact), artefact) for artefact in artefacts]
    pictures = {path: artefact for path, artefact in places if path is not None and path.suffix == ".png"}
    windows = _windows(out, records)
    lost = [path for path in (*pictures, *windows) if not path.exists()]
    if len(lost) == len(pictures) + len(windows):
        return ()
    problems = [_check_artefact(out, *artefact) for path, artefact in pictures.items() if path not in lost]
    problems += [_check_window(path, window) for path, window in windows.items() if path not in lost]
    return (*_name_lost(lost, windows), *(problem for problem in problems if problem))


def _name_lost(lost: Iterable[Path], windows: Container[Path]) -> Iterator[str]:
    """Yield a sentence for each folder, since a run has up to a hundred pictures."""
    for folder, paths in groupby(lost, key=lambda path: path.parent):
        first, *others = paths
        more = f" and {len(others)} more" if others else ""
        mend = "run the suite again, which writes it" if first in windows else "delete its run and run again"
        yield f"{folder} has lost {first.name}{more}; {mend}."


def _read_all(out: Path, paths: Iterable[Path]) -> tuple[list[Record], list[str]]:
    """Return the records that can be read, and why the others cannot."""
    records, problems = [], []
    for path in paths:
        try:
            records.append(store.read_placed_record(out, path))
        except InputError as error:
            problems.append(str(error))
    return records, problems


def _windows(out: Path, records: Iterable[Record]) -> dict[Path, Window]:
    found: dict[Path, Window] = {}
    for texture in (record.texture for record in records if store.keeps_windows(record.texture)):
        paths = store.window_paths(out, texture.name, len(texture.held_out))
        found |= zip(paths, (texture.train, *texture.held_out), strict=True)
    return found


def _check_artefact(out: Path, record: Record, role: str) -> str:
    try:
        path = store.artefact_path(out, record, role)
        assert path is not None
        return "" if file_hash(path) == record.hashes.get(role) else f"{path} is damaged; delete its run and run again."
    except InputError as error:
        return str(error)
    except OSError as error:
        return f"{error.filename} cannot be read ({error.strerror}); delete its run and run again."


def _check_window(path: Path, window: Window) -> str:
    """Compare pixels, which are what the record has the hash of."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.size == (window.width, window.height) and _pixel_hash(image) == window.sha256:
                return ""
    except Exception as error:  # damaged files make the decoder raise nearly anything
        return f"{path} cannot be read ({type(error).__name__}); run the suite again, which writes it."
    return f"{path} is damaged; run the suite again, which writes it."


def _pixel_hash(image: Image.Image) -> str:
    return hashlib.sha256(np.asarray(image.convert("RGB")).tobytes()).hexdigest()


def _check_suite(path: Path) -> str:
    """Check a suite's checksum, which those of schema 1 did not have."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if CHECKSUM in content:
            unsealed(content)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        return f"{path} is damaged ({error}); run the suite again, which writes it."
    return ""


def _check_state(path: Path) -> str:
    try:
        read_state(path)
    except InputError as error:
        return str(error)
    return ""
