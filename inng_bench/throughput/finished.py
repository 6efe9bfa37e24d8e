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
    seconds : tuple[float, ...]
        Of each picture of :data:`FINISHED`, drawn alone.
    stages : int
        Classifiers that each went through.
    """

    seconds: tuple[float, ...]
    stages: int

    @property
    def median(self) -> float:
        """In seconds."""
        return statistics.median(self.seconds)


def measure_finished(method: INNg, *, pictures: int, clock: Clock = time.perf_counter) -> FinishedTexture:
    """Time whole syntheses, each from new noise through all classifiers with the cascade's own stop rule."""
    seconds = []
    for number in range(pictures):
        start = clock()
        method.sample(1, FINISHED, generator=torch_generator(number))
        seconds.append(clock() - start)
    return FinishedTexture(tuple(seconds), len(method.stages))
