"""Stored runs are measured anew without training; the workers are real processes with stubs for the metrics."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from held_machine import HeldMachine
from PIL import Image
from record_builder import rewrite

from inng_bench import cli
from inng_bench.errors import ExitStatus, InputError
from inng_bench.harness import estimate, executor
from inng_bench.harness.estimate import Speed
from inng_bench.harness.machine import WAITING, Claim
from inng_bench.harness.measure import measure_again, run_of_record
from inng_bench.harness.measuring import measure_results, unmeasured_runs
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import Plan, find_missing, make_plan
from inng_bench.harness.run import execute
from inng_bench.harness.session import run_plan
from inng_bench.harness.suite import REFERENCE_ROWS, parse_suite
from inng_bench.metrics.catalogue import BY_NAME, DEFAULT
from inng_bench.records import store
from inng_bench.records.index import Index
from inng_bench.records.schema import Record
from inng_bench.records.verify import verify

pytestmark = pytest.mark.usefixtures("small_canvases")

SUITE = """
name = "fakes"
textures = ["gravel"]
replicates = 1
budget_tflop = 0.001
precision = "float32"
sample_size = 64
canvases = 2
[[methods]]
label = "tiler"
implementation = "fake_methods:Tiler"
"""

TIMES = {"measurements": {"__all__": {"seconds"}}, "remeasured": True}


@pytest.fixture(autouse=True)
def _worker_with_stubs(warm_worker: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "WORKER", warm_worker)


def plan_of(*labels: str) -> Plan:
    plan = make_plan(parse_suite(SUITE, "fakes"), Overrides(device="cpu"))
    return replace(plan, runs=tuple(run for run in plan.runs if run.method in labels))


@pytest.fixture(scope="module")
def finished(warm_worker: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows ``tiler`` and ``real``, finished."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "WORKER", warm_worker)
        assert run_plan(plan_of("tiler", "real"), folder, jobs=1).done == 2
    return folder


@pytest.fixture
def results(finished: Path, tmp_path: Path) -> Path:
    """A copy of them for each test."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


def read(folder: Path, method: str = "tiler") -> Record:
    return store.read_record(store.record_path(folder, "gravel", method, 0))


def make_older(folder: Path, method: str = "tiler") -> None:
    """Let the record be one of a time when ``gram`` had another version and there was no ``patch_kid``."""

    def edit(content: dict[str, list[dict[str, object]]]) -> None:
        kept = [one for one in content["measurements"] if one["metric"] != "patch_kid"]
        content["measurements"] = [
            {**one, "version": 0, "value": -1.0} if one["metric"] == "gram" else one for one in kept
        ]

    rewrite(store.record_path(folder, "gravel", method, 0), edit)


def files_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix in (".png", ".safetensors"))
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in found if "runs" in path.parts}


@pytest.mark.parametrize("method", ["tiler", "real"])
def test_a_finished_run_of_an_older_metric_is_measured_again_and_not_trained(results: Path, method: str) -> None:
    before, files = read(results, method), files_of(results)
    make_older(results, method)
    plan = plan_of("tiler", "real")
    briefs = Index(results, keep=False).briefs
    unmeasured = unmeasured_runs(plan, results, briefs, find_missing(plan, briefs))
    assert [(run.method, run.metrics) for run in unmeasured] == [(method, ("gram", "patch_kid"))]
    found = run_plan(plan, results, jobs=1)
    assert (found.measured, found.done, found.failed, found.kept) == (1, 0, 0, 1)
    after = read(results, method)
    key: Callable[[object], str] = lambda one: str(getattr(one, "metric", ""))  # noqa: E731
    assert sorted(after.measurements, key=key) == sorted(before.measurements, key=key)
    assert after.model_dump(exclude={"measurements", "remeasured"}) == before.model_dump(
        exclude={"measurements", "remeasured"}
    )
    assert [one.metrics for one in after.remeasured] == [("gram", "patch_kid")]
    assert after.remeasured[0].provenance == before.provenance
    assert files_of(results) == files
    assert find_missing(plan, Index(results, keep=False).briefs) == ()
    assert not verify(results).problems


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"no picture"), lambda path: path.unlink()])
def test_a_run_whose_samples_are_not_whole_is_trained_anew(results: Path, harm: Callable[[Path], object]) -> None:
    path = store.artefact_path(results, read(results), "sample-1")
    assert path is not None
    whole = path.read_bytes()
    make_older(results)
    harm(path)
    found = run_plan(plan_of("tiler", "real"), results, jobs=1)
    assert (found.measured, found.done, found.kept) == (0, 1, 1)
    assert path.read_bytes() == whole
    assert read(results).remeasured == ()


