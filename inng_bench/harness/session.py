"""A whole suite into a results folder: plan, run what is missing, time the samplers."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inng_bench.errors import InputError
from inng_bench.files import write_atomically
from inng_bench.harness.checkpoint import states_of
from inng_bench.harness.display import Display, on_worker, open_display
from inng_bench.harness.executor import Executor, LocalExecutor
from inng_bench.harness.hardware import available_cores
from inng_bench.harness.measuring import measure_runs, unmeasured_runs
from inng_bench.harness.messages import Kind, Message, Request, Task
from inng_bench.harness.methods import REAL, is_timed, optimised_metrics, pretrained_methods
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.pictures import write_png
from inng_bench.harness.plan import Plan, Retry, RunSpec, find_missing, make_plan
from inng_bench.harness.rerun import origin_of_suite, rerun_command
from inng_bench.harness.rows import failed_record
from inng_bench.harness.suite import Suite, load_suite
from inng_bench.hashes import sealed
from inng_bench.records import store
from inng_bench.records.folder import claim_folder, locked
from inng_bench.records.index import Brief, Index
from inng_bench.records.schema import Throughput
from inng_bench.records.store import RunKey
from inng_bench.textures import is_own_set

if TYPE_CHECKING:
    from distributed import Client

NOT_TIMED = "The sampler could not be timed: "

OTHER_RECORD = "the process ended without a record of this configuration and of these pixels of the texture."


@dataclass(frozen=True)
class Results:
    """The outcome of a session.

    Attributes
    ----------
    folder : Path
        Where the records are.
    kept : int
        Runs that were there already.
    done, failed : int
        Runs of this session by their end.
    not_timed : int
        Finished runs whose sampler could not be timed; their records have a warning that says why.
    left : int
        Failed runs of earlier sessions that were not repeated.
    measured : int
        Finished runs of earlier sessions that were measured again without training.
    """

    folder: Path
    kept: int
    done: int
    failed: int
    not_timed: int = 0
    left: int = 0
    measured: int = 0


def run_suite(
    suite: str | Path | Suite,
    *,
    out: str | Path | None = None,
    jobs: int | None = None,
    retry: Retry = Retry.FAILED,
    client: "Client | None" = None,
    **overrides: Any,
) -> Results:
    """Run the missing runs of a suite.

    Parameters
    ----------
    suite : str, Path or Suite
        Name of a bundled suite, path of a TOML file, or a suite.
    out : str, Path or None
        The results folder; None for ``results/runs/`` and the suite's name.
    jobs : int or None
        Runs at a time; None for as many as the cores allow, or one on a GPU.
    retry : Retry
        Whether failed runs are repeated.
    client : distributed.Client or None
        Client of the Dask cluster that runs them; None for processes on this machine.
    **overrides
        Fields of :class:`inng_bench.harness.overrides.Overrides`, such as ``textures=["brick"]``.

    Raises
    ------
    InputError
        Before any work, when the suite, an override or the folder cannot be used.
    """
    origin = () if isinstance(suite, Suite) else origin_of_suite(suite)
    suite = suite if isinstance(suite, Suite) else load_suite(suite)
    plan = make_plan(suite, Overrides.of(overrides), origin=origin)
    executor = None if client is None else cluster_executor(plan, client)
    return run_plan(plan, results_folder(suite, out), jobs=jobs, retry=retry, executor=executor)


def cluster_executor(plan: Plan, client: "Client") -> Executor:
    """Return what serves a plan's requests on a Dask cluster.

    Raises
    ------
    InputError
        When a picture is a folder or an archive of this machine.
    """
    from inng_bench.harness.cluster.executor import ClusterExecutor

    for picture in plan.suite.pictures:
        if is_own_set(picture.path):
            raise InputError(f"{picture.path} holds many pictures and stays on this machine; run it without a cluster.")
    return ClusterExecutor(client, plan)


def results_folder(suite: Suite, out: str | Path | None) -> Path:
    """Return the folder of a suite's results."""
    return store.RUNS / suite.name if out is None else Path(out)


