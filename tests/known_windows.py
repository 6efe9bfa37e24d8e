"""Windows whose logits and gradients are known: they take the place of those that a classifier gives."""

import math
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from inng_bench.inng.algorithm import at_boundary, climb_stage, langevin
from inng_bench.inng.frozen import FrozenClassifier, freeze
from inng_bench.inng.network import Classifier, Design
from inng_bench.inng.preconditioner import Preconditioner
from inng_bench.inng.state import Climb, Sampler, Stage, Update
from inng_bench.inng.windows import Reading, Windows

PIXELS = Preconditioner(torch.eye(3, dtype=torch.float64))

with torch.device("meta"):
    UNREAD = freeze(Classifier(Design(1)), torch.float32)
"""A classifier that computes nothing."""


@dataclass(frozen=True)
class Gaussian(Windows):
    """ln g is that of a Gaussian for each pixel of a canvas; the logit is its mean."""

    variance: float

    def places(self, canvases: Tensor, steps: int, generator: torch.Generator) -> Tensor:
        del canvases, generator
        return torch.zeros(steps)

    def read(self, classifier: FrozenClassifier, canvases: Tensor, place: Tensor, images: Tensor) -> Reading:
        del classifier, place, images
        return -canvases.square().mean((1, 2, 3))[:, None] / (2 * self.variance), -canvases / self.variance


@dataclass(frozen=True)
class Uphill(Gaussian):
    """ln g is the sum of the pixels."""

    variance: float = field(default=1.0, init=False)

    def read(self, classifier: FrozenClassifier, canvases: Tensor, place: Tensor, images: Tensor) -> Reading:
        del classifier, place, images
        return canvases.mean((1, 2, 3))[:, None], torch.ones_like(canvases)


def climbing(
    windows: Windows,
    step_size: float,
    temperature: float = 0.0,
    *,
    update: Update = langevin,
    threshold: float = math.inf,
    directions: Preconditioner = PIXELS,
    final_step_share: float = 1.0,
) -> Sampler:
    """Return a sampler; at an infinite threshold it takes all its steps."""
    may_stop = partial(at_boundary, threshold=threshold)
    return Sampler(windows, update, may_stop, directions, step_size, final_step_share, temperature)


def climbed(start: Tensor, sampler: Sampler, steps: int = 10, seed: int = 1) -> Climb:
    """Let canvases climb for so many steps at the most."""
    return climb_stage(Stage(UNREAD, steps), start, sampler, torch.Generator().manual_seed(seed))
