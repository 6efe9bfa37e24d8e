import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from record_builder import make_curve, make_record, make_texture, make_throughput, rewrite, write_records

from inng_bench.errors import InputError
from inng_bench.records import store
from inng_bench.records.schema import SCHEMA_VERSION, Status


def stored(tmp_path: Path, **changes: Any) -> Path:
    return store.write_record(tmp_path, make_record(**changes))


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = make_record(
        curve=make_curve(3, ["loss"]),
        throughput=make_throughput(),
        warnings=("Steinkohle · 石",),
        artefacts={"sample-0": "samples/000.png"},
        settings={"rate": 0.1 + 0.2},
        sample_size=(256, 256),
    )
    path = store.write_record(tmp_path, record)
    assert path == tmp_path / "runs/brick/inng/seed-0/record.json"
    assert store.read_record(path) == record


def test_a_failed_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = make_record(status=Status.FAILED, error="out of\nmemory")
    assert store.read_record(store.write_record(tmp_path, record)) == record


def test_records_come_in_the_order_of_texture_method_and_number_of_the_seed(tmp_path: Path) -> None:
    keys = [("grass", "inng", 0), ("brick", "inng", 10), ("brick", "inng", 2), ("brick", "dcgan", 0)]
    write_records(tmp_path, [make_record(method, texture=name, replicate=seed) for name, method, seed in keys])
    found = [(one.texture.name, one.method, one.replicate) for one in store.read_records(tmp_path)]
    assert found == sorted(keys)


def test_a_folder_without_runs_has_no_records(tmp_path: Path) -> None:
    assert store.read_records(tmp_path / "nowhere") == ()


def test_a_run_is_found_only_when_it_has_a_record(tmp_path: Path) -> None:
    stored(tmp_path)
    assert store.find_record(tmp_path, "brick", "inng", 0) == make_record()
    assert store.find_record(tmp_path, "brick", "inng", 1) is None


def test_a_record_cut_short_anywhere_is_refused_by_name(tmp_path: Path) -> None:
    path = stored(tmp_path)
    whole = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(InputError, match=r"brick/inng/seed-0/record\.json .* delete it and run again"):
            store.read_record(path)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda content: content.update(colour="red"), "unknown field 'colour'"),
        (lambda content: content["texture"].update(colour="red"), "unknown field 'texture.colour'"),
        (lambda content: content.pop("method"), "'method' is missing"),
        (lambda content: content.update(flops="many"), "flops"),
        (lambda content: content.update(flops=math.nan), "NaN or Infinity is in it"),
        (lambda content: content["settings"].update(rate=math.inf), "NaN or Infinity is in it"),
        (lambda content: content.pop("schema_version"), "schema version is None"),
        (lambda content: content.update(schema_version=0), "schema version is 0"),
    ],
)
def test_a_damaged_record_is_refused_with_the_reason(
    tmp_path: Path, edit: Callable[[dict[str, Any]], object], reason: str
) -> None:
    path = stored(tmp_path)
    rewrite(path, edit)
    with pytest.raises(InputError, match=reason) as caught:
        store.read_record(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"[]", b"\xff\xfe", b"null", b"not json"])
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, content: bytes) -> None:
    path = stored(tmp_path)
    path.write_bytes(content)
    with pytest.raises(InputError, match="delete it and run again"):
        store.read_records(tmp_path)


def test_a_newer_record_asks_for_a_newer_package(tmp_path: Path) -> None:
    path = stored(tmp_path)
    rewrite(path, lambda content: content.update(schema_version=SCHEMA_VERSION + 1, news=1))
    with pytest.raises(InputError, match="update the package"):
        store.read_record(path)


def test_a_record_in_the_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    path = stored(tmp_path)
    other = tmp_path / "runs/brick/inng/seed-1"
    path.parent.rename(other)
    with pytest.raises(InputError, match=r"belongs to brick/inng/seed-0"):
        store.read_records(tmp_path)