def run_plan(
    plan: Plan,
    folder: Path,
    *,
    jobs: int | None = None,
    retry: Retry = Retry.FAILED,
    executor: Executor | None = None,
) -> Results:
    """Run what is missing of a plan, on this machine or where an executor says; :func:`run_suite` says more."""
    claim_folder(folder)
    here = LocalExecutor(jobs or default_jobs(plan))
    with locked(folder):
        index = Index(folder, keep=True)
        work = _find_work(plan, folder, index.briefs, retry)
        with open_display(len(work.to_run) + len(work.to_measure)) as display:
            session = _Session(plan, folder, index, display, executor or here)
            _describe(plan, folder, index.briefs)
            _remove_leftovers(plan, folder, index.briefs)
            display.say(f"{plan.suite.name}: {work.summary} of {len(plan.runs)} are there already.")
            measured = measure_runs(work.to_measure, folder, here, display)
            for key in measured:
                index.renew(key)
            session.run(work.to_run)
            session.time_samplers(untimed_runs(plan, index.briefs))
    return Results(
        folder,
        kept=work.kept,
        done=len(work.to_run) - session.failed,
        failed=session.failed + len(work.to_measure) - len(measured),
        not_timed=session.not_timed,
        left=work.left,
        measured=len(measured),
    )


@dataclass(frozen=True)
class _Work:
    """What a session has to do: runs to carry out and to measure anew, and how many are done or left as they failed."""

    to_run: tuple[RunSpec, ...]
    to_measure: tuple[RunSpec, ...]
    kept: int
    left: int

    @property
    def summary(self) -> str:
        """The session in half a sentence."""
        again = f", {len(self.to_measure)} to measure again" if self.to_measure else ""
        return f"{len(self.to_run)} runs to do{again}, {self.kept}"


def _find_work(plan: Plan, folder: Path, found: Mapping[RunKey, Brief], retry: Retry) -> _Work:
    missing = find_missing(plan, found, retry)
    left = len(find_missing(plan, found)) - len(missing)
    to_measure = unmeasured_runs(plan, folder, found, missing)
    measurable = {run.key for run in to_measure}
    to_run = tuple(run for run in missing if run.key not in measurable)
    return _Work(to_run, to_measure, len(plan.runs) - len(missing) - left, left)


def _remove_leftovers(plan: Plan, folder: Path, found: Mapping[RunKey, Brief]) -> None:
    """Remove the checkpoints of finished runs, left by a process that was killed right after its record."""
    for run in plan.runs:
        record = found.get(run.key)
        if record is not None and plan.is_done(run, record):
            states_of(folder, run).remove()


def _describe(plan: Plan, folder: Path, found: Iterable[RunKey]) -> None:
    """Write the suite, the command that makes it again and the windows, which every reader of the results needs."""
    suite = plan.suite.model_dump(mode="json")
    suite["pictures"] = [picture.path.name for picture in plan.suite.pictures]  # folders are nobody's business
    suite["hash"] = plan.suite_hash
    made = {run.method: run.implementation for run in plan.runs if run.implementation != REAL}
    suite["optimises"] = optimised_metrics(made)
    suite["pretrained"] = pretrained_methods(made)
    if plan.origin:
        suite["command"] = rerun_command(plan, found)
    text = json.dumps(sealed(suite), indent=2)
    write_atomically(store.suite_path(folder), f"{text}\n".encode())
    for name, texture in plan.textures.items():
        if not store.keeps_windows(plan.facts[name]):
            continue
        paths = store.window_paths(folder, texture.name, len(texture.held_out))
        for path, window in zip(paths, (texture.train, *texture.held_out), strict=True):
            write_png(path, window)


