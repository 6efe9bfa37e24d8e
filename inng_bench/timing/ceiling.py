"""What this machine does best, and the clock that times a task in turn with it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inng_bench.contract import Execution

ROUNDS = 7
GEMM_SIDE = 2048
POINTWISE_CHANNELS, POINTWISE_SIDE, POINTWISE_BATCH = 512, 64, 4

Task = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Timing:
    """A task timed in turn with the ceiling.

    Attributes
    ----------
    seconds : tuple[float, ...]
        Of the task, one a round.
    ceiling : float
        The best floating-point operations per second of the same rounds.
    """

    seconds: tuple[float, ...]
    ceiling: float


def time_against_ceiling(
    task: Task, execution: Execution, *, rounds: int = ROUNDS, clock: Clock = time.perf_counter
) -> Timing:
    """Time a task and the ceiling in turn, so that a machine that slows down slows both.

    Parameters
    ----------
    task : callable
        What is timed; it has run once, which warms up.
    execution : Execution
        Device and precision of the ceiling; the threads are torch's current ones.
    rounds : int
        Repetitions.
    clock : callable
        Tells the time in seconds.
    """
    best = _warm_ceiling(execution)
    seconds = _interleaved_seconds((task, *(one for one, _ in best)), execution.device, rounds, clock)
    return Timing(tuple(seconds[0]), _best_rate([work for _, work in best], seconds[1:]))


def measure_ceiling(execution: Execution, *, rounds: int = ROUNDS, clock: Clock = time.perf_counter) -> float:
    """Return the best floating-point operations per second of this process, in its precision and threads."""
    best = _warm_ceiling(execution)
    seconds = _interleaved_seconds(tuple(one for one, _ in best), execution.device, rounds, clock)
    return _best_rate([work for _, work in best], seconds)


def _best_rate(work: Sequence[float], seconds: Sequence[Sequence[float]]) -> float:
    return max(operations / min(times) for operations, times in zip(work, seconds, strict=True))


def _warm_ceiling(execution: Execution) -> tuple[tuple[Task, float], ...]:
    """Return a large matrix product and a 1×1 convolution, with their operations; both have run once."""
    tasks = _matrix_product(execution), _pointwise_convolution(execution)
    for task, _ in tasks:
        task()
    return tasks


def _matrix_product(execution: Execution) -> tuple[Callable[[], Tensor], float]:
    factor = torch.ones((GEMM_SIDE, GEMM_SIDE), device=execution.device, dtype=execution.dtype)
    return lambda: factor @ factor, 2.0 * GEMM_SIDE**3


def _pointwise_convolution(execution: Execution) -> tuple[Callable[[], Tensor], float]:
    side, channels = POINTWISE_SIDE, POINTWISE_CHANNELS
    place = {"device": execution.device, "dtype": execution.dtype}
    picture = torch.ones((POINTWISE_BATCH, channels, side, side), **place).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    weight = torch.ones((channels, channels, 1, 1), **place)  # type: ignore[call-overload]
    return lambda: torch.nn.functional.conv2d(picture, weight), 2.0 * POINTWISE_BATCH * side**2 * channels**2


def _interleaved_seconds(tasks: Sequence[Task], device: torch.device, rounds: int, clock: Clock) -> list[list[float]]:
    """Time each task once a round."""
    seconds: list[list[float]] = [[] for _ in tasks]
    for _ in range(rounds):
        for task, times in zip(tasks, seconds, strict=True):
            _synchronise(device)
            start = clock()
            task()
            _synchronise(device)
            times.append(clock() - start)
    return seconds


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
