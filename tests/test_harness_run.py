"""One run in this process: what is kept of a training, what is refused, and one whole run with the true metrics."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from few_crops import take_few_crops
from PIL import Image

from inng_bench.contract import Progress
from inng_bench.errors import InputError
from inng_bench.harness import run as run_module
from inng_bench.harness.diary import LOOKS, MOMENTS, Diary, ignore_news, see_nothing
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import RunSpec, make_plan
from inng_bench.harness.run import execute
from inng_bench.harness.sample import draw_from_run, parse_size
from inng_bench.harness.suite import parse_suite
from inng_bench.inng import algorithm
from inng_bench.inng.method import INNg
from inng_bench.inng.state import Climb
from inng_bench.inng.windows import evaluation_flops
from inng_bench.metrics import chain
from inng_bench.metrics.catalogue import DEFAULT
from inng_bench.records import store
from inng_bench.records.schema import Against, Measurement, Status
from inng_bench.seeds import torch_generator

pytestmark = pytest.mark.usefixtures("small_canvases")


def a_run(name: str, sample_size: int = 64) -> RunSpec:
    suite = parse_suite(
        f"""
        name = "one"
        textures = ["pebbles"]
        replicates = 1
        budget_tflop = 0.001
        precision = "float32"
        sample_size = {sample_size}
        canvases = 1
        [[methods]]
        label = "fake"
        implementation = "fake_methods:{name}"
        """,
        "one.toml",
    )
    return next(run for run in make_plan(suite, Overrides(device="cpu")).runs if run.method == "fake")


INNG_SUITE = """
name = "one"
textures = ["pebbles"]
replicates = 1
budget_tflop = 0.001
precision = "float32"
sample_size = 64
canvases = 2
[[methods]]
label = "inng"
implementation = "inng"
[methods.settings]
first_negatives = "matched"  # whose drawing takes one product of colours
directions = "principal-colours"
filters = 4
canvases = 2
canvas_side = 64
crops = 2
max_stages = 2
max_steps = 4
"""

PADDED = 'architecture = "padded"\nbalanced = false\nwindows = "patches"\ncrop_side = 64\nfilters = 4'


@pytest.fixture
def no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "evaluate", lambda *_, **__: ())
    monkeypatch.setattr(run_module, "Glance", lambda _: see_nothing)


def test_a_whole_run_is_measured_stored_and_drawn_from_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take_few_crops(monkeypatch)
    news: list[tuple[str, float]] = []
    record = execute(a_run("SmallTiler", 128), tmp_path, lambda phase, fraction: news.append((phase, fraction)))
    assert store.read_records(tmp_path) == (record,)
    assert (record.status, record.samples, record.sample_size) == (Status.OK, 4, (64, 64))
    measured = {(figure.metric, figure.against) for figure in record.measurements}
    assert {metric for metric, _ in measured} == set(DEFAULT)
    assert ("patch_fid", Against.HELD_OUT) in measured
    assert list(dict(news)) == ["texture", "train", "sample", "save", "metrics", "store"]
    assert [fraction for phase, fraction in news if phase == "train"] == [0.0, *(step / 10 for step in range(1, 11))]
    folder = store.folder_of(tmp_path, record)
    with pytest.raises(InputError, match=r"needs the code 'fake_methods:SmallTiler'; if you trust it, add --method"):
        draw_from_run(folder, (64, 32), 2, out=tmp_path / "drawn")
    trusted = "fake_methods:SmallTiler"
    paths = draw_from_run(folder, (64, 32), 2, out=tmp_path / "drawn", seed=5, trusted=trusted)
    assert [path.name for path in paths] == [f"pebbles-fake-32x64-seed-5-{index}.png" for index in (0, 1)]
    with Image.open(paths[0]) as picture:
        assert picture.size == (32, 64)
    assert paths[0].read_bytes() != paths[1].read_bytes()
    with pytest.raises(InputError, match="small-tiler cannot draw 128x64 px; name another --size, such as 16x16"):
        draw_from_run(folder, (64, 128), 1, out=tmp_path / "drawn", trusted=trusted)


def test_the_row_real_is_the_texture_itself_and_has_no_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def evaluate_real(*windows: Any, seed: int, metrics: Any) -> tuple[Measurement, ...]:
        seen.extend((*windows, seed))
        return ()

    monkeypatch.setattr(run_module, "evaluate_real", evaluate_real)
    suite_run = a_run("Tiler")
    real = suite_run.model_copy(update={"method": "real", "implementation": "real", "settings": {}, "samples": 0})
    record = execute(real, tmp_path)
    texture = suite_run.texture.load()
    assert texture.held_out is not None
    assert np.array_equal(seen[0], texture.train[np.newaxis])
    assert np.array_equal(seen[1], texture.held_out)
    assert seen[2] == real.seeds["metric"]
    assert (record.samples, record.sample_size, record.flops, record.artefacts) == (0, None, 0.0, {})


@pytest.mark.usefixtures("no_metrics")
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("NotFinite", "not finite"),
        ("WrongShape", r"drew torch.float32 \(1, 3, 64, 65\) where float32 \(1, 3, 64, 64\) was asked for"),
        ("Raises", "the loss is upside down"),
    ],
)
def test_a_failure_is_raised_and_leaves_no_record_not_even_an_old_one(name: str, sentence: str, tmp_path: Path) -> None:
    execute(a_run("Tiler"), tmp_path)
    assert len(store.read_records(tmp_path)) == 1
    with pytest.raises((ValueError, ArithmeticError), match=sentence):
        execute(a_run(name), tmp_path)
    assert store.read_records(tmp_path) == ()


@pytest.mark.usefixtures("no_metrics")
def test_a_loss_that_is_not_finite_is_a_warning_and_not_a_lost_run(tmp_path: Path) -> None:
    record = execute(a_run("LosesItsLoss"), tmp_path)
    assert record.warnings == ("it is a fake.", "loss was not finite at step 3.")
    assert [bool(point.values) for point in record.curve] == [True, True] + [False] * 8


def test_the_strip_shows_moments_spread_evenly_over_the_budget() -> None:
    diary = Diary(ignore_news)
    for step in range(101):
        diary(Progress(step + 1, float(step), step / 100, {}, torch.full((2, 3, 8, 8), step / 50 - 1)))
    strip = diary.strip()
    assert strip is not None
    assert strip.shape == (8, 8 * MOMENTS, 3)
    shown = strip[0, ::8, 0] / 255
    assert shown == pytest.approx(np.linspace(0, 1, MOMENTS), abs=0.01)


def looked_at(progresses: list[Progress], diary: Diary) -> list[bool]:
    for progress in progresses:
        diary(progress)
    return ["seen" in point.values for point in diary.curve]


def test_pictures_are_looked_at_evenly_over_the_budget_and_a_diary_that_goes_on_looks_no_more_often() -> None:
    def look(pictures: Any) -> dict[str, float]:
        assert pictures.dtype == np.uint8
        return {"seen": 1.0}

    steps = [Progress(i + 1, float(i), i / 400, {"loss": 1.0}, torch.zeros(1, 3, 8, 8)) for i in range(401)]
    whole = Diary(ignore_news, look)
    seen = looked_at(steps, whole)
    assert sum(seen) == LOOKS + 1
    assert np.diff(np.flatnonzero(seen)) == pytest.approx(400 / LOOKS, abs=1)
    begun, goes_on = Diary(ignore_news, look), Diary(ignore_news, look)
    looked_at(steps[:150], begun)
    goes_on.restore(begun.snapshot())
    assert goes_on.seconds == begun.seconds > 0
    assert looked_at(steps[150:], goes_on) == seen
    assert goes_on.curve == whole.curve
    assert looked_at([Progress(1, 0.0, 0.5, {})], Diary(ignore_news, look)) == [False]


@pytest.mark.usefixtures("no_metrics")
def test_a_run_of_inng_keeps_what_its_model_is_and_costs_and_what_its_density_and_chain_are_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "CROPS", 64)
    suite = parse_suite(INNG_SUITE, "one.toml")
    run = next(run for run in make_plan(suite, Overrides(device="cpu")).runs if run.method == "inng")
    record = execute(run, tmp_path)
    method = INNg.load(store.folder_of(tmp_path, record), run.execution)
    assert record.model is not None
    assert record.model.numbers == sum(tensor.numel() for tensor in method.state().values())
    assert record.model.bytes == (store.folder_of(tmp_path, record) / "model.safetensors").stat().st_size
    # As many gradients as its steps and one more take, and the products of its colours.
    climbs: list[Climb] = []
    climb_stage = algorithm.climb_stage
    monkeypatch.setattr(algorithm, "climb_stage", lambda *others: _kept(climb_stage(*others), climbs))
    method.sample(1, (64, 64), generator=torch_generator(run.seeds["sample"]))
    one = evaluation_flops(method.stages[0].classifier, method.sampler.windows, (64, 64))
    colours = 2 * 9 * 64 * 64  # of a picture times a 3×3 matrix: once for its noise, twice a step
    products = 1 + 2 * sum(int(climb.steps.sum()) for climb in climbs)
    expected = sum(climb.evaluations for climb in climbs) * one + products * colours
    assert record.model.sample_flops == expected
    assert [found.foil for found in record.detection] == ["noise", "random-phase", "shuffled", "other-texture"]
    scores = [score for found in record.detection for score in (found.auc, found.whole_auc, found.typical_auc)]
    assert all(score is not None and 0 <= score <= 1 for score in scores)
    assert [figure.metric for figure in record.chain] == ["gram", "patch_fid"]
    assert [(figure.images, figure.side) for figure in record.chain] == [(2, 64)] * 2


def _kept(climb: Climb, climbs: list[Climb]) -> Climb:
    climbs.append(climb)
    return climb


@pytest.mark.usefixtures("no_metrics")
def test_a_cascade_that_stops_making_progress_ends_with_a_full_record_that_says_so(tmp_path: Path) -> None:
    hopeless = "max_stages = 9\nmax_steps = 1\nthreshold = 50.0\nno_progress_stages = 2"
    suite = parse_suite(INNG_SUITE.replace("max_stages = 2\nmax_steps = 4", hopeless), "one.toml")
    run = next(run for run in make_plan(suite, Overrides(device="cpu")).runs if run.method == "inng")
    record = execute(run.model_copy(update={"budget_flops": 1e15}), tmp_path)
    assert record.status is Status.OK
    assert [point.step for point in record.curve] == [1, 2]
    assert [point.values["missed"] for point in record.curve] == [1.0, 1.0]
    assert all(point.values["sampler_steps"] == 1 and "energy_gap" in point.values for point in record.curve)
    assert any("the last 2 stages made no progress" in warning for warning in record.warnings)
    assert record.samples == 2
    assert (store.folder_of(tmp_path, record) / "model.safetensors").exists()


@pytest.mark.usefixtures("no_metrics")
def test_a_method_without_density_or_chain_has_no_such_figures_and_settings_without_density_are_told(
    tmp_path: Path,
) -> None:
    record = execute(a_run("Tiler"), tmp_path)
    assert (record.detection, record.chain) == ((), ())
    assert record.model is not None
    suite = parse_suite(INNG_SUITE.replace("filters = 4", PADDED), "one.toml")
    run = next(run for run in make_plan(suite, Overrides(device="cpu")).runs if run.method == "inng")
    padded = execute(run.model_copy(update={"budget_flops": 1.0}), tmp_path)
    assert padded.detection == ()
    assert any("its density is not measured: " in warning for warning in padded.warnings)


def test_the_strip_of_few_or_no_pictures_is_short_or_absent() -> None:
    diary = Diary(ignore_news)
    diary(Progress(1, 0.0, 0.5, {}))
    assert diary.strip() is None
    diary(Progress(2, 0.0, 1.0, {}, torch.zeros(1, 3, 8, 8)))
    strip = diary.strip()
    assert strip is not None
    assert strip.shape == (8, 8, 3)


@pytest.mark.parametrize("text", ["512", "512x", "x512", "512X512x3", "0x64", "-64x64", "99999x64", "64 x 64"])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a size; write WIDTHxHEIGHT"):
        parse_size(text)


def test_a_size_is_width_times_height_and_comes_out_as_height_and_width() -> None:
    assert parse_size("512x384") == (384, 512)


def test_a_folder_without_a_model_or_with_a_damaged_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no model.json; name the folder of one finished run"):
        draw_from_run(tmp_path, (64, 64), 1, out=tmp_path)
    description = {"format": 1, "method": "nosuch", "settings": {}}
    (tmp_path / "model.json").write_text(json.dumps(description))
    with pytest.raises(InputError, match="there is no method 'nosuch'"):
        draw_from_run(tmp_path, (64, 64), 1, out=tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as a model description"):
        draw_from_run(tmp_path, (64, 64), 1, out=tmp_path)
