"""INNg as a method of the suite: the cascade behind the contract."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from inng_bench.contract import (
    NO_CHECKPOINT,
    Checkpoint,
    Events,
    Execution,
    Method,
    Progress,
    Training,
    ignore_events,
)
from inng_bench.errors import InputError
from inng_bench.inng.cascade import Stage, synthesise, train_cascade
from inng_bench.inng.langevin import Sampler
from inng_bench.inng.network import WINDOW_STEP, FrozenClassifier, frozen_shapes
from inng_bench.inng.presets import CascadeConfig, configure
from inng_bench.pixels import colour_statistics, coloured_noise
from inng_bench.seeds import torch_generator

SMALLEST_PICTURE = 64


class INNg(Method):
    """The cascade of the paper: T classifiers, all kept; see :mod:`inng_bench.inng`.

    Settings are ``preset`` (a name of :data:`inng_bench.inng.presets.PRESETS`) and any field of
    :class:`inng_bench.inng.presets.CascadeConfig`, which then wins over the preset.
    """

    name: ClassVar[str] = "inng"

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        self._preset, self._config = configure(settings)
        self._execution = execution
        self._stages: tuple[FrozenClassifier, ...] = ()
        self._mean, self._factor = torch.zeros(3), torch.zeros(3, 3)

    @property
    def stages(self) -> tuple[FrozenClassifier, ...]:
        """C_1..C_T, empty before :meth:`train` or :meth:`load`."""
        return self._stages

    @property
    def sampler(self) -> Sampler:
        """The rule of :meth:`sample`."""
        return self._config.sampler()

    def configuration(self) -> dict[str, Any]:
        """Return the preset's name and every field of the cascade's configuration."""
        return {"preset": self._preset, **self._config.model_dump(mode="json")}

    def train(
        self,
        window: Tensor,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        """Train a cascade until the budget is spent; see :meth:`inng_bench.contract.Method.train`."""
        del checkpoint  # a training that was interrupted begins anew
        reports: list[Stage] = []

        def on_stage(stage: Stage) -> None:
            reports.append(stage)
            events(_progress(stage, budget))

        self._mean, self._factor = colour_statistics(window)
        self._stages = train_cascade(
            window.to(self._execution.device),
            self._config,
            budget=budget,
            dtype=self._execution.dtype,
            generator=torch_generator(seed),
            on_stage=on_stage,
        )
        return Training(reports[-1].flops if reports else 0.0, _warnings(reports, self._config))

    def supports(self, size: tuple[int, int]) -> bool:
        """Any size from 64 px a side: a torus of the next multiples of 16 is drawn and cropped."""
        return min(size) >= SMALLEST_PICTURE

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Send new noise through C_1..C_T; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"INNg draws pictures from {SMALLEST_PICTURE} px a side, not {size}"
        height, width = (-(-length // WINDOW_STEP) * WINDOW_STEP for length in size)
        noise = coloured_noise(self._mean, self._factor, count, (height, width), generator)
        device = self._execution.device
        canvases = synthesise(
            self._stages, noise.to(device), self._factor.to(device), self._config.sampler(), generator
        )
        return canvases[:, :, : size[0], : size[1]].cpu()

    def state(self) -> dict[str, Tensor]:
        """Return the colour statistics of p0 and the weights of C_1..C_T, with the batch normalisation folded in."""
        state = {"mean": self._mean, "factor": self._factor, "stages": torch.tensor(len(self._stages))}
        for number, classifier in enumerate(self._stages, start=1):
            state |= {f"stage.{number:04d}.{name}": tensor.cpu() for name, tensor in classifier.state().items()}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over a :meth:`state`.

        Raises
        ------
        InputError
            When a classifier or a part of one is missing or of another shape.
        """
        try:
            self._mean, self._factor = state["mean"], state["factor"]
            self._stages = tuple(self._restore_stage(state, number) for number in range(1, int(state["stages"]) + 1))
        except KeyError as error:
            raise InputError(f"the stored cascade has no {error.args[0]!r}; train it again.") from error

    def _restore_stage(self, state: Mapping[str, Tensor], number: int) -> FrozenClassifier:
        shapes = frozen_shapes(self._config.filters)
        part = {}
        for name, shape in shapes.items():
            tensor = state[f"stage.{number:04d}.{name}"]
            if tensor.shape != shape:
                raise InputError(f"stage {number} of the stored cascade has a {name} of another shape; train it again.")
            part[name] = tensor
        return FrozenClassifier.restore(part, self._execution)


def _progress(stage: Stage, budget: float) -> Progress:
    values = {
        "loss_first": stage.losses[0],
        "loss_last": stage.losses[-1],
        "classifier_steps": float(len(stage.losses)),
        "sampler_steps": float(stage.ascent.steps.float().mean()),
        "logit": float(stage.ascent.logits.mean()),
    }
    return Progress(stage.number, stage.flops, min(1.0, stage.flops / budget), values, stage.ascent.canvases.cpu())


def _warnings(stages: list[Stage], config: CascadeConfig) -> tuple[str, ...]:
    """Name the stages at which an image of the chain ran out of steps before the boundary."""
    missed = [str(stage.number) for stage in stages if bool((stage.ascent.logits < config.threshold).any())]
    if not missed:
        return ()
    return (f"stages {', '.join(missed)} of {len(stages)} ended before every image reached the decision boundary.",)
