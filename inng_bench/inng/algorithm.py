"""INNg from top to bottom (Lazarow, Jin, Tu; ICCV 2017, section 3).

Chains start at p_0 = U(x), Gaussian noise. At stage t = 1..T

- **learn**: train C_t to tell real windows (y = +1) from pseudo-negative ones (y = -1), samples of p_{t-1} and of some
  earlier stages, by the cross-entropy -ln q_t(y|x) of its sigmoid. Both are equally many (equal priors), so that its
  logit is ln g_t(x) = ln q_t(+1|x) / q_t(-1|x);
- **reweight**: p_t(x) = (1/Z_t) · g_t(x) · p_{t-1}(x). The distance KL(p⁺‖p_t) falls as long as C_t beats chance (Tu,
  "Learning generative models via discriminative approaches", CVPR 2007);
- **sample**: x ← x + ½ε ∇ln g_t(x) + η, η ~ N(0, εT), which takes samples of p_{t-1} to ones of p_t (the paper's short
  cut: the chain has climbed ln g_1 to ln g_{t-1} already), each until the decision of C_t reaches the boundary.

Synthesis sends new noise through C_1..C_T. Of every b classifiers one may be kept: while b are trained, samples begin
where the last kept one left them each time, with more steps each time, since the kept one will have to lead them all
the way. A single classifier (b = 0) begins at new noise each time.

A training stops and goes on between any two steps: :class:`inng_bench.inng.state.Training` is all there is to know.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inng_bench.inng.frozen import freeze
from inng_bench.inng.negatives import draw_negatives
from inng_bench.inng.network import balance, cross_entropy, new_classifier, recalibrate
from inng_bench.inng.presets import Recipe
from inng_bench.inng.prior import NoisePrior
from inng_bench.inng.state import Climb, Sampler, Stage, Training
from inng_bench.pictures import DrawReal

CHANCE = math.log(2)
"""Cross-entropy of a classifier that cannot tell real windows from pseudo-negative ones."""

RECALIBRATION_BATCHES = 6

STEERING, LEAST_STEP_SHARE = 0.1, 0.02
"""Power of the ratio of steps with which the step size follows it, and the least share of it that is left."""

ADAM_BETAS = (0.5, 0.999)
"""Of a classifier's optimiser (authors' code, there of the sampler)."""


@dataclass(frozen=True)
class StageReport:
    """What one stage of the training did.

    Attributes
    ----------
    number : int
        t, from 1.
    losses : tuple[float, ...]
        Cross-entropy of each classifier step.
    energy_gap : float
        E(negative) - E(real) of the last step.
    climb : Climb
        How the chain climbed C_t.
    """

    number: int
    losses: tuple[float, ...]
    energy_gap: float
    climb: Climb


def begin(
    draw_real: DrawReal,
    recipe: Recipe,
    p0: NoisePrior,
    sampler: Sampler,
    *,
    crop_side: int,
    device: torch.device,
    dtype: torch.dtype,
    generator: torch.Generator,
) -> Training:
    """Draw the first weights and the first pseudo-negatives, samples of p_0."""
    classifier = new_classifier(recipe.design, generator)
    classifier.to(device).to(memory_format=torch.channels_last)
    side = recipe.canvas_length(recipe.canvas_side)
    noise = p0.draw(recipe.canvases, (side, side), generator).to(device)
    return Training(
        recipe=recipe,
        draw_real=draw_real,
        device=device,
        crop_side=crop_side,
        p0=p0,
        sampler=sampler,
        dtype=dtype,
        generator=generator,
        classifier=classifier,
        optimiser=new_optimiser(classifier, recipe),
        chain=noise,
        start=noise,
        history=[noise.half()],
    )


def train(training: Training, goes_on: Callable[[], bool]) -> Iterator[StageReport | None]:
    """Go through stages, from wherever the training stands.

    Parameters
    ----------
    training : Training
        New or restored; it is changed.
    goes_on : callable
        Asked whether another stage begins.

    Yields
    ------
    StageReport or None
        A report after each stage, None after each step within one.
    """
    while training.losses or goes_on():
        while not training.has_learnt:
            learn(training)
            yield None
        if training.climb is None:
            stage = _freeze_stage(training)
            training.climb = set_out(training.start, training.sampler, stage.max_steps, training.generator)
        while ascend(training.climb, training.stages[-1], training.sampler):
            yield None
        yield _finish_stage(training, training.climb)


def learn(training: Training) -> None:
    """Move the weights of C_t once down the gradient of the cross-entropy."""
    training.classifier.train()
    real, negatives = _draw_crops(training)
    loss, logits = cross_entropy(training.classifier, real, negatives, training.dtype)
    training.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    training.optimiser.step()
    balance(training.classifier)
    of_real, of_negatives = logits.detach().split(len(real))  # type: ignore[no-untyped-call]
    training.energy_gap = float(of_real.mean() - of_negatives.mean())
    training.losses.append(loss.item())
    training.work.classifier_steps += 1
    if math.isnan(training.losses[-1]):
        raise FloatingPointError("the classifier's loss is not a number; lower classifier_rate")
    training.has_learnt = _has_learnt(training)


def set_out(canvases: Tensor, sampler: Sampler, max_steps: int, generator: torch.Generator) -> Climb:
    """Draw in advance where the windows of each step will lie, and a source of noise for each image."""
    places = sampler.windows.places(canvases, max_steps + 1, generator)
    seeds = torch.randint(2**62, (len(canvases),), generator=generator).tolist() if sampler.temperature > 0 else []
    noise = [torch.Generator().manual_seed(seed) for seed in seeds]
    return Climb.begin(canvases, places, noise, sampler.directions)


def ascend(climb: Climb, stage: Stage, sampler: Sampler) -> bool:
    """Move each sample that is not at the boundary one step up ln g_t; say whether there was any to move.

    The rule moves u in x = A·u, see :mod:`inng_bench.inng.preconditioner`; with A = 1 these are the pixels.
    """
    with torch.no_grad():
        place = climb.places[climb.step]
        logits, gradient = sampler.windows.read(stage.classifier, climb.current, place, climb.active)
        stops = sampler.may_stop(logits)
        climb.logits[climb.active], climb.reached[climb.active] = logits.mean(1), stops
        climb.evaluations += len(climb.active)
        stays = (~stops).nonzero().flatten()
        if len(stays) == 0 or climb.step == stage.max_steps:
            climb.canvases[climb.active] = climb.current
            return False
        if len(stays) < len(climb.active):
            climb.keep(stays, stops)
            gradient = gradient[stays]
        step_size = stage.step_size * math.pow(sampler.final_step_share, climb.step / stage.max_steps)
        move = sampler.update(climb, climb.factor.coordinates(gradient), step_size, sampler.temperature)
        climb.current = climb.factor.moved(climb.current, move).clamp_(-1, 1)
        climb.steps[climb.active] += 1
        climb.step += 1
    return True


def langevin(climb: Climb, gradient: Tensor, step_size: float, temperature: float) -> Tensor:
    """Return the paper's update ½ε ∇ln g_t + η, η ~ N(0, εT)."""
    return noise(climb, (temperature * step_size) ** 0.5).add_(gradient, alpha=0.5 * step_size)


