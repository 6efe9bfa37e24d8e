"""INNg as a method of the suite: the cascade and its variants behind the contract."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
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
from inng_bench.inng import algorithm, state
from inng_bench.inng.alternatives import crop_side_of, measured, sampler_of, stretched
from inng_bench.inng.costs import Prices, snapshot_bytes, usual_stages
from inng_bench.inng.frozen import picture_features, picture_logits
from inng_bench.inng.network import WINDOW_STEP
from inng_bench.inng.preconditioner import Preconditioner
from inng_bench.inng.presets import configure
from inng_bench.inng.prior import NoisePrior
from inng_bench.inng.resume import restore, restore_stages, snapshot, stage_tensors
from inng_bench.inng.windows import evaluation_flops
from inng_bench.pictures import DrawReal, TrainingPictures
from inng_bench.pixels import Palette, random_crops
from inng_bench.seeds import torch_generator

SMALLEST_PICTURE = 64

PLANES = 16
"""Of three channels in float32 that the sampler holds of a canvas at the most, measured on 512² to 2048² px."""

STRIP_AREA = 2**21
"""Pixels of a picture whose windows are read at once, which bounds the memory."""

SHOWN = 4
"""Canvases that a report carries."""

STANDSTILL = 3
"""Stages in a row without progress of which a record tells where the recipe does not say how many end it."""

TIMED_STEPS = 8
"""Steps of a timed round; the sampler evaluates the logit once more, to know that the boundary is reached."""

NEVER = partial(algorithm.at_boundary, threshold=math.inf)
"""A stop rule that no image meets."""

OVERSPENT = 1.5
"""Multiple of the budget beyond which a record must say so: the first stage is never cut short."""

TOGETHER, SET_TOGETHER = 16, 256
"""Pictures that are drawn together at the most, which bounds the memory; and small ones of a set."""


class INNg(Method):
    """The model of the paper; see :mod:`inng_bench.inng`.

    Settings are ``preset`` (a name of :data:`inng_bench.inng.presets.PRESETS`), ``scale`` (a factor of its counts) and
    any field of :class:`inng_bench.inng.presets.Recipe`, which then wins over the preset.
    """

    name: ClassVar[str] = "inng"
    learns_several: ClassVar[bool] = True

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        self._preset, self._scale, self.recipe = configure(settings)
        self._side: int | None = settings.get("picture_side")
        self._execution = execution
        self.stages: tuple[state.Stage, ...] = ()
        self.prior = NoisePrior(torch.zeros(3), torch.zeros(3, 3))
        self._palette = Palette(torch.zeros(3), torch.zeros(3, 3))
        self._directions = Preconditioner(torch.zeros(3, 3))

    @property
    def sampler(self) -> state.Sampler:
        """How its samples climb."""
        return sampler_of(self.recipe, self._directions)

    def configuration(self) -> dict[str, Any]:
        """Return the preset's name and scale and every field of the recipe."""
        fields = {"preset": self._preset, "scale": self._scale, **self.recipe.model_dump(mode="json")}
        return fields if self._side is None else fields | {"picture_side": self._side}

    def train(
        self,
        window: Tensor | TrainingPictures,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        """Train a cascade until the budget is spent; see :meth:`inng_bench.contract.Method.train`."""
        training = self.begin(window, seed)
        if (taken := checkpoint.load()) is not None:
            restore(training, taken)
        prices = Prices.of(self.recipe, training.crop_side)
        for report in algorithm.train(training, partial(_goes_on, training, prices, budget)):
            if report is not None:
                pictures = self._cut(report.climb.canvases[:SHOWN]).cpu()
                events(_progress(report, prices.of_work(training.work), budget, pictures))
            checkpoint.offer(partial(snapshot, training))
        self.stages = tuple(training.stages)
        flops = prices.of_work(training.work)
        return Training(flops, _warnings(training, flops, budget), self._cut(training.chain).cpu())

    train_on = train

    def begin(self, window: Tensor | TrainingPictures, seed: int) -> state.Training:
        """Return a training that has not made a step, and take p0 and the directions of the steps from the window.

        Of a set nothing is measured: p0 is U(x), and steps go along pixels.
        """
        if isinstance(window, TrainingPictures):
            self.prior = NoisePrior.of(self.recipe.first_negatives, None)
            self._directions = Preconditioner(torch.eye(3))
            return self._begin(partial(_drawn_on, window, self._execution.device), self.recipe.crop_side, seed)
        real = stretched(window, self.recipe.stretch)
        self.prior, self._directions = measured(real, self.recipe)
        self._palette = Palette.of(real)
        draw_real = partial(random_crops, real.to(self._execution.device))
        return self._begin(draw_real, crop_side_of(real, self.recipe), seed)

    def _begin(self, draw_real: DrawReal, crop_side: int, seed: int) -> state.Training:
        return algorithm.begin(
            draw_real,
            self.recipe,
            self.prior,
            self.sampler,
            crop_side=crop_side,
            device=self._execution.device,
            dtype=self._execution.dtype,
            generator=torch_generator(seed),
        )

    def snapshot_bytes(self, budget: float) -> float:
        """Estimate the size of the last snapshot; see :func:`inng_bench.inng.costs.snapshot_bytes`."""
        return snapshot_bytes(self.recipe, self._execution.dtype, usual_stages(self.recipe, budget))

    def supports(self, size: tuple[int, int]) -> bool:
        """Any size from 64 px a side, of which a canvas of the next multiples of 16 is cropped; of a set its own."""
        if self._is_whole:
            return size == (self.recipe.canvas_side, self.recipe.canvas_side)
        return min(size) >= SMALLEST_PICTURE

    def tiles(self, size: tuple[int, int]) -> bool:
        """Multiples of 16 px are drawn as a whole torus."""
        return self.recipe.windows == "dense" and all(length % WINDOW_STEP == 0 for length in size)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Send new noise through C_1..C_T; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"INNg cannot draw pictures of {size}"
        self._check_trained()
        noise = self.prior.draw(count, self._canvas_size(size), generator).to(self._execution.device)
        batches = noise.split(SET_TOGETHER if self._is_whole else TOGETHER)  # type: ignore[no-untyped-call]
        drawn = torch.cat([algorithm.synthesise(self.stages, batch, self.sampler, generator) for batch in batches])
        return self._cut(drawn)[:, :, : size[0], : size[1]].cpu()

    def drawing_bytes(self, size: tuple[int, int]) -> int:
        """Estimate the memory that drawing one picture takes beside what the process holds without it.

        It grows with the area alone: :data:`PLANES` of the canvas in float32 (it, its gradient, Adam's moments, noise
        and their Fourier transforms), and what a classifier's layers hold.
        """
        height, width = self._canvas_size(size)
        layers = self.recipe.filters * self._execution.dtype.itemsize
        return height * width * (PLANES * 3 * 4 + layers)

    @property
    def _is_whole(self) -> bool:
        """Whether a canvas is a picture of a set."""
        return self.recipe.windows == "whole"

    def _canvas_size(self, size: tuple[int, int]) -> tuple[int, int]:
        if self._is_whole:
            return size
        height, width = (self.recipe.canvas_length(-(-length // WINDOW_STEP) * WINDOW_STEP) for length in size)
        return height, width

    def sampler_round(self, count: int, size: tuple[int, int]) -> SamplerRound:
        """Return steps of the middle stage's sampler with a rule that never stops.

        Parameters
        ----------
        count : int
            Number of canvases.
        size : tuple[int, int]
            Their height and width, multiples of 16.
        """
        self._check_trained()
        stage = replace(self.stages[len(self.stages) // 2], max_steps=TIMED_STEPS)
        sampler = replace(self.sampler, may_stop=NEVER)
        canvases = torch.rand((count, 3, *size), generator=torch_generator(0)) * 2 - 1
        canvases = canvases.to(self._execution.device)
        return SamplerRound(
            run=lambda: algorithm.climb_stage(stage, canvases, sampler, torch_generator(1)),
            update=self.recipe.update,
            filters=self.recipe.filters,
            steps=TIMED_STEPS,
            evaluations=TIMED_STEPS + 1,
            flops=evaluation_flops(stage.classifier, sampler.windows, size),
        )

    @property
    def window(self) -> int:
        """Side in pixels of what a classifier sees at once."""
        return self.recipe.window

    @property
    def window_step(self) -> int:
        """Pixels between neighbouring windows of a dense pass."""
        return WINDOW_STEP

    def _cut(self, canvases: Tensor) -> Tensor:
        """Cut off canvases (N, 3, H, W) what is no part of the picture."""
        margin = self.recipe.margin
        return canvases[:, :, margin : canvases.shape[2] - margin, margin : canvases.shape[3] - margin]

    def _check_trained(self) -> None:
        if not self.stages:
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
        if self._is_whole:
            raise InputError("the sampler of a set begins at noise.")
        if min(pictures.shape[2:]) < SMALLEST_PICTURE:
            raise InputError(f"the picture needs at least {SMALLEST_PICTURE} px on each side.")
        if not 1 <= stage <= len(self.stages):
            raise InputError(f"there is no stage {stage}; this cascade has the stages 1 to {len(self.stages)}.")
        height, width = pictures.shape[2:]
        if self.recipe.directions != "pixels":
            pictures = self._palette.within(pictures).clamp(-1, 1)
        before = self.recipe.margin
        behind = [before - length % -WINDOW_STEP for length in (width, height)]
        framed = F.pad(pictures, (before, behind[0], before, behind[1]), mode="reflect").to(self._execution.device)
        drawn = algorithm.synthesise(self.stages[stage - 1 :], framed, self.sampler, generator)
        return self._cut(drawn)[:, :, :height, :width].cpu()

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
        if self.recipe.architecture == "padded":
            raise InputError("the log ratio of every window needs classifiers without padding; these have padding.")

        def summed(strip: Tensor) -> Tensor:
            return torch.stack([picture_logits(stage.classifier, strip) for stage in self.stages]).sum(0)

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
        return self._by_strips(lambda strip: self.prior.density.log_density(strip, self.window, WINDOW_STEP), pictures)

    def features(self, pictures: Tensor) -> Tensor:
        """Return φ(x) of the last classifier, what its head reads of pictures of a set; float32 (N, d) on the CPU."""
        self._check_trained()
        classifier = self.stages[-1].classifier
        with torch.no_grad():
            parts = pictures.to(self._execution.device).split(TOGETHER)  # type: ignore[no-untyped-call]
            return torch.cat([picture_features(classifier, part).flatten(1).float().cpu() for part in parts])

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
        """Return p0, the directions of the steps, and weights and steps of each stage."""
        weights = {name: tensor.cpu() for name, tensor in stage_tensors(self.stages).items()}
        colours = {"palette.mean": self._palette.mean, "palette.factor": self._palette.factor}
        steps = {
            "max_steps": torch.tensor([stage.max_steps for stage in self.stages], dtype=torch.int64),
            "step_sizes": torch.tensor([stage.step_size for stage in self.stages], dtype=torch.float64),
        }
        return self.prior.state() | self._directions.state() | colours | steps | weights

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over a :meth:`state`.

        Raises
        ------
        InputError
            When there is no classifier, or a part of one is missing or of another shape.
        """
        try:
            self.prior = NoisePrior.restore(state, self.recipe.first_negatives)
            self._palette = Palette(state["palette.mean"], state["palette.factor"])
            self._directions = Preconditioner.restore(state, self.recipe.directions)
            paces = _stored_paces(state["max_steps"], state["step_sizes"])
        except KeyError as error:
            raise InputError(f"the stored cascade has no {error.args[0]!r}; train it again.") from error
        place = self._execution.device, self._execution.dtype
        self.stages = tuple(restore_stages(state, paces, self.recipe, *place))
        stored = len({name.split(".")[1] for name in state if name.startswith("stage.")})
        if stored > len(paces):
            raise InputError(f"the stored cascade has {stored} classifiers and steps of {len(paces)}; train it again.")


def _drawn_on(
    pictures: TrainingPictures, device: torch.device, count: int, side: int, generator: torch.Generator
) -> Tensor:
    return pictures.draw(count, side, generator).to(device)


def _stored_paces(max_steps: Tensor, step_sizes: Tensor) -> list[tuple[int, float]]:
    """Return the most steps and the step size of each stage."""
    if len(max_steps) == 0 or max_steps.is_floating_point() or int(max_steps.min()) < 1:
        raise InputError("the stored cascade has no classifier or no steps; train it again.")
    if max_steps.shape != step_sizes.shape or not bool((step_sizes.isfinite() & (step_sizes > 0)).all()):
        raise InputError("the stored cascade has no step size for each of its stages; train it again.")
    return list(zip(max_steps.tolist(), step_sizes.tolist(), strict=True))


def _goes_on(training: state.Training, prices: Prices, budget: float) -> bool:
    """Say whether another stage, of the mean cost of those before, would end nearer to the budget."""
    recipe, number = training.recipe, training.number
    if number >= recipe.max_stages or 0 < recipe.no_progress_stages <= training.stalled:
        return False
    return not _has_spent(training, prices.of_work(training.work), budget)


def _has_spent(training: state.Training, flops: float, budget: float) -> bool:
    return flops + flops / max(1, training.number) / 2 >= budget


def _progress(report: algorithm.StageReport, flops: float, budget: float, pictures: Tensor) -> Progress:
    values = {
        "loss_first": report.losses[0],
        "loss_last": report.losses[-1],
        "classifier_steps": float(len(report.losses)),
        "energy_gap": report.energy_gap,
        "sampler_steps": float(report.climb.steps.float().mean()),
        "logit": float(report.climb.logits.mean()),
        "missed": 1 - float(report.climb.reached.float().mean()),
    }
    return Progress(report.number, flops, min(1.0, flops / budget), values, pictures)


def _warnings(training: state.Training, flops: float, budget: float) -> tuple[str, ...]:
    """Name the stages in which an image ran out of steps, and tell of a standstill and of an overspent budget."""
    warnings, recipe = [], training.recipe
    if training.missed:
        stages = ", ".join(map(str, training.missed))
        warnings.append(f"stages {stages} of {training.number} ended before all images met the stop rule.")
    if training.stalled >= (recipe.no_progress_stages or STANDSTILL):
        warnings.append(
            f"the last {training.stalled} stages made no progress: the classifier was no better than chance, or no "
            "image reached its boundary."
        )
    if flops > OVERSPENT * budget:
        share = flops / budget
        warnings.append(f"the {training.number} stages cost {share:.1f} times the budget; lower the preset's scale.")
    if math.isfinite(budget) and not _has_spent(training, flops, budget):
        most = f"max_stages is {recipe.max_stages}"
        reason = most if training.number == recipe.max_stages else f"no_progress_stages is {recipe.no_progress_stages}"
        warnings.append(
            f"the training ended after {training.number} stages ({reason}) and spent "
            f"{100 * flops / budget:.0f} % of its budget: others of the same budget learnt for longer."
        )
    return tuple(warnings)
