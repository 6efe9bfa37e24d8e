"""Where results lie, and how records are written and read.

A results folder holds::

    suite.json                                        the suite, resolved
    textures/<texture>/train.png, held_out-1.png ...  the windows
    runs/<texture>/<method>/seed-<replicate>/         record.json and its pictures and model
      checkpoint/                                     the last states of a training, until there is a record
    report/                                           tables and sheets, a view that can be made again
    .index                                            what going on takes of the records, made again where it is missing
  judge/<page>/                                     a page of blinded pairs, and the key to it

Texture and method names become folders; nothing that stands in a record can name a file outside its own folder.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from inng_bench.errors import InputError
from inng_bench.files import write_atomically
from inng_bench.hashes import canonical_hash, sealed, unsealed
from inng_bench.records.migrations import migrate
from inng_bench.records.schema import SCHEMA_VERSION, Record, TextureFacts

RunKey = tuple[str, str, int]
"""Texture, row label and number of the seed."""

RECORD_NAME = "record.json"
WORKERS_NAME = ".workers"
"""File of a results folder in which a client of a cluster says, now and then, which run is at which worker."""

RUNS = Path("results/runs")
"""Where the command line puts results folders."""

LARGEST_WINDOW = 64_000_000
"""Pixels of a window up to which those of a texture are stored."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def suite_path(out: Path) -> Path:
    """Return the file of the resolved suite."""
    return out / "suite.json"


def report_folder(out: Path) -> Path:
    """Return the folder of tables and sheets."""
    return out / "report"


def pages_folder(out: Path) -> Path:
    """Return the folder of the pages on which people judge."""
    return out / "judge"


def texture_folder(out: Path, texture: str) -> Path:
    """Return the folder of a texture's windows."""
    return out / "textures" / _checked_name("texture", texture)


def window_paths(out: Path, texture: str, held_out: int) -> tuple[Path, ...]:
    """Return the files of the train window and of so many held-out windows; a single one has no number."""
    folder = texture_folder(out, texture)
    numbers = [""] if held_out == 1 else [f"-{number}" for number in range(1, held_out + 1)]
    return folder / "train.png", *(folder / f"held_out{number}.png" for number in numbers)


def keeps_windows(texture: TextureFacts) -> bool:
    """Say whether the windows of a texture are stored; those of a large set are not, so it cannot be measured again."""
    return all(window.height * window.width <= LARGEST_WINDOW for window in (texture.train, *texture.held_out))


def run_folder(out: Path, texture: str, method: str, replicate: int) -> Path:
    """Return the folder of one run.

    Raises
    ------
    InputError
        When a name is not fit for a folder.
    """
    if replicate < 0:
        raise InputError(f"the seed number {replicate} is negative; count seeds from 0.")
    names = (_checked_name("texture", texture), _checked_name("method", method))
    return out.joinpath("runs", *names, f"seed-{replicate}")


def checkpoint_folder(out: Path, texture: str, method: str, replicate: int) -> Path:
    """Return the folder of the last states of a training that has no record yet."""
    return run_folder(out, texture, method, replicate) / "checkpoint"


def record_path(out: Path, texture: str, method: str, replicate: int) -> Path:
    """Return the file of one record."""
    return run_folder(out, texture, method, replicate) / RECORD_NAME


def folder_of(out: Path, record: Record) -> Path:
    """Return the folder that a record and its artefacts lie in."""
    return run_folder(out, *record.key)


def artefact_path(out: Path, record: Record, role: str) -> Path | None:
    """Return the file of a role, which may be missing, or None when the record names none.

    Raises
    ------
    InputError
        When the path leads out of the record's folder, symbolic links included.
    """
    if role not in record.artefacts:
        return None
    folder = folder_of(out, record)
    path = folder / _checked_artefact(record.artefacts[role], folder / RECORD_NAME)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{path} leads out of its folder; delete it and run again.")
    return path


def write_record(out: Path, record: Record) -> Path:
    """Write a record to its place, whole or not at all.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        When the record could not be read again (a name unfit for a folder, an artefact elsewhere, a NaN), or the
        folder cannot be written.
    """
    path = folder_of(out, record) / RECORD_NAME
    try:
        # pydantic's own JSON mode would turn a NaN among the settings into null.
        plain = json.loads(json.dumps(record.model_dump(), allow_nan=False))
        text = json.dumps(sealed(plain), indent=1, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"the record for {path} is not plain JSON ({error}); fix what the run returned.") from error
    _parse(text, path)
    write_atomically(path, f"{text}\n".encode())
    return path


