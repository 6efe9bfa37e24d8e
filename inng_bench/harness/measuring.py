"""Measuring the stored runs of a folder anew: which of them, each in a process of its own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inng_bench.errors import InputError
from inng_bench.harness.display import Display, open_display
from inng_bench.harness.executor import Executor, LocalExecutor
from inng_bench.harness.hardware import available_cores
from inng_bench.harness.measure import is_measurable, run_of_record
from inng_bench.harness.messages import Kind, Message, Request, Task
from inng_bench.harness.plan import Plan, RunSpec, missing_metrics
from inng_bench.metrics.catalogue import selected, selected_of_sets, with_defaults
from inng_bench.metrics.needs import check_needs
from inng_bench.records import store
from inng_bench.records.folder import locked
from inng_bench.records.index import Brief
from inng_bench.records.schema import Record, Status


@dataclass(frozen=True)
class Measured:
    """The outcome of measuring stored runs anew: how many were, could not be, and had all figures already."""

    done: int
    failed: int
    kept: int


def measure_results(folder: Path, *, metrics: Sequence[str] | None = None, jobs: int | None = None) -> Measured:
    """Measure the finished runs of a results folder anew, from what is stored of them.

    Parameters
    ----------
    folder : Path
        The results folder.
    metrics : Sequence[str] or None
        These, whether or not a record has them; None for what a record lacks of the default set and its suite's
        metrics in their present version.
    jobs : int or None
        Runs at a time; None for as many as the cores allow.

    Raises
    ------
    InputError
        Before any work, when there is no run, no such metric, or weights that one needs are not at hand.
    """
    wanted = with_defaults(_metrics_of_suite(folder)) if metrics is None else selected(metrics)
    _check_runs(folder)
    check_needs(wanted)
    with locked(folder):
        finished = [record for record in store.read_records(folder) if record.status is Status.OK]
        lacking = [(record, _wanted(record, wanted, every=metrics is not None)) for record in finished]
        runs = [run_of_record(record, names) for record, names in lacking if names]
        with open_display(len(runs)) as display:
            display.say(f"{len(runs)} of {len(finished)} finished runs to measure: {', '.join(wanted)}.")
            measured = measure_runs(runs, folder, _executor(runs, jobs), display)
    return Measured(len(measured), len(runs) - len(measured), len(finished) - len(runs))


def _wanted(record: Record, names: Sequence[str], *, every: bool) -> tuple[str, ...]:
    """Return the metrics of a record's kind that are wanted: every one of them, or what it lacks."""
    of_sets = selected_of_sets(names if every else None)
    known = of_sets if record.texture.is_set else tuple(name for name in names if name not in of_sets)
    return known if every else missing_metrics(Brief.of(record).figures, known)


def measure_densities(folder: Path, *, jobs: int | None = None, trusted: str | None = None) -> Measured:
    """Measure anew, of the stored models of a results folder, what their densities detect.

    Runs without such figures are kept as they are: their method is no density, or they are older than these figures.

    Parameters
    ----------
    folder : Path
        The results folder.
    jobs : int or None
        As in :func:`measure_results`.
    trusted : str or None
        The method as ``module:Class``, for models whose method is not an installed one.

    Raises
    ------
    InputError
        Before any work, when no run has such figures.
    """
    _check_runs(folder)
    with locked(folder):
        finished = [record for record in store.read_records(folder) if record.status is Status.OK]
        runs = [run_of_record(record, ()) for record in finished if record.detection]
        if not runs:
            raise InputError(
                f"no run in {folder} has figures of its density; run its suite again, which measures them."
            )
        with open_display(len(runs)) as display:
            display.say(f"{len(runs)} of {len(finished)} finished runs have a density to measure.")
            measured = measure_runs(runs, folder, _executor(runs, jobs), display, Task.DETECT, trusted)
    return Measured(len(measured), len(runs) - len(measured), len(finished) - len(runs))


def measure_runs(
    runs: Sequence[RunSpec],
    folder: Path,
    executor: Executor,
    display: Display,
    task: Task = Task.MEASURE,
    trusted: str | None = None,
) -> set[store.RunKey]:
    """Measure finished runs anew and return which could be; the records of the others stay as they are."""
    measured: set[store.RunKey] = set()

    def on_message(request: Request, message: Message) -> None:
        run = request.run
        if message.kind is Kind.PROGRESS:
            display.progress(run, message.phase, message.fraction)
        elif message.kind is Kind.DONE:
            measured.add(run.key)
            display.finish(run, "measured")
        elif message.kind is Kind.FAILED:
            display.finish(run, f"cannot be measured again: {message.error}")

    requests = [Request(task=task, run=run, results=folder, trusted=trusted) for run in runs]
    executor.serve(requests, on_message, display.say)
    return measured


def _check_runs(folder: Path) -> None:
    if not store.record_files(folder):
        raise InputError(f"there are no runs in {folder}; name a results folder, such as results/runs/quick.")


def _metrics_of_suite(folder: Path) -> tuple[str, ...]:
    """Return the metrics on request of a folder's suite; those of schema 2 and before had none."""
    try:
        return tuple(json.loads(store.suite_path(folder).read_text(encoding="utf-8")).get("metrics", ()))
    except (OSError, ValueError, AttributeError, TypeError):
        return ()


def unmeasured_runs(
    plan: Plan, folder: Path, found: Mapping[store.RunKey, Brief], missing: Sequence[RunSpec]
) -> tuple[RunSpec, ...]:
    """Return those of the missing runs that only need measuring, each with the metrics that it lacks."""
    unmeasured = []
    for run in missing:
        brief = found.get(run.key)
        if brief is None or not plan.lacks_metrics_only(run, brief):
            continue
        if is_measurable(folder, store.read_record(store.record_path(folder, *run.key))):
            unmeasured.append(run.model_copy(update={"metrics": missing_metrics(brief.figures, run.metrics)}))
    return tuple(unmeasured)


def _executor(runs: Sequence[RunSpec], jobs: int | None) -> LocalExecutor:
    """Return what measures so many runs at a time; None for the cores divided by the threads of one."""
    return LocalExecutor(jobs or max(1, available_cores() // max((run.threads for run in runs), default=1)))