def noise(climb: Climb, deviation: float) -> Tensor:
    """Draw white noise for those that climb, each from its own generator; zeros without one."""
    if not climb.noise:
        return torch.zeros_like(climb.current)
    white = torch.empty(climb.current.shape, dtype=climb.current.dtype)
    for image, number in zip(white, climb.active.tolist(), strict=True):
        image.normal_(0.0, deviation, generator=climb.noise[number])
    return white.to(climb.current.device)


def at_boundary(logits: Tensor, threshold: float = 0.0) -> Tensor:
    """Say for each image whether its mean logit is at the decision boundary or beyond."""
    return logits.mean(1) >= threshold


def climb_stage(stage: Stage, canvases: Tensor, sampler: Sampler, generator: torch.Generator) -> Climb:
    """Let canvases climb ln g_t until each reaches the boundary or has taken all its steps; they are not changed."""
    climb = set_out(canvases, sampler, stage.max_steps, generator)
    while ascend(climb, stage, sampler):
        pass
    return climb


def synthesise(stages: Sequence[Stage], canvases: Tensor, sampler: Sampler, generator: torch.Generator) -> Tensor:
    """Draw pictures: samples of p_0 go through C_1..C_T, at each until its boundary; float32 (N, 3, H, W)."""
    for stage in stages:
        canvases = climb_stage(stage, canvases, sampler, generator).canvases
    return canvases


