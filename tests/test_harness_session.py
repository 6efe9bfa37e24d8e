"""Sessions: one process a run, failures that are rows, and a second call that runs only what is missing.

The workers are real processes; metrics and timing are stubs (``fake_worker.py``), since they take seconds each.
"""

import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fake_worker
import numpy as np
import pytest
import torch
from fake_methods import STEPS
from filelock import FileLock
from held_machine import HeldMachine
from PIL import Image

from inng_bench import cli
from inng_bench.errors import ExitStatus, InputError
from inng_bench.harness import executor, memory
from inng_bench.harness.checkpoint import states_of
from inng_bench.harness.display import BarDisplay, PlainDisplay, open_display
from inng_bench.harness.executor import describe_end, with_last_lines, worker_environment
from inng_bench.harness.machine import WAITING, Claim, claim_machine
from inng_bench.harness.memory import resident_gib
from inng_bench.harness.messages import Message, Request, Task, without_home
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import Plan, Retry, find_missing, make_plan
from inng_bench.harness.session import Results, default_jobs, run_plan, run_suite, untimed_runs
from inng_bench.harness.suite import REFERENCE_ROWS, parse_suite
from inng_bench.harness.worker import explain
from inng_bench.processes import THREAD_VARIABLES
from inng_bench.records import store
from inng_bench.records.index import Brief, Index
from inng_bench.records.schema import Limits, Record, Status

pytestmark = pytest.mark.usefixtures("small_canvases")

TESTS = Path(__file__).parent

HEAD = """
name = "fakes"
textures = ["gravel"]
replicates = 1
budget_tflop = 0.001
precision = "float32"
sample_size = 64
canvases = 2
"""


FAKE_WORKER = (sys.executable, str(TESTS / "fake_worker.py"))


@pytest.fixture(autouse=True)
def _worker_with_stubs(warm_worker: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "WORKER", warm_worker)


def fakes(*classes: str, settings: str = "", head: str = HEAD, replicates: int = 1) -> Plan:
    """Plan some of the fake methods, without the reference rows."""
    entries = (
        f'[[methods]]\nlabel = "{name.lower()}"\nimplementation = "fake_methods:{name}"\nsettings = {{{settings}}}\n'
        for name in classes
    )
    plan = make_plan(parse_suite(head + "".join(entries), "fakes"), Overrides(device="cpu", replicates=replicates))
    labels = {name.lower() for name in classes}
    return replace(plan, runs=tuple(run for run in plan.runs if run.method in labels))


def read(folder: Path) -> dict[str, Record]:
    return {record.method: record for record in store.read_records(folder)}


def briefs(folder: Path) -> dict[store.RunKey, Brief]:
    return Index(folder, keep=False).briefs


def samples_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("sample-*.png"))}


@dataclass(frozen=True)
class Grid:
    """A session of all rows, two runs at a time, and the state of the process around it."""

    plan: Plan
    folder: Path
    results: Results
    untouched: bool

    @property
    def records(self) -> dict[str, Record]:
        return read(self.folder)


@pytest.fixture(scope="module")
def grid(warm_worker: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Grid:
    folder = tmp_path_factory.mktemp("grid")
    head = HEAD + "threads_per_run = 2\n"
    plan = fakes("Raises", "Refuses", "Vanishes", "Killed", "Tiler", "ReportsThreads", head=head)
    before = global_state()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "WORKER", warm_worker)
        results = run_plan(plan, folder, jobs=2)
    return Grid(plan, folder, results, before == global_state())


def global_state() -> tuple[Any, ...]:
    numpy_state = np.random.get_state(legacy=False)["state"]["key"].tolist()  # noqa: NPY002 (it is what is watched)
    return torch.get_rng_state().tolist(), numpy_state, random.getstate(), torch.get_num_threads(), dict(os.environ)


