"""Timing the cases, each in a process of its own, so that its memory is its own too."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from inng_bench.contract import Execution
from inng_bench.errors import InputError
from inng_bench.harness.display import Display
from inng_bench.harness.memory import peak_memory_mib
from inng_bench.inng.method import INNg
from inng_bench.processes import begin_work, keep_freed_memory
from inng_bench.throughput.cases import Case, Effort, Scheme
from inng_bench.throughput.finished import FinishedTexture, measure_finished
from inng_bench.throughput.samplers import make_task
from inng_bench.timing.ceiling import Clock, time_against_ceiling

Result = TypeVar("Result")


@dataclass(frozen=True)
class Speed:
    """How fast a case is in one process; medians over the rounds.

    Attributes
    ----------
    image_steps_per_second : float
        Evaluations per second that move a canvas: an ascent of eight steps evaluates nine times.
    quartiles : tuple[float, float]
        Of that.
    windows_steps_per_second : float
        The same in windows.
    gradient_evaluations_per_second : float
        Evaluations of one canvas.
    share_of_ceiling : float
        Evaluations per second times ``leanest_flops`` over ``ceiling_flops``.
    ceiling_flops : float
        The best of a matrix product, a 1×1 and a 3×3 convolution, per second.
    leanest_flops, spent_flops : float
        Of one evaluation of one canvas, see :class:`inng_bench.throughput.samplers.Task`.
    peak_memory_mib : float
        What the case takes beyond the idle process, or of a GPU's memory.
    """

    image_steps_per_second: float
    quartiles: tuple[float, float]
    windows_steps_per_second: float
    gradient_evaluations_per_second: float
    share_of_ceiling: float
    ceiling_flops: float
    leanest_flops: float
    spent_flops: float
    peak_memory_mib: float


@dataclass(frozen=True)
class Row:
    """A case with its speed in each pass, or why there is none."""

    case: Case
    speeds: tuple[Speed, ...]
    error: str = ""


def measure_case(case: Case, effort: Effort, *, clock: Clock = time.perf_counter) -> Speed:
    """Time a case in this process, in turn with the ceiling."""
    torch.set_num_threads(case.threads)
    _load_libraries(case)
    idle = peak_memory_mib()
    task = make_task(case, effort.steps)
    task.run()
    memory = _peak_memory(case, idle)  # before the ceiling's own tensors
    timing = time_against_ceiling(task.run, case.execution, rounds=effort.rounds, clock=clock)
    rates = [task.evaluations / duration for duration in timing.seconds]
    low, middle, high = statistics.quantiles(rates, n=4)
    return Speed(
        image_steps_per_second=middle * task.moving,
        quartiles=(low * task.moving, high * task.moving),
        windows_steps_per_second=middle * task.moving * task.windows,
        gradient_evaluations_per_second=middle,
        share_of_ceiling=middle * task.leanest_flops / timing.ceiling,
        ceiling_flops=timing.ceiling,
        leanest_flops=task.leanest_flops,
        spent_flops=task.spent_flops,
        peak_memory_mib=memory,
    )


def measure_cases(cases: Sequence[Case], effort: Effort, display: Display) -> tuple[Row, ...]:
    """Time cases one after the other, pass by pass; one that ever fails becomes a row that says why."""
    rows = [Row(case, ()) for case in cases]
    for _ in range(effort.passes):
        rows = [_once_more(row, effort, display) for row in rows]
    return tuple(rows)


def _once_more(row: Row, effort: Effort, display: Display) -> Row:
    if row.error:
        return row
    display.progress(row.case, "timing", 0.0)
    try:
        speed = in_fresh_process(partial(measure_case, row.case, effort))
    except Exception as error:  # whatever happens to a case, the others have their rows
        row = Row(row.case, (), " ".join(f"{type(error).__name__}: {error}".split())[:200])
        display.finish(row.case, f"failed: {row.error}")
        return row
    display.finish(row.case, _said(speed))
    return replace(row, speeds=(*row.speeds, speed))


def _said(speed: Speed) -> str:
    return f"{speed.image_steps_per_second:.1f} image·steps/s, {100 * speed.share_of_ceiling:.0f} % of the ceiling"


def measure_model(folder: Path, execution: Execution, *, pictures: int) -> FinishedTexture:
    """Time finished textures of a stored cascade, in this process with one thread.

    Raises
    ------
    InputError
        When the folder holds no cascade.
    """
    from inng_bench.harness.sample import load_model

    torch.set_num_threads(1)
    keep_freed_memory()
    method = load_model(folder, execution, None)
    if not isinstance(method, INNg):
        raise InputError(f"the model in {folder} is of the method {method.name}; name a run of inng with --model.")
    return measure_finished(method, pictures=pictures)


def in_fresh_process(work: Callable[[], Result]) -> Result:
    """Do picklable work in a process that has torch and nothing else in its memory."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(1, mp_context=context, initializer=begin_work) as pool:
        return pool.submit(work).result()


def _load_libraries(case: Case) -> None:
    """Take the smallest steps of a case: what they load, some 200 MiB, is no memory of its canvases.

    What ``torch.compile`` takes is counted, since it would compile again for the case's own size.
    """
    scheme = Scheme.DENSE if case.scheme is Scheme.COMPILED else case.scheme
    make_task(replace(case, scheme=scheme, side=64, batch=1, filters=1), 1).run()


def _peak_memory(case: Case, idle: float) -> float:
    if case.device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return peak_memory_mib() - idle
