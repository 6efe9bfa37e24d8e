"""The algorithm: train C_t, let the samples climb its logit, repeat.

p_t(x) = (1/Z_t) · q_t(+1|x)/q_t(-1|x) · p_{t-1}(x), with equal priors, so that ln g_t(x) is the logit of C_t (paper,
section 3). Unless the configuration says otherwise the short cut of the paper is taken: samples of stage t-1 climb
ln g_t alone.

The variants are the authors' switch ``collapse_every_n``: of every b classifiers only the last is kept. While the b are
trained, samples begin at those of the last kept one each time, with more steps each time, since the kept classifier
will have to lead them all the way alone. With b = 1 this is the cascade; a single classifier (b = 0) begins at new
noise each time.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from inng_bench.contract import NO_CHECKPOINT, Checkpoint, Snapshot
from inng_bench.errors import InputError
from inng_bench.inng.choices import Directions, FirstNegatives, Normalisation, Start, Stop
from inng_bench.inng.costs import classifier_flops
from inng_bench.inng.field import evaluation_flops
from inng_bench.inng.frozen import freeze, picture_logits, recalibrate
from inng_bench.inng.langevin import Ascent, Sampler
from inng_bench.inng.learning import classifier_loss, new_optimiser
from inng_bench.inng.negatives import PseudoNegatives
from inng_bench.inng.network import new_classifier
from inng_bench.inng.preconditioner import Preconditioner
from inng_bench.inng.presets import CascadeConfig, canvas_length
from inng_bench.inng.prior import NoisePrior
from inng_bench.inng.synthesis import Dynamics, Stage, climb, climbed_at, restore_stage, synthesise
from inng_bench.pixels import Palette, random_crops
from inng_bench.resume import (
    Part,
    adam_tensors,
    joined,
    required,
    required_like,
    restore_adam,
    restore_generator,
    restore_module,
)

_COUNTERS = ("rounds", "since_kept", "stalled", "flops", "last_cost")

CHANCE = math.log(2)
"""Cross-entropy of a classifier that cannot tell real windows from pseudo-negative ones."""

REAL_CROPS = 64
"""Real crops of which the stop rule ``real-quantile`` takes its quantile."""


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
    """

    number: int
    losses: tuple[float, ...]
    energy_gap: float
    ascent: Ascent
    flops: float


@dataclass
class Round:
    """How far a round has come.

    Attributes
    ----------
    flops_before : float
        Counted before it.
    noise_level : float
        Of the crops that its classifier sees.
    losses : list[float]
        Cross-entropy of each classifier step so far.
    energy_gap : float
        E(negative) - E(real) of the last step.
    threshold : float or None
        Where its samples stop; None while the classifier learns.
    is_fresh : bool
        Whether the fresh canvases, if there are any, have come as far as the others.
    """

    flops_before: float
    noise_level: float
    losses: list[float] = field(default_factory=list)
    energy_gap: float = 0.0
    threshold: float | None = None
    is_fresh: bool = False


