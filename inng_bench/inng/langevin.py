"""The sampler: samples climb the logit of a classifier until its decision reaches the boundary.

One pure function. Its gradient is dense over a toroidal canvas; a random roll of the canvas at each step moves the grid
of windows, so that over the steps every window of the torus takes part.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from inng_bench.inng.network import WINDOW_STEP

LogitsAndGradient = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Maps canvases (N, 3, H, W) to logits (N,) and their gradient (N, 3, H, W)."""

ADAM_SECOND_MOMENT_DECAY = 0.999
ADAM_EPSILON = 1e-8


class Update(StrEnum):
    """How a sample moves along the gradient."""

    LANGEVIN = "langevin"
    """½ε · gradient + N(0, εT), the paper's update."""
    ADAM = "adam"
    """Adam ascent plus N(0, εT) noise, the authors' code (there without noise)."""


@dataclass(frozen=True)
class Sampler:
    """Settings of the sampler.

    Attributes
    ----------
    update : Update
        The rule.
    step_size : float
        ε of the Langevin update, or Adam's learning rate, in standard deviations of the principal colours.
    temperature : float
        T; the noise of a step has variance ``step_size · T`` (Langevin) or ``step_size² · T`` (Adam).
    momentum : float
        Adam's β1; the Langevin update has none.
    max_steps : int
        Steps after which a stage ends although the boundary was not reached.
    final_step_share : float
        The step size falls geometrically to this share of itself over ``max_steps``, so that an image which cannot
        reach its boundary at the full step size cools down; 1 keeps it constant.
    threshold : float
        τ: an image stops when the mean of its window logits is at least τ; 0 is the decision boundary.
    """

    update: Update = Update.ADAM
    step_size: float = 0.01
    temperature: float = 0.0
    momentum: float = 0.5
    max_steps: int = 60
    final_step_share: float = 1.0
    threshold: float = 0.0

    def step_size_at(self, step: int) -> float:
        """Return the step size of a step, counted from 0."""
        return self.step_size * math.pow(self.final_step_share, step / self.max_steps)


@dataclass(frozen=True)
class Ascent:
    """What the sampler did.

    Attributes
    ----------
    canvases : Tensor
        float32 (N, 3, H, W) in [-1, 1].
    steps : Tensor
        int64 (N,), gradient steps that each image took.
    logits : Tensor
        float32 (N,), the last mean logit of each image.
    evaluations : int
        Gradient evaluations, summed over the images.
    """

    canvases: Tensor
    steps: Tensor
    logits: Tensor
    evaluations: int


def ascend(
    field: LogitsAndGradient, canvases: Tensor, colours: Tensor, sampler: Sampler, generator: torch.Generator
) -> Ascent:
    """Move toroidal canvases up a logit, each until its own decision reaches the threshold.

    Steps are taken along the principal colours of the texture and in units of their standard deviations: with A the
    factor of the colour covariance, x moves by A·move where the plain rule would move u in x = A·u. This is the
    Langevin update preconditioned by the covariance AAᵀ; noise never leaves the colours that the texture has, and one
    step size fits a pale texture and a vivid one.

    No image influences another: the rolls are drawn in advance, each image has its own noise, optimiser state and stop.

    Parameters
    ----------
    field : LogitsAndGradient
        Usually :func:`inng_bench.inng.network.logits_and_gradient` of one classifier.
    canvases : Tensor
        float32 (N, 3, H, W) in [-1, 1]; not changed.
    colours : Tensor
        (3, 3), the factor A; the identity gives the plain rule.
    sampler : Sampler
        The rule.
    generator : torch.Generator
        On the CPU. Draws the rolls and, for a temperature above zero, one seed an image for its noise.

    Returns
    -------
    Ascent
        The moved canvases and what it took.
    """
    rolls = torch.randint(WINDOW_STEP, (sampler.max_steps + 1, 2), generator=generator).tolist()
    noise = _noise_generators(len(canvases), sampler, generator)
    result, active = canvases.clone(), torch.arange(len(canvases), device=canvases.device)
    steps = torch.zeros(len(canvases), dtype=torch.int64, device=canvases.device)
    logits = torch.zeros(len(canvases), dtype=canvases.dtype, device=canvases.device)
    first, second = torch.zeros_like(canvases), torch.zeros_like(canvases)
    current, evaluations = canvases, 0
    for step, roll in enumerate(rolls):
        values, gradient = field(current.roll(roll, (2, 3)))
        evaluations += len(active)
        logits[active] = values
        stays = (values < sampler.threshold).nonzero().flatten()
        if len(stays) == 0 or step == sampler.max_steps:
            break
        if len(stays) < len(active):
            result[active], active = current, active[stays]
            current, gradient, first, second = current[stays], gradient[stays], first[stays], second[stays]
        gradient = _mix(colours.T, gradient.roll((-roll[0], -roll[1]), (2, 3)))
        move = _move(gradient, first, second, step, sampler)
        move = move + _noise(current, [noise[i] for i in active.tolist()] if noise else [], step, sampler)
        current = (current + _mix(colours, move)).clamp_(-1, 1)
        steps[active] += 1
    result[active] = current
    return Ascent(result, steps, logits, evaluations)


def _move(gradient: Tensor, first: Tensor, second: Tensor, step: int, sampler: Sampler) -> Tensor:
    """Return the deterministic part of a step; Adam's moments are updated in place."""
    if sampler.update is Update.LANGEVIN:
        return gradient * (0.5 * sampler.step_size_at(step))
    first.lerp_(gradient, 1 - sampler.momentum)
    second.lerp_(gradient.square(), 1 - ADAM_SECOND_MOMENT_DECAY)
    scale = sampler.step_size_at(step) / (1 - sampler.momentum ** (step + 1))
    spread = (second / (1 - ADAM_SECOND_MOMENT_DECAY ** (step + 1))).sqrt_().add_(ADAM_EPSILON)
    return first.div(spread).mul_(scale)


def _mix(matrix: Tensor, pictures: Tensor) -> Tensor:
    """Multiply each pixel's three channels by a (3, 3) matrix."""
    return torch.einsum("ij,njhw->nihw", matrix, pictures)


def _noise_generators(count: int, sampler: Sampler, generator: torch.Generator) -> list[torch.Generator]:
    if sampler.temperature == 0:
        return []
    seeds = torch.randint(2**62, (count,), generator=generator).tolist()
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def _noise(canvases: Tensor, generators: list[torch.Generator], step: int, sampler: Sampler) -> Tensor | float:
    if not generators:
        return 0.0
    variance = sampler.temperature * sampler.step_size_at(step) ** (1 if sampler.update is Update.LANGEVIN else 2)
    shape = canvases.shape[1:]
    white = torch.stack([torch.randn(shape, generator=one, dtype=canvases.dtype) for one in generators])
    return white.to(canvases.device).mul_(variance**0.5)