def read_record(path: Path) -> Record:
    """Read one record.

    Raises
    ------
    InputError
        When the file is missing, damaged, of a newer schema, or names artefacts outside its folder.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"the record {path} cannot be read: {error.strerror}; run it again.") from error
    except UnicodeDecodeError as error:
        raise _damaged(path, "it is not UTF-8 text") from error
    return _parse(text, path)


def read_records(out: Path) -> tuple[Record, ...]:
    """Read all records of a results folder, in the order of texture, method and seed.

    Parameters
    ----------
    out : Path
        The results folder, such as ``results/runs/quick``.

    Returns
    -------
    tuple[Record, ...]
        Failed runs are among them; their ``status`` says so.

    Raises
    ------
    InputError
        When a record is damaged or lies in the folder of another run.

    Examples
    --------
    >>> records = read_records(Path("results/reference/smoke"))
    >>> first = records[0]
    >>> first.texture.name, first.method, first.replicate, str(first.status)
    ('grass', 'dcgan', 0, 'ok')
    """
    records = [read_placed_record(out, path) for path in record_files(out)]
    return tuple(sorted(records, key=lambda record: record.key))


def record_files(out: Path) -> list[Path]:
    """Return the files of all records, read or not."""
    return sorted((out / "runs").glob(f"*/*/*/{RECORD_NAME}"))


def read_placed_record(out: Path, path: Path) -> Record:
    """Read one record of a results folder.

    Raises
    ------
    InputError
        When it is damaged or lies in the folder of another run.
    """
    record = read_record(path)
    if path != folder_of(out, record) / RECORD_NAME:
        raise InputError(
            f"the record {path} belongs to {record.texture.name}/{record.method}/seed-{record.replicate}; "
            "move it there, or delete it and run again."
        )
    return record


def written_schema(path: Path) -> int:
    """Return the schema version that a readable record's file is written in, before any migration."""
    return int(json.loads(path.read_text(encoding="utf-8"))["schema_version"])


def find_record(out: Path, texture: str, method: str, replicate: int) -> Record | None:
    """Return the record of one run, or None when it has not ended yet."""
    path = record_path(out, texture, method, replicate)
    return read_record(path) if path.exists() else None


def latest_results(root: Path = RUNS) -> Path:
    """Return the results folder in which a suite or record was written last.

    Raises
    ------
    InputError
        When there is none.
    """
    folders = [path.parent for path in root.glob("*/suite.json")]
    if not folders:
        raise InputError(
            f"there are no results in {root}; make some with `inng-bench run --suite quick` or name a folder."
        )
    return max(folders, key=lambda folder: (_last_write(folder), folder.name))


def _last_write(folder: Path) -> int:
    """Return the time of the newest suite or record in nanoseconds."""
    files = [suite_path(folder), *record_files(folder)]
    return max(file.stat().st_mtime_ns for file in files)


def _parse(text: str, path: Path) -> Record:
    try:
        content = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise _damaged(path, f"it is not valid JSON, or NaN or Infinity is in it: {error}") from error
    _check_version(content, path)
    try:
        content = migrate(_opened(content))
        record = Record.model_validate_json(to_json(content))
    except ValidationError as error:
        raise _damaged(path, _explain(error)) from error
    except ValueError as error:  # another checksum, or a number that a float does not hold
        raise _damaged(path, str(error)) from error
    try:
        folder_of(Path(), record)
    except InputError as error:
        raise _damaged(path, str(error).rstrip(".")) from error
    for artefact in record.artefacts.values():
        _checked_artefact(artefact, path)
    return record


def _opened(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content without its checksum, which version 1 did not have; refuse 1e999, which no float holds."""
    if content["schema_version"] > 1:
        return unsealed(content)
    canonical_hash(content)
    return content


def _check_version(content: Any, path: Path) -> None:
    version = content.get("schema_version") if isinstance(content, dict) else None
    if type(version) is int and version > SCHEMA_VERSION:
        raise InputError(
            f"the record {path} has schema version {version}, but this package reads only versions up to "
            f"{SCHEMA_VERSION}; update the package with `pip install --upgrade inng-bench`."
        )
    if type(version) is not int or version < 1:  # in Python, True is an int
        raise _damaged(path, f"its schema version is {version!r}")


def _checked_name(kind: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"the {kind} name {name!r} cannot be used for a folder; use small letters, digits, '-', '_' and '.', "
            "a letter or digit first."
        )
    return name


def _checked_artefact(artefact: str, path: Path) -> str:
    """Return a relative path in POSIX form that stays within the folder of the record at ``path``."""
    parts = PurePosixPath(artefact).parts
    if not parts or parts[0] == "/" or ".." in parts or "\\" in artefact or "\0" in artefact:
        raise _damaged(path, f"its artefact {artefact!r} lies outside its folder")
    return artefact


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(f"the record {path} cannot be used ({reason}); delete it and run again.")


def _explain(error: ValidationError) -> str:
    """Return the first of pydantic's complaints as a clause."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    explain: dict[str, Callable[[], str]] = {
        "extra_forbidden": lambda: f"unknown field {place!r}",
        "missing": lambda: f"the field {place!r} is missing",
    }
    return explain.get(first["type"], lambda: f"{place}: {first['msg'][0].lower()}{first['msg'][1:]}")()
