"""The speed of a stored cascade's sampler, for its record."""

import statistics
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from inng_bench.contract import Execution
from inng_bench.inng.algorithm import at_boundary, climb_stage
from inng_bench.inng.method import INNg
from inng_bench.inng.windows import evaluation_flops
from inng_bench.records.schema import Throughput
from inng_bench.seeds import torch_generator
from inng_bench.timing.ceiling import ROUNDS, time_against_ceiling

STEPS = 8
"""Sampler steps of one timed round; the sampler evaluates the logit once more, to know that the boundary is reached."""

NEVER = partial(at_boundary, threshold=float("inf"))
"""A stop rule that no image meets."""


def measure_sampler(
    folder: Path, execution: Execution, *, size: tuple[int, int] = (256, 256), batch: int = 4
) -> Throughput:
    """Time the sampler of a stored cascade.

    The sampler runs its own update with a threshold that no image reaches, so that each round takes the same steps.

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
        Medians over the rounds. The share of the ceiling is the counted FLOP/s of the sampler over the best of a
        matrix product, a 1×1 and a 3×3 convolution in the same precision and threads.
    """
    method = INNg.load(folder, execution)
    stage = replace(method.stages[len(method.stages) // 2], max_steps=STEPS)
    sampler = replace(method.sampler, may_stop=NEVER)
    canvases = torch.rand((batch, 3, *size), generator=torch_generator(0)) * 2 - 1
    canvases = canvases.to(execution.device)

    def round_of_steps() -> None:
        climb_stage(stage, canvases, sampler, torch_generator(1))

    round_of_steps()
    timing = time_against_ceiling(round_of_steps, execution)
    rates = [batch * (STEPS + 1) / duration for duration in timing.seconds]
    flops = evaluation_flops(stage.classifier, sampler.windows, size)
    quartiles = statistics.quantiles(rates, n=4)
    return Throughput(
        update=method.recipe.update,
        height=size[0],
        width=size[1],
        batch=batch,
        filters=method.recipe.filters,
        precision=str(execution.precision),
        threads=torch.get_num_threads(),
        rounds=ROUNDS,
        gradient_evaluations_per_second=statistics.median(rates),
        image_steps_per_second=statistics.median(rates) * STEPS / (STEPS + 1),
        quartiles=(quartiles[0] * STEPS / (STEPS + 1), quartiles[2] * STEPS / (STEPS + 1)),
        flops_per_image_step=flops * (STEPS + 1) / STEPS,
        share_of_ceiling=statistics.median(rates) * flops / timing.ceiling,
    )
