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
from inng_bench.ladder.degradations import DEGRADATIONS, rolled, tiled
from inng_bench.ladder.steps import COPY, COPYING_METRICS, REAL, ROLLED, TILING
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
    return tuple(
        _value(task, row.name, metric, comparison)
        for row in _rows(task, windows, seed)
        for metric in map(BY_NAME.__getitem__, task.metrics)
        if (comparison := row.comparison(metric)) is not None
    )


def degraded(texture: str, replicate: int, windows: Windows) -> Iterator[tuple[str, Pixels]]:
    """Return the degraded windows by rung, in the order of the ladder."""
    for rung in DEGRADATIONS:
        purpose = f"ladder {rung.name}"
        generator = numpy_generator(derive_seed(texture=texture, replicate=replicate, purpose=purpose))
        yield rung.name, rung.degrade(windows.sample, generator)


@dataclass(frozen=True)
class _Row:
    """A sample and what it is compared with."""

    name: str
    samples: Pictures
    distance: Comparison
    copying: Comparison | None = None
    """None of a row that tells nothing of copying."""

    def comparison(self, metric: MetricInfo) -> Comparison | None:
        """Return what a metric compares."""
        return self.copying if metric.name in COPYING_METRICS else self.distance


def _rows(task: Task, windows: Windows, seed: int) -> Iterator[_Row]:
    """Return all rows; they share the windows and what metrics have made of them."""
    train, honest = Pictures(windows.train[None]), Pictures(np.stack(windows.honest))

    def row(name: str, samples: Pictures, *, asks_for_copies: bool = False, reference: Pictures = train) -> _Row:
        copying = Comparison(samples, train, seed, honest) if asks_for_copies else None
        return _Row(name, samples, Comparison(samples, reference, seed), copying)

    sample = Pictures(windows.sample[None])
    yield row(REAL, sample, asks_for_copies=True)
    for rung, pixels in degraded(task.texture, task.replicate, windows):
        yield row(rung, Pictures(pixels[None]))
    copies = {COPY: train, ROLLED: Pictures(rolled(windows.train)[None]), TILING: Pictures(tiled(windows.train)[None])}
    for copy, samples in copies.items():
        yield row(copy, samples, asks_for_copies=True, reference=sample)


def _value(task: Task, row: str, metric: MetricInfo, comparison: Comparison) -> Value:
    start = time.perf_counter()
    value = None if comparison.side < metric.minimum_size else MEASURES[metric.name](comparison).value
    return Value(task.texture, task.replicate, row, metric.name, value, time.perf_counter() - start)
