"""p0, where every chain starts: U(x) of the paper, a Gaussian; or noise that knows more of the window."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from inng_bench.inng.linear_prediction import LinearPrediction
from inng_bench.pixels import Palette, colour_statistics, coloured_noise
from inng_bench.random_phase import random_phase_noise, texton_of

GAUSSIAN_DEVIATION = 0.3
"""Of the authors' first negatives (experiments/iccv/learn-texture.py)."""


@dataclass(frozen=True)
class NoisePrior:
    """p0 as a few statistics.

    Attributes
    ----------
    mean : Tensor
        float32 (3,), in [-1, 1].
    factor : Tensor
        float32 (3, 3); times its transpose it is the covariance of a pixel's colours.
    texton : Tensor or None
        float64 (3, H, W), of random phase noise.
    """

    mean: Tensor
    factor: Tensor
    texton: Tensor | None = None

    @classmethod
    def of(cls, kind: str, window: Tensor | None) -> "NoisePrior":
        """Measure one window or several on the CPU, as :attr:`Recipe.first_negatives` says; U(x) needs none."""
        if kind == "gaussian" or window is None:
            return cls(torch.zeros(3), GAUSSIAN_DEVIATION * torch.eye(3))
        mean, factor = colour_statistics(window)
        if kind == "matched":
            return cls(mean, factor)
        mean, texton = texton_of(window.double())
        return cls(mean.float(), factor, texton)

    def within(self, palette: Palette) -> "NoisePrior":
        """Return independent noise whose colours are moved into a palette."""
        mean = palette.mean + palette.projection @ (self.mean - palette.mean)
        return NoisePrior(mean, palette.projection @ self.factor)

    def draw(self, count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """Draw canvases, float32 (count, 3, height, width) in [-1, 1], on the CPU."""
        if self.texton is not None:
            return random_phase_noise(self.mean.double(), self.texton, count, size, generator)
        return coloured_noise(self.mean, self.factor, count, size, generator)

    @cached_property
    def density(self) -> LinearPrediction:
        """Ln p0 as a Gaussian, which does not expect that draws are clipped to [-1, 1]."""
        if self.texton is not None:
            return LinearPrediction.of_texton(self.mean, self.texton)
        return LinearPrediction.of_pixels(self.mean, self.factor @ self.factor.T)

    def state(self) -> dict[str, Tensor]:
        """Return the statistics by name."""
        state = {"prior.mean": self.mean, "prior.factor": self.factor}
        return state if self.texton is None else state | {"prior.texton": self.texton}

    @classmethod
    def restore(cls, state: Mapping[str, Tensor], kind: str) -> "NoisePrior":
        """Take over a :meth:`state`; a missing name raises KeyError."""
        texton = state["prior.texton"] if kind == "random-phase" else None
        return cls(state["prior.mean"], state["prior.factor"], texton)
