"""Synthesis: samples of p0 go through C_1..C_T, at each until its boundary."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from inng_bench.contract import NO_CHECKPOINT, Checkpoint, Snapshot
from inng_bench.errors import InputError
from inng_bench.inng.choices import Scope
from inng_bench.inng.field import PriorGradient, make_field
from inng_bench.inng.frozen import FrozenClassifier, frozen_shapes
from inng_bench.inng.langevin import Ascent, Sampler, ascend
from inng_bench.inng.preconditioner import Preconditioner
from inng_bench.inng.presets import CascadeConfig
from inng_bench.inng.prior import NoisePrior
from inng_bench.resume import Part, required, required_like, restore_generator


@dataclass(frozen=True)
class Stage:
    """What synthesis needs of a stage.

    Attributes
    ----------
    classifier : FrozenClassifier
        C_t.
    sampler : Sampler
        How its logit is climbed.
    """

    classifier: FrozenClassifier
    sampler: Sampler

    def hurried(self, patience: float) -> "Stage":
        """Return the stage with a share of its steps, at least one."""
        steps = max(1, round(patience * self.sampler.max_steps))
        return replace(self, sampler=replace(self.sampler, max_steps=steps))


@dataclass(frozen=True)
class Dynamics:
    """How the samples of a cascade move, whichever classifier they climb.

    Attributes
    ----------
    config : CascadeConfig
        Which windows a step evaluates, what is climbed, and how many canvases move together.
    preconditioner : Preconditioner
        Directions of the steps.
    prior : NoisePrior
        p0, whose density is a part of the sum over all stages.
    """

    config: CascadeConfig
    preconditioner: Preconditioner
    prior: NoisePrior

    @property
    def prior_gradient(self) -> PriorGradient | None:
        """That of ln p0 where it is climbed as well."""
        return self.prior.density.gradient if self.config.scope is Scope.SUM else None


def climb(
    stages: Sequence[Stage],
    canvases: Tensor,
    dynamics: Dynamics,
    generator: torch.Generator,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> Ascent:
    """Let canvases climb ln g_t, or the sum of several with ln p0, until each reaches the boundary of the last.

    Parameters
    ----------
    stages : Sequence[Stage]
        C_t, or C_1..C_t for the whole sum.
    canvases : Tensor
        float32 (N, 3, H, W) in [-1, 1]; not changed.
    dynamics : Dynamics
        How they move.
    generator : torch.Generator
        On the CPU.
    checkpoint : Checkpoint
        Makes it possible to go on between two steps; what the generator drew for a batch is then drawn again.
    """
    sampler = stages[-1].sampler
    classifiers = [stage.classifier for stage in stages]
    done = Ascent.of_none(canvases)
    if (begun := checkpoint.load()) is not None:
        done = Ascent.restore(begun, canvases.device)
        restore_generator(generator, begun, "random")
    with torch.no_grad():
        for batch in canvases[len(done.steps) :].split(dynamics.config.sampler_batch):  # type: ignore[no-untyped-call]
            around = partial(_snapshot_before_batch, done, generator.get_state())
            field = make_field(
                classifiers, dynamics.prior_gradient, dynamics.config.reading, batch, sampler.max_steps + 1, generator
            )
            part, begun = Part(checkpoint, "batch", around, begun), None
            done = Ascent.joined([done, ascend(field, batch, dynamics.preconditioner, sampler, generator, part)])
    return replace(done, evaluations=done.evaluations * len(classifiers))


def _snapshot_before_batch(done: Ascent, random: Tensor) -> Snapshot:
    before = done.snapshot()
    return replace(before, tensors={**before.tensors, "random": random})


def climbed_at(stages: Sequence[Stage], number: int, scope: Scope) -> Sequence[Stage]:
    """Return the stages that samples climb at the one of an index."""
    return stages[: number + 1] if scope is Scope.SUM else stages[number : number + 1]


def synthesise(
    stages: Sequence[Stage],
    canvases: Tensor,
    dynamics: Dynamics,
    generator: torch.Generator,
    on_ascent: Callable[[Ascent], None] | None = None,
    first: int = 0,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> Tensor:
    """Draw pictures: samples of p0 go through C_1..C_T, at each until its boundary.

    Parameters
    ----------
    stages : Sequence[Stage]
        C_1..C_T.
    canvases : Tensor
        Samples of p0, or whatever the sampler is to begin with, float32 (N, 3, H, W) in [-1, 1].
    dynamics, generator, checkpoint
        As in :func:`climb`.
    on_ascent : callable or None
        Called after each stage.
    first : int
        Index of the stage to begin at.

    Returns
    -------
    Tensor
        float32 (N, 3, H, W) in [-1, 1].
    """
    if (begun := checkpoint.load()) is not None:
        canvases, first = (
            required_like(canvases, begun, "canvases").to(canvases.device),
            required(begun.values, "stage"),
        )
    for number in range(first, len(stages)):
        around = partial(Snapshot, {"canvases": canvases}, {"stage": number})
        part, begun = Part(checkpoint, "ascent", around, begun), None
        ascent = climb(climbed_at(stages, number, dynamics.config.scope), canvases, dynamics, generator, part)
        canvases = ascent.canvases
        if on_ascent is not None:
            on_ascent(ascent)
    return canvases


def restore_stage(
    tensors: Mapping[str, Tensor],
    part: str,
    config: CascadeConfig,
    sampler: tuple[int, float],
    device: torch.device,
    dtype: torch.dtype,
) -> Stage:
    """Rebuild a stage from the tensors that are stored under a part, and from its sampler's steps and threshold.

    Raises
    ------
    InputError
        When a tensor is missing or of another shape.
    """
    state = {}
    for name, shape in frozen_shapes(config.design).items():
        tensor = tensors.get(f"{part}.{name}")
        if tensor is None:
            raise InputError(f"what is stored of the cascade has no '{part}.{name}'; train it again.")
        if tensor.shape != shape:
            raise InputError(f"what is stored of the cascade has a '{part}.{name}' of another shape; train it again.")
        state[name] = tensor
    max_steps, threshold = sampler
    classifier = FrozenClassifier.restore(state, config.architecture, device, dtype)
    return Stage(classifier, replace(config.sampler(), max_steps=max_steps, threshold=threshold))