def test_whatever_breaks_a_run_becomes_its_row_and_the_others_go_on(grid: Grid) -> None:
    assert (grid.results.done, grid.results.failed, grid.results.kept) == (2, 4, 0)
    done = {label for label, record in grid.records.items() if record.status is Status.OK}
    assert done == {"tiler", "reportsthreads"}
    errors = {label: record.error for label, record in grid.records.items()}
    assert re.fullmatch(r"ArithmeticError: the loss is upside down \(fake_methods.py:\d+ in happen\)", errors["raises"])
    assert errors["refuses"] == "the window is too beautiful; take another one."
    assert errors["vanishes"] == "the process ended with status 7 and without a result: last words"
    assert errors["killed"].startswith("the process was ended by SIGKILL (out of memory?)")
    failed = [record for record in grid.records.values() if record.status is Status.FAILED]
    assert all(record.texture.name == "gravel" and record.measurements == () for record in failed)


def test_global_random_state_threads_and_environment_are_untouched(grid: Grid) -> None:
    assert grid.untouched


def test_the_worker_has_the_threads_that_the_suite_says(grid: Grid) -> None:
    assert {worker_environment(3)[name] for name in THREAD_VARIABLES} == {"3"}
    record = grid.records["reportsthreads"]
    assert {point.values["threads"] for point in record.curve} == {2.0}
    assert record.provenance.threads == 2


def test_samples_and_figures_are_the_same_one_after_the_other_in_another_order_as_in_parallel(
    grid: Grid, tmp_path: Path
) -> None:
    good = [run for run in grid.plan.runs if run.method in ("tiler", "reportsthreads")]
    run_plan(replace(grid.plan, runs=tuple(reversed(good))), tmp_path, jobs=1)
    for label, record in read(tmp_path).items():
        times = {"started", "seconds", "peak_memory_mib"}
        assert record.model_dump(exclude=times) == grid.records[label].model_dump(exclude=times)
    samples = samples_of(store.run_folder(tmp_path, "gravel", "tiler", 0))
    assert len(set(samples.values())) == 2
    assert samples == samples_of(store.run_folder(grid.folder, "gravel", "tiler", 0))


def test_a_record_tells_what_was_run_and_names_its_files(grid: Grid) -> None:
    record = grid.records["tiler"]
    run = next(run for run in grid.plan.runs if run.method == "tiler")
    assert (record.suite, record.suite_hash, record.config_hash) == ("fakes", grid.plan.suite_hash, run.config_hash)
    assert record.settings == {"strength": 0.01, "marker": ""}
    assert (record.seeds, record.budget_flops, record.flops) == (run.seeds, 1e9, 1e9)
    assert (record.sample_size, record.samples) == ((64, 64), 2)
    assert record.warnings == ("it is a fake.",)
    assert [point.values["loss"] for point in record.curve] == [1 / step for step in range(1, 11)]
    assert record.seconds.keys() == {"texture", "train", "sample", "save", "metrics", "store"}
    assert 50 < record.peak_memory_mib < 4000
    assert record.artefacts.keys() == {"sample-0", "sample-1", "stages", "nearest", "weights", "model"}
    assert record.hashes.keys() == {"features", *record.artefacts}
    for role in record.artefacts:
        path = store.artefact_path(grid.folder, record, role)
        assert path is not None
        assert hashlib.sha256(path.read_bytes()).hexdigest() == record.hashes[role]


def test_the_folder_holds_the_suite_and_the_windows_and_no_path_of_this_machine(grid: Grid) -> None:
    assert json.loads(store.suite_path(grid.folder).read_text())["hash"] == grid.plan.suite_hash
    windows = sorted(path.name for path in store.texture_folder(grid.folder, "gravel").iterdir())
    assert windows == ["held_out-1.png", "held_out-2.png", "held_out-3.png", "train.png"]
    texts = [path.read_text() for path in grid.folder.rglob("*.json")]
    assert len(texts) == 1 + len(grid.records) + 2  # suite, records, models
    assert not any(str(Path.home()) in text or str(grid.folder) in text for text in texts)


def test_a_folder_of_another_suite_is_refused_and_left_as_it_was(grid: Grid) -> None:
    suite = store.suite_path(grid.folder).read_bytes()
    with pytest.raises(InputError, match="holds runs of another suite"):
        run_plan(fakes("Tiler", settings="strength = 0.2"), grid.folder)
    assert store.suite_path(grid.folder).read_bytes() == suite