class CascadeTraining:
    """A training between two rounds, or within one.

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
        self._crop_side = crop_side_of(self._window, config)
        self.palette = Palette.of(self._window.cpu())
        self.prior = NoisePrior.of(config.first_negatives, self._window.cpu())
        if config.directions is not Directions.PIXELS and config.first_negatives is FirstNegatives.GAUSSIAN:
            self.prior = self.prior.within(self.palette)  # the others have the window's colours already
        self.preconditioner = Preconditioner.of(config.directions, self._window.cpu(), self.palette.factor)
        self.negatives = PseudoNegatives(config.history_stages, config.history_decay, config.canvas)
        self._start_classifier()
        side = canvas_length(config.canvas_side, config.canvas)
        self.canvases = self.prior.draw(config.canvases, (side, side), generator).to(window.device)
        self.negatives.append(self.canvases)
        self.base = self.canvases  # where the rounds since the last kept classifier begin
        self.kept: list[Stage] = []
        self._newest: Stage | None = None
        self.rounds, self.since_kept, self.flops, self.last_cost = 0, 0, 0.0, 0.0
        self.stalled = 0  # rounds in a row, up to the last, that made no progress
        self.missed: list[int] = []  # rounds in which an image ran out of steps
        self.current: Round | None = None
        self._begun: Snapshot | None = None  # of the ascent at which a training goes on
        self._step_flops, self._pass_flops = classifier_flops(config, self._crop_side)
        self._evaluation_flops = 0.0

    @property
    def dynamics(self) -> Dynamics:
        """How its samples move."""
        return Dynamics(self.config, self.preconditioner, self.prior)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """C_1..C_T: those that are kept and, if rounds followed the last of them, the newest."""
        return tuple(self.kept) if self.since_kept == 0 or self._newest is None else (*self.kept, self._newest)

    def round(self, progress: float = 0.0, checkpoint: Checkpoint = NO_CHECKPOINT) -> StageReport:
        """Train a classifier and let the samples climb it, from wherever a round has been left.

        Parameters
        ----------
        progress : float
            Share of the budget that is spent, in [0, 1].
        checkpoint : Checkpoint
            Is offered snapshots between the steps of the classifier and of the sampler.
        """
        if self.current is None:
            self.current = self._begin(progress)
        now, config = self.current, self.config
        if now.threshold is None:
            self._train_classifier(now, checkpoint)
            now.threshold = self._threshold()
        stage = Stage(freeze(self.classifier, self._dtype), self._sampler(now.threshold))
        if not now.is_fresh:
            self.base = self._with_fresh(self.base, checkpoint)
            now.is_fresh = True
        climbed = climbed_at((*self.kept, stage), len(self.kept), config.scope)
        ascent = climb(
            climbed,
            self.base,
            self.dynamics,
            self._generator,
            self._part("ascent", checkpoint),
        )
        if not bool(ascent.logits.isfinite().all()):
            raise FloatingPointError(
                f"round {self.rounds + 1}: the logits are not finite; lower classifier_rate or step_size"
            )
        return self._end(now, stage, ascent)

    def _begin(self, progress: float) -> Round:
        if self.config.classifier_start is Start.NEW and self.rounds > 0:
            self._start_classifier()
        return Round(self.flops, self.config.data_noise * self.config.final_data_noise_share**progress)

    def _end(self, now: Round, stage: Stage, ascent: Ascent) -> StageReport:
        self.canvases = ascent.canvases
        self.negatives.append(self.canvases)
        self._keep(stage)
        self.flops += len(now.losses) * self._step_flops
        self._count(ascent)
        self.last_cost = self.flops - now.flops_before
        self.rounds += 1
        if not bool(ascent.reached.all()):
            self.missed.append(self.rounds)
        self.stalled = 0 if makes_progress(now.losses, ascent) else self.stalled + 1
        self.current = None
        return StageReport(self.rounds, tuple(now.losses), now.energy_gap, ascent, self.flops)

    def has_spent(self, budget: float) -> bool:
        """Say whether another round would end farther from the budget than the last one did."""
        return self.flops + self.last_cost / 2 >= budget

    def snapshot(self) -> Snapshot:
        """Return all that a training needs to go on, but for what an ascent adds that has begun."""
        kept = [stage.classifier.state() for stage in self.stages]
        tensors = joined(
            classifier=self.classifier.state_dict(),
            optimiser=adam_tensors(self.optimiser) if isinstance(self.optimiser, torch.optim.Adam) else {},
            negatives=self.negatives.state(),
            **{f"stage.{number:04d}": state for number, state in enumerate(kept)},
        )
        tensors |= {"canvases": self.canvases, "base": self.base, "random": self._generator.get_state()}
        counters = {name: getattr(self, name) for name in _COUNTERS}
        samplers = [[stage.sampler.max_steps, stage.sampler.threshold] for stage in self.stages]
        values = {"samplers": samplers, "missed": list(self.missed), "history": len(self.negatives)}
        values["round"] = None if self.current is None else asdict(self.current)
        return Snapshot(tensors, counters | values)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot` of a training of the same window, configuration and seed.

        Raises
        ------
        InputError
            When a part is missing or of another shape.
        """
        restore_module(self.classifier, snapshot, "classifier")
        if isinstance(self.optimiser, torch.optim.Adam):
            restore_adam(self.optimiser, snapshot, "optimiser")
        for name in _COUNTERS:
            setattr(self, name, required(snapshot.values, name))
        self.missed = list(required(snapshot.values, "missed"))
        device = self._window.device
        self.canvases, self.base = (
            required_like(self.canvases, snapshot, name).to(device) for name in ("canvases", "base")
        )
        history = range(required(snapshot.values, "history"))
        self.negatives.restore([required(snapshot.tensors, f"negatives.{age:04d}").to(device) for age in history])
        stages = [
            restore_stage(snapshot.tensors, f"stage.{number:04d}", self.config, sampler, device, self._dtype)
            for number, sampler in enumerate(required(snapshot.values, "samplers"))
        ]
        self.kept, self._newest = stages, stages[-1] if stages else None
        if self.since_kept > 0:
            self.kept.pop()
        restore_generator(self._generator, snapshot, "random")
        current = required(snapshot.values, "round")
        self.current, self._begun = None if current is None else Round(**current), snapshot

    def _part(self, name: str, checkpoint: Checkpoint) -> Part:
        """Return the checkpoint of an ascent; the first one of a restored training goes on where it was left."""
        begun, self._begun = self._begun, None
        return Part(checkpoint, name, self.snapshot, begun)

    def _keep(self, stage: Stage) -> None:
        self._newest = stage
        self.since_kept += 1
        if self.since_kept == self.config.keep_every:
            self.kept.append(stage)
            self.base, self.since_kept = self.canvases, 0
        elif self.config.keep_every == 0:
            size = (self.base.shape[2], self.base.shape[3])
            self.base = self.prior.draw(len(self.base), size, self._generator).to(self.base.device)

    def _sampler(self, threshold: float) -> Sampler:
        """Return the sampler of this round, with as many times the steps as rounds share its start."""
        sampler = self.config.sampler()
        return replace(sampler, max_steps=sampler.max_steps * (self.since_kept + 1), threshold=threshold)

    def _threshold(self) -> float:
        """Return where samples stop; of the rule ``real-quantile`` the logit that a share of the real crops has."""
        config = self.config
        if config.stop is not Stop.REAL_QUANTILE:
            return config.threshold
        crops = random_crops(self._window, REAL_CROPS, self._crop_side, self._generator)
        with torch.no_grad():
            logits = picture_logits(freeze(self.classifier, self._dtype), crops).float().mean((1, 2))
        self.flops += REAL_CROPS / (2 * config.crops) * self._pass_flops
        return float(torch.quantile(logits, config.threshold))

    def _with_fresh(self, canvases: Tensor, checkpoint: Checkpoint) -> Tensor:
        """Put canvases that come from new noise through C_1..C_{t-1} in the place of the first, and move all up."""
        count = fresh_count(self.config.fresh_share, len(canvases))
        if count == 0:
            return canvases
        noise = self.prior.draw(count, (canvases.shape[2], canvases.shape[3]), self._generator).to(canvases.device)
        fresh = synthesise(
            self.kept,
            noise,
            self.dynamics,
            self._generator,
            on_ascent=self._count,
            checkpoint=self._part("fresh", checkpoint),
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

    def _train_classifier(self, now: Round, checkpoint: Checkpoint) -> None:
        """Train C_t to tell real windows from as many pseudo-negative ones."""
        config = self.config
        self.classifier.train()
        while not self._has_learnt(now):
            loss, now.energy_gap = self._classifier_step(now.noise_level)
            now.losses.append(loss)
            checkpoint.offer(self.snapshot)
        if config.normalisation is Normalisation.RECALIBRATED:
            batches = [torch.cat(self._draw(now.noise_level)) for _ in range(config.norm_batches)]
            recalibrate(self.classifier, batches, self._dtype)
            self.flops += config.norm_batches * self._pass_flops

    def _has_learnt(self, now: Round) -> bool:
        steps, config = len(now.losses), self.config
        looks = steps >= config.classifier_least_steps and steps % config.loss_check_steps == 0
        return (looks and self._loss_to_check(now) < config.loss_target) or steps >= config.classifier_steps

    def _classifier_step(self, noise_level: float) -> tuple[float, float]:
        """Move the weights once; return the loss and E(negative) - E(real)."""
        real, fake = self._draw(noise_level)
        loss, logits = classifier_loss(self.classifier, real, fake, self._dtype)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        real_logits, fake_logits = logits.detach().split(len(real))  # type: ignore[no-untyped-call]
        value = loss.item()
        if value != value:
            raise FloatingPointError("the classifier's loss is not a number; lower classifier_rate")
        return value, float(real_logits.mean() - fake_logits.mean())

    def _draw(self, noise_level: float) -> tuple[Tensor, Tensor]:
        """Return real and pseudo-negative crops, equally many: the assumption of equal priors behind ln g_t = logit."""
        config = self.config
        real = random_crops(self._window, config.crops, self._crop_side, self._generator)
        fake = self.negatives.draw(config.crops, self._crop_side, self._generator)
        return self._with_data_noise(real, noise_level), self._with_data_noise(fake, noise_level)

    def _with_data_noise(self, crops: Tensor, level: float) -> Tensor:
        """Blur the difference between real and pseudo-negative crops, which a classifier would soon know by heart."""
        if level == 0:
            return crops
        white = torch.randn(crops.shape, generator=self._generator).to(crops.device)
        return crops + level * torch.einsum("ij,njhw->nihw", self.palette.factor.to(crops), white)

    def _loss_to_check(self, now: Round) -> float:
        """Return the loss that decides whether the training may end."""
        count = self.config.loss_check_batches
        if count == 0:
            return now.losses[-1]
        self.classifier.eval()
        with torch.no_grad():
            batches = (self._draw(now.noise_level) for _ in range(count))
            losses = [float(classifier_loss(self.classifier, *batch, self._dtype)[0]) for batch in batches]
        self.classifier.train()
        self.flops += count * self._pass_flops
        return sum(losses) / count


def train_cascade(
    training: CascadeTraining,
    *,
    budget: float,
    on_round: Callable[[StageReport], None],
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> None:
    """Go on with a training until its budget is spent.

    Parameters
    ----------
    training : CascadeTraining
        New or restored.
    budget : float
        Counted floating-point operations of the whole training; the last round is the one that would end nearest to
        it, or the last of as many without progress as the configuration allows.
    on_round : callable
        Called after each round.
    checkpoint : Checkpoint
        Is offered snapshots within the rounds and, once ``on_round`` has heard, between them.
    """
    config = training.config
    while training.current is not None or (training.rounds < config.max_stages and not training.has_spent(budget)):
        if training.current is None and 0 < config.no_progress_stages <= training.stalled:
            break
        on_round(training.round(min(1.0, training.flops / budget), checkpoint))
        checkpoint.offer(training.snapshot)


def fresh_count(share: float, canvases: int) -> int:
    """Return how many canvases a share of them is, rounded up."""
    return math.ceil(round(share * canvases, 9))  # 0.14 · 100 is a little more than 14


def makes_progress(losses: Sequence[float], ascent: Ascent) -> bool:
    """Say whether a round can have brought the model nearer to the texture.

    The Kullback-Leibler distance falls as long as the classifier beats chance (Tu 2007, the paper's section 3), here
    over the last quarter of its steps, and the samples follow if at least one of them meets the stop rule.
    """
    last = losses[-max(1, len(losses) // 4) :]
    return math.fsum(last) / len(last) < CHANCE and bool(ascent.reached.any())


def crop_side_of(window: Tensor, config: CascadeConfig) -> int:
    """Return the side of a training crop: the configured one, or that of a smaller window.

    Raises
    ------
    InputError
        When the picture is smaller than a window of the classifier.
    """
    height, width = window.shape[1:]
    side, least = min(config.crop_side, height, width), config.design.geometry.window
    if side < least:
        raise InputError(
            f"a picture of {width}x{height} px is smaller than a window of the classifier, {least} px a side."
        )
    return side


def stretched(window: Tensor, factor: float) -> Tensor:
    """Enlarge a window (3, H, W) as the authors' code does, by the nearest neighbour."""
    if factor == 1:
        return window
    size = [round(length * factor) for length in window.shape[1:]]
    return F.interpolate(window[None], size=size, mode="nearest-exact")[0]
