"""What a training takes, told before it begins: operations, stages, and the memory of a snapshot."""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.inng.alternatives import windows_of
from inng_bench.inng.frozen import freeze
from inng_bench.inng.network import Classifier, cross_entropy
from inng_bench.inng.presets import Recipe
from inng_bench.inng.state import Work
from inng_bench.inng.windows import evaluation_flops

USUAL_SHARE = 0.4
"""Of the operations that a stage may take at the most; 0.33 to 0.72 in the reference results of the suite ``quick``, so
that most trainings have fewer stages than are estimated, and need less disk."""


@dataclass(frozen=True)
class Prices:
    """Floating-point operations of what a training counts, see :class:`inng_bench.inng.state.Work`."""

    classifier_step: float
    classifier_pass: float
    evaluation: float

    @classmethod
    def of(cls, recipe: Recipe, crop_side: int | None = None) -> Self:
        """Count those of a recipe, whose crops may be smaller than it says, on the meta device."""
        probe, side = _probe(recipe), recipe.canvas_length(recipe.canvas_side)
        length = crop_side or recipe.crop_side
        crops = torch.empty((recipe.crops, 3, length, length), device="meta")
        with FlopCounterMode(display=False) as counter:
            loss, _ = cross_entropy(probe, crops, crops)
            forward = float(counter.get_total_flops())
            loss.backward()  # type: ignore[no-untyped-call]
        evaluation = evaluation_flops(freeze(probe, torch.float32), windows_of(recipe), (side, side))
        return cls(float(counter.get_total_flops()), forward, evaluation)

    def of_work(self, work: Work) -> float:
        """Return the operations of some work."""
        return (
            work.classifier_steps * self.classifier_step
            + work.classifier_passes * self.classifier_pass
            + work.evaluations * self.evaluation
        )


def _probe(recipe: Recipe) -> Classifier:
    """Return a classifier that computes nothing and draws nothing from the global random state."""
    with torch.device("meta"):
        return Classifier(recipe.design)


def usual_stages(recipe: Recipe, budget: float) -> int:
    """Estimate how many stages a budget pays for."""
    most = Work(recipe.classifier_steps, 0, recipe.canvases * recipe.max_steps)
    return min(recipe.max_stages, math.ceil(budget / (USUAL_SHARE * Prices.of(recipe).of_work(most))))


def snapshot_bytes(recipe: Recipe, dtype: torch.dtype, stages: int) -> float:
    """Return the size of a snapshot in a stage that comes after so many, in the middle of its climb."""
    parameters = sum(weight.numel() for weight in _probe(recipe).parameters())
    canvases = 4 * recipe.canvases * 3 * recipe.canvas_length(recipe.canvas_side) ** 2
    learning = parameters * 4 * (3 if recipe.optimiser == "adam" else 1)
    climbing = canvases * (2 + 1 + 3)  # the chain and its start; those at rest; those on their way, with moments
    history = canvases / 2 * min(recipe.history_stages, stages + 1)
    window = recipe.keep_every or stages + 1
    kept = stages // window + 1  # the last is the one that is climbed
    return learning + climbing + history + kept * parameters * dtype.itemsize