def test_a_texture_that_is_gone_when_its_run_begins_is_a_row(tmp_path: Path) -> None:
    picture = tmp_path / "wall.png"
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(picture)
    plan = fakes("Tiler", head=HEAD.replace('textures = ["gravel"]', f'pictures = [{{path = "{picture}"}}]'))
    picture.unlink()
    results = run_plan(plan, tmp_path / "out")
    assert (results.done, results.failed) == (0, 1)
    record = read(tmp_path / "out")["tiler"]
    assert (record.status, record.texture.name) == (Status.FAILED, "wall")
    assert "wall.png" in record.error


def test_no_error_of_a_worker_tells_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "wall.png"
    assert explain(InputError(f"the picture {path} is upside down.")) == "the picture ~/wall.png is upside down."
    with pytest.raises(FileNotFoundError) as caught:
        path.read_bytes()
    assert "No such file or directory: '~/wall.png'" in explain(caught.value)
    script(monkeypatch, f"import sys; sys.exit('no {path}')")
    run_plan(fakes("Tiler"), tmp_path / "out")
    assert read(tmp_path / "out")["tiler"].error.endswith(": no ~/wall.png")


@pytest.mark.parametrize(("home", "shown"), [("/home/somebody", "~/a.png"), ("/", "/home/somebody/a.png")])
def test_the_home_folder_is_a_tilde_unless_it_is_the_root(
    home: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", home)
    assert without_home("/home/somebody/a.png") == shown


def test_a_worker_that_dies_before_it_listens_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, "import sys; sys.stdin.close(); sys.exit('no torch')")
    # More than a pipe takes, so that the request cannot be written in whole.
    results = run_plan(fakes("Tiler", settings=f'marker = "{"x" * 200_000}"'), tmp_path)
    assert results.failed == 1
    assert read(tmp_path)["tiler"].error == "the process ended with status 1 and without a result: no torch"


def script(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Take a script in the place of the worker; without the site's modules it begins at once."""
    monkeypatch.setattr(executor, "WORKER", (sys.executable, "-I", "-S", "-c", text))


def limited(**limits: float) -> Plan:
    return fakes("Tiler", head=HEAD + "".join(f"{name} = {value}\n" for name, value in limits.items()))


def test_a_run_that_hangs_is_ended_at_its_time_limit_and_its_row_tells_what_it_said_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, "import sys, time; print('waiting for godot', file=sys.stderr, flush=True); time.sleep(600)")
    assert run_plan(limited(time_limit_minutes=0.05), tmp_path).failed == 1
    record = read(tmp_path)["tiler"]
    sentence = "the process was ended after 0.05 minutes, its limit (--time-limit): waiting for godot"
    assert (record.status, record.error) == (Status.FAILED, sentence)
    assert record.limits == Limits(minutes=0.05)


@pytest.mark.parametrize(
    "text",
    [
        "import time; held = bytearray(250 * 2**20); time.sleep(600)",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', "
        "'import time; held = bytearray(250 * 2**20); time.sleep(600)'])",
    ],
)
def test_a_run_that_takes_too_much_memory_itself_or_in_a_child_is_ended_and_the_others_go_on(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, text)
    assert run_plan(limited(memory_limit_gib=0.2), tmp_path).failed == 1
    error = read(tmp_path)["tiler"].error
    assert re.fullmatch(
        r"the process was ended at 0\.\d\d GiB of memory, over its limit of 0.2 GiB \(--memory-limit\)\.", error
    )


def test_memory_that_is_mapped_and_not_touched_does_not_count() -> None:
    text = "import mmap, sys; held = mmap.mmap(-1, 4 * 2**30); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert 0.0 < resident_gib(process.pid) < 0.5
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
    assert resident_gib(process.pid) == 0.0