def test_samples_that_were_exchanged_are_not_measured(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = store.artefact_path(results, read(results), "sample-0")
    assert path is not None
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(path)
    record = store.record_path(results, "gravel", "tiler", 0).read_bytes()
    found = measure_results(results, metrics=["gram"], jobs=1)
    assert (found.done, found.failed) == (1, 1)
    assert "tiler · seed 0: cannot be measured again" in capsys.readouterr().err
    assert store.record_path(results, "gravel", "tiler", 0).read_bytes() == record
    assert cli.main(["measure", str(results), "--metrics", "gram"]) == ExitStatus.RUNS_FAILED


def test_named_metrics_are_measured_whether_or_not_they_are_there(results: Path) -> None:
    assert measure_results(results, jobs=1).kept == 2
    for names in (["gram", "copy_rate"], ["gram"]):
        assert measure_results(results, metrics=names, jobs=1).done == 2
    record = read(results)
    assert [one.metrics for one in record.remeasured] == [("copy_rate",), ("gram",)]
    assert {one.metric for one in record.measurements} == set(DEFAULT)


def test_what_cannot_be_measured_is_refused_before_any_work(
    results: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(executor, "WORKER", ("/nonexistent",))
    monkeypatch.delenv("INNG_BENCH_VGG19", raising=False)
    with pytest.raises(InputError, match="no metric 'gram_vg'; did you mean 'gram_vgg'"):
        measure_results(results, metrics=["gram_vg"])
    with pytest.raises(InputError, match="VGG-19 weights are not found; set INNG_BENCH_VGG19"):
        measure_results(results, metrics=["gram_vgg"])
    with pytest.raises(InputError, match="there are no runs in"):
        measure_results(tmp_path / "absent")
    with FileLock(results / ".lock"), pytest.raises(InputError, match="another command is writing"):
        measure_results(results, metrics=["gram"])


def test_a_metric_on_request_stays_when_the_suite_goes_on(results: Path) -> None:
    """The stub measures it without weights."""
    plan = plan_of("tiler")
    asked = plan.runs[0].model_copy(update={"metrics": (*DEFAULT, "gram_vgg")})
    found = run_plan(replace(plan, runs=(asked,)), results, jobs=1)
    assert (found.measured, found.done) == (1, 0)
    assert {one.metric for one in read(results).measurements} == {*DEFAULT, "gram_vgg"}
    assert find_missing(plan_of("tiler", "real"), Index(results, keep=False).briefs) == ()


def test_the_dry_run_tells_what_is_only_measured(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_older(results)
    monkeypatch.setattr(estimate, "probe", lambda *_: Speed({}, {}, 1.0))
    suite = results / "fakes.toml"
    suite.write_text(SUITE)
    arguments = ["run", "--suite", str(suite), "--out", str(results), "--device", "cpu", "--dry-run"]
    assert cli.main(arguments) == ExitStatus.OK
    out = capsys.readouterr().out
    assert "gravel · tiler · seed 0: measured again (gram, patch_kid)" in out
    assert f"{len(REFERENCE_ROWS) - 1} of {len(REFERENCE_ROWS) + 1} runs are missing" in out
    assert f": {len(REFERENCE_ROWS)} runs, " in out.splitlines()[-1]


def test_the_figures_are_those_of_the_run_itself(tmp_path: Path) -> None:
    plan = plan_of("tiler")
    run_plan(replace(plan, runs=()), tmp_path)  # writes the windows
    metrics = ("spectrum", "diversity")  # against held-out windows, and against the train window
    fresh = execute(plan.runs[0].model_copy(update={"metrics": metrics}), tmp_path)
    again = measure_again(run_of_record(fresh, metrics), tmp_path)
    timeless = [[one.model_dump(exclude={"seconds"}) for one in record.measurements] for record in (fresh, again)]
    assert timeless[0] == timeless[1]
    assert {one.metric: one.version for one in fresh.measurements} == {name: BY_NAME[name].version for name in metrics}


def test_a_run_that_cannot_be_measured_again_fails_and_stands_as_it_was(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_older(results)
    path = store.record_path(results, "gravel", "tiler", 0)
    record, files = path.read_bytes(), files_of(results)
    monkeypatch.setattr(executor, "WORKER", (sys.executable, "-c", "import sys; sys.exit('no memory')"))
    found = run_plan(plan_of("tiler", "real"), results, jobs=1)
    assert (found.measured, found.done, found.failed, found.kept) == (0, 0, 1, 1)
    assert (path.read_bytes(), files_of(results)) == (record, files)


INNG = """
name = "fakes"
textures = ["gravel"]
replicates = 1
budget_tflop = 0.0001
precision = "float32"
sample_size = 64
canvases = 1
[[methods]]
label = "inng"
implementation = "inng"
settings = { filters = 2, canvases = 1, canvas_side = 64, crops = 1, max_stages = 1, max_steps = 2 }
[[methods]]
label = "tiler"
implementation = "fake_methods:Tiler"
"""


def test_the_densities_of_stored_models_are_measured_again_without_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = make_plan(parse_suite(INNG, "fakes"), Overrides(device="cpu"))
    runs = tuple(run for run in plan.runs if run.method in ("inng", "tiler"))
    assert run_plan(replace(plan, runs=runs), tmp_path, jobs=1).done == 2
    before, files = read(tmp_path, "inng"), files_of(tmp_path)
    assert [found.foil for found in before.detection] == ["noise", "random-phase", "shuffled", "other-texture"]
    older = [found.model_copy(update={"auc": 0.0, "typical_auc": None}) for found in before.detection]
    store.write_record(tmp_path, before.model_copy(update={"detection": tuple(older)}))
    assert cli.main(["measure", str(tmp_path), "--density", "--jobs", "1"]) == ExitStatus.OK
    assert "1 runs measured, 0 failed, 1 have no density" in capsys.readouterr().out
    after = read(tmp_path, "inng")
    assert after.detection == before.detection
    assert [one.metrics for one in after.remeasured] == [("detection",)]
    assert after.model_dump(exclude={"remeasured"}) == before.model_dump(exclude={"remeasured"})
    assert files_of(tmp_path) == files
    assert read(tmp_path).remeasured == ()
    record = store.record_path(tmp_path, "gravel", "inng", 0).read_bytes()
    (store.folder_of(tmp_path, after) / "model.safetensors").write_bytes(b"no model")
    assert cli.main(["measure", str(tmp_path), "--density", "--jobs", "1"]) == ExitStatus.RUNS_FAILED
    assert "cannot be measured again" in capsys.readouterr().err
    assert store.record_path(tmp_path, "gravel", "inng", 0).read_bytes() == record


def test_the_density_of_a_method_of_one_s_own_is_measured_again_if_it_is_trusted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = "fake_methods:LikesBright"
    plan = make_plan(parse_suite(SUITE.replace("fake_methods:Tiler", mine), "fakes"), Overrides(device="cpu"))
    runs = tuple(run for run in plan.runs if run.method == "tiler")
    assert run_plan(replace(plan, runs=runs), tmp_path, jobs=1).done == 1
    before = read(tmp_path)
    assert len(before.detection) == 4
    assert cli.main(["measure", str(tmp_path), "--density"]) == ExitStatus.RUNS_FAILED
    assert f"if you trust it, add --method {mine}" in capsys.readouterr().err
    assert cli.main(["measure", str(tmp_path), "--density", "--method", mine]) == ExitStatus.OK
    after = read(tmp_path)
    assert (after.detection, len(after.remeasured)) == (before.detection, 1)


def test_results_without_a_density_are_refused_and_absent_ones_not_made(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["measure", str(results), "--density"]) == ExitStatus.BAD_INPUT
    assert "has figures of its density; run its suite again" in capsys.readouterr().err
    assert cli.main(["measure", str(results / "absent"), "--density"]) == ExitStatus.BAD_INPUT
    assert f"there are no runs in {results}/absent" in capsys.readouterr().err
    assert not (results / "absent").exists()


def test_a_method_that_would_not_be_asked_is_refused(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["measure", str(results), "--method", "my:Method"]) == ExitStatus.BAD_INPUT
    assert "add --density" in capsys.readouterr().err


def test_measuring_waits_for_a_timing_to_end(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with HeldMachine(Claim.ALONE) as held:
        monkeypatch.setattr(sys, "stderr", held)
        assert measure_results(results, metrics=["spectrum"], jobs=1).failed == 0
    assert held.waits == [WAITING[Claim.SHARED]]


def test_a_folder_whose_lock_cannot_be_opened_is_refused(results: Path) -> None:
    (results / ".lock").unlink(missing_ok=True)
    (results / ".lock").mkdir()
    with pytest.raises(InputError, match=r"the lock .*\.lock cannot be opened"):
        measure_results(results, metrics=["gram"], jobs=1)
