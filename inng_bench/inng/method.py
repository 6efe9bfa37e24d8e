"""INNg as a method of the suite: the cascade and its variants behind the contract."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from inng_bench.contract import (
    NO_CHECKPOINT,
    Checkpoint,
    Events,
    Execution,
    Method,
    Progress,
    SamplerRound,
    Training,
    ignore_events,
)
from inng_bench.errors import InputError
from inng_bench.inng.cascade import CascadeTraining, StageReport, train_cascade
from inng_bench.inng.choices import Architecture, Canvas, Directions, Stop
from inng_bench.inng.costs import snapshot_bytes, usual_rounds
from inng_bench.inng.field import evaluation_flops
from inng_bench.inng.frozen import picture_logits
from inng_bench.inng.network import WINDOW_STEP
from inng_bench.inng.preconditioner import Preconditioner
from inng_bench.inng.presets import MARGIN, CascadeConfig, canvas_length, configure
from inng_bench.inng.prior import NoisePrior
from inng_bench.inng.synthesis import Dynamics, Stage, climb, restore_stage, synthesise
from inng_bench.pixels import Palette
from inng_bench.seeds import torch_generator

SMALLEST_PICTURE = 64

PLANES = 16
"""Of three channels in float32 that the sampler holds of a canvas at the most, measured on 512² to 2048² px."""

STRIP_AREA = 2**21
"""Pixels of a picture whose windows are read at once, which bounds the memory."""

SHOWN = 4
"""Canvases that a report carries."""

STANDSTILL = 3
"""Rounds in a row without progress of which a record tells where the configuration does not say how many end it."""

TIMED_STEPS = 8
"""Steps of a timed round; the sampler evaluates the logit once more, to know that the boundary is reached."""

OVERSPENT = 1.5
"""Multiple of the budget beyond which a record must say so: the first round is never cut short."""


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
        self._palette = Palette(torch.zeros(3), torch.zeros(3, 3))
        self._preconditioner = Preconditioner(torch.zeros(3, 3))

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

    @property
    def dynamics(self) -> Dynamics:
        """How its samples move."""
        return Dynamics(self._config, self._preconditioner, self._prior)

    def configuration(self) -> dict[str, Any]:
        """Return the preset's name and scale and every field of the cascade's configuration."""
        return {"preset": self._preset, "scale": self._scale, **self._config.model_dump(mode="json")}

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
        training = CascadeTraining(
            window.to(self._execution.device),
            self._config,
            dtype=self._execution.dtype,
            generator=torch_generator(seed),
        )
        if (snapshot := checkpoint.load()) is not None:
            training.restore(snapshot)

        def on_round(report: StageReport) -> None:
            events(_progress(report, budget, _cut(report.ascent.canvases[:SHOWN], self._margin).cpu()))

        train_cascade(training, budget=budget, on_round=on_round, checkpoint=checkpoint)
        self._prior, self._palette = training.prior, training.palette
        self._preconditioner, self._stages = training.preconditioner, training.stages
        chain = _cut(training.canvases, self._margin).cpu()
        return Training(training.flops, _warnings(training, budget), chain)

    def snapshot_bytes(self, budget: float) -> float:
        """Estimate the size of the last snapshot; see :func:`inng_bench.inng.costs.snapshot_bytes`."""
        return snapshot_bytes(self._config, self._execution.dtype, usual_rounds(self._config, budget))

    def supports(self, size: tuple[int, int]) -> bool:
        """Any size from 64 px a side: a canvas of the next multiples of 16 is drawn and cropped."""
        return min(size) >= SMALLEST_PICTURE

    def tiles(self, size: tuple[int, int]) -> bool:
        """Multiples of 16 px are drawn as a whole torus."""
        return self._config.canvas is Canvas.TORUS and all(length % WINDOW_STEP == 0 for length in size)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Send new noise through C_1..C_T; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"INNg draws pictures from {SMALLEST_PICTURE} px a side, not {size}"
        self._check_trained()
        noise = self._prior.draw(count, self._canvas_size(size), generator).to(self._execution.device)
        canvases = synthesise(self._stages, noise, self.dynamics, generator)
        return _cut(canvases, self._margin)[:, :, : size[0], : size[1]].cpu()

    def drawing_bytes(self, size: tuple[int, int]) -> int:
        """Estimate the memory that drawing one picture takes beside what the process holds without it.

        It grows with the area alone: :data:`PLANES` of the canvas in float32 (it, its gradient, Adam's moments, noise
        and their Fourier transforms), and what a classifier's layers hold.
        """
        height, width = self._canvas_size(size)
        layers = self._config.filters * self._execution.dtype.itemsize
        return height * width * (PLANES * 3 * 4 + layers)

    def _canvas_size(self, size: tuple[int, int]) -> tuple[int, int]:
        height, width = (canvas_length(-(-length // WINDOW_STEP) * WINDOW_STEP, self._config.canvas) for length in size)
        return height, width

    def hurried(self, patience: float) -> "INNg":
        """Return the cascade with stages that sooner give up an image which does not reach its boundary.

        Parameters
        ----------
        patience : float
            Share of each stage's steps, in (0, 1]; its steps cool as much over fewer of them.
        """
        hurried = copy.copy(self)
        hurried._stages = tuple(stage.hurried(patience) for stage in self._stages)
        return hurried

    def sampler_round(self, count: int, size: tuple[int, int]) -> SamplerRound:
        """Return steps of the middle stage's sampler with a threshold that no picture reaches.

        Parameters
        ----------
        count : int
            Number of canvases.
        size : tuple[int, int]
            Their height and width, multiples of 16.
        """
        self._check_trained()
        stage = self._stages[len(self._stages) // 2]
        sampler = replace(stage.sampler, max_steps=TIMED_STEPS, stop=Stop.LOGIT, threshold=float("inf"))
        stage = replace(stage, sampler=sampler)
        canvases = torch.rand((count, 3, *size), generator=torch_generator(0)) * 2 - 1
        canvases = canvases.to(self._execution.device)
        return SamplerRound(
            run=lambda: climb([stage], canvases, self.dynamics, torch_generator(1)),
            update=str(stage.sampler.update),
            filters=self._config.filters,
            steps=TIMED_STEPS,
            evaluations=TIMED_STEPS + 1,
            flops=evaluation_flops(stage.classifier, self._config.reading, size),
        )

    @property
    def window(self) -> int:
        """Side in pixels of what a classifier sees at once."""
        return self._config.design.geometry.window

    @property
    def window_step(self) -> int:
        """Pixels between neighbouring windows of a dense pass."""
        return WINDOW_STEP

    @property
    def _margin(self) -> int:
        """Pixels a side of a canvas that are no part of the picture."""
        return MARGIN if self._config.canvas is Canvas.EXPANDED else 0

    def _check_trained(self) -> None:
        if not self._stages:
            raise RuntimeError("a cascade has to be trained or restored before it can be used")

    def continue_from(self, pictures: Tensor, *, stage: int, generator: torch.Generator) -> Tensor:
        """Send pictures through C_stage..C_T, as the paper does for artistic style transfer.

        Steps that go along the texture's colours begin at the pictures' nearest ones.

        Parameters
        ----------
        pictures : Tensor
            float32 (N, 3, H, W) in [-1, 1], from 64 px a side. Sides between multiples of 16 are filled up with a
            mirrored border, which is cut off at the end.
        stage : int
            Where the sampler begins, from 1 to T.
        generator : torch.Generator
            On the CPU.

        Returns
        -------
        Tensor
            float32 (N, 3, H, W) in [-1, 1], on the CPU.

        Raises
        ------
        InputError
            When there is no such stage, or the pictures are too small.
        """
        self._check_trained()
        if min(pictures.shape[2:]) < SMALLEST_PICTURE:
            raise InputError(f"the sampler begins at pictures from {SMALLEST_PICTURE} px a side.")
        if not 1 <= stage <= len(self._stages):
            raise InputError(f"there is no stage {stage}; this cascade has the stages 1 to {len(self._stages)}.")
        height, width = pictures.shape[2:]
        if self._config.directions is not Directions.PIXELS:
            pictures = self._palette.within(pictures).clamp(-1, 1)
        before = self._margin
        behind = [before - length % -WINDOW_STEP for length in (width, height)]
        framed = F.pad(pictures, (before, behind[0], before, behind[1]), mode="reflect").to(self._execution.device)
        drawn = synthesise(self._stages, framed, self.dynamics, generator, first=stage - 1)
        return _cut(drawn, before)[:, :, :height, :width].cpu()

    def log_ratio(self, pictures: Tensor) -> Tensor:
        """Return Σ_t ln g_t = ln p_T/p_0 + const of every window of pictures, the model as a density.

        Parameters
        ----------
        pictures : Tensor
            float32 (N, 3, H, W) in [-1, 1], at least one window large; they do not wrap.

        Returns
        -------
        Tensor
            float32 (N, rows, columns) on the CPU; entry (i, j) belongs to the window whose corner is (16 i, 16 j) px.
            Only differences mean something: the constants ln Z_t are unknown. Of a variant with fewer classifiers it
            is the sum over those that are kept.

        Raises
        ------
        InputError
            When the pictures are smaller than a window, or the classifiers are padded: in a dense pass they see other
            borders than those of a window.
        """
        if self._config.architecture is Architecture.PADDED:
            raise InputError("the log ratio of every window needs unpadded classifiers; these are padded.")

        def summed(strip: Tensor) -> Tensor:
            return torch.stack([picture_logits(stage.classifier, strip) for stage in self._stages]).sum(0)

        return self._by_strips(summed, pictures)

    def log_prior(self, pictures: Tensor) -> Tensor:
        """Return ln p0 + const of every window of pictures, so that with :meth:`log_ratio` it makes ln p_T + const.

        It has the terms of the window's inner pixels; see
        :class:`inng_bench.inng.linear_prediction.LinearPrediction`. Parameters and result are those of
        :meth:`log_ratio`, and so is what a variant with fewer classifiers has of the sum.

        Raises
        ------
        InputError
            When the pictures are smaller than a window.
        """
        return self._by_strips(lambda strip: self._prior.density.log_density(strip, self.window, WINDOW_STEP), pictures)

    def _by_strips(self, read: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
        """Read every window of pictures, neighbouring rows of windows at once; (N, rows, columns), on the CPU."""
        self._check_trained()
        height, width = pictures.shape[2:]
        if min(height, width) < self.window:
            raise InputError(f"a picture of {width}x{height} px is smaller than a window of {self.window} px.")
        rows = (height - self.window) // WINDOW_STEP + 1
        at_once = max(1, STRIP_AREA // (len(pictures) * width * WINDOW_STEP))
        strips = [
            pictures[:, :, first * WINDOW_STEP : (min(first + at_once, rows) - 1) * WINDOW_STEP + self.window]
            for first in range(0, rows, at_once)
        ]
        with torch.no_grad():
            return torch.cat([read(strip.to(self._execution.device)).cpu() for strip in strips], 1)

    def state(self) -> dict[str, Tensor]:
        """Return p0, the directions of the steps, and weights and sampler of each stage."""
        samplers = [stage.sampler for stage in self._stages]
        state = (
            self._prior.state()
            | self._preconditioner.state()
            | {
                "palette.mean": self._palette.mean,
                "palette.factor": self._palette.factor,
                "max_steps": torch.tensor([sampler.max_steps for sampler in samplers], dtype=torch.int64),
                "thresholds": torch.tensor([sampler.threshold for sampler in samplers], dtype=torch.float64),
            }
        )
        for number, stage in enumerate(self._stages, start=1):
            state |= {f"stage.{number:04d}.{name}": value.cpu() for name, value in stage.classifier.state().items()}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over a :meth:`state`.

        Raises
        ------
        InputError
            When there is no classifier, or a part of one is missing or of another shape.
        """
        try:
            self._prior = NoisePrior.restore(state, self._config.first_negatives)
            self._palette = Palette(state["palette.mean"], state["palette.factor"])
            self._preconditioner = Preconditioner.restore(state, self._config.directions)
            samplers = _stored_samplers(state["max_steps"], state["thresholds"])
        except KeyError as error:
            raise InputError(f"what is stored of the cascade has no {error.args[0]!r}; train it again.") from error
        place = self._execution.device, self._execution.dtype
        self._stages = tuple(
            restore_stage(state, f"stage.{number:04d}", self._config, sampler, *place)
            for number, sampler in enumerate(samplers, start=1)
        )
        stored = len({name.split(".")[1] for name in state if name.startswith("stage.")})
        count = len(samplers)
        if stored > count:
            raise InputError(
                f"what is stored of the cascade has {stored} classifiers and thresholds of {count}; train it again."
            )


