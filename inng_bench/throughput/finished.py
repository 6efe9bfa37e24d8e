"""What a finished texture from a stored cascade costs."""

import time
from dataclasses import dataclass

from inng_bench.inng.method import INNg
from inng_bench.seeds import torch_generator
from inng_bench.timing.ceiling import Clock

FINISHED = (256, 256)
"""Height and width of a finished texture."""

PATIENCE = 0.5
"""Of one that is drawn in a hurry, see :meth:`inng_bench.inng.method.INNg.hurried`."""


@dataclass(frozen=True)
class FinishedTexture:
    """What a picture from a stored cascade costs.

    Attributes
    ----------
    seconds : tuple[float, ...]
        Of each picture of :data:`FINISHED`, drawn alone.
    hurried_seconds : tuple[float, ...]
        The same with :data:`PATIENCE`.
    stages : int
        Classifiers that each went through.
    """

    seconds: tuple[float, ...]
    hurried_seconds: tuple[float, ...]
    stages: int


def measure_finished(method: INNg, *, pictures: int, clock: Clock = time.perf_counter) -> FinishedTexture:
    """Time whole syntheses, each from new noise through all classifiers with the cascade's own stop rule."""

    def draw(drawing: INNg, number: int) -> float:
        start = clock()
        drawing.sample(1, FINISHED, generator=torch_generator(number))
        return clock() - start

    hurried = method.hurried(PATIENCE)
    seconds = [(draw(method, number), draw(hurried, number)) for number in range(pictures)]
    usual, fast = zip(*seconds, strict=True)
    return FinishedTexture(usual, fast, len(method.stages))
