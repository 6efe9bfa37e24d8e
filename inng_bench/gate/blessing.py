"""``bless``: make a reference of results, with the reason, the commit and the environment they come from.

A reference is a folder of records beside ``blessing.json``, which has the hash of every one of them: a record that is
edited, lost or added by hand makes the reference unusable.
"""

import contextlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

import inng_bench
from inng_bench.errors import InputError
from inng_bench.gate.cells import RowKind, row_kind
from inng_bench.hashes import file_hash
from inng_bench.metrics.catalogue import BY_NAME, DEFAULT, selected_of_sets
from inng_bench.records import store
from inng_bench.records.folder import locked
from inng_bench.records.provenance import describe_source
from inng_bench.records.schema import DETECTION, Provenance, Record, Status

BLESSING_NAME = "blessing.json"
FORMAT = 1

LEAST_SEEDS = 3
"""Seeds of a trained row in a reference: two would leave one degree of freedom, and thresholds beyond any use."""

_SHORT = 12
"""Digits of a commit that a sentence shows."""


class Blessing(BaseModel, extra="forbid", frozen=True, strict=True):
    """Why a folder is a reference."""

    format: int = FORMAT
    reason: str
    blessed: str = Field(description="UTC, ISO 8601.")
    suite: str
    suite_hash: str
    commit: str = Field(description="Of the code that made the records.")
    environment: dict[str, Any] = Field(description="Versions and machine, the same for all records.")
    unjudged: tuple[str, ...] = Field(description="Methods for which the suite plans too few seeds to judge them.")
    records: dict[str, str] = Field(description="SHA-256 of every record by its path.")


def read_blessing(reference: Path) -> Blessing | None:
    """Return the blessing of a folder, None where there is none.

    Raises
    ------
    InputError
        When it is broken, or the records are not those that were blessed.
    """
    path = reference / BLESSING_NAME
    if not path.exists():
        return None
    try:
        blessing = Blessing.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{path} cannot be read; restore it, or bless the results again.") from error
    if blessing.format != FORMAT:
        raise InputError(f"{path} has format {blessing.format} and this package reads {FORMAT}; bless again.")
    _refuse_tampering(reference, blessing)
    return blessing


def _refuse_tampering(reference: Path, blessing: Blessing) -> None:
    hashes = hash_records(reference)
    for path in sorted(hashes.keys() | blessing.records.keys()):
        if hashes.get(path) != blessing.records.get(path):
            what = "is gone" if path not in hashes else "has changed" if path in blessing.records else "was added"
            raise InputError(
                f"the record {reference / path} {what} since the reference was blessed; restore it, or bless again."
            )


