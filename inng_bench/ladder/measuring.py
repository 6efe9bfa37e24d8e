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
from enum import Enum, auto

from inng_bench.errors import InputError
from inng_bench.ladder.degradations import DEGRADATIONS, rolled, tiled
from inng_bench.ladder.steps import COPIES, COPY, COPYING_METRICS, REAL, ROLLED, TILING
from inng_bench.ladder.windows import Pair, replicates_of, window_pair
from inng_bench.metrics.catalogue import BY_NAME, Compared, MetricInfo
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.registry import MEASURES
from inng_bench.processes import THREAD_VARIABLES, begin_work
from inng_bench.records.schema import Against
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
    pair = window_pair(task.texture, task.replicate)
    seed = derive_seed(texture=task.texture, replicate=task.replicate, purpose="ladder metric")
    return tuple(
        _value(task, row.name, metric, comparison)
        for row in _rows(task, pair)
        for comparisons in [row.comparisons(seed)]
        for metric in map(BY_NAME.__getitem__, task.metrics)
        if (comparison := comparisons.get(_asks(metric))) is not None
    )


def degraded(texture: str, replicate: int, pair: Pair) -> Iterator[tuple[str, Pixels]]:
    """Return the degraded windows by rung, in the order of the ladder."""
    for rung in DEGRADATIONS:
        purpose = f"ladder {rung.name}"
        generator = numpy_generator(derive_seed(texture=texture, replicate=replicate, purpose=purpose))
        yield rung.name, rung.degrade(pair.held_out, generator)


class _Asks(Enum):
    """What a metric wants to know of a sample."""

    DISTANCE = auto()
    """How far it is from the unseen window."""
    EXCESS = auto()
    """How much farther than the window that it was made of."""
    COPYING = auto()
    """Whether it is a copy of the train window."""


def _asks(metric: MetricInfo) -> _Asks:
    if metric.name in COPYING_METRICS:
        return _Asks.COPYING
    return _Asks.EXCESS if metric.compared is Compared.SOURCE else _Asks.DISTANCE


@dataclass(frozen=True)
class _Row:
    """A sample, the window that it was made of, and the other one."""

    name: str
    samples: Pictures
    source: Pictures
    unseen: Pictures

    def comparisons(self, seed: int) -> dict[_Asks, Comparison]:
        """Return what each kind of metric compares, made once for all of its kind, since they share what they find."""
        excess = Comparison(self.samples, self.source, Against.TRAIN, seed, self.unseen)
        found = {_Asks.DISTANCE: Comparison(self.samples, self.unseen, Against.HELD_OUT, seed), _Asks.EXCESS: excess}
        if self.name in COPIES:
            found[_Asks.COPYING] = excess
        if self.name == REAL:  # the held-out window itself: what is no copy of the train window
            found[_Asks.COPYING] = Comparison(self.samples, self.unseen, Against.TRAIN, seed, self.source)
        return found


def _rows(task: Task, pair: Pair) -> Iterator[_Row]:
    """Return all rows; they share the two windows and what metrics have made of them."""
    held_out, train = Pictures(pair.held_out[None]), Pictures(pair.train[None])
    yield _Row(REAL, held_out, held_out, train)
    for rung, pixels in degraded(task.texture, task.replicate, pair):
        yield _Row(rung, Pictures(pixels[None]), held_out, train)
    copies = {COPY: train, ROLLED: Pictures(rolled(pair.train)[None]), TILING: Pictures(tiled(pair.train)[None])}
    for copy, samples in copies.items():
        yield _Row(copy, samples, train, held_out)


def _value(task: Task, row: str, metric: MetricInfo, comparison: Comparison) -> Value:
    start = time.perf_counter()
    value = None if comparison.side < metric.minimum_size else MEASURES[metric.name](comparison).value
    return Value(task.texture, task.replicate, row, metric.name, value, time.perf_counter() - start)