def test_free_memory_is_what_the_system_can_spare_within_the_limit_of_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "PROC", tmp_path)
    monkeypatch.setattr(memory, "CONTROL_GROUP", tmp_path)
    everything = memory.free_gib()
    assert everything > 0.1  # of a system that tells neither
    (tmp_path / "meminfo").write_text("MemTotal: 8388608 kB\nMemAvailable: 6291456 kB\n")
    assert memory.free_gib() == 6.0
    for name, text in (
        ("max", "max"),
        ("current", f"{3 * 2**30}"),
        ("stat", f"anon 7\nfile {3 * 2**29}\nshmem {2**29}\n"),
    ):
        (tmp_path / f"memory.{name}").write_text(text)
    assert memory.free_gib() == 6.0
    (tmp_path / "memory.max").write_text(f"{4 * 2**30}\n")
    assert memory.free_gib() == 2.0  # cached files make room, but for those that lie in memory alone


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps")
def test_without_proc_the_memory_is_asked_from_ps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = os.getpgid(0)
    told = resident_gib(group)
    monkeypatch.setattr(memory, "PROC", tmp_path)
    assert resident_gib(group) == pytest.approx(told, rel=0.2)


def test_limits_of_the_call_win_over_those_of_the_suite_and_change_no_hash() -> None:
    plan = limited(time_limit_minutes=5.0, memory_limit_gib=2.0)
    assert {run.limits for run in plan.runs} == {Limits(minutes=5.0, memory_gib=2.0)}
    other = make_plan(plan.suite, Overrides(device="cpu", limits=Limits(memory_gib=7.0)))
    assert {run.limits for run in other.runs} == {Limits(minutes=5.0, memory_gib=7.0)}
    assert other.suite_hash == plan.suite_hash == fakes("Tiler").suite_hash


def test_a_cascade_whose_training_turns_into_nan_is_a_failed_row_and_earlier_results_stay(tmp_path: Path) -> None:
    small = "filters = 4, canvases = 1, canvas_side = 64, crops = 1, max_stages = 2, max_steps = 2"
    entry = f'[[methods]]\nlabel = "inng"\nimplementation = "inng"\nsettings = {{{small}, classifier_rate = RATE}}\n'
    tiler = '[[methods]]\nlabel = "tiler"\nimplementation = "fake_methods:Tiler"\n'
    suite = parse_suite(HEAD + tiler + entry.replace("RATE", "1e38"), "nan")
    plan = make_plan(suite, Overrides(device="cpu", replicates=1, precision="float32"))
    runs = {run.method: run for run in plan.runs}
    assert run_plan(replace(plan, runs=(runs["tiler"],)), tmp_path).failed == 0
    tiled = store.run_folder(tmp_path, *runs["tiler"].key)
    before = {path: path.read_bytes() for path in tiled.rglob("*") if path.is_file()}
    assert before
    results = run_plan(replace(plan, runs=(runs["tiler"], runs["inng"])), tmp_path)
    assert (results.done, results.failed, results.kept) == (0, 1, 1)
    record = read(tmp_path)["inng"]
    assert (record.status, record.measurements) == (Status.FAILED, ())
    assert "lower classifier_rate" in record.error
    assert "\n" not in record.error
    assert before == {path: path.read_bytes() for path in before}


def test_a_failed_run_is_tried_again_unless_it_is_to_be_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, "import sys; sys.exit('no')")
    assert run_plan(fakes("Tiler"), tmp_path).failed == 1
    monkeypatch.setattr(executor, "WORKER", ("/nonexistent",))
    left = run_plan(fakes("Tiler"), tmp_path, retry=Retry.NONE)
    assert (left.done, left.failed, left.kept, left.left) == (0, 0, 0, 1)
    assert len(find_missing(fakes("Tiler"), briefs(tmp_path))) == 1
    other_settings = fakes("Tiler").runs[0].model_copy(update={"config_hash": "0" * 64})
    changed = replace(fakes("Tiler"), runs=(other_settings,))
    assert find_missing(changed, briefs(tmp_path), Retry.NONE) == (other_settings,)


def test_a_process_that_breaks_down_after_its_record_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_plan(fakes("Tiler"), tmp_path)
    path = store.record_path(tmp_path, "gravel", "tiler", 0)
    whole = path.read_bytes()
    path.unlink()
    script(monkeypatch, f"import os, pathlib; pathlib.Path({str(path)!r}).write_bytes({whole!r}); os.abort()")
    results = run_plan(fakes("Tiler"), tmp_path)
    assert (results.done, results.failed) == (1, 0)
    assert path.read_bytes() == whole


