"""The two rows that every table needs besides the real one: what colour alone and what the spectrum alone can do.

Both are closed forms of one window. Their training spends nothing.
"""

from typing import ClassVar

import torch
from torch import Tensor

from inng_bench.pixels import colour_statistics, coloured_noise
from inng_bench.random_phase import random_phase_noise, texton_of

from .base import ClosedForm


class MatchedNoise(ClosedForm):
    """Independent Gaussian pixels with the colour mean and the colour covariance of the window, clipped to [-1, 1]."""

    name: ClassVar[str] = "noise"
    statistics: ClassVar[frozenset[str]] = frozenset({"mean", "mixing"})

    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        mean, mixing = colour_statistics(window)
        return {"mean": mean, "mixing": mixing}

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        return coloured_noise(self._statistic("mean"), self._statistic("mixing"), count, size, generator).float()


class RandomPhase(ClosedForm):
    """Random phase noise of the window, see :mod:`inng_bench.random_phase`."""

    name: ClassVar[str] = "random-phase"
    optimises: ClassVar[tuple[str, ...]] = ("spectrum",)
    statistics: ClassVar[frozenset[str]] = frozenset({"mean", "texton"})

    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        mean, texton = texton_of(window)
        return {"mean": mean, "texton": texton}

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        return random_phase_noise(self._statistic("mean"), self._statistic("texton"), count, size, generator)
