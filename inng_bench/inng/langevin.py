"""The sampler: samples climb the logit of a classifier until its decision reaches the boundary.

One pure function over a field that gives logits and their gradient, see :mod:`inng_bench.inng.field`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.adam import adam

from inng_bench.inng.choices import Stop, Together, Update
from inng_bench.inng.field import Field

ADAM_SECOND_MOMENT_DECAY = 0.999
ADAM_EPSILON = 1e-8


@dataclass(frozen=True)
class Sampler:
    """Settings of the sampler.

    Attributes
    ----------
    update : Update
        The rule.
    step_size : float
        ε of the Langevin update, or Adam's learning rate, in the units of the directions of the steps.
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
        Where an image stops; in the units of ``stop``. Of the rule ``real-quantile`` the quantile of one stage's real
        logits.
    stop, together
        See :mod:`inng_bench.inng.choices`.
    """

    update: Update = Update.ADAM
    step_size: float = 0.01
    temperature: float = 0.0
    momentum: float = 0.5
    max_steps: int = 60
    final_step_share: float = 1.0
    threshold: float = 0.0
    stop: Stop = Stop.LOGIT
    together: Together = Together.IMAGE

    def step_size_at(self, step: int) -> float:
        """Return the step size of a step, counted from 0."""
        return self.step_size * math.pow(self.final_step_share, step / self.max_steps)

    def reached(self, logits: Tensor) -> Tensor:
        """Say for each image, by the logits of its windows (N, windows), whether it may stop; bool (N,)."""
        lacking = F.softplus(-logits).mean(1) - self.threshold  # the cross-entropy to the label +1
        if self.stop is not Stop.LOSS:
            lacking = self.threshold - logits.mean(1)
        if self.together is Together.BATCH:
            lacking = lacking.mean().expand(len(logits))
        return lacking <= 0


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
    reached : Tensor
        bool (N,), whether the image stopped because it might, not for want of steps.
    evaluations : int
        Gradient evaluations, summed over the images.
    """

    canvases: Tensor
    steps: Tensor
    logits: Tensor
    reached: Tensor
    evaluations: int

    @classmethod
    def joined(cls, ascents: "Sequence[Ascent]") -> "Ascent":
        """Return the ascents of several batches as one."""
        columns = ((one.canvases, one.steps, one.logits, one.reached) for one in ascents)
        canvases, steps, logits, reached = (torch.cat(column) for column in zip(*columns, strict=True))
        return cls(canvases, steps, logits, reached, sum(one.evaluations for one in ascents))


def ascend(field: Field, canvases: Tensor, colours: Tensor, sampler: Sampler, generator: torch.Generator) -> Ascent:
    """Move canvases up a logit until its decision reaches the threshold.

    Steps are taken along the principal colours of the texture and in units of their standard deviations: with A the
    factor of the colour covariance, x moves by A·move where the plain rule would move u in x = A·u. This is the
    Langevin update preconditioned by the covariance AAᵀ; noise never leaves the colours that the texture has, and one
    step size fits a pale texture and a vivid one.

    No image influences another: the field draws its windows in advance, and each image has its own noise, optimiser
    state and, unless the rule looks at the whole batch, stop.

    Parameters
    ----------
    field : Field
        Asked ``max_steps + 1`` times at the most.
    canvases : Tensor
        float32 (N, 3, H, W) in [-1, 1]; not changed.
    colours : Tensor
        (3, 3), the factor A; the identity gives the plain rule.
    sampler : Sampler
        The rule.
    generator : torch.Generator
        On the CPU. Draws, for a temperature above zero, one seed an image for its noise.

    Returns
    -------
    Ascent
        The moved canvases and what it took.
    """
    noise = _noise_generators(len(canvases), sampler, generator)
    result, active = canvases.clone(), torch.arange(len(canvases), device=canvases.device)
    steps = torch.zeros(len(canvases), dtype=torch.int64, device=canvases.device)
    logits = torch.zeros(len(canvases), dtype=canvases.dtype, device=canvases.device)
    reached = torch.zeros(len(canvases), dtype=torch.bool, device=canvases.device)
    # All that a step changes lies in memory alike, plane by plane: the library's Adam walks through it without strides.
    current, evaluations = canvases.contiguous(), 0
    first, second = torch.zeros_like(current), torch.zeros_like(current)
    for step in range(sampler.max_steps + 1):
        values, gradient = field(current, step, active)
        evaluations += len(active)
        logits[active] = values.mean(1)
        reached[active] = sampler.reached(values)
        stays = (~reached[active]).nonzero().flatten()
        if len(stays) == 0 or step == sampler.max_steps:
            break
        if len(stays) < len(active):
            result[active], active = current, active[stays]
            current, gradient, first, second = current[stays], gradient[stays], first[stays], second[stays]
        move = _noise(current, [noise[i] for i in active.tolist()] if noise else [], step, sampler)
        _add_climb(move, _mixed(colours.T, gradient), first, second, step, sampler)
        current = _mixed(colours, move, onto=current).clamp_(-1, 1)
        steps[active] += 1
    result[active] = current
    return Ascent(result, steps, logits, reached, evaluations)


def _add_climb(move: Tensor, gradient: Tensor, first: Tensor, second: Tensor, step: int, sampler: Sampler) -> None:
    """Add the deterministic part of a step to a move; Adam's moments are updated in place."""
    if sampler.update is Update.LANGEVIN:
        move.add_(gradient, alpha=0.5 * sampler.step_size_at(step))
        return
    count = torch.full((), step, dtype=torch.float32, device=move.device)
    adam(
        [move], [gradient], [first], [second], [], [count],
        fused=True, amsgrad=False, beta1=sampler.momentum, beta2=ADAM_SECOND_MOMENT_DECAY,
        lr=sampler.step_size_at(step), weight_decay=0.0, eps=ADAM_EPSILON, maximize=True,
    )  # fmt: skip


def _mixed(matrix: Tensor, pictures: Tensor, onto: Tensor | None = None) -> Tensor:
    """Multiply each pixel's three channels by a (3, 3) matrix, and add that to other pictures."""
    matrices, pixels = matrix.expand(len(pictures), 3, 3), pictures.flatten(2)
    if onto is None:
        return torch.bmm(matrices, pixels).view_as(pictures)
    return torch.baddbmm(onto.flatten(2), matrices, pixels).view_as(pictures)


def _noise_generators(count: int, sampler: Sampler, generator: torch.Generator) -> list[torch.Generator]:
    if sampler.temperature == 0:
        return []
    seeds = torch.randint(2**62, (count,), generator=generator).tolist()
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def _noise(canvases: Tensor, generators: list[torch.Generator], step: int, sampler: Sampler) -> Tensor:
    if not generators:
        return torch.zeros_like(canvases)
    variance = sampler.temperature * sampler.step_size_at(step) ** (1 if sampler.update is Update.LANGEVIN else 2)
    white = torch.empty(canvases.shape, dtype=canvases.dtype)
    for image, generator in zip(white, generators, strict=True):
        image.normal_(0.0, variance**0.5, generator=generator)
    return white.to(canvases.device)
