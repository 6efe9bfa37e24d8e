"""What a finished texture from a stored cascade costs."""

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


def measure_finished(method: INNg, *, pictures: int, clock: Clock = time.perf_counter) -> FinishedTexture:
    """Time whole syntheses, each from new noise through all classifiers with the cascade's own stop rule."""

    def draw(number: int) -> float:
        start = clock()
        method.sample(1, FINISHED, generator=torch_generator(number))
        return clock() - start

    return FinishedTexture(tuple(draw(number) for number in range(pictures)), len(method.stages))
