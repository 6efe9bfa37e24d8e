"""What this machine does best, and the clock that times a task in turn with it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inng_bench.contract import Execution

ROUNDS = 7
GEMM_SIDE = 2048

CONVOLUTIONS: tuple[tuple[int, int], ...] = ((512, 1), (256, 3))
"""Channels and side of the kernels. The library of convolutions may know instructions that the one of matrix products
does not use: on one processor its rate in float32 is two and a half times that of the product."""

PICTURE_SIDE, PICTURES = 64, 4
"""What they are applied to."""

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
        self._best = _matrix_product(execution), *(_convolution(execution, *each) for each in CONVOLUTIONS)
        self._seconds: tuple[list[float], ...] = tuple([] for _ in self._best)
        for task, _ in self._best:
            task()  # warms up

    def take_time(self) -> None:
        """Time a large matrix product and two convolutions once."""
        for (task, _), seconds in zip(self._best, self._seconds, strict=True):
            seconds.append(_seconds_of(task, self._device, self._clock))

    @property
    def flops_per_second(self) -> float:
        """The best of them at its best; all were timed at least once."""
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


def _convolution(execution: Execution, channels: int, kernel: int) -> tuple[Callable[[], Tensor], float]:
    pictures, weight = (
        torch.ones(shape, device=execution.device, dtype=execution.dtype).to(memory_format=torch.channels_last)
        for shape in ((PICTURES, channels, PICTURE_SIDE, PICTURE_SIDE), (channels, channels, kernel, kernel))
    )
    return lambda: torch.nn.functional.conv2d(pictures, weight), convolution_flops(channels, kernel)


def convolution_flops(channels: int, kernel: int) -> float:
    """Return the operations of one of :data:`CONVOLUTIONS`."""
    return 2.0 * PICTURES * (PICTURE_SIDE - kernel + 1) ** 2 * channels**2 * kernel**2


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
