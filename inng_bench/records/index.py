"""What to go on with a results folder takes of each record, so that not all of them are read again.

The file ``.index`` holds no truth and may be deleted. A line of it counts only if it is whole and the record's file is
still the one that was read: the same inode, size and time of the last change, which no program can set. Every other
record is read and checked, and a line of it added.
"""

import contextlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from inng_bench.records import store
from inng_bench.records.schema import SCHEMA_VERSION, Record, Status

INDEX_NAME = ".index"

FORMAT = f"1.{SCHEMA_VERSION}"
"""Of a line; a change of :class:`Brief` needs another first number."""


@dataclass(frozen=True)
class Brief:
    """What tells whether a record is the result of a run.

    Attributes
    ----------
    suite, suite_hash, config_hash : str
        What it belongs to.
    status : Status
        How the run ended.
    pixels : tuple[str, ...]
        Hashes of the texture's windows.
    figures : frozenset[tuple[str, int]]
        Metrics and their versions.
    timed : bool
        Whether the sampler was timed.
    """

    suite: str
    suite_hash: str
    config_hash: str
    status: Status
    pixels: tuple[str, ...]
    figures: frozenset[tuple[str, int]]
    timed: bool

    @classmethod
    def of(cls, record: Record) -> "Brief":
        """Return that of a record."""
        return cls(
            suite=record.suite,
            suite_hash=record.suite_hash,
            config_hash=record.config_hash,
            status=record.status,
            pixels=record.texture.hashes,
            figures=frozenset((figure.metric, figure.version) for figure in record.measurements),
            timed=record.throughput is not None,
        )


_JSON = TypeAdapter(Brief)


class Index:
    """The briefs of a results folder.

    Parameters
    ----------
    out : Path
        The results folder.
    keep : bool
        Whether lines are added to the file; only the one session that holds the folder may.

    Attributes
    ----------
    briefs : dict[RunKey, Brief]
        By run.

    Raises
    ------
    InputError
        When a record is damaged or lies in the folder of another run.
    """

    def __init__(self, out: Path, *, keep: bool) -> None:
        self._out = out
        self._keep = keep
        self.briefs: dict[store.RunKey, Brief] = {}
        known = dict(_read_lines(out / INDEX_NAME))
        shared: dict[str, Brief] = {}  # the seeds of a configuration differ in nothing of this
        for place, stamp in _stamped_records(out):
            before, text = known.get(place, ("", ""))
            if before != stamp:
                self._look(place, stamp)
                continue
            if text not in shared:
                shared[text] = _JSON.validate_json(text)
            self.briefs[_key(place)] = shared[text]

    def renew(self, key: store.RunKey) -> Brief | None:
        """Read the record of a run that has ended; None where there is none."""
        texture, method, replicate = key
        place = f"{texture}/{method}/seed-{replicate}"
        try:
            stamp = _stamp(store.record_path(self._out, *key).stat())
        except FileNotFoundError:
            return None
        return self._look(place, stamp)

    def _look(self, place: str, stamp: str) -> Brief:
        """Read a record that had a stamp before; one that is changed meanwhile has another and is read next time."""
        path = self._out / "runs" / place / store.RECORD_NAME
        brief = Brief.of(store.read_placed_record(self._out, path))
        self.briefs[_key(place)] = brief
        if self._keep:
            rest = "\t".join((FORMAT, place, stamp, _JSON.dump_json(brief).decode()))
            with contextlib.suppress(OSError), (self._out / INDEX_NAME).open("a", encoding="utf-8") as stream:
                stream.write(f"{zlib.crc32(rest.encode()):08x}\t{rest}\n")
        return brief


def _read_lines(path: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Give place, stamp and brief of each whole line; a crash may have torn one."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.split("\n"):
        checksum, _, rest = line.partition("\t")
        if checksum == f"{zlib.crc32(rest.encode()):08x}":
            version, place, stamp, brief = rest.split("\t")
            if version == FORMAT:
                yield place, (stamp, brief)


def _stamped_records(out: Path) -> Iterator[tuple[str, str]]:
    """Give place and stamp of every record, in the order of their files."""
    runs = out / "runs"
    for texture in _folders(str(runs)):
        for method in _folders(texture.path):
            for seed in _folders(method.path):
                with contextlib.suppress(OSError):
                    stamp = _stamp(Path(seed.path, store.RECORD_NAME).stat())
                    yield f"{texture.name}/{method.name}/{seed.name}", stamp


def _folders(path: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(path) as entries:
            return sorted((entry for entry in entries if entry.is_dir()), key=lambda entry: entry.name)
    except OSError:
        return []


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_ino} {status.st_size} {status.st_ctime_ns}"


def _key(place: str) -> store.RunKey:
    """Return the run of a place that a record was found to belong to."""
    texture, method, seed = place.split("/")
    return texture, method, int(seed.removeprefix("seed-"))
