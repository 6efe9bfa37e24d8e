"""A training as a snapshot, and back: all of :class:`inng_bench.inng.state.Training` that changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from inng_bench.contract import Snapshot
from inng_bench.errors import InputError
from inng_bench.inng.frozen import FrozenClassifier, frozen_shapes
from inng_bench.inng.presets import Recipe
from inng_bench.inng.state import Climb, Stage, Training, Work
from inng_bench.resume import (
    adam_tensors,
    joined,
    required,
    required_like,
    restore_adam,
    restore_generator,
    restore_module,
)

COUNTERS = ("unkept", "number", "losses", "energy_gap", "has_learnt", "step_share", "stalled", "missed")
ON_THE_WAY = ("canvases", "places", "active", "current", "first", "second", "steps", "logits", "reached")


def snapshot(training: Training) -> Snapshot:
    """Return all that a training needs to go on."""
    optimiser = training.optimiser
    parts: dict[str, Mapping[str, Tensor]] = {
        "classifier": training.classifier.state_dict(),
        "optimiser": adam_tensors(optimiser) if isinstance(optimiser, torch.optim.Adam) else {},
        "history": numbered(training.history),
    }
    tensors = joined(**parts) | stage_tensors(training.stages)
    tensors |= {"chain": training.chain, "start": training.start, "random": training.generator.get_state()}
    values: dict[str, Any] = {name: getattr(training, name) for name in COUNTERS}
    values |= {"work": vars(training.work), "paces": [[stage.max_steps, stage.step_size] for stage in training.stages]}
    if (climb := training.climb) is not None:
        tensors |= joined(climb={name: getattr(climb, name) for name in ON_THE_WAY})
        tensors |= joined(noise=numbered([one.get_state() for one in climb.noise]))
        values["climb"] = {"step": climb.step, "evaluations": climb.evaluations}
    return Snapshot(tensors, values)


def restore(training: Training, taken: Snapshot) -> None:
    """Bring a new training to a :func:`snapshot` of one of the same window, recipe and seed.

    Raises
    ------
    InputError
        When a part is missing or of another shape.
    """
    device = training.device
    restore_module(training.classifier, taken, "classifier")
    if isinstance(training.optimiser, torch.optim.Adam):
        restore_adam(training.optimiser, taken, "optimiser")
    training.chain, training.start = (
        required_like(training.chain, taken, name).to(device) for name in ("chain", "start")
    )
    paces = required(taken.values, "paces")
    training.stages = restore_stages(taken.tensors, paces, training.recipe, device, training.dtype)
    restore_generator(training.generator, taken, "random")
    for name in COUNTERS:
        setattr(training, name, required(taken.values, name))
    remembered = min(training.recipe.history_stages, training.number + 1)
    training.history = [one.to(device) for one in in_order(taken, "history", remembered)]
    training.work = Work(**required(taken.values, "work"))
    training.climb = _restored_climb(training, taken) if "climb" in taken.values else None


def _restored_climb(training: Training, taken: Snapshot) -> Climb:
    device = training.device
    on_the_way = {name: required(taken.tensors, f"climb.{name}").to(device) for name in ON_THE_WAY}
    on_the_way["places"] = on_the_way["places"].cpu()
    noise = []
    for state in in_order(taken, "noise", len(training.chain) if training.sampler.temperature > 0 else 0):
        noise.append(torch.Generator())
        noise[-1].set_state(state.clone())  # a generator reads past the offset of a view
    factor = training.sampler.directions.on(on_the_way["canvases"])
    climb = Climb(noise=noise, factor=factor, **on_the_way)  # type: ignore[arg-type]  # mypy takes the counts for tensors
    climb.step, climb.evaluations = (required(taken.values["climb"], name) for name in ("step", "evaluations"))
    return climb


def numbered(tensors: Sequence[Tensor]) -> dict[str, Tensor]:
    """Return tensors by their number."""
    return {f"{number:04d}": tensor for number, tensor in enumerate(tensors)}


def in_order(taken: Snapshot, part: str, count: int) -> list[Tensor]:
    """Return the :func:`numbered` tensors of a part of a snapshot; refuse one that has fewer."""
    return [required(taken.tensors, f"{part}.{number:04d}") for number in range(count)]


def stage_tensors(stages: Sequence[Stage]) -> dict[str, Tensor]:
    """Return weights and biases of stages by name."""
    return joined(**{f"stage.{number:04d}": stage.classifier.state() for number, stage in enumerate(stages, start=1)})


def restore_stages(
    tensors: Mapping[str, Tensor],
    paces: Sequence[tuple[int, float]],
    recipe: Recipe,
    device: torch.device,
    dtype: torch.dtype,
) -> list[Stage]:
    """Rebuild stages from their :func:`stage_tensors` and from the most steps and the step size of each.

    Raises
    ------
    InputError
        When a tensor is missing or of another shape.
    """
    shapes = frozen_shapes(recipe.design)
    stages = []
    for number, (max_steps, step_size) in enumerate(paces, start=1):
        state = {name: _of_shape(tensors, f"stage.{number:04d}.{name}", shape) for name, shape in shapes.items()}
        classifier = FrozenClassifier.restore(state, recipe.architecture, device, dtype)
        stages.append(Stage(classifier, max_steps, step_size))
    return stages


def _of_shape(tensors: Mapping[str, Tensor], name: str, shape: torch.Size) -> Tensor:
    tensor = tensors.get(name)
    if tensor is None:
        raise InputError(f"the stored cascade has no '{name}'; train it again.")
    if tensor.shape != shape:
        raise InputError(f"the stored cascade has a '{name}' of another shape; train it again.")
    return tensor
