"""Trainings of INNg that take a second, each made once: do not change them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from inng_bench.inng import algorithm
from inng_bench.inng.algorithm import StageReport
from inng_bench.inng.alternatives import crop_side_of, measured, sampler_of
from inng_bench.inng.presets import Recipe
from inng_bench.inng.resume import snapshot
from inng_bench.inng.state import Training
from inng_bench.pixels import random_crops
from inng_bench.resume import encode

# Stripes are random phase noise of their own spectrum, so that p0 and the steps must know less of them here.
SMALL = Recipe(
    filters=4,
    balanced=False,
    canvases=2,
    canvas_side=64,
    crops=2,
    crop_side=78,
    classifier_steps=3,
    classifier_least_steps=1,
    max_steps=6,
    aimed_steps=0.0,
    step_size=0.2,  # with which some images reach their boundary and some do not
    max_stages=4,
    first_negatives="matched",
    directions="principal-colours",
)


def stripes() -> Tensor:
    return (torch.arange(96) % 12 < 6).float().mul(1.6).sub(0.8).expand(3, 96, 96).contiguous()


def changed(**fields: Any) -> Recipe:
    return Recipe.model_validate(SMALL.model_dump() | fields)


def begin(recipe: Recipe, seed: int = 0) -> Training:
    p0, directions = measured(stripes(), recipe)
    return algorithm.begin(
        partial(random_crops, stripes()),
        recipe,
        p0,
        sampler_of(recipe, directions),
        crop_side=crop_side_of(stripes(), recipe),
        device=torch.device("cpu"),
        dtype=torch.float32,
        generator=torch.Generator().manual_seed(seed),
    )


def to_the_end(training: Training) -> Callable[[], bool]:
    """Return what lets a training go on until it has all its stages."""
    return lambda: training.number < training.recipe.max_stages


@dataclass(frozen=True)
class Trained:
    """A training at its end, what it told of each stage, and its snapshot at each border of two steps."""

    training: Training
    reports: list[StageReport]
    borders: list[bytes]


@cache
def trained(seed: int = 0, **fields: Any) -> Trained:
    training = begin(changed(**fields), seed)
    reports, borders = [], []
    for report in algorithm.train(training, to_the_end(training)):
        reports += [report] if report is not None else []
        borders.append(encode(snapshot(training)))
    return Trained(training, reports, borders)
