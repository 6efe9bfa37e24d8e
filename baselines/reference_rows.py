"""The two rows that every table needs besides the real one: what colour alone and what the spectrum alone can do.

Both are closed forms of one window. Their training spends nothing.
"""

from typing import Any, ClassVar

import torch
from pydantic import BaseModel, Field
from torch import Tensor

from inng_bench.pictures import TrainingPictures, as_tensor
from inng_bench.pixels import colour_statistics, coloured_noise
from inng_bench.random_phase import random_phase_noise, texton_of

from .base import Choices, ClosedForm

AT_ONCE = 256
"""Pictures of a set that are read at a time."""


class NoiseChoices(Choices):
    """Choices of the noise of a set."""

    picture_side: int | None = Field(None, ge=1, description="Side of a set's pictures; None is a texture.")
    per_place: bool = Field(
        False, description="Of a set: whether each place of a picture has a mean and a covariance of its own."
    )


class MatchedNoise(ClosedForm):
    """Independent Gaussian pixels with the colour mean and the colour covariance of the window, clipped to [-1, 1]."""

    name: ClassVar[str] = "noise"
    learns_several: ClassVar[bool] = True
    statistics: ClassVar[frozenset[str]] = frozenset({"mean", "mixing"})
    choices: ClassVar[type[BaseModel]] = NoiseChoices
    train_on = ClosedForm.train

    def configuration(self) -> dict[str, Any]:
        """Return the choices of a set; a texture has none."""
        found = super().configuration()
        return found if "picture_side" in found else {}

    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        mean, mixing = colour_statistics(window)
        return {"mean": mean, "mixing": mixing}

    def _measure_set(self, pictures: TrainingPictures) -> dict[str, Tensor]:
        first, second = torch.zeros(3, dtype=torch.float64), torch.zeros(3, 3, dtype=torch.float64)
        for start in range(0, len(pictures), AT_ONCE):
            part = as_tensor(pictures.pictures[start : start + AT_ONCE]).double().permute(2, 3, 0, 1)  # H, W, N, 3
            first, second = first + part.sum(2), second + part.mT @ part
        mean, moment = first / len(pictures), second / len(pictures)
        if not self.configuration()["per_place"]:
            mean, moment = mean.mean((0, 1), keepdim=True), moment.mean((0, 1), keepdim=True)
        values, vectors = torch.linalg.eigh(moment - mean[..., :, None] * mean[..., None, :])
        mixing = vectors * values.clamp_min(0).sqrt()[..., None, :]
        return {"mean": mean, "mixing": mixing}

    def supports(self, size: tuple[int, int]) -> bool:
        """Any size of at least 16 px a side; of a set its own alone."""
        side = self.configuration().get("picture_side")
        return super().supports(size) if side is None else size == (side, side)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        mean, mixing = self._statistic("mean"), self._statistic("mixing")
        if mean.ndim == 1:
            return coloured_noise(mean, mixing, count, size, generator).float()
        white = torch.randn((count, *size, 3), generator=generator)
        pixels = (mixing.float() @ white[..., None])[..., 0] + mean.float()
        return pixels.clamp_(-1, 1).permute(0, 3, 1, 2).contiguous()


class RandomPhase(ClosedForm):
    """Random phase noise of the window, see :mod:`inng_bench.random_phase`."""

    name: ClassVar[str] = "random-phase"
    learns_several: ClassVar[bool] = True
    optimises: ClassVar[tuple[str, ...]] = ("spectrum",)
    statistics: ClassVar[frozenset[str]] = frozenset({"mean", "texton"})

    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        mean, texton = texton_of(window)
        return {"mean": mean, "texton": texton}

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        return random_phase_noise(self._statistic("mean"), self._statistic("texton"), count, size, generator)
