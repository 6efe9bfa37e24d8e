"""The speed of a stored model's sampler, for its record."""

import statistics
from pathlib import Path

import torch

from inng_bench.contract import Execution, Method, TimedSampler
from inng_bench.records.schema import Throughput
from inng_bench.timing.ceiling import ROUNDS, time_against_ceiling


def measure_sampler(
    method: type[Method], folder: Path, execution: Execution, *, size: tuple[int, int] = (256, 256), batch: int = 4
) -> Throughput:
    """Time the sampler of a stored model.

    Parameters
    ----------
    method : type[Method]
        A :class:`inng_bench.contract.TimedSampler`.
    folder : Path
        Where :meth:`inng_bench.contract.Method.save` wrote the model.
    execution : Execution
        Device and precision; the threads are torch's current ones.
    size : tuple[int, int]
        Height and width of the pictures.
    batch : int
        Number of pictures.

    Returns
    -------
    Throughput
        Medians over the rounds. The share of the ceiling is the counted FLOP/s of the sampler over the best of a
        matrix product, a 1×1 and a 3×3 convolution in the same precision and threads.
    """
    model = method.load(folder, execution)
    assert isinstance(model, TimedSampler)
    work = model.sampler_round(batch, size)
    work.run()
    timing = time_against_ceiling(work.run, execution)
    rates = [batch * work.evaluations / duration for duration in timing.seconds]
    quartiles = statistics.quantiles(rates, n=4)
    moving = work.steps / work.evaluations
    return Throughput(
        update=work.update,
        height=size[0],
        width=size[1],
        batch=batch,
        filters=work.filters,
        precision=str(execution.precision),
        threads=torch.get_num_threads(),
        rounds=ROUNDS,
        gradient_evaluations_per_second=statistics.median(rates),
        image_steps_per_second=statistics.median(rates) * moving,
        quartiles=(quartiles[0] * moving, quartiles[2] * moving),
        flops_per_image_step=work.flops / moving,
        share_of_ceiling=statistics.median(rates) * work.flops / timing.ceiling,
    )
