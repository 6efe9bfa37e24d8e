"""INNg as a method of the suite: the cascade and its variants behind the contract."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from inng_bench.contract import Events, Execution, Method, Progress, Training, ignore_events
from inng_bench.errors import InputError
from inng_bench.inng.cascade import (
    MARGIN,
    CascadeTraining,
    Stage,
    StageReport,
    canvas_length,
    synthesise,
    train_cascade,
)
from inng_bench.inng.choices import Canvas
from inng_bench.inng.frozen import FrozenClassifier, frozen_shapes
from inng_bench.inng.network import WINDOW_STEP
from inng_bench.inng.presets import CascadeConfig, configure
from inng_bench.inng.prior import NoisePrior
from inng_bench.seeds import torch_generator

SMALLEST_PICTURE = 64


class INNg(Method):
    """The model of the paper; see :mod:`inng_bench.inng`.

    Settings are ``preset`` (a name of :data:`inng_bench.inng.presets.PRESETS`), ``scale`` (a factor of its counts) and
    any field of :class:`inng_bench.inng.presets.CascadeConfig`, which then wins over the preset.
    """

    name: ClassVar[str] = "inng"

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        self._preset, self._scale, self._config = configure(settings)
        self._execution = execution
        self._stages: tuple[Stage, ...] = ()
        self._prior = NoisePrior(torch.zeros(3), torch.zeros(3, 3))
        self._colours = torch.zeros(3, 3)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """C_1..C_T and their samplers, empty before :meth:`train` or :meth:`load`."""
        return self._stages

    @property
    def config(self) -> CascadeConfig:
        """Every choice."""
        return self._config

    @property
    def prior(self) -> NoisePrior:
        """p0."""
        return self._prior

    def configuration(self) -> dict[str, Any]:
        """Return the preset's name and scale and every field of the cascade's configuration."""
        return {"preset": self._preset, "scale": self._scale, **self._config.model_dump(mode="json")}

    def train(self, window: Tensor, *, seed: int, budget: float, events: Events = ignore_events) -> Training:
        """Train a cascade until the budget is spent; see :meth:`inng_bench.contract.Method.train`."""
        reports: list[StageReport] = []

        def on_round(report: StageReport) -> None:
            reports.append(report)
            events(_progress(report, budget))

        training = CascadeTraining(
            window.to(self._execution.device),
            self._config,
            dtype=self._execution.dtype,
            generator=torch_generator(seed),
        )
        train_cascade(training, budget=budget, on_round=on_round)
        self._prior, self._colours, self._stages = training.prior, training.colours, training.stages
        return Training(training.flops, _warnings(reports))

    def supports(self, size: tuple[int, int]) -> bool:
        """Any size from 64 px a side: a canvas of the next multiples of 16 is drawn and cropped."""
        return min(size) >= SMALLEST_PICTURE

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Send new noise through C_1..C_T; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"INNg draws pictures from {SMALLEST_PICTURE} px a side, not {size}"
        height, width = (canvas_length(-(-length // WINDOW_STEP) * WINDOW_STEP, self._config.canvas) for length in size)
        noise = self._prior.draw(count, (height, width), generator).to(self._execution.device)
        canvases = synthesise(self._stages, noise, self._colours, self._config, self._prior, generator)
        margin = MARGIN if self._config.canvas is Canvas.EXPANDED else 0
        return canvases[:, :, margin : margin + size[0], margin : margin + size[1]].cpu()

    def state(self) -> dict[str, Tensor]:
        """Return p0, the directions of the steps, and weights and sampler of each stage."""
        samplers = [stage.sampler for stage in self._stages]
        state = self._prior.state() | {
            "colours": self._colours,
            "max_steps": torch.tensor([sampler.max_steps for sampler in samplers], dtype=torch.int64),
            "thresholds": torch.tensor([sampler.threshold for sampler in samplers], dtype=torch.float64),
        }
        for number, stage in enumerate(self._stages, start=1):
            state |= {f"stage.{number:04d}.{name}": value.cpu() for name, value in stage.classifier.state().items()}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over a :meth:`state`.

        Raises
        ------
        InputError
            When a classifier or a part of one is missing or of another shape.
        """
        try:
            self._prior, self._colours = NoisePrior.restore(state), state["colours"]
            steps, thresholds = state["max_steps"].tolist(), state["thresholds"].tolist()
            self._stages = tuple(
                Stage(
                    self._restore_classifier(state, number),
                    replace(self._config.sampler(), max_steps=max_steps, threshold=threshold),
                )
                for number, (max_steps, threshold) in enumerate(zip(steps, thresholds, strict=True), start=1)
            )
        except KeyError as error:
            raise InputError(f"the stored cascade has no {error.args[0]!r}; train it again.") from error

    def _restore_classifier(self, state: Mapping[str, Tensor], number: int) -> FrozenClassifier:
        part = {}
        for name, shape in frozen_shapes(self._config.design).items():
            tensor = state[f"stage.{number:04d}.{name}"]
            if tensor.shape != shape:
                raise InputError(f"stage {number} of the stored cascade has a {name} of another shape; train it again.")
            part[name] = tensor
        return FrozenClassifier.restore(part, self._config.architecture, self._execution)


def _progress(report: StageReport, budget: float) -> Progress:
    values = {
        "loss_first": report.losses[0],
        "loss_last": report.losses[-1],
        "classifier_steps": float(len(report.losses)),
        "energy_gap": report.energy_gap,
        "sampler_steps": float(report.ascent.steps.float().mean()),
        "logit": float(report.ascent.logits.mean()),
    }
    return Progress(report.number, report.flops, min(1.0, report.flops / budget), values, report.ascent.canvases.cpu())


def _warnings(reports: list[StageReport]) -> tuple[str, ...]:
    """Name the stages at which an image of the chain ran out of steps before the boundary."""
    missed = [str(report.number) for report in reports if report.missed]
    if not missed:
        return ()
    return (f"stages {', '.join(missed)} of {len(reports)} ended before every image reached the decision boundary.",)