def test_a_worker_that_is_killed_goes_on_from_its_checkpoint_in_the_next_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marker = tmp_path / "marker"
    plan = fakes("DiesOnce", settings=f'marker = "{marker}"')
    assert run_plan(plan, tmp_path / "out").failed == 1
    assert read(tmp_path / "out")["diesonce"].error.startswith("the process was ended by SIGKILL")
    states = store.checkpoint_folder(tmp_path / "out", "gravel", "diesonce", 0)
    assert len(list(states.glob("*.safetensors"))) == 2
    assert run_plan(plan, tmp_path / "out").done == 1
    assert "continues from its checkpoint after" in capsys.readouterr().err
    assert not states.exists()
    record = read(tmp_path / "out")["diesonce"]
    assert [point.step for point in record.curve] == list(range(1, 11))
    strip = store.artefact_path(tmp_path / "out", record, "stages")
    assert strip is not None
    with Image.open(strip) as picture:  # the fake's pictures get brighter: those of the first process are there
        assert picture.convert("L").getextrema() == (26, 255)
    assert len(marker.read_text()) == STEPS + 1  # the step at which it died was made twice, and no other


def test_a_second_call_runs_only_what_is_missing(tmp_path: Path) -> None:
    first = run_plan(fakes("Tiler"), tmp_path)
    written = store.record_path(tmp_path, "gravel", "tiler", 0).stat().st_mtime_ns
    again = run_plan(fakes("Tiler", replicates=2), tmp_path)
    assert (first.done, first.failed, first.kept) == (1, 0, 0)
    assert (again.done, again.failed, again.kept) == (1, 0, 1)
    assert store.record_path(tmp_path, "gravel", "tiler", 0).stat().st_mtime_ns == written


