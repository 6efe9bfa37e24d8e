"""Blessing: what becomes a reference, what does not, and that it is never half a one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from gate_tables import make_table
from record_builder import make_provenance, write_records

from inng_bench import cli
from inng_bench.errors import ExitStatus, InputError
from inng_bench.gate import blessing
from inng_bench.gate.blessing import bless, read_blessing
from inng_bench.gate.checking import check
from inng_bench.records import store
from inng_bench.records.schema import DETECTION, Record, Remeasurement, Status

SUITE = {"name": "quick", "methods": [{"label": "inng", "replicates": None}, {"label": "dcgan", "replicates": None}]}
REASON = "the first one"


@pytest.fixture(autouse=True)
def _clean_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blessing, "describe_source", lambda _: ("0" * 40, False))


def results(tmp_path: Path, records: list[Record] | None = None, suite: Any = SUITE) -> Path:
    folder = write_records(tmp_path / "results", make_table() if records is None else records)
    store.suite_path(folder).write_text(json.dumps(suite))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_reference_has_the_records_the_suite_and_the_blessing_and_no_pictures(tmp_path: Path) -> None:
    source, target = results(tmp_path), tmp_path / "reference" / "quick"
    (store.run_folder(source, "brick", "inng", 0) / "sample-0.png").write_bytes(b"a picture")
    made = bless(source, target, " the first\n one ")
    assert read_blessing(target) == made
    assert made.reason == REASON
    assert made.commit == make_provenance().git_sha
    assert (made.suite, made.suite_hash, made.unjudged) == ("quick", "ab" * 32, ())
    assert made.environment == make_provenance().model_dump(mode="json", exclude={"git_sha", "git_dirty"})
    assert store.read_records(target) == store.read_records(source)
    assert set(contents(target)) == {*made.records, "suite.json", "blessing.json"}
    assert [path.name for path in target.parent.iterdir()] == ["quick"]


def test_results_hold_against_the_reference_that_was_made_of_them(tmp_path: Path) -> None:
    source, target = results(tmp_path), tmp_path / "reference"
    bless(source, target, REASON)
    outcome = check(source, target)
    assert (outcome.status, outcome.reason) == (ExitStatus.OK, REASON)


def test_the_command_adds_the_report_and_says_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "reference"
    assert cli.main(["bless", str(results(tmp_path)), "--to", str(target), "--reason", REASON]) == ExitStatus.OK
    assert "holds 26 records of commit 0123456789ab; now commit it." in capsys.readouterr().out
    assert {"table.md", "table.csv", "table.tex", "sheets/overview.png", "blessing.json"} <= set(contents(target))
    assert (target / "table.csv").read_text().count("\n") == 11


def test_that_the_density_of_a_model_was_asked_later_is_no_other_making_of_what_is_judged(tmp_path: Path) -> None:
    records = changed(1, remeasured=measured_by("f" * 40, DETECTION))(make_table())
    bless(results(tmp_path, records), tmp_path / "reference", REASON)
    assert (tmp_path / "reference" / "blessing.json").exists()


def changed(index: int, **fields: Any) -> Callable[[list[Record]], list[Record]]:
    def apply(records: list[Record]) -> list[Record]:
        return [one.model_copy(update=fields) if place == index else one for place, one in enumerate(records)]

    return apply


def measured_by(commit: str | None, metric: str = "gram") -> tuple[Remeasurement, ...]:
    started = "2026-02-01T00:00:00+00:00"
    code = make_provenance(git_sha=commit)
    return (Remeasurement(metrics=(metric,), started=started, seconds=1.0, provenance=code),)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda _: [], "there are no records in"),
        (changed(1, status=Status.FAILED, error="no luck"), r"the run brick · inng · seed 0 failed \(no luck\)"),
        (changed(1, provenance=make_provenance(git_dirty=True)), "made by uncommitted code"),
        (changed(1, provenance=make_provenance(git_sha=None, git_dirty=None)), "made by uncommitted code"),
        (changed(1, provenance=make_provenance(git_sha="f" * 40)), r"from 2 commits \(0123456789ab, ffffffffffff\)"),
        (changed(1, provenance=make_provenance(precision="bfloat16")), "from 2 environments; make all of them on one"),
        (changed(1, remeasured=measured_by("f" * 40)), "from 2 commits .*0123456789ab, measured again by ffffffffffff"),
        (changed(1, remeasured=measured_by("f" * 40, "density")), "from 2 commits"),  # the metric of that name
        (changed(1, remeasured=measured_by(None)), "made by uncommitted code"),
        (changed(1, suite_hash="ef" * 32), "from 2 suites"),
        (lambda records: records[1:], "there is no run of brick · real"),
        (changed(1, measurements=()), "lacks the present version of a metric"),
        (lambda _: make_table(2), r"brick · (inng|dcgan) has 2 of the 3 seeds .* --seeds 3 or more"),
    ],
)
def test_what_does_not_bear_a_blessing_is_refused(
    change: Callable[[list[Record]], list[Record]], sentence: str, tmp_path: Path
) -> None:
    target = tmp_path / "reference"
    with pytest.raises(InputError, match=sentence):
        bless(results(tmp_path, change(make_table())), target, REASON)
    assert not target.exists()


def test_a_tree_with_changes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blessing, "describe_source", lambda _: ("0" * 40, True))
    with pytest.raises(InputError, match="has changes that are not committed"):
        bless(results(tmp_path), tmp_path / "reference", REASON)


def test_results_that_a_suite_is_still_writing_are_refused(tmp_path: Path) -> None:
    source, target = results(tmp_path), tmp_path / "reference"
    with FileLock(source / ".lock"), pytest.raises(InputError, match="another command is writing to"):
        bless(source, target, REASON)
    assert not target.exists()
    bless(source, target, REASON)


def test_a_results_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        bless(tmp_path / "missing", tmp_path / "reference", REASON)


@pytest.mark.parametrize("reason", ["", " \n"])
def test_a_blessing_without_a_reason_is_refused(reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a reason"):
        bless(results(tmp_path), tmp_path / "reference", reason)


@pytest.mark.parametrize("suite", [{}, {"methods": [{"label": "inng"}]}, []])
def test_a_broken_suite_is_refused(suite: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"suite\.json is missing or broken"):
        bless(results(tmp_path, suite=suite), tmp_path / "reference", REASON)


def test_a_row_that_the_suite_plans_with_one_seed_is_blessed_and_not_judged(tmp_path: Path) -> None:
    planned = {**SUITE, "methods": [{"label": "inng", "replicates": None}, {"label": "dcgan", "replicates": 1}]}
    records = [one for one in make_table() if one.method != "dcgan" or one.replicate == 0]
    source, target = results(tmp_path, records, planned), tmp_path / "reference"
    assert bless(source, target, REASON).unjudged == ("dcgan",)
    assert check(source, target).status is ExitStatus.OK
    (target / "blessing.json").unlink()
    assert check(source, target).status is ExitStatus.BAD_INPUT


@pytest.mark.parametrize("place", ["results", "results/reference", "."])
def test_a_reference_does_not_overlap_with_the_results(place: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="overlaps with the results"):
        bless(results(tmp_path), tmp_path / place, REASON)


def test_a_folder_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "love.txt").write_text("dear")
    for target in (tmp_path / "letters", tmp_path / "letters" / "love.txt"):
        with pytest.raises(InputError, match="exists and is not a reference"):
            bless(results(tmp_path), target, REASON)
    assert contents(tmp_path / "letters") == {"love.txt": b"dear"}


def test_a_new_reference_replaces_the_old_one_in_whole(tmp_path: Path) -> None:
    source, target = results(tmp_path), tmp_path / "reference"
    bless(source, target, REASON)
    (target / "table.md").write_text("an old table")
    bless(source, target, "a better one")
    blessed = read_blessing(target)
    assert blessed is not None
    assert blessed.reason == "a better one"
    assert "table.md" not in contents(target)


@pytest.mark.parametrize("moment", ["views", "copy", "exchange"])
def test_whatever_breaks_on_the_way_leaves_the_old_reference_as_it_was(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = results(tmp_path), tmp_path / "references" / "quick"
    bless(source, target, REASON)
    before = contents(target)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    def fail_at_the_new_one(path: Path, place: Path) -> Path:
        if place == target and path.name == "quick":
            fail()
        return rename(path, place)

    rename = Path.rename
    if moment == "copy":
        monkeypatch.setattr("inng_bench.gate.blessing.shutil.copyfile", fail)
    if moment == "exchange":
        monkeypatch.setattr(Path, "rename", fail_at_the_new_one)
    with pytest.raises(InputError, match="No space left on device"):
        bless(source, target, "another", fail if moment == "views" else lambda _: None)
    monkeypatch.undo()
    assert contents(target) == before
    assert [path.name for path in target.parent.iterdir()] == ["quick"]


def touch(path: Path) -> None:
    path.write_text(path.read_text().replace('"flops": 8000000000000.0', '"flops": 7000000000000.0'))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (touch, "has changed since the reference was blessed"),
        (Path.unlink, "is gone since the reference was blessed"),
    ],
)
def test_a_reference_that_was_edited_by_hand_cannot_be_judged_against(
    damage: Callable[[Path], object], sentence: str, tmp_path: Path
) -> None:
    source, target = results(tmp_path), tmp_path / "reference"
    bless(source, target, REASON)
    damage(store.record_path(target, "brick", "inng", 1))
    outcome = check(source, target)
    assert outcome.status is ExitStatus.BAD_INPUT
    assert sentence in outcome.obstacles[0]


def test_a_record_that_was_added_to_a_reference_by_hand_is_named(tmp_path: Path) -> None:
    source, target = results(tmp_path), tmp_path / "reference"
    bless(source, target, REASON)
    extra = next(one for one in make_table(6) if one.replicate == 5)
    store.write_record(target, extra)
    assert "was added since the reference was blessed" in check(source, target).obstacles[0]


@pytest.mark.parametrize("text", ["", "{}", "not json"])
def test_a_broken_blessing_cannot_be_judged_against(text: str, tmp_path: Path) -> None:
    source, target = results(tmp_path), tmp_path / "reference"
    bless(source, target, REASON)
    (target / "blessing.json").write_text(text)
    assert "blessing.json cannot be read" in check(source, target).obstacles[0]


def test_a_blessing_of_another_format_cannot_be_judged_against(tmp_path: Path) -> None:
    source, target = results(tmp_path), tmp_path / "reference"
    made = bless(source, target, REASON)
    (target / "blessing.json").write_text(made.model_copy(update={"format": 2}).model_dump_json())
    assert "has format 2 and this package reads 1" in check(source, target).obstacles[0]