def hash_records(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every record of a results folder by its relative path."""
    return {path.relative_to(folder).as_posix(): file_hash(path) for path in store.record_files(folder)}


def bless(
    results: Path, reference: Path, reason: str, add_views: Callable[[Path], object] = lambda _: None
) -> Blessing:
    """Make a reference of results; an earlier reference is replaced in whole.

    Parameters
    ----------
    results : Path
        The results folder. It is only read, but locked: a suite that has not ended still changes its records.
    reference : Path
        The folder to write. It must be absent, empty, or a reference.
    reason : str
        Why this is how good the method is to be from now on.
    add_views : Callable[[Path], object]
        Writes tables and pictures into the folder before it takes its name.

    Raises
    ------
    InputError
        When the results do not bear a blessing, a suite is still running in them, or the folder cannot be written. The
        old reference is then untouched.
    """
    if not reason.strip():
        raise InputError("a reference needs a reason; say with --reason why these results are the reference.")
    _refuse_target(results, reference)
    if not results.is_dir():
        raise InputError(f"there is no folder {results}; name a results folder.")
    with locked(results):
        blessing = _judge_fitness(results, reason)
        _write(results, reference, blessing, add_views)
    return blessing


def _judge_fitness(results: Path, reason: str) -> Blessing:
    """Return the blessing of results; raise when they do not bear one."""
    records = store.read_records(results)
    unjudged = _refuse_unfit(results, records)
    return Blessing(
        reason=" ".join(reason.split()),
        blessed=datetime.now(UTC).isoformat(timespec="seconds"),
        suite=records[0].suite,
        suite_hash=records[0].suite_hash,
        commit=str(records[0].provenance.git_sha),
        environment=_environment(records[0].provenance),
        unjudged=unjudged,
        records=hash_records(results),
    )


def _refuse_target(results: Path, reference: Path) -> None:
    source, target = results.resolve(), reference.resolve()
    if source.is_relative_to(target) or target.is_relative_to(source):
        raise InputError(f"{reference} overlaps with the results; name another folder with --to.")
    is_free = not reference.exists() or (reference.is_dir() and not any(reference.iterdir()))
    if not (is_free or store.suite_path(reference).is_file()):
        raise InputError(f"{reference} exists and is not a reference; name another folder with --to.")


def _refuse_unfit(results: Path, records: Sequence[Record]) -> tuple[str, ...]:
    """Return the methods that cannot be judged by the suite's own plan; raise when the results bear no blessing."""
    if not records:
        raise InputError(f"there are no records in {results}; name a results folder.")
    if describe_source(Path(inng_bench.__file__).parent)[1]:
        raise InputError("the source tree has changes that are not committed; commit them, run again and then bless.")
    _refuse_failures(records)
    _refuse_several(records)
    _refuse_gaps(records)
    planned = _planned_seeds(results)
    unjudged = tuple(sorted(method for method, seeds in planned.items() if seeds < LEAST_SEEDS))
    _refuse_few_seeds(records, unjudged)
    return unjudged


def _refuse_failures(records: Iterable[Record]) -> None:
    for record in records:
        if record.status is not Status.OK:
            raise InputError(f"the run {record.title} {record.status} ({record.error}); run it again before blessing.")


def _refuse_several(records: Sequence[Record]) -> None:
    """Refuse records of several suites, commits or machines, and of code that no commit holds."""
    for record in records:
        if any(one.git_sha is None or one.git_dirty for one in _makers(record)):
            raise InputError(
                f"the run {record.title} was made by uncommitted code; run the suite from a clean checkout."
            )
    for what, found in (
        ("suites", {record.suite_hash[:_SHORT] for record in records}),
        ("commits", {_commits(record) for record in records}),
        ("environments", {json.dumps([*map(_environment, _makers(record))], sort_keys=True) for record in records}),
    ):
        if len(found) > 1:
            named = "" if what == "environments" else f" ({', '.join(sorted(found))})"
            raise InputError(f"the records come from {len(found)} {what}{named}; make all of them on one.")


def _makers(record: Record) -> tuple[Provenance, ...]:
    """Return the code and machine of the run, and of every later measuring of what the gate judges."""
    return (record.provenance, *(one.provenance for one in record.remeasured if one.metrics != (DETECTION,)))


def _commits(record: Record) -> str:
    return ", measured again by ".join(str(one.git_sha)[:_SHORT] for one in _makers(record))


def _refuse_gaps(records: Sequence[Record]) -> None:
    """Refuse a table with holes: a row that some textures lack, a metric of another version or none."""
    rows = {record.row for record in records}
    textures, methods = ({row[axis] for row in rows} for axis in (0, 1))
    for row in sorted({(texture, method) for texture in textures for method in methods} - rows):
        raise InputError(f"there is no run of {' · '.join(row)}; run what is missing before blessing.")
    current = {(metric.name, metric.version) for metric in BY_NAME.values()}
    for record in records:
        found = {(one.metric, one.version) for one in record.measurements}
        if not found <= current or not {name for name, _ in found} >= _wanted(record):
            raise InputError(f"the run {record.title} lacks the present version of a metric; run it again.")


def _wanted(record: Record) -> set[str]:
    """Return the metrics that every record of its kind has."""
    return set(selected_of_sets(None) if record.texture.is_set else DEFAULT)


def _planned_seeds(results: Path) -> dict[str, int]:
    """Return the number of seeds of each method for which the suite plans its own."""
    path = store.suite_path(results)
    try:
        methods = json.loads(path.read_text(encoding="utf-8"))["methods"]
        return {entry["label"]: entry["replicates"] for entry in methods if entry["replicates"] is not None}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is missing or broken; run the suite again, which writes it.") from error


def _refuse_few_seeds(records: Iterable[Record], unjudged: Sequence[str]) -> None:
    judged = (one for one in records if row_kind(one) is RowKind.TRAINED and one.method not in unjudged)
    for row, count in Counter(one.row for one in judged).items():
        if count < LEAST_SEEDS:
            raise InputError(
                f"{' · '.join(row)} has {count} of the {LEAST_SEEDS} seeds that a reference needs at least; "
                f"run the suite with --seeds {LEAST_SEEDS} or more."
            )


def _environment(provenance: Provenance) -> dict[str, Any]:
    return provenance.model_dump(mode="json", exclude={"git_sha", "git_dirty"})


def _write(results: Path, reference: Path, blessing: Blessing, add_views: Callable[[Path], object]) -> None:
    """Make the folder beside its place and let it take its name."""
    try:
        reference.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{reference.name}.", dir=reference.parent) as folder:
            made = Path(folder) / reference.name
            for path in (store.suite_path(results).name, *blessing.records):
                (made / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(results / path, made / path)
            add_views(made)
            (made / BLESSING_NAME).write_text(f"{blessing.model_dump_json(indent=1)}\n", encoding="utf-8")
            _exchange(made, reference, Path(folder) / "old")
    except OSError as error:
        raise InputError(
            f"the reference {reference} cannot be written ({error.strerror}); name another folder with --to."
        ) from error


def _exchange(made: Path, reference: Path, old: Path) -> None:
    """Put a folder in the place of another, which comes back should that fail."""
    with contextlib.suppress(FileNotFoundError):
        reference.rename(old)
    try:
        made.rename(reference)
    except OSError:
        if old.exists():
            shutil.move(old, reference)
        raise