@pytest.mark.parametrize("artefact", ["/etc/passwd", "../record.json", "a/../../b.png", "", "..\\x.png", "a\0b"])
def test_an_artefact_outside_the_record_is_refused_when_written_and_when_read(tmp_path: Path, artefact: str) -> None:
    with pytest.raises(InputError, match="outside its folder"):
        stored(tmp_path, artefacts={"sample-0": artefact})
    path = stored(tmp_path)
    rewrite(path, lambda content: content["artefacts"].update(stages=artefact))
    with pytest.raises(InputError, match="outside its folder"):
        store.read_record(path)


def test_a_symbolic_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    record = make_record(artefacts={"nearest": "nearest.png"})
    folder = store.write_record(tmp_path, record).parent
    (tmp_path / "secret.png").write_bytes(b"")
    (folder / "nearest.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(InputError, match="leads out of its folder"):
        store.artefact_path(tmp_path, record, "nearest")


def test_an_artefact_lies_beside_its_record(tmp_path: Path) -> None:
    record = make_record(artefacts={"nearest": "pictures/nearest.png"})
    expected = tmp_path / "runs/brick/inng/seed-0/pictures/nearest.png"
    assert store.artefact_path(tmp_path, record, "nearest") == expected
    assert store.artefact_path(tmp_path, record, "stages") is None


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../a", "Brick", "-a", ".hidden", "a b", "a\n", "é"])
def test_a_name_that_cannot_name_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    calls: list[Callable[[], Path]] = [
        lambda: store.run_folder(tmp_path, name, "inng", 0),
        lambda: store.run_folder(tmp_path, "brick", name, 0),
        lambda: store.texture_folder(tmp_path, name),
        lambda: stored(tmp_path, method=name),
        lambda: stored(tmp_path, texture=make_texture(name)),
    ]
    for call in calls:
        with pytest.raises(InputError, match="cannot be used for a folder"):
            call()
    assert not list(tmp_path.iterdir())


def test_names_that_suites_allow_name_folders(tmp_path: Path) -> None:
    assert store.run_folder(tmp_path, "my_stone.2", "dcgan-0.5x", 3) == tmp_path / "runs/my_stone.2/dcgan-0.5x/seed-3"


def test_a_negative_seed_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="negative"):
        store.run_folder(tmp_path, "brick", "inng", -1)


def test_what_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    for setting in (math.nan, {1, 2}):
        with pytest.raises(InputError, match="not plain JSON"):
            store.write_record(tmp_path, make_record(settings={"rate": setting}))
    bad = make_record().model_copy(update={"flops": "many"})
    with pytest.warns(UserWarning, match="serialized"), pytest.raises(InputError, match="flops"):
        store.write_record(tmp_path, bad)
    assert not list(tmp_path.iterdir())


def test_the_latest_results_are_those_with_the_newest_suite_or_record(tmp_path: Path) -> None:
    old = write_records(tmp_path / "old", [make_record()])
    new = write_records(tmp_path / "new", [make_record()])
    (tmp_path / "without-suite").mkdir()
    for seconds, folder in enumerate((old, new)):
        for file in (store.suite_path(folder), store.record_path(folder, "brick", "inng", 0)):
            os.utime(file, (seconds, seconds))
    assert store.latest_results(tmp_path) == new
    os.utime(store.record_path(old, "brick", "inng", 0), (9, 9))
    assert store.latest_results(tmp_path) == old


def test_without_results_the_command_that_makes_some_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"inng-bench run --suite quick"):
        store.latest_results(tmp_path)


def test_eight_processes_that_write_fifty_records_each_lose_none(tmp_path: Path) -> None:
    methods = [f"method-{number}" for number in range(8)]
    script = Path(__file__).parent / "write_records.py"
    writers = [subprocess.Popen([sys.executable, str(script), str(tmp_path), method]) for method in methods]
    assert [writer.wait() for writer in writers] == [0] * 8
    expected = [make_record(method, replicate=number) for method in methods for number in range(50)]
    assert store.read_records(tmp_path) == tuple(expected)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 400


def test_processes_that_write_one_record_leave_one_of_theirs_whole(tmp_path: Path) -> None:
    script = Path(__file__).parent / "write_records.py"
    writers = [subprocess.Popen([sys.executable, str(script), str(tmp_path), "inng"]) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(store.read_records(tmp_path)) == 50
