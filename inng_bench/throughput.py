"""Langevin throughput: how fast a stored cascade's sampler runs, and what share of this machine's ceiling that is.

Times mean something only on an otherwise idle machine, so the harness calls this after the training grid, alone.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from inng_bench.contract import Execution
from inng_bench.inng.cascade import Stage, climb
from inng_bench.inng.choices import Stop
from inng_bench.inng.field import evaluation_flops
from inng_bench.inng.method import INNg
from inng_bench.records.schema import Throughput

STEPS = 8
"""Sampler steps of one timed round."""

ROUNDS = 7
GEMM_SIDE = 2048
POINTWISE_CHANNELS = 256


def measure_sampler(
    folder: Path, execution: Execution, *, size: tuple[int, int] = (256, 256), batch: int = 4
) -> Throughput:
    """Time the sampler of a stored cascade.

    The sampler runs its own update with a threshold that no image reaches, so that each round takes the same steps.
    Rounds of the sampler and of the ceiling alternate, so that a machine that slows down slows both.

    Parameters
    ----------
    folder : Path
        Where :meth:`inng_bench.contract.Method.save` wrote the cascade.
    execution : Execution
        Device and precision; the threads are torch's current ones.
    size : tuple[int, int]
        Height and width of the canvases, multiples of 16.
    batch : int
        Number of canvases.

    Returns
    -------
    Throughput
        Medians over the rounds. The share of the ceiling is the counted FLOP/s of the sampler over the better of a
        matrix product and a 1×1 convolution in the same precision and threads.
    """
    method = INNg.load(folder, execution)
    stage = _endless(method.stages[len(method.stages) // 2])
    canvases = torch.rand((batch, 3, *size), generator=torch.Generator().manual_seed(0)) * 2 - 1
    canvases, colours = canvases.to(execution.device), torch.eye(3, device=execution.device)

    def round_of_steps() -> None:
        climb([stage], canvases, colours, method.config, method.prior, torch.Generator().manual_seed(1))

    tasks = ceiling_tasks(execution)
    seconds = _interleaved_seconds((round_of_steps, *(task for task, _ in tasks)), execution.device)
    # The sampler evaluates the logit once more than it moves, to know that the boundary is reached.
    evaluations = batch * (STEPS + 1)
    rates = sorted(evaluations / duration for duration in seconds[0])
    flops = evaluation_flops(stage.classifier, method.config.reading, size)
    ceiling = max(work / min(times) for (_, work), times in zip(tasks, seconds[1:], strict=True))
    quartiles = statistics.quantiles(rates, n=4)
    return Throughput(
        update=str(stage.sampler.update),
        height=size[0],
        width=size[1],
        batch=batch,
        filters=method.config.filters,
        precision=str(execution.precision),
        threads=torch.get_num_threads(),
        rounds=ROUNDS,
        gradient_evaluations_per_second=statistics.median(rates),
        image_steps_per_second=statistics.median(rates) * STEPS / (STEPS + 1),
        quartiles=(quartiles[0] * STEPS / (STEPS + 1), quartiles[2] * STEPS / (STEPS + 1)),
        flops_per_image_step=flops,
        share_of_ceiling=statistics.median(rates) * flops / ceiling,
    )


def ceiling_tasks(execution: Execution) -> tuple[tuple[Callable[[], Tensor], float], ...]:
    """Return what this machine does best, a large matrix product and a 1×1 convolution, with their operations."""
    return _matrix_product(execution), _pointwise_convolution(execution)


def measure_ceiling(execution: Execution) -> float:
    """Return the best floating-point operations per second of this process, in its precision and threads."""
    tasks = ceiling_tasks(execution)
    seconds = _interleaved_seconds(tuple(task for task, _ in tasks), execution.device)
    return max(work / min(times) for (_, work), times in zip(tasks, seconds, strict=True))


def _endless(stage: Stage) -> Stage:
    """Return a stage whose sampler takes a fixed number of steps."""
    return replace(stage, sampler=replace(stage.sampler, max_steps=STEPS, stop=Stop.LOGIT, threshold=float("inf")))


def _matrix_product(execution: Execution) -> tuple[Callable[[], Tensor], float]:
    factor = torch.ones((GEMM_SIDE, GEMM_SIDE), device=execution.device, dtype=execution.dtype)
    return lambda: factor @ factor, 2.0 * GEMM_SIDE**3


def _pointwise_convolution(execution: Execution) -> tuple[Callable[[], Tensor], float]:
    side, channels = 64, POINTWISE_CHANNELS
    place = {"device": execution.device, "dtype": execution.dtype}
    picture = torch.ones((4, channels, side, side), **place).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    weight = torch.ones((channels, channels, 1, 1), **place)  # type: ignore[call-overload]
    return lambda: torch.nn.functional.conv2d(picture, weight), 2.0 * 4 * side**2 * channels**2


def _interleaved_seconds(tasks: tuple[Callable[[], object], ...], device: torch.device) -> list[list[float]]:
    """Time each task once a round, after one warm-up each."""
    for task in tasks:
        task()
    seconds: list[list[float]] = [[] for _ in tasks]
    for _ in range(ROUNDS):
        for task, times in zip(tasks, seconds, strict=True):
            _synchronise(device)
            start = time.perf_counter()
            task()
            _synchronise(device)
            times.append(time.perf_counter() - start)
    return seconds


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
