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

from inng_bench.contract import NO_CHECKPOINT, Checkpoint, Snapshot
from inng_bench.inng.choices import Stop, Together, Update
from inng_bench.inng.field import Field
from inng_bench.inng.preconditioner import Preconditioner
from inng_bench.resume import required

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
        if self.stop is Stop.LOSS:
            lacking = F.softplus(-logits).mean(1) - self.threshold  # the cross-entropy to the label +1
        else:
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
    def of_none(cls, canvases: Tensor) -> "Ascent":
        """Return the ascent of none of some canvases."""
        steps = torch.zeros(0, dtype=torch.int64, device=canvases.device)
        return cls(canvases[:0], steps, steps.to(canvases.dtype), steps.bool(), 0)

    def snapshot(self) -> Snapshot:
        """Return all of it."""
        return Snapshot({name: getattr(self, name) for name in _COLUMNS}, {"evaluations": self.evaluations})

    @classmethod
    def restore(cls, snapshot: Snapshot, device: torch.device) -> "Ascent":
        """Return the ascent of a :meth:`snapshot`."""
        canvases, steps, logits, reached = (required(snapshot.tensors, name).to(device) for name in _COLUMNS)
        return cls(canvases, steps, logits, reached, required(snapshot.values, "evaluations"))

    @classmethod
    def joined(cls, ascents: "Sequence[Ascent]") -> "Ascent":
        """Return the ascents of several batches as one."""
        canvases, steps, logits, reached = (torch.cat([getattr(one, name) for one in ascents]) for name in _COLUMNS)
        return cls(canvases, steps, logits, reached, sum(one.evaluations for one in ascents))


_COLUMNS = ("canvases", "steps", "logits", "reached")


class _Climbers:
    """The images of an ascent between two steps."""

    def __init__(self, canvases: Tensor, noise: list[torch.Generator]) -> None:
        count, device = len(canvases), canvases.device
        self.step, self.evaluations = 0, 0
        self.noise = noise
        self.result = canvases.clone()
        self.steps = torch.zeros(count, dtype=torch.int64, device=device)
        self.logits = torch.zeros(count, dtype=canvases.dtype, device=device)
        self.reached = torch.zeros(count, dtype=torch.bool, device=device)
        # Of those that still climb: which they are, where they are, and Adam's moments. All that a step changes lies in
        # memory alike, plane by plane: the library's Adam walks through it without strides.
        self.active = torch.arange(count, device=device)
        self.current = canvases.contiguous()
        self.first, self.second = torch.zeros_like(self.current), torch.zeros_like(self.current)

    def keep(self, stays: Tensor) -> None:
        """Let all but some of those that climb stand where they are."""
        self.result[self.active] = self.current
        self.active, self.current = self.active[stays], self.current[stays]
        self.first, self.second = self.first[stays], self.second[stays]

    def snapshot(self) -> Snapshot:
        """Return all that the following steps depend on."""
        tensors = {name: getattr(self, name) for name in _OF_CLIMBERS}
        if self.noise:
            tensors["noise"] = torch.stack([one.get_state() for one in self.noise])
        return Snapshot(tensors, {"step": self.step, "evaluations": self.evaluations})

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot` of an ascent of the same images."""
        self.step, self.evaluations = (required(snapshot.values, name) for name in ("step", "evaluations"))
        for name in _OF_CLIMBERS:
            setattr(self, name, required(snapshot.tensors, name).to(self.result.device))
        if self.noise:
            for one, state in zip(self.noise, required(snapshot.tensors, "noise"), strict=True):
                one.set_state(state.clone())  # a generator reads past the offset of a view


_OF_CLIMBERS = ("result", "steps", "logits", "reached", "active", "current", "first", "second")


def ascend(
    field: Field,
    canvases: Tensor,
    preconditioner: Preconditioner,
    sampler: Sampler,
    generator: torch.Generator,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> Ascent:
    """Move canvases up a logit until its decision reaches the threshold.

    x moves by A·move where the plain rule would move u in x = A·u, with A as
    :mod:`inng_bench.inng.preconditioner` makes it of the texture; one step size fits a pale texture and a vivid one.

    No image influences another: the field draws its windows in advance, and each image has its own noise, optimiser
    state and, unless the rule looks at the whole batch, stop.

    Parameters
    ----------
    field : Field
        Asked ``max_steps + 1`` times at the most.
    canvases : Tensor
        float32 (N, 3, H, W) in [-1, 1]; not changed.
    preconditioner : Preconditioner
        A; the identity gives the plain rule.
    sampler : Sampler
        The rule.
    generator : torch.Generator
        On the CPU. Draws, for a temperature above zero, one seed an image for its noise.
    checkpoint : Checkpoint
        Makes it possible to go on between two steps; the generator is then to stand where it stood at the beginning.

    Returns
    -------
    Ascent
        The moved canvases and what it took.
    """
    factor = preconditioner.on(canvases)
    now = _Climbers(canvases, _noise_generators(len(canvases), sampler, generator))
    if (snapshot := checkpoint.load()) is not None:
        now.restore(snapshot)
    while True:
        values, gradient = field(now.current, now.step, now.active)
        now.evaluations += len(now.active)
        now.logits[now.active] = values.mean(1)
        now.reached[now.active] = sampler.reached(values)
        stays = (~now.reached[now.active]).nonzero().flatten()
        if len(stays) == 0 or now.step == sampler.max_steps:
            break
        if len(stays) < len(now.active):
            now.keep(stays)
            gradient = gradient[stays]
        move = _noise(now.current, [now.noise[i] for i in now.active.tolist()] if now.noise else [], now.step, sampler)
        _add_climb(move, factor.coordinates(gradient), now.first, now.second, now.step, sampler)
        now.current = factor.moved(now.current, move).clamp_(-1, 1)
        now.steps[now.active] += 1
        now.step += 1
        checkpoint.offer(now.snapshot)
    now.result[now.active] = now.current
    return Ascent(now.result, now.steps, now.logits, now.reached, now.evaluations)


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
