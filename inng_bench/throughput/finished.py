"""What a finished texture from a stored cascade costs."""

import statistics
import time
from dataclasses import dataclass

from inng_bench.inng.method import INNg
from inng_bench.seeds import torch_generator
from inng_bench.timing.ceiling import Clock

FINISHED = (256, 256)
"""Height and width of a finished texture."""


@dataclass(frozen=True)
class FinishedTexture:
    """What a picture from a stored cascade costs.

    Attributes
    ----------
    seconds : float
        Of one picture of :data:`FINISHED`, median over the rounds.
    batch : int
        Pictures that were drawn together.
    stages : int
        Classifiers that each went through.
    """

    seconds: float
    batch: int
    stages: int


def measure_finished(
    method: INNg, *, batch: int = 4, rounds: int = 3, clock: Clock = time.perf_counter
) -> FinishedTexture:
    """Time whole syntheses, from new noise through all classifiers with the cascade's own stop rule."""
    seconds = []
    for number in range(rounds):
        start = clock()
        method.sample(batch, FINISHED, generator=torch_generator(number))
        seconds.append(clock() - start)
    return FinishedTexture(statistics.median(seconds) / batch, batch, len(method.stages))
