"""What this machine does best, and the clock that times a task in turn with it."""

import time
from collections.abc import Callable
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


class Ceiling:
    """The best floating-point operations per second of this process, timed a little at a time between other work.

    Parameters
    ----------
    execution : Execution
        Device and precision; the threads are torch's current ones.
    clock : callable
        Tells the time in seconds.
    """

    def __init__(self, execution: Execution, clock: Clock = time.perf_counter) -> None:
        self._device, self._clock = execution.device, clock
        self._best = _matrix_product(execution), _pointwise_convolution(execution)
        self._seconds: tuple[list[float], ...] = ([], [])
        for task, _ in self._best:
            task()  # warms up

    def take_time(self) -> None:
        """Time a large matrix product and a 1×1 convolution once."""
        for (task, _), seconds in zip(self._best, self._seconds, strict=True):
            seconds.append(_seconds_of(task, self._device, self._clock))

    @property
    def flops_per_second(self) -> float:
        """The better of the two at its best; both were timed at least once."""
        pairs = zip(self._best, self._seconds, strict=True)
        return max(operations / min(seconds) for (_, operations), seconds in pairs)


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
    ceiling = Ceiling(execution, clock)
    seconds = []
    for _ in range(rounds):
        seconds.append(_seconds_of(task, execution.device, clock))
        ceiling.take_time()
    return Timing(tuple(seconds), ceiling.flops_per_second)


def _seconds_of(task: Task, device: torch.device, clock: Clock) -> float:
    """Time a task once, with all that it leaves to a device."""
    _synchronise(device)
    start = clock()
    task()
    _synchronise(device)
    return clock() - start


def _matrix_product(execution: Execution) -> tuple[Callable[[], Tensor], float]:
    factor = torch.ones((GEMM_SIDE, GEMM_SIDE), device=execution.device, dtype=execution.dtype)
    return lambda: factor @ factor, 2.0 * GEMM_SIDE**3


def _pointwise_convolution(execution: Execution) -> tuple[Callable[[], Tensor], float]:
    side, channels = POINTWISE_SIDE, POINTWISE_CHANNELS
    place = {"device": execution.device, "dtype": execution.dtype}
    picture = torch.ones((POINTWISE_BATCH, channels, side, side), **place).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    weight = torch.ones((channels, channels, 1, 1), **place)  # type: ignore[call-overload]
    return lambda: torch.nn.functional.conv2d(picture, weight), 2.0 * POINTWISE_BATCH * side**2 * channels**2


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