def makes_progress(losses: Sequence[float], reached: Tensor) -> bool:
    """Say whether a stage can have brought the model nearer to the texture.

    The Kullback-Leibler distance falls as long as the classifier beats chance, here over the last quarter of its steps,
    and the samples follow if at least one of them meets the stop rule.
    """
    last = losses[-max(1, len(losses) // 4) :]
    return math.fsum(last) / len(last) < CHANCE and bool(reached.any())


def new_optimiser(classifier: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimiser of a classifier's weights."""
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(classifier.parameters(), recipe.classifier_rate)
    return torch.optim.Adam(classifier.parameters(), recipe.classifier_rate, ADAM_BETAS, fused=True)


def _draw_crops(training: Training) -> tuple[Tensor, Tensor]:
    """Return real and pseudo-negative crops, equally many: the assumption of equal priors behind ln g_t = logit."""
    recipe, side, generator = training.recipe, training.crop_side, training.generator
    real = training.draw_real(recipe.crops, side, generator)
    wraps = recipe.windows == "dense"
    return real, draw_negatives(training.history, recipe.crops, side, recipe.history_decay, generator, wraps=wraps)


def _has_learnt(training: Training) -> bool:
    recipe, steps = training.recipe, len(training.losses)
    looks = steps >= recipe.classifier_least_steps and steps % recipe.loss_check_steps == 0
    return (looks and _loss_to_check(training) < recipe.loss_target) or steps >= recipe.classifier_steps


def _loss_to_check(training: Training) -> float:
    """Return the last loss, or the mean over fresh batches in evaluation mode."""
    count = training.recipe.loss_check_batches
    if count == 0:
        return training.losses[-1]
    training.classifier.eval()
    with torch.no_grad():
        batches = (_draw_crops(training) for _ in range(count))
        losses = [float(cross_entropy(training.classifier, *batch, training.dtype)[0]) for batch in batches]
    training.work.classifier_passes += count
    return sum(losses) / count


def _freeze_stage(training: Training) -> Stage:
    """Put C_t, with the statistics of its final weights, behind those that are kept."""
    if training.recipe.normalisation == "recalibrated":
        batches = [torch.cat(_draw_crops(training)) for _ in range(RECALIBRATION_BATCHES)]
        recalibrate(training.classifier, batches, training.dtype)
        training.work.classifier_passes += len(batches)
    if training.unkept > 0:
        training.stages.pop()
    max_steps = training.recipe.max_steps * (training.unkept + 1)
    step_size = training.recipe.step_size * training.step_share
    training.stages.append(Stage(freeze(training.classifier, training.dtype), max_steps, step_size))
    return training.stages[-1]


def _next_step_share(training: Training, climb: Climb) -> float:
    """Steer the step size: smaller where samples reached the boundary in fewer steps than the recipe aims at."""
    aim = training.recipe.aimed_steps
    if aim == 0:
        return 1.0
    taken = max(0.1, float(climb.steps.float().mean()) / aim)
    return float(min(1.0, max(LEAST_STEP_SHARE, training.step_share * taken**STEERING)))


def _finish_stage(training: Training, climb: Climb) -> StageReport:
    """Make the samples the pseudo-negatives of the next stage, and keep C_t if it is one of b."""
    recipe = training.recipe
    training.number += 1
    training.work.evaluations += climb.evaluations
    if not bool(climb.logits.isfinite().all()):
        raise FloatingPointError(
            f"stage {training.number}: the logits are not finite; lower classifier_rate or step_size"
        )
    training.chain = climb.canvases
    training.history = [*training.history, training.chain.half()][-recipe.history_stages :]
    training.unkept += 1
    if training.unkept == recipe.keep_every:
        training.start, training.unkept = training.chain, 0
    elif recipe.keep_every == 0:
        height, width = training.start.shape[2:]
        training.start = training.p0.draw(len(training.start), (height, width), training.generator).to(training.device)
    training.step_share = _next_step_share(training, climb)
    if not bool(climb.reached.all()):
        training.missed.append(training.number)
    training.stalled = 0 if makes_progress(training.losses, climb.reached) else training.stalled + 1
    report = StageReport(training.number, tuple(training.losses), training.energy_gap, climb)
    training.losses, training.has_learnt, training.climb = [], False, None
    return report
