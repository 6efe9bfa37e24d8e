"""The algorithm: train C_t, let the samples climb its logit, repeat; synthesis from new noise through C_1..C_T.

p_t(x) = (1/Z_t) · q_t(+1|x)/q_t(-1|x) · p_{t-1}(x), with equal priors, so that ln g_t(x) is the logit of C_t (paper,
section 3). Unless the configuration says otherwise the short cut of the paper is taken: samples of stage t-1 climb
ln g_t alone.

The variants are the authors' switch ``collapse_every_n``: of every b classifiers only the last is kept. While the b are
trained, samples begin at those of the last kept one each time, with more steps each time, since the kept classifier
will have to lead them all the way alone. With b = 1 this is the cascade; a single classifier (b = 0) begins at the
noise each time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.inng.choices import Canvas, Directions, Normalisation, Optimiser, Scope, Start, Stop
from inng_bench.inng.field import evaluation_flops, make_field
from inng_bench.inng.frozen import FrozenClassifier, evaluate, freeze, picture_logits, recalibrate
from inng_bench.inng.langevin import Ascent, Sampler, ascend
from inng_bench.inng.negatives import PseudoNegatives
from inng_bench.inng.network import Classifier, new_classifier
from inng_bench.inng.presets import CascadeConfig
from inng_bench.inng.prior import NoisePrior
from inng_bench.pixels import colour_statistics, random_crops

MARGIN = 32
"""Pixels a side that an expanded canvas has beyond the picture (authors' code)."""

REAL_CROPS = 64
"""Real crops of which the stop rule ``real-quantile`` takes its quantile."""


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


@dataclass(frozen=True)
class StageReport:
    """What one round of the training did.

    Attributes
    ----------
    number : int
        From 1.
    losses : tuple[float, ...]
        Cross-entropy of each classifier step.
    energy_gap : float
        E(negative) - E(real) of the last step: mean logit of the real windows less that of the pseudo-negative ones.
    ascent : Ascent
        How the chain climbed C_t.
    flops : float
        Counted so far, all rounds.
    missed : int
        Images that ran out of steps before they might stop.
    """

    number: int
    losses: tuple[float, ...]
    energy_gap: float
    ascent: Ascent
    flops: float
    missed: int


class CascadeTraining:
    """A training between two rounds.

    Parameters
    ----------
    window : Tensor
        float32 (3, H, W) in [-1, 1], on the device that computes.
    config : CascadeConfig
        Every choice.
    dtype : torch.dtype
        Of the convolutions.
    generator : torch.Generator
        On the CPU, the only source of randomness.
    """

    def __init__(
        self, window: Tensor, config: CascadeConfig, *, dtype: torch.dtype, generator: torch.Generator
    ) -> None:
        self.config, self._dtype, self._generator = config, dtype, generator
        self._window = stretched(window, config.stretch)
        self._crop_side = min(config.crop_side, *self._window.shape[1:])
        self.prior = NoisePrior.of(config.first_negatives, self._window.cpu())
        self.colours = step_colours(config.directions, self._window.cpu())
        self.negatives = PseudoNegatives(config.history_stages, config.history_decay, config.canvas)
        self._start_classifier()
        side = canvas_length(config.canvas_side, config.canvas)
        self.canvases = self.prior.draw(config.canvases, (side, side), generator).to(window.device)
        self.negatives.append(self.canvases)
        self.base = self.canvases  # where the rounds since the last kept classifier begin
        self.kept: list[Stage] = []
        self._newest: Stage | None = None
        self.rounds, self.since_kept, self.flops = 0, 0, 0.0
        self._step_flops, self._pass_flops = classifier_flops(config)
        self._evaluation_flops = 0.0

    @property
    def stages(self) -> tuple[Stage, ...]:
        """C_1..C_T: those that are kept and, if rounds followed the last of them, the newest."""
        return tuple(self.kept) if self.since_kept == 0 or self._newest is None else (*self.kept, self._newest)

    def round(self) -> StageReport:
        """Train a classifier and let the samples climb it."""
        config = self.config
        losses, energy_gap = self._train_classifier()
        stage = Stage(freeze(self.classifier, self._dtype), self._sampler())
        stage = replace(stage, sampler=self._with_threshold(stage))
        climbed = climbed_at((*self.kept, stage), len(self.kept), config.scope)
        self.base = self._with_fresh(self.base)
        ascent = climb(climbed, self.base, self.colours, config, self.prior, self._generator)
        self.canvases = ascent.canvases
        self.negatives.append(self.canvases)
        self._keep(stage)
        self.flops += len(losses) * self._step_flops
        self._count(ascent)
        self.rounds += 1
        missed = int((~ascent.reached).sum())
        return StageReport(self.rounds, losses, energy_gap, ascent, self.flops, missed)

    def _keep(self, stage: Stage) -> None:
        self._newest = stage
        self.since_kept += 1
        if self.since_kept == self.config.keep_every:
            self.kept.append(stage)
            self.base, self.since_kept = self.canvases, 0

    def _sampler(self) -> Sampler:
        """Return the sampler of this round, with as many times the steps as rounds share its start."""
        sampler = self.config.sampler()
        return replace(sampler, max_steps=sampler.max_steps * (self.since_kept + 1))

    def _with_threshold(self, stage: Stage) -> Sampler:
        """Put the logit that a quantile of the real crops has in the place of the quantile."""
        if stage.sampler.stop is not Stop.REAL_QUANTILE:
            return stage.sampler
        crops = random_crops(self._window, REAL_CROPS, self._crop_side, self._generator)
        with torch.no_grad():
            logits = picture_logits(stage.classifier, crops).float().mean((1, 2))
        return replace(stage.sampler, threshold=float(torch.quantile(logits, stage.sampler.threshold)))

    def _with_fresh(self, canvases: Tensor) -> Tensor:
        """Put canvases that come from new noise through C_1..C_{t-1} in the place of the first, and move all up."""
        count = round(self.config.fresh_share * len(canvases))
        if count == 0:
            return canvases
        noise = self.prior.draw(count, (canvases.shape[2], canvases.shape[3]), self._generator).to(canvases.device)
        fresh = synthesise(
            self.kept, noise, self.colours, self.config, self.prior, self._generator, on_ascent=self._count
        )
        return torch.cat([canvases[count:], fresh])

    def _count(self, ascent: Ascent) -> None:
        """Add the operations of an ascent."""
        if not self._evaluation_flops:
            size = (ascent.canvases.shape[2], ascent.canvases.shape[3])
            frozen = freeze(self.classifier, self._dtype)
            self._evaluation_flops = evaluation_flops(frozen, self.config.reading, size)
        self.flops += ascent.evaluations * self._evaluation_flops

    def _start_classifier(self) -> None:
        self.classifier = new_classifier(self.config.design, self._generator)
        self.classifier.to(self._window.device).to(memory_format=torch.channels_last)
        self.optimiser = new_optimiser(self.classifier, self.config)

    def _train_classifier(self) -> tuple[tuple[float, ...], float]:
        """Train C_t to tell real windows from as many pseudo-negative ones; return losses and the last energy gap."""
        config = self.config
        if config.classifier_start is Start.NEW and self.rounds > 0:
            self._start_classifier()
        self.classifier.train()
        losses: list[float] = []
        energy_gap = 0.0
        while len(losses) < config.classifier_steps:
            loss, energy_gap = self._classifier_step()
            losses.append(loss)
            looks = len(losses) >= config.classifier_least_steps and len(losses) % config.loss_check_steps == 0
            if looks and self._loss_to_check(loss) < config.loss_target:
                break
        if config.normalisation is Normalisation.RECALIBRATED:
            batches = [torch.cat(self._draw()) for _ in range(config.norm_batches)]
            recalibrate(self.classifier, batches, self._dtype)
            self.flops += config.norm_batches * self._pass_flops
        return tuple(losses), energy_gap

    def _classifier_step(self) -> tuple[float, float]:
        """Move the weights once; return the loss and E(negative) - E(real)."""
        real, fake = self._draw()
        loss, logits = classifier_loss(self.classifier, real, fake, self._dtype)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        real_logits, fake_logits = logits.detach().split(len(real))  # type: ignore[no-untyped-call]
        value = loss.item()
        if value != value:
            raise FloatingPointError("the classifier's loss is not a number; lower classifier_rate")
        return value, float(real_logits.mean() - fake_logits.mean())

    def _draw(self) -> tuple[Tensor, Tensor]:
        """Return real and pseudo-negative crops, equally many: the assumption of equal priors behind ln g_t = logit."""
        config = self.config
        real = random_crops(self._window, config.crops, self._crop_side, self._generator)
        return real, self.negatives.draw(config.crops, self._crop_side, self._generator)

    def _loss_to_check(self, loss: float) -> float:
        """Return the loss that decides whether the training may end."""
        count = self.config.loss_check_batches
        if count == 0:
            return loss
        self.classifier.eval()
        with torch.no_grad():
            losses = [float(classifier_loss(self.classifier, *self._draw(), self._dtype)[0]) for _ in range(count)]
        self.classifier.train()
        self.flops += count * self._pass_flops
        return sum(losses) / count


def train_cascade(training: CascadeTraining, *, budget: float, on_round: Callable[[StageReport], None]) -> None:
    """Go on with a training until its budget is spent.

    Parameters
    ----------
    training : CascadeTraining
        New or restored.
    budget : float
        Counted floating-point operations of the whole training; the last round is the one that would end nearest to it.
    on_round : callable
        Called after each round.
    """
    last = 0.0
    while training.rounds < training.config.max_stages and training.flops + last / 2 < budget:
        before = training.flops
        report = training.round()
        last = report.flops - before
        on_round(report)


def classifier_loss(classifier: Classifier, real: Tensor, fake: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return the mean cross-entropy over the windows of real (+1) and pseudo-negative (-1) crops, and all logits."""
    logits = evaluate(classifier, torch.cat([real, fake]), dtype)
    targets = torch.zeros_like(logits)
    targets[: len(real)] = 1
    return F.binary_cross_entropy_with_logits(logits, targets), logits


def climb(
    stages: Sequence[Stage],
    canvases: Tensor,
    colours: Tensor,
    config: CascadeConfig,
    prior: NoisePrior,
    generator: torch.Generator,
) -> Ascent:
    """Let canvases climb ln g_t, or the sum of several with ln p0, until each reaches the boundary of the last.

    Parameters
    ----------
    stages : Sequence[Stage]
        C_t, or C_1..C_t for the whole sum.
    canvases : Tensor
        float32 (N, 3, H, W) in [-1, 1]; not changed.
    colours : Tensor
        (3, 3), directions of the steps.
    config : CascadeConfig
        Which windows a step evaluates, and how many canvases move together.
    prior : NoisePrior
        p0, whose density is a part of the whole sum.
    generator : torch.Generator
        On the CPU.
    """
    sampler = stages[-1].sampler
    classifiers = [stage.classifier for stage in stages]
    gradient = prior.log_density_gradient if config.scope is Scope.SUM else None
    ascents = []
    with torch.no_grad():
        for batch in canvases.split(config.sampler_batch):  # type: ignore[no-untyped-call]
            field = make_field(classifiers, gradient, config.reading, batch, sampler.max_steps + 1, generator)
            ascents.append(ascend(field, batch, colours.to(batch), sampler, generator))
    joined = Ascent.joined(ascents)
    return replace(joined, evaluations=joined.evaluations * len(classifiers))


def climbed_at(stages: Sequence[Stage], number: int, scope: Scope) -> Sequence[Stage]:
    """Return the stages that samples climb at the one of an index."""
    return stages[: number + 1] if scope is Scope.SUM else stages[number : number + 1]


def synthesise(
    stages: Sequence[Stage],
    canvases: Tensor,
    colours: Tensor,
    config: CascadeConfig,
    prior: NoisePrior,
    generator: torch.Generator,
    on_ascent: Callable[[Ascent], None] | None = None,
) -> Tensor:
    """Draw pictures: samples of p0 go through C_1..C_T, at each until its boundary.

    Parameters
    ----------
    stages : Sequence[Stage]
        C_1..C_T.
    canvases : Tensor
        Samples of p0, or whatever the sampler is to begin with, float32 (N, 3, H, W) in [-1, 1].
    colours, config, prior, generator
        As in :func:`climb`.
    on_ascent : callable or None
        Called after each stage.

    Returns
    -------
    Tensor
        float32 (N, 3, H, W) in [-1, 1].
    """
    for number in range(len(stages)):
        ascent = climb(climbed_at(stages, number, config.scope), canvases, colours, config, prior, generator)
        canvases = ascent.canvases
        if on_ascent is not None:
            on_ascent(ascent)
    return canvases


def stretched(window: Tensor, factor: float) -> Tensor:
    """Enlarge a window (3, H, W) as the authors' code does, by the nearest neighbour."""
    if factor == 1:
        return window
    size = [round(length * factor) for length in window.shape[1:]]
    return F.interpolate(window[None], size=size, mode="nearest-exact")[0]


def step_colours(directions: Directions, window: Tensor) -> Tensor:
    """Return the factor (3, 3) of the steps: of the colour covariance of a window, or the identity."""
    return torch.eye(3) if directions is Directions.PIXELS else colour_statistics(window)[1]


def canvas_length(length: int, canvas: Canvas) -> int:
    """Return the length of a canvas that holds so many pixels of picture."""
    return length + 2 * MARGIN if canvas is Canvas.EXPANDED else length


def new_optimiser(classifier: Classifier, config: CascadeConfig) -> torch.optim.Optimizer:
    """Return the optimiser of a classifier's weights."""
    if config.optimiser is Optimiser.SGD:
        return torch.optim.SGD(classifier.parameters(), config.classifier_rate)
    betas = (config.classifier_momentum, 0.999)
    return torch.optim.Adam(classifier.parameters(), config.classifier_rate, betas, foreach=False)


def classifier_flops(config: CascadeConfig) -> tuple[float, float]:
    """Count the floating-point operations of a training step of a classifier, and of its forward pass alone."""
    with torch.device("meta"):  # computes nothing and draws nothing from the global random state
        probe = Classifier(config.design)
    crops = torch.empty((config.crops, 3, config.crop_side, config.crop_side), device="meta")
    with FlopCounterMode(display=False) as counter:
        loss, _ = classifier_loss(probe, crops, crops, torch.float32)
        forward = float(counter.get_total_flops())
        loss.backward()  # type: ignore[no-untyped-call]
    return float(counter.get_total_flops()), forward