def untimed_runs(plan: Plan, found: Mapping[RunKey, Brief]) -> list[RunSpec]:
    """Return the finished runs whose sampler has still to be timed: one of each row's seed, on its first texture.

    A timed sampler takes the same steps whatever it has learnt, so that other textures would tell the same.
    """
    if not plan.suite.throughput:
        return []
    timeable = [(run, found.get(run.key)) for run in plan.runs if is_timed(run.implementation)]
    finished = [(run, record) for run, record in timeable if record and plan.is_done(run, record)]
    timed = {(run.method, run.replicate) for run, record in finished if record.timed}
    first: dict[tuple[str, int], RunSpec] = {}
    for run, _ in finished:
        first.setdefault((run.method, run.replicate), run)
    return [run for key, run in first.items() if key not in timed]


def default_jobs(plan: Plan) -> int:
    """Return how many runs go at a time: the cores divided by the threads of one, or one on a GPU."""
    on_processor = all(run.device == "cpu" for run in plan.runs)
    return max(1, available_cores() // plan.suite.threads_per_run) if on_processor else 1


class _Session:
    """Hands out requests and turns their ends into records."""

    def __init__(self, plan: Plan, folder: Path, index: Index, display: Display, executor: Executor) -> None:
        self._executor = executor
        self._plan = plan
        self._folder = folder
        self._index = index
        self._display = display
        self._began: dict[str, float] = {}
        self.failed = 0
        self.not_timed = 0

    def run(self, runs: Sequence[RunSpec]) -> None:
        """Carry out runs; each becomes a record, whatever happens to it."""
        requests = [Request(task=Task.RUN, run=run, results=self._folder) for run in runs]
        self._executor.serve(requests, self._on_run, self._display.say)

    def time_samplers(self, runs: Sequence[RunSpec]) -> None:
        """Time the samplers of finished runs one after the other, so that each has the machine to itself."""
        requests = [Request(task=Task.THROUGHPUT, run=run, results=self._folder) for run in runs]
        self._executor.serve_alone(requests, self._on_throughput, self._display.say)

    def _on_run(self, request: Request, message: Message) -> None:
        run = request.run
        if message.kind is Kind.PROGRESS:
            self._began.setdefault(run.title, time.time())
            self._display.progress(run, message.phase, message.fraction, message.worker)
            return
        if message.kind is Kind.NOTICE:
            self._display.say(f"{run.title}: {message.text}")
            return
        seconds = time.time() - self._began[run.title]
        if self._has_record(run):
            self._display.finish(run, f"done in {seconds:.0f} s{on_worker(message.worker)}")
            return
        error = message.error or OTHER_RECORD
        self.failed += 1
        started = datetime.fromtimestamp(self._began[run.title], UTC)
        facts = self._plan.facts[run.texture.name]  # loading it again might fail as the run did
        row = failed_record(run, facts, started, error, seconds, message.machine)
        store.write_record(self._folder, row)
        self._display.finish(run, f"failed: {error}")

    def _has_record(self, run: RunSpec) -> bool:
        """Say whether a process that broke down had come to its record before, which is then not to be lost."""
        record = self._index.renew(run.key)
        return record is not None and self._plan.is_done(run, record)

    def _on_throughput(self, request: Request, message: Message) -> None:
        run = request.run
        if message.kind in (Kind.PROGRESS, Kind.NOTICE):
            return
        record = store.read_record(store.record_path(self._folder, *run.key))
        warnings = tuple(warning for warning in record.warnings if not warning.startswith(NOT_TIMED))
        elsewhere = message.machine is not None and message.machine.cpu != record.provenance.cpu
        if message.kind is Kind.DONE and not elsewhere:
            speed = Throughput.model_validate_json(message.result)
            record = record.model_copy(update={"throughput": speed, "warnings": warnings})
            self._display.say(f"{run.title}: {speed.image_steps_per_second:.1f} image·steps/s")
        else:
            self.not_timed += 1
            error = message.error or "the worker has another processor than the run had."
            record = record.model_copy(update={"warnings": (*warnings, NOT_TIMED + error)})
            self._display.say(f"{run.title}: {NOT_TIMED}{error}")
        store.write_record(self._folder, record)
