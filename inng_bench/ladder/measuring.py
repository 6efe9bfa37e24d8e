"""Every metric on every rung, one process for each pair of windows."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np

from inng_bench.errors import InputError
from inng_bench.ladder.copies import COPIES
from inng_bench.ladder.degradations import DEGRADATIONS
from inng_bench.ladder.steps import COPYING_METRICS, REAL
from inng_bench.ladder.windows import Windows, replicates_of, windows_of
from inng_bench.metrics.catalogue import BY_NAME, MetricInfo
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.registry import MEASURES
from inng_bench.processes import THREAD_VARIABLES, begin_work
from inng_bench.seeds import derive_seed, numpy_generator


@dataclass(frozen=True)
class Task:
    """What one process measures."""

    texture: str
    replicate: int
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Value:
    """One figure.

    Attributes
    ----------
    row : str
        A rung, the undegraded window, or a copy.
    value : float or None
        None where the pictures are too small for the metric or it cannot be told.
    seconds : float
        With the features that it is the first to use.
    """

    texture: str
    replicate: int
    row: str
    metric: str
    value: float | None
    seconds: float


def plan(textures: Sequence[str], seeds: int, metrics: Sequence[str]) -> tuple[Task, ...]:
    """Return all tasks, the first replicate of every texture first."""
    return tuple(
        Task(texture, replicate, tuple(metrics))
        for replicate in range(seeds)
        for texture in textures
        if replicate < replicates_of(texture, seeds)
    )


def run(tasks: Sequence[Task], *, jobs: int, on_done: Callable[[Task, int], None]) -> tuple[Value, ...]:
    """Measure all tasks, so many at a time, in new processes of one thread each.

    Parameters
    ----------
    tasks : Sequence[Task]
        From :func:`plan`.
    jobs : int
        How many processes.
    on_done : Callable[[Task, int], None]
        Called here after each task, with the number of tasks that are done.

    Returns
    -------
    tuple[Value, ...]
        In the order of the tasks.

    Raises
    ------
    InputError
        When a process dies, which memory is the likeliest reason for.
    """
    context = multiprocessing.get_context("spawn")
    with _single_threaded(), ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_quietly) as pool:
        futures = {pool.submit(measure, task): task for task in tasks}
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                on_done(futures[future], done)
        except BrokenProcessPool as error:
            raise InputError("a process of the ladder died (out of memory?); try again with --jobs 1.") from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return tuple(value for future in futures for value in future.result())


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Give the processes that begin in here one thread each; their libraries read it before any code of ours runs."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({} if value is None else {name: value})


def _begin_quietly() -> None:
    """Prepare a process of the pool; Ctrl-C, which reaches all of them, is to end it without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    begin_work()


def measure(task: Task) -> tuple[Value, ...]:
    """Measure all rows of one pair of windows."""
    windows = windows_of(task.texture, task.replicate)
    seed = derive_seed(texture=task.texture, replicate=task.replicate, purpose="ladder metric")
    train, honest = Pictures(windows.train[None]), Pictures(np.stack(windows.honest))
    distances = [name for name in task.metrics if name not in COPYING_METRICS]
    copying = [name for name in task.metrics if name in COPYING_METRICS]

    def values(row: str, pixels: Pixels, metrics: Sequence[str]) -> Iterator[Value]:
        comparison = Comparison(Pictures(pixels[None]), train, seed, honest)
        return (_value(task, row, BY_NAME[metric], comparison) for metric in metrics)

    found = [*values(REAL, windows.sample, task.metrics)]
    if distances:
        for row, pixels in degraded(task.texture, task.replicate, windows):
            found.extend(values(row, pixels, distances))
    if copying:
        for row, pixels in copied(task.texture, task.replicate, windows):
            found.extend(values(row, pixels, copying))
    return tuple(found)


def degraded(texture: str, replicate: int, windows: Windows) -> Iterator[tuple[str, Pixels]]:
    """Return the degraded windows by rung, in the order of the ladder."""
    for rung in DEGRADATIONS:
        yield rung.name, rung.degrade(windows.sample, _generator(texture, replicate, rung.name))


def copied(texture: str, replicate: int, windows: Windows) -> Iterator[tuple[str, Pixels]]:
    """Return copies of the train window by name."""
    for copy in COPIES:
        yield copy.name, copy.take(windows.train, _generator(texture, replicate, copy.name))


def _generator(texture: str, replicate: int, row: str) -> np.random.Generator:
    return numpy_generator(derive_seed(texture=texture, replicate=replicate, purpose=f"ladder {row}"))


def _value(task: Task, row: str, metric: MetricInfo, comparison: Comparison) -> Value:
    start = time.perf_counter()
    value = None if comparison.side < metric.minimum_size else MEASURES[metric.name](comparison).value
    return Value(task.texture, task.replicate, row, metric.name, value, time.perf_counter() - start)