def test_interrupting_stops_the_workers_and_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Ctrl-C does it, which reaches the parent alone."""
    marker, out = tmp_path / "marker", tmp_path / "out"
    plan = fakes("Tiler", "Sleeps", settings=f'marker = "{marker}"')
    monkeypatch.setattr("inng_bench.cli.run.run", lambda arguments: run_plan(plan, arguments.out, jobs=1))
    workers: list[int] = []

    def interrupt() -> None:
        workers.append(wait_for_number(marker))
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    watcher = threading.Thread(target=interrupt)
    watcher.start()
    try:
        status = cli.main(["run", "--suite", "smoke", "--out", str(out)])
    finally:
        signal.signal(signal.SIGINT, before)
    watcher.join()
    assert status == ExitStatus.INTERRUPTED
    assert "Finished runs are kept" in capsys.readouterr().err
    wait_for_the_end(workers[0])
    assert list(read(out)) == ["tiler"]


def test_a_worker_does_not_outlive_its_parent(tmp_path: Path) -> None:
    """The pipe to it closes with the parent, however that ended."""
    marker = tmp_path / "marker"
    run = fakes("Sleeps", settings=f'marker = "{marker}"').runs[0]
    request = Request(task=Task.RUN, run=run, results=tmp_path / "out")
    with subprocess.Popen(
        FAKE_WORKER, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=worker_environment(1), text=True
    ) as worker:
        assert worker.stdin is not None
        worker.stdin.write(request.model_dump_json() + "\n")
        worker.stdin.flush()
        assert wait_for_number(marker) == worker.pid
        assert worker.poll() is None
        worker.stdin.close()
        assert worker.wait(timeout=100) == 1


@pytest.mark.parametrize("error", [ProcessLookupError(3, "No such process"), PermissionError(1, "Not permitted")])
def test_a_worker_that_ends_while_it_is_stopped_does_not_save_the_others(
    error: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signalled: list[int] = []
    kill_group = os.killpg

    def lose_the_race(group: int, number: int) -> None:
        signalled.append(group)
        kill_group(group, number)
        if len(signalled) == 1:
            raise error

    monkeypatch.setattr(os, "killpg", lose_the_race)
    script(monkeypatch, """import time; print('{"kind": "progress", "phase": "train"}', flush=True); time.sleep(600)""")
    run = fakes("Tiler").runs[0]
    requests = [Request(task=Task.RUN, run=run, results=tmp_path / name) for name in ("a", "b")]
    training: set[Path] = set()

    def interrupt(request: Request, message: Message) -> None:
        if message.phase == "train":
            training.add(request.results)
        if len(training) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        executor.run_requests(requests, jobs=2, on_message=interrupt)
    assert len(set(signalled)) == 2
    assert not any(is_alive(worker) for worker in signalled)


def wait_for_number(path: Path) -> int:
    deadline = time.monotonic() + 250
    while time.monotonic() < deadline:
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.05)
    raise AssertionError(f"{path} was not written")


def wait_for_the_end(process: int) -> None:
    deadline = time.monotonic() + 250
    while is_alive(process):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_a_sampler_is_timed_until_it_works_and_a_failure_is_a_warning_and_no_lost_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inng_bench.harness.session.is_timed", "fake_methods:Tiler".__eq__)
    plan = fakes("Tiler", head=HEAD + "throughput = true\n")
    obstacle = store.run_folder(tmp_path, "gravel", "tiler", 0) / "broken"
    obstacle.mkdir(parents=True)
    assert run_plan(plan, tmp_path).not_timed == 1
    record = read(tmp_path)["tiler"]
    assert (record.status, record.throughput) == (Status.OK, None)
    assert [warning[:44] for warning in record.warnings] == [
        "it is a fake.",
        "The sampler could not be timed: ArithmeticEr",
    ]
    obstacle.rmdir()
    results = run_plan(plan, tmp_path)
    record = read(tmp_path)["tiler"]
    assert (results.done, results.kept, results.not_timed) == (0, 1, 0)
    assert record.throughput is not None
    assert (record.throughput.image_steps_per_second, record.throughput.threads) == (40.0, 1)
    assert record.warnings == ("it is a fake.",)
    monkeypatch.setattr(executor, "WORKER", ("/nonexistent",))
    assert run_plan(plan, tmp_path).kept == 1


def test_every_finished_seed_of_the_cascade_is_timed_on_one_texture(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = grid.plan.suite.model_copy(update={"throughput": True})
    first = next(run for run in grid.plan.runs if run.method == "tiler")
    seeds = [first.model_copy(update={"replicate": replicate}) for replicate in range(3)]
    again = seeds[1].model_copy(update={"texture": first.texture.model_copy(update={"name": "wood"})})
    facts = {**grid.plan.textures, "wood": grid.plan.textures["gravel"]}
    timed = replace(grid.plan, suite=suite, runs=(*grid.plan.runs, *seeds[1:], again), textures=facts)
    assert untimed_runs(timed, briefs(grid.folder)) == []
    monkeypatch.setattr("inng_bench.harness.session.is_timed", "fake_methods:Tiler".__eq__)
    assert [run.key for run in untimed_runs(timed, briefs(grid.folder))] == [("gravel", "tiler", 0)]
    record = grid.records["tiler"].model_copy(update={"replicate": 1})
    elsewhere = record.model_copy(update={"texture": record.texture.model_copy(update={"name": "wood"})})
    copies = [store.write_record(grid.folder, one) for one in (record, elsewhere)]
    assert [run.key for run in untimed_runs(timed, briefs(grid.folder))] == [
        ("gravel", "tiler", 0),
        ("gravel", "tiler", 1),
    ]
    speed = fake_worker.measure_sampler(None, grid.folder, first.execution)
    store.write_record(grid.folder, elsewhere.model_copy(update={"throughput": speed}))
    assert [run.key for run in untimed_runs(timed, briefs(grid.folder))] == [("gravel", "tiler", 0)]
    for copied in copies:
        copied.unlink()
    assert untimed_runs(grid.plan, briefs(grid.folder)) == []


def test_the_python_interface_takes_the_path_of_a_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    entry = '[[methods]]\nlabel = "tiler"\nimplementation = "fake_methods:Tiler"\n'
    Path("mine.toml").write_text(HEAD + entry)
    results = run_suite(tmp_path / "mine.toml", jobs=2, device="cpu")
    command = json.loads(store.suite_path(results.folder).read_text())["command"]
    assert command == "inng-bench run --suite mine.toml --device cpu"
    assert results.folder == Path("results/runs/fakes")
    assert (results.done, results.failed) == (1 + len(REFERENCE_ROWS), 0)
    assert set(read(results.folder)) == {*REFERENCE_ROWS, "tiler"}


def test_a_folder_that_another_run_writes_to_is_refused(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".lock"), pytest.raises(InputError, match="another command is writing to"):
        run_plan(fakes("Tiler"), tmp_path)


def test_the_folder_is_free_again_as_soon_as_a_session_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise InputError("no.")

    monkeypatch.setattr("inng_bench.harness.session.Index", refuse)
    with pytest.raises(InputError) as caught:  # which keeps the session's frame, and with it the lock
        run_plan(fakes("Tiler"), tmp_path)
    with FileLock(tmp_path / ".lock").acquire(timeout=0):
        assert str(caught.value) == "no."


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written to .*file \(File exists\); name a folder with --out"):
        run_plan(fakes("Tiler"), tmp_path / "file")
    with pytest.raises(InputError, match=r"cannot be written to .*below \(Not a directory\)"):
        run_plan(fakes("Tiler"), tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        run_plan(fakes("Tiler"), tmp_path / "below")


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("inng_bench.records.folder.tempfile.TemporaryFile", refuse)
    with pytest.raises(InputError, match=r"\(Permission denied\); name a folder with --out"):
        run_plan(fakes("Tiler"), tmp_path)


def test_a_disk_that_fills_up_stops_the_session_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(out: Path, record: Record) -> None:
        raise InputError(f"cannot write {out}: No space left on device")

    monkeypatch.setattr(store, "write_record", full)
    with pytest.raises(InputError, match="No space left"):
        run_plan(fakes("Raises"), tmp_path)


def test_a_grid_on_a_gpu_goes_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inng_bench.harness.session.available_cores", lambda: 8)
    plan = fakes("Tiler")
    assert default_jobs(plan) == 8
    on_gpu = replace(plan, runs=tuple(run.model_copy(update={"device": "cuda"}) for run in plan.runs))
    assert default_jobs(on_gpu) == 1
    wide = replace(plan, suite=plan.suite.model_copy(update={"threads_per_run": 3}))
    assert default_jobs(wide) == 2


@pytest.mark.parametrize(
    ("status", "lines", "sentence"),
    [
        (-9, [], "the process was ended by SIGKILL (out of memory?)."),
        (-11, ["Segmentation fault"], "the process was ended by SIGSEGV: Segmentation fault"),
        (3, ["a", "b"], "the process ended with status 3 and without a result: a | b"),
    ],
)
def test_the_end_of_a_process_is_described(status: int, lines: list[str], sentence: str) -> None:
    assert with_last_lines(describe_end(status), lines) == sentence


def test_off_a_terminal_a_quarter_of_a_training_is_a_line() -> None:
    stream = io.StringIO()
    display = open_display(10, stream)
    assert isinstance(display, PlainDisplay)
    run = fakes("Tiler").runs[0]
    with display:
        for percent in range(0, 101, 5):
            display.progress(run, "train", percent / 100)
        display.finish(run, "done in 3 s")
    assert stream.getvalue().splitlines() == [
        "        gravel · tiler · seed 0: 25 % of the budget",
        "        gravel · tiler · seed 0: 50 % of the budget",
        "        gravel · tiler · seed 0: 75 % of the budget",
        "[ 1/10] gravel · tiler · seed 0: done in 3 s",
    ]


def test_on_a_terminal_there_are_bars_and_the_ends_stay_above_them() -> None:
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    display = open_display(1, stream)
    assert isinstance(display, BarDisplay)
    run = fakes("Tiler").runs[0]
    with display:
        display.progress(run, "train", 0.5)
        display.finish(run, "failed: [bold]not markup[/bold]")
    assert "gravel · tiler · seed 0: failed: [bold]not markup[/bold]" in stream.getvalue()
    assert "all runs" in stream.getvalue()


def test_a_run_waits_for_a_timing_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with HeldMachine(Claim.ALONE) as held:
        monkeypatch.setattr(sys, "stderr", held)
        assert run_plan(fakes("Tiler"), tmp_path).done == 1
    assert held.waits == [WAITING[Claim.SHARED]]


def test_a_sampler_is_timed_when_other_suites_have_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inng_bench.harness.session.is_timed", "fake_methods:Tiler".__eq__)
    with HeldMachine(Claim.SHARED) as held:
        monkeypatch.setattr(sys, "stderr", held)
        assert run_plan(fakes("Tiler", head=HEAD + "throughput = true\n"), tmp_path).not_timed == 0
    assert held.waits == [WAITING[Claim.ALONE]]
    assert read(tmp_path)["tiler"].throughput is not None


def test_a_session_without_a_sampler_to_time_waits_for_nobody(tmp_path: Path) -> None:
    with claim_machine(Claim.SHARED):
        assert run_plan(fakes("Tiler"), tmp_path).done == 1


COMMAND = """
import sys
from inng_bench import cli
from inng_bench.harness import executor, plan, session, suite
suite.WINDOW_SIDE = 64
executor.WORKER = tuple(sys.argv[3:])
plan.REFERENCE_ROWS = ()
session.is_timed = "fake_methods:Tiler".__eq__
sys.exit(cli.main(["run", "--suite", sys.argv[1], "--out", sys.argv[2], "--device", "cpu"]))
"""
"""A `run` that times its sampler, in a process of its own."""


@pytest.fixture
def timed_suite(tmp_path: Path) -> Path:
    path = tmp_path / "fakes.toml"
    entry = '[[methods]]\nlabel = "tiler"\nimplementation = "fake_methods:Tiler"\n'
    path.write_text(HEAD + "throughput = true\n" + entry)
    return path


def begin(suite: Path, out: Path) -> "subprocess.Popen[str]":
    command = (sys.executable, "-c", COMMAND, str(suite), str(out), *executor.WORKER)
    return subprocess.Popen(command, env=worker_environment(1), stderr=subprocess.PIPE, text=True)


def test_two_sessions_that_both_time_samplers_come_to_their_end(timed_suite: Path, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    sessions = [begin(timed_suite, folder) for folder in folders]
    for session in sessions:
        session.communicate()
        assert session.returncode == ExitStatus.OK
    assert [read(folder)["tiler"].warnings for folder in folders] == [("it is a fake.",)] * 2
    assert all(read(folder)["tiler"].throughput is not None for folder in folders)


def test_ctrl_c_while_waiting_ends_with_130_and_loses_nothing(timed_suite: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with claim_machine(Claim.SHARED), begin(timed_suite, out) as command:
        assert command.stderr is not None
        assert any(line.strip() == WAITING[Claim.ALONE] for line in command.stderr)
        command.send_signal(signal.SIGINT)
        assert "Finished runs are kept" in command.stderr.read()
    assert command.returncode == ExitStatus.INTERRUPTED
    assert read(out)["tiler"].throughput is None
    with begin(timed_suite, out) as command:
        assert "0 runs to do, 1 of 1 are there already" in command.communicate()[1]
    assert read(out)["tiler"].throughput is not None


def test_a_failed_run_that_is_left_keeps_what_it_can_go_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = fakes("Tiler")
    script(monkeypatch, "import sys; sys.exit('no')")
    assert run_plan(plan, tmp_path).failed == 1
    states = states_of(tmp_path, plan.runs[0])
    states.add(b"state")
    run_plan(plan, tmp_path, retry=Retry.NONE)
    assert len(states.complete()) == 1


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take UTF-8 alone")
def test_a_folder_whose_name_is_no_text_is_refused_and_nothing_hangs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not UTF-8 text; rename it"):
        run_plan(fakes("Tiler"), tmp_path / os.fsdecode(b"r\xff"))


def test_a_worker_that_dies_within_a_letter_is_a_failed_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, r"import os; os.write(1, b'{\xc3'); os.abort()")
    assert run_plan(fakes("Tiler"), tmp_path).failed == 1