def _stored_samplers(max_steps: Tensor, thresholds: Tensor) -> list[tuple[int, float]]:
    """Return the most steps and the threshold of each stage."""
    if len(max_steps) == 0 or max_steps.is_floating_point() or int(max_steps.min()) < 1:
        raise InputError("what is stored of the cascade has no classifier or no steps; train it again.")
    if max_steps.shape != thresholds.shape or not bool(thresholds.isfinite().all()):
        raise InputError("what is stored of the cascade has no threshold for each of its stages; train it again.")
    return list(zip(max_steps.tolist(), thresholds.tolist(), strict=True))


def _cut(canvases: Tensor, margin: int) -> Tensor:
    """Cut a margin off canvases (N, 3, H, W)."""
    return canvases[:, :, margin : canvases.shape[2] - margin, margin : canvases.shape[3] - margin]


def _progress(report: StageReport, budget: float, pictures: Tensor) -> Progress:
    values = {
        "loss_first": report.losses[0],
        "loss_last": report.losses[-1],
        "classifier_steps": float(len(report.losses)),
        "energy_gap": report.energy_gap,
        "sampler_steps": float(report.ascent.steps.float().mean()),
        "logit": float(report.ascent.logits.mean()),
        "missed": 1 - float(report.ascent.reached.float().mean()),
    }
    return Progress(report.number, report.flops, min(1.0, report.flops / budget), values, pictures)


def _warnings(training: CascadeTraining, budget: float) -> tuple[str, ...]:
    """Name the rounds in which an image ran out of steps, and tell of a standstill and of an overspent budget."""
    warnings = []
    if training.missed:
        rounds = ", ".join(map(str, training.missed))
        warnings.append(f"rounds {rounds} of {training.rounds} ended before every image met the stop rule.")
    if training.stalled >= (training.config.no_progress_stages or STANDSTILL):
        warnings.append(
            f"the last {training.stalled} rounds made no progress: the classifier was no better than chance, or no "
            "image reached its boundary."
        )
    if training.flops > OVERSPENT * budget:
        share = training.flops / budget
        warnings.append(f"the {training.rounds} rounds cost {share:.1f} times the budget; lower the preset's scale.")
    if math.isfinite(budget) and not training.has_spent(budget):
        config = training.config
        most = f"max_stages is {config.max_stages}"
        reason = most if training.rounds == config.max_stages else f"no_progress_stages is {config.no_progress_stages}"
        warnings.append(
            f"the training ended after {training.rounds} rounds ({reason}) and spent "
            f"{100 * training.flops / budget:.0f} % of its budget: others of the same budget learnt for longer."
        )
    return tuple(warnings)
