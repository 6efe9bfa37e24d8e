"""A suite of sets: planned, run, measured again, reported and checked by the code of all suites."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_sets import noise, write

from inng_bench.cli import main
from inng_bench.errors import InputError
from inng_bench.harness import session
from inng_bench.harness.measure import measure_again, run_of_record
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import make_plan
from inng_bench.harness.run import execute
from inng_bench.harness.suite import SET_ROWS, Suite, load_suite, parse_suite
from inng_bench.metrics.catalogue import selected_of_sets
from inng_bench.records import store
from inng_bench.records.schema import Record
from inng_bench.records.verify import verify
from inng_bench.report import build_report
from inng_bench.textures.paper import CACHE_VARIABLE

TINY = """
name = "tiny"
replicates = 1
budget_tflop = 0.0002
precision = "float32"
canvases = 20
[[pictures]]
path = "mine"
[[methods]]
label = "inng"
implementation = "inng"
[methods.settings]
filters = 2
canvases = 4
crops = 4
classifier_steps = 3
max_stages = 2
max_steps = 3
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    write(tmp_path / "mine", noise())
    return parse_suite(TINY, "tiny.toml", tmp_path)


def test_a_set_has_its_own_reference_rows_metrics_and_size(suite: Suite) -> None:
    plan = make_plan(suite, Overrides(device="cpu"))
    assert {run.method for run in plan.runs} == {"inng", *SET_ROWS}
    assert {run.metrics for run in plan.runs} == {selected_of_sets(None)}
    assert {(run.samples, run.sample_size) for run in plan.runs if run.method != "real"} == {(20, 16)}
    assert plan.runs[0].settings["canvas_side"] == 16


@pytest.mark.parametrize(
    ("name", "textures", "rows"),
    [
        ("faces-quick", {"faces"}, {"inng", "dcgan"}),
        ("sets", {"faces", "digits"}, {"inng", "inng-single", "dcgan", "energy", "winn"}),
    ],
)
def test_a_bundled_suite_of_sets_can_be_planned(name: str, textures: set[str], rows: set[str]) -> None:
    plan = make_plan(load_suite(name), Overrides(device="cpu"))
    assert {run.method for run in plan.runs} == rows | set(SET_ROWS)
    assert set(plan.textures) == textures


def test_the_single_classifier_of_the_suite_differs_from_the_cascade_in_what_is_kept_alone() -> None:
    plan = make_plan(load_suite("sets"), Overrides(device="cpu"))
    one, other = (next(run.settings for run in plan.runs if run.method == name) for name in ("inng", "inng-single"))
    assert {name for name in one if one[name] != other[name]} == {"keep_every"}
    assert other["keep_every"] == 0


def test_sets_and_textures_are_not_mixed(suite: Suite) -> None:
    with pytest.raises(InputError, match="it mixes sets of pictures and textures"):
        parse_suite('name = "x"\ntextures = ["faces", "grass"]' + TINY.split('name = "tiny"')[1], "x.toml")
    one_window = suite.methods[0].model_copy(update={"implementation": "quilting", "settings": {}})
    with pytest.raises(InputError, match="learns one texture, not a set of pictures"):
        make_plan(suite.model_copy(update={"methods": (one_window,)}), Overrides(device="cpu"))


def test_a_suite_of_a_set_is_run_measured_again_reported_and_whole(suite: Suite, tmp_path: Path) -> None:
    out = tmp_path / "results"
    plan = make_plan(suite, Overrides(device="cpu"))
    for run in plan.runs:
        execute(run, out)
    session._describe(plan, out, ())
    records = {record.method: record for record in store.read_records(out)}
    assert all(figures(record).keys() == set(selected_of_sets(None)) for record in records.values())
    with Image.open(store.folder_of(out, records["inng"]) / "sample-0.png") as mosaic:
        assert mosaic.size == (16 * 16, 2 * 16)
    assert verify(out).problems == ()
    for method in ("real", "inng"):
        again = measure_again(run_of_record(records[method], ("set_nearest", "set_copy_rate")), out)
        assert figures(again) == figures(records[method])
    report = build_report(out)
    assert all(word in report.text for word in ("mine", "FID", "KID", "precision", "copy rate", "pixel-gaussian"))
    names = {path.relative_to(report.folder).as_posix() for path in report.files}
    assert {"sheets/overview.png", "sheets/textures/mine.png", "sheets/stages/mine.png"} <= names
    assert report.table["set_fid"].notna().all()
    assert json.loads(store.suite_path(out).read_text())["pictures"] == ["mine"]


def figures(record: Record) -> dict[str, float | None]:
    return {one.metric: one.value for one in record.measurements}


def test_the_command_tells_what_is_wrong_with_a_folder_in_a_sentence(
    suite: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine" / "notes.txt").write_text("my pictures")
    assert main(["run", "--pictures", str(tmp_path / "mine"), "--dry-run"]) == 2
    error = capsys.readouterr().err
    assert "notes.txt is not a PNG" in error
    assert error.count("\n") == 1
    assert main(["run", "--suite", "smoke", "--pass-over"]) == 2
    assert main(["run", "--pictures", str(tmp_path / "mine"), "--scale", "2"]) == 2


def test_pictures_of_a_set_keep_their_pixels_in_the_results(suite: Suite) -> None:
    (texture,) = make_plan(suite, Overrides(device="cpu")).textures.values()
    assert np.asarray(texture.train).shape == (texture.facts().train.height, 16, 3)
