"""Damage is found and named: a flipped byte, a truncation and a missing file, in every kind of file."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from record_builder import make_provenance, make_record, make_texture, write_picture, write_records

from inng_bench import cli
from inng_bench.errors import InputError
from inng_bench.hashes import file_hash, sealed
from inng_bench.records import store
from inng_bench.records.generations import Generations
from inng_bench.records.schema import Record, Status, TextureFacts
from inng_bench.records.verify import verify

ARTEFACTS = {"sample-0": "sample-0.png", "weights": "model.safetensors", "model": "model.json"}


def window_facts(out: Path) -> TextureFacts:
    """Write all windows of a texture and return facts that agree with them."""
    facts = make_texture("brick")
    windows = []
    paths = store.window_paths(out, "brick", len(facts.held_out))
    for seed, (path, window) in enumerate(zip(paths, (facts.train, *facts.held_out), strict=True)):
        write_picture(path, 256, 256, seed)
        with Image.open(path) as image:
            found = hashlib.sha256(np.asarray(image).tobytes()).hexdigest()
        windows.append(window.model_copy(update={"sha256": found}))
    return facts.model_copy(update={"train": windows[0], "held_out": tuple(windows[1:])})


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A whole results folder: a finished run, a failed one, windows, and the checkpoint of a third."""
    out = tmp_path / "results"
    facts = window_facts(out)
    folder = store.run_folder(out, "brick", "inng", 0)
    write_picture(folder / "sample-0.png", 64, 64)
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 8)
    (folder / "model.json").write_text('{"format": 2, "method": "inng", "settings": {}}')
    hashes = {role: file_hash(folder / name) for role, name in ARTEFACTS.items()}
    write_records(
        out,
        [
            make_record(texture=facts, artefacts=ARTEFACTS, hashes=hashes),
            make_record("dcgan", texture=facts, status=Status.FAILED, error="no"),
        ],
    )
    store.suite_path(out).write_text(json.dumps(sealed({"name": "quick", "hash": "ab" * 32})))
    Generations(store.checkpoint_folder(out, "brick", "dcgan", 1)).add(b"a state" * 50)
    return out


KINDS = {
    "record": "runs/brick/inng/seed-0/record.json",
    "sample": "runs/brick/inng/seed-0/sample-0.png",
    "weights": "runs/brick/inng/seed-0/model.safetensors",
    "model": "runs/brick/inng/seed-0/model.json",
    "window": "textures/brick/train.png",
    "suite": "suite.json",
    "checkpoint": "runs/brick/dcgan/seed-1/checkpoint/000001.safetensors",
    "checkpoint's hash": "runs/brick/dcgan/seed-1/checkpoint/000001.safetensors.sha256",
}


def contents(out: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_a_whole_folder_has_no_problem_and_is_left_as_it_was(results: Path) -> None:
    before = contents(results)
    found = verify(results)
    assert (found.records, found.files, found.problems) == (2, 3 + 4 + 1, ())
    assert contents(results) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_short_is_named(kind: str, results: Path) -> None:
    path = results / KINDS[kind]
    whole = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        assert [str(path.parent) in problem for problem in verify(results).problems] == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_byte_is_named(kind: str, results: Path) -> None:
    path = results / KINDS[kind]
    whole = path.read_bytes()
    for tenth in range(10):
        position = len(whole) * tenth // 10 + 3
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x15]) + whole[position + 1 :])
        assert [str(path.parent) in problem for problem in verify(results).problems] == [True]


@pytest.mark.parametrize("kind", ["sample", "weights", "model", "window", "suite"])
def test_a_missing_file_is_named(kind: str, results: Path) -> None:
    path = results / KINDS[kind]
    path.unlink()
    assert [str(path) in problem for problem in verify(results).problems] == [True]


def test_records_alone_lack_nothing_and_no_file_is_called_whole(tmp_path: Path) -> None:
    found = verify(write_records(tmp_path, [make_record(artefacts=ARTEFACTS)]))
    assert (found.records, found.files, found.problems) == (1, 0, ())


