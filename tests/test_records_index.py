"""The index spares the reading of records, and is never believed against them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from record_builder import make_record, make_throughput, rewrite, write_records

from inng_bench.errors import InputError
from inng_bench.records import store
from inng_bench.records.index import INDEX_NAME, Brief, Index
from inng_bench.records.schema import Record, Status

RECORDS = [make_record(replicate=number) for number in range(3)]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the seed of every record that is read."""
    seeds: list[int] = []
    read_record = store.read_record

    def note(path: Path) -> Record:
        record = read_record(path)
        seeds.append(record.replicate)
        return record

    monkeypatch.setattr(store, "read_record", note)
    return seeds


def test_a_record_is_read_once_and_told_of_the_same_from_then_on(tmp_path: Path, read: list[int]) -> None:
    failed = make_record("dcgan", status=Status.FAILED, error="it broke")
    timed = make_record("gpdm", throughput=make_throughput())
    write_records(tmp_path, [*RECORDS, failed, timed])
    first = Index(tmp_path, keep=True).briefs
    assert first == {
        (record.texture.name, record.method, record.replicate): Brief.of(record) for record in [*RECORDS, failed, timed]
    }
    read.clear()
    assert Index(tmp_path, keep=True).briefs == first
    assert read == []


def test_looking_on_leaves_the_folder_as_it_is(tmp_path: Path) -> None:
    write_records(tmp_path, RECORDS)
    Index(tmp_path, keep=False)
    assert not (tmp_path / INDEX_NAME).exists()
    assert Index(tmp_path / "nowhere", keep=False).briefs == {}


def test_only_what_is_new_or_changed_is_read_and_what_is_gone_is_forgotten(tmp_path: Path, read: list[int]) -> None:
    write_records(tmp_path, RECORDS[:2])
    Index(tmp_path, keep=True)
    read.clear()
    store.record_path(tmp_path, "brick", "inng", 0).unlink()
    changed = RECORDS[1].model_copy(update={"config_hash": "0" * 64})
    write_records(tmp_path, [changed, RECORDS[2]])
    expected = {("brick", "inng", 1): Brief.of(changed), ("brick", "inng", 2): Brief.of(RECORDS[2])}
    assert Index(tmp_path, keep=True).briefs == expected
    assert read == [1, 2]


def test_an_edit_that_leaves_size_and_time_as_they_were_is_seen(tmp_path: Path) -> None:
    write_records(tmp_path, RECORDS[:1])
    Index(tmp_path, keep=True)
    path = store.record_path(tmp_path, "brick", "inng", 0)
    before = path.stat()
    path.write_text(path.read_text().replace(RECORDS[0].config_hash, RECORDS[0].config_hash[::-1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    with pytest.raises(InputError, match="does not agree with its checksum"):
        Index(tmp_path, keep=True)


@pytest.mark.parametrize(
    "harm",
    [
        lambda whole: whole[:-9],  # torn by a crash
        lambda whole: whole[:-9] + whole,  # and gone on with
        lambda whole: whole + bytes(100),  # as a file system leaves what it lost
        lambda whole: whole.replace(b"ok", b"no"),
        lambda whole: whole.replace(b"seed-1", b"seed-0"),
        lambda whole: whole.replace(b"\n", b"\r\n"),
        lambda _: b"\xff\xfe" * 100,
        lambda _: b"",
    ],
)
def test_an_index_that_is_torn_or_edited_costs_a_reading_and_no_more(
    harm: Callable[[bytes], bytes], tmp_path: Path, read: list[int]
) -> None:
    write_records(tmp_path, RECORDS)
    whole = Index(tmp_path, keep=True).briefs
    file = tmp_path / INDEX_NAME
    file.write_bytes(harm(file.read_bytes()))
    assert Index(tmp_path, keep=True).briefs == whole
    read.clear()
    assert Index(tmp_path, keep=True).briefs == whole
    assert len(read) <= 1  # a line that was added to a torn one


def test_a_line_of_another_version_of_this_package_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[int]
) -> None:
    write_records(tmp_path, RECORDS)
    with monkeypatch.context() as patch:
        patch.setattr("inng_bench.records.index.FORMAT", "older")
        Index(tmp_path, keep=True)
    read.clear()
    assert len(Index(tmp_path, keep=True).briefs) == len(read) == 3


def test_a_folder_that_was_copied_is_read_anew(tmp_path: Path, read: list[int]) -> None:
    write_records(tmp_path / "one", RECORDS)
    whole = Index(tmp_path / "one", keep=True).briefs
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    read.clear()
    assert Index(tmp_path / "two", keep=True).briefs == whole
    assert read == [0, 1, 2]


def test_a_run_that_ends_is_noted_at_once(tmp_path: Path, read: list[int]) -> None:
    index = Index(tmp_path, keep=True)
    assert index.renew(("brick", "inng", 0)) is None
    write_records(tmp_path, RECORDS)
    assert index.renew(("brick", "inng", 1)) == Brief.of(RECORDS[1])
    assert index.briefs == {("brick", "inng", 1): Brief.of(RECORDS[1])}
    read.clear()
    Index(tmp_path, keep=True)
    assert read == [0, 2]


def test_a_disk_without_room_for_the_index_does_no_harm(tmp_path: Path) -> None:
    write_records(tmp_path, RECORDS)
    (tmp_path / INDEX_NAME).mkdir()
    assert len(Index(tmp_path, keep=True).briefs) == 3


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda content: content.update(replicate=7), "belongs to brick/inng/seed-7"),
        (lambda content: content.update(flops="many"), "cannot be used"),
    ],
)
def test_a_record_that_is_misplaced_or_damaged_is_refused_by_name(
    edit: Callable[[dict[str, Any]], object], reason: str, tmp_path: Path
) -> None:
    write_records(tmp_path, RECORDS)
    Index(tmp_path, keep=True)
    rewrite(store.record_path(tmp_path, "brick", "inng", 2), edit)
    with pytest.raises(InputError, match=rf"seed-2/record\.json.*{reason}"):
        Index(tmp_path, keep=True)
