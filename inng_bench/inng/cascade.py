"""The algorithm: train C_t, let the samples climb its logit, repeat; synthesis from new noise through C_1..C_T.

p_t(x) = (1/Z_t) · q_t(+1|x)/q_t(-1|x) · p_{t-1}(x), with equal priors, so that ln g_t(x) is the logit of C_t (paper,
section 3). The short cut of the paper is taken: samples of stage t-1 climb ln g_t alone.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.inng.langevin import Ascent, Sampler, ascend
from inng_bench.inng.negatives import PseudoNegatives
from inng_bench.inng.network import Classifier, FrozenClassifier, freeze, logits_and_gradient
from inng_bench.inng.presets import CascadeConfig
from inng_bench.pixels import colour_statistics, coloured_noise, random_crops
from inng_bench.weights import initialised


@dataclass(frozen=True)
class Stage:
    """What one stage did.

    Attributes
    ----------
    number : int
        t, from 1.
    classifier : FrozenClassifier
        C_t.
    losses : tuple[float, ...]
        Cross-entropy of each classifier step.
    ascent : Ascent
        How the chain climbed C_t.
    flops : float
        Counted so far, all stages.
    """

    number: int
    classifier: FrozenClassifier
    losses: tuple[float, ...]
    ascent: Ascent
    flops: float


def train_cascade(
    window: Tensor,
    config: CascadeConfig,
    *,
    budget: float,
    dtype: torch.dtype,
    generator: torch.Generator,
    on_stage: Callable[[Stage], None],
) -> tuple[FrozenClassifier, ...]:
    """Train classifiers until the budget is spent.

    Parameters
    ----------
    window : Tensor
        float32 (3, H, W) in [-1, 1], on the device that computes.
    config : CascadeConfig
        Every choice.
    budget : float
        Counted floating-point operations; the last stage is the one that would end nearest to it.
    dtype : torch.dtype
        Of the convolutions.
    generator : torch.Generator
        On the CPU, the only source of randomness.
    on_stage : callable
        Called after each stage.

    Returns
    -------
    tuple[FrozenClassifier, ...]
        C_1..C_T.
    """
    device, side = window.device, config.canvas_side
    classifier = initialised(lambda: Classifier(config.filters, config.norm_momentum), generator)
    classifier.to(device).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(
        classifier.parameters(), config.classifier_rate, (config.classifier_momentum, 0.999), foreach=False
    )
    negatives = PseudoNegatives(config.history_stages, config.history_decay)
    mean, colours = colour_statistics(window.cpu())
    canvases = coloured_noise(mean, colours, config.canvases, (side, side), generator).to(device)
    negatives.append(canvases)
    step_flops = classifier_step_flops(config)
    stages: list[FrozenClassifier] = []
    flops = last = 0.0
    while len(stages) < config.max_stages and flops + last / 2 < budget:
        losses = train_classifier(classifier, optimiser, window, negatives, config, dtype, generator)
        frozen = freeze(classifier, dtype)
        ascent = climb(frozen, canvases, colours.to(device), config.sampler(), generator)
        canvases = ascent.canvases
        negatives.append(canvases)
        stages.append(frozen)
        last = len(losses) * step_flops + ascent.evaluations * gradient_flops(frozen, (side, side))
        flops += last
        on_stage(Stage(len(stages), frozen, losses, ascent, flops))
    return tuple(stages)


def train_classifier(
    classifier: Classifier,
    optimiser: torch.optim.Optimizer,
    window: Tensor,
    negatives: PseudoNegatives,
    config: CascadeConfig,
    dtype: torch.dtype,
    generator: torch.Generator,
) -> tuple[float, ...]:
    """Train C_t to tell real windows from equally many pseudo-negative ones; return the loss of each step."""
    classifier.train()
    losses = []
    side = min(config.crop_side, *window.shape[1:])
    for _ in range(config.classifier_steps):
        real = random_crops(window, config.crops, side, generator)
        fake = negatives.draw(config.crops, side, generator)
        loss = classifier_loss(classifier, real, fake, dtype)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
        if losses[-1] < config.loss_target and len(losses) >= config.classifier_least_steps:
            break
    return tuple(losses)


def classifier_loss(classifier: Classifier, real: Tensor, fake: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the mean cross-entropy over the windows of real crops (+1) and pseudo-negative crops (-1).

    Both have the same number, which is the assumption of equal priors behind ln g_t = logit.
    """
    pictures = torch.cat([real, fake]).contiguous(memory_format=torch.channels_last)
    lowered = nullcontext() if dtype is torch.float32 else torch.autocast(pictures.device.type, dtype=dtype)
    with lowered:
        logits = classifier(pictures).float()
    targets = torch.zeros_like(logits)
    targets[: len(real)] = 1
    return F.binary_cross_entropy_with_logits(logits, targets)


def climb(
    classifier: FrozenClassifier, canvases: Tensor, colours: Tensor, sampler: Sampler, generator: torch.Generator
) -> Ascent:
    """Let toroidal canvases climb ln g_t until each reaches the boundary of C_t."""
    with torch.no_grad():
        return ascend(partial(logits_and_gradient, classifier), canvases, colours, sampler, generator)


def synthesise(
    stages: Sequence[FrozenClassifier],
    noise: Tensor,
    colours: Tensor,
    sampler: Sampler,
    generator: torch.Generator,
    on_stage: Callable[[Ascent], None] | None = None,
) -> Tensor:
    """Draw pictures: new noise goes through C_1..C_T, at each until its boundary.

    Parameters
    ----------
    stages : Sequence[FrozenClassifier]
        C_1..C_T.
    noise : Tensor
        Samples of p0, float32 (N, 3, H, W) in [-1, 1], H and W multiples of 16.
    colours : Tensor
        (3, 3), the factor of the texture's colour covariance.
    sampler : Sampler
        As in training.
    generator : torch.Generator
        On the CPU.
    on_stage : callable or None
        Called after each stage.

    Returns
    -------
    Tensor
        float32 (N, 3, H, W) in [-1, 1], toroidal.
    """
    canvases = noise
    for classifier in stages:
        ascent = climb(classifier, canvases, colours, sampler, generator)
        canvases = ascent.canvases
        if on_stage is not None:
            on_stage(ascent)
    return canvases


def gradient_flops(classifier: FrozenClassifier, size: tuple[int, int]) -> float:
    """Count the floating-point operations of one gradient evaluation of one canvas."""
    meta = FrozenClassifier.build(
        [weight.to("meta") for weight in classifier.weights], [bias.to("meta") for bias in classifier.biases]
    )
    with FlopCounterMode(display=False) as counter:
        logits_and_gradient(meta, torch.empty((1, 3, *size), device="meta"))
    return float(counter.get_total_flops())


def classifier_step_flops(config: CascadeConfig) -> float:
    """Count the floating-point operations of one training step of a classifier."""
    with torch.device("meta"):  # computes nothing and draws nothing from the global random state
        probe = Classifier(config.filters)
    crops = torch.empty((config.crops, 3, config.crop_side, config.crop_side), device="meta")
    with FlopCounterMode(display=False) as counter:
        classifier_loss(probe, crops, crops, torch.float32).backward()  # type: ignore[no-untyped-call]
    return float(counter.get_total_flops())