def test_a_link_out_of_the_folder_is_named_and_not_followed(results: Path) -> None:
    path = results / KINDS["sample"]
    path.rename(results / "elsewhere.png")
    path.symlink_to(results / "elsewhere.png")
    (problem,) = verify(results).problems
    assert "leads out of its folder" in problem


def test_a_folder_without_results_cannot_be_verified(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is nothing to verify in"):
        verify(tmp_path)


Say = pytest.CaptureFixture[str]


def command(*arguments: str) -> int:
    return cli.main(["results", *arguments])


def test_verify_says_what_is_whole_with_status_0_and_what_is_not_with_status_2(results: Path, capsys: Say) -> None:
    assert command("verify", str(results)) == 0
    assert f"2 records and 8 files are intact: {results}" in capsys.readouterr().out
    (results / KINDS["weights"]).write_bytes(b"")
    assert command("verify", str(results)) == 2
    errors = capsys.readouterr().err.splitlines()
    assert errors[0].endswith("model.safetensors is damaged; delete its run and run again.")
    assert errors[1] == f"inng-bench: 1 of 10 files of {results} are damaged."


def test_list_has_a_line_for_each_run_with_its_end(results: Path, capsys: Say) -> None:
    assert command("list", str(results)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "brick · dcgan · seed 0  2026-01-01T00:00:00+00:00  failed: no",
        "brick · inng · seed 0   2026-01-01T00:00:00+00:00  ok",
    ]


@pytest.mark.parametrize("run", ["brick/inng/0", "brick/inng/seed-0/"])
def test_show_gives_back_the_record(run: str, results: Path, capsys: Say) -> None:
    assert command("show", run, str(results)) == 0
    shown = json.loads(capsys.readouterr().out)
    assert Record.model_validate_json(json.dumps(shown)) == store.find_record(results, "brick", "inng", 0)


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        ("brick/inng/7", "has no record of brick/inng/7"),
        ("brick", "is not a run; write TEXTURE/METHOD/SEED"),
        ("../../etc/0", "is not a run"),
        ("brick/inng/0/../1", "is not a run"),
        ("../inng/0", "cannot be used for a folder"),
    ],
)
def test_a_run_that_is_not_there_is_one_sentence(run: str, sentence: str, results: Path, capsys: Say) -> None:
    assert command("show", run, str(results)) == 2
    assert sentence in capsys.readouterr().err


def test_export_has_every_figure_in_full_precision_and_failed_runs(tmp_path: Path, capsys: Say) -> None:
    values = {"gram": 0.1 + 0.2, "patch_fid": None}
    failed = make_record("dcgan", status=Status.FAILED, error="no", provenance=make_provenance(git_sha=None))
    out = write_records(tmp_path / "results", [make_record(values=values), failed])
    assert command("export", str(out)) == 0
    header, *lines = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    told = [(row["method"], row["status"], row["metric"], row["value"]) for row in rows]
    assert told == [
        ("dcgan", "failed", "", ""),
        ("inng", "ok", "gram", repr(0.1 + 0.2)),
        ("inng", "ok", "patch_fid", ""),
    ]


def test_an_export_to_json_holds_the_whole_records(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    assert command("export", str(results), "--format", "json", "--out", str(path)) == 0
    read = tuple(Record.model_validate_json(json.dumps(content)) for content in json.loads(path.read_text()))
    assert read == store.read_records(results)


@pytest.mark.parametrize("part", [["list"], ["export"], ["show", "brick/inng/0"]])
def test_a_damaged_record_is_named_by_every_part_and_nothing_changes(
    part: list[str], results: Path, capsys: Say
) -> None:
    path = results / KINDS["record"]
    path.write_bytes(path.read_bytes()[:100])
    before = contents(results)
    assert command(*part, str(results)) == 2
    assert str(path) in capsys.readouterr().err
    assert contents(results) == before
