"""What presets choose between: the parts of the sampler by name.

The paper's own rules stand in :mod:`inng_bench.inng.algorithm`; here are those of the authors' code and of ``fast``.
"""

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.adam import adam

from inng_bench.errors import InputError
from inng_bench.inng.algorithm import at_boundary, langevin, noise
from inng_bench.inng.preconditioner import Preconditioner
from inng_bench.inng.presets import Recipe
from inng_bench.inng.prior import NoisePrior
from inng_bench.inng.state import Climb, MayStop, Sampler, Update
from inng_bench.inng.windows import DenseTorus, RandomPatches, WholePictures, Windows
from inng_bench.pixels import Palette

ADAM_DECAY, ADAM_MOMENTUM, ADAM_EPSILON = 0.999, 0.5, 1e-8


def adam_ascent(climb: Climb, gradient: Tensor, step_size: float, temperature: float) -> Tensor:
    """Return Adam's step at the rate ε plus N(0, ε²T) noise: the authors' update, there without noise."""
    move = noise(climb, (temperature * step_size**2) ** 0.5)
    count = torch.full((), climb.step, dtype=torch.float32, device=move.device)
    adam(
        [move], [gradient], [climb.first], [climb.second], [], [count],
        fused=True, amsgrad=False, beta1=ADAM_MOMENTUM, beta2=ADAM_DECAY,
        lr=step_size, weight_decay=0.0, eps=ADAM_EPSILON, maximize=True,
    )  # fmt: skip
    return move


def image_adam_ascent(climb: Climb, gradient: Tensor, step_size: float, temperature: float) -> Tensor:
    """Return the same with one second moment an image: the gradient keeps its direction and loses its length.

    Where Adam divides pixel by pixel, small gradients of single pixels become as large as all others, as speckle.
    """
    climb.first.lerp_(gradient, 1 - ADAM_MOMENTUM)
    of_image = climb.second[:, :1, :1, :1]
    of_image.lerp_(gradient.square().mean((1, 2, 3), keepdim=True), 1 - ADAM_DECAY)
    second = of_image / (1 - ADAM_DECAY ** (climb.step + 1))
    first = climb.first / (1 - ADAM_MOMENTUM ** (climb.step + 1))
    move = noise(climb, (temperature * step_size**2) ** 0.5)
    return move.add_(first / (second.sqrt() + ADAM_EPSILON), alpha=step_size)


def below_batch_loss(logits: Tensor, threshold: float) -> Tensor:
    """Say of all images together whether their mean cross-entropy to the label +1 is low enough (authors' code)."""
    return (F.softplus(-logits).mean() <= threshold).expand(len(logits))


def saturating(logits: Tensor) -> Tensor:
    """Return d ln σ(f) / d f = σ(-f), the weight of a window where ln q_t(+1|x) is climbed (authors' code)."""
    return torch.sigmoid(-logits)


UPDATES: dict[str, Update] = {"langevin": langevin, "adam": adam_ascent, "image-adam": image_adam_ascent}
STOPS = {"boundary": at_boundary, "batch-loss": below_batch_loss}


def windows_of(recipe: Recipe) -> Windows:
    """Return what a step of a recipe reads."""
    weigh = saturating if recipe.ascended == "log-sigmoid" else None
    if recipe.windows == "dense":
        return DenseTorus(weigh)
    if recipe.windows == "whole":
        return WholePictures(weigh)
    area = recipe.canvas_length(recipe.canvas_side) ** 2
    return RandomPatches(recipe.window, recipe.patches, area, weigh)


def sampler_of(recipe: Recipe, directions: Preconditioner) -> Sampler:
    """Return how the samples of a recipe climb along directions."""
    may_stop: MayStop = partial(STOPS[recipe.stop], threshold=recipe.threshold)
    return Sampler(
        windows=windows_of(recipe),
        update=UPDATES[recipe.update],
        may_stop=may_stop,
        directions=directions,
        final_step_share=recipe.final_step_share,
        temperature=recipe.temperature,
    )


def measured(window: Tensor, recipe: Recipe) -> tuple[NoisePrior, Preconditioner]:
    """Return p0 and the directions of the steps, with what a recipe lets them know of the window.

    Parameters
    ----------
    window : Tensor
        float32 (3, H, W) in [-1, 1], on the CPU; (N, 3, H, W) of several.
    recipe : Recipe
        Its choices.
    """
    palette = Palette.of(window)
    prior = NoisePrior.of(recipe.first_negatives, window)
    if recipe.directions != "pixels" and recipe.first_negatives == "gaussian":
        prior = prior.within(palette)  # the others have the window's colours already
    return prior, Preconditioner.of(recipe.directions, window, palette.factor)


def stretched(window: Tensor, factor: float) -> Tensor:
    """Enlarge windows (..., 3, H, W) as the authors' code does, by the nearest neighbour."""
    if factor == 1:
        return window
    size = [round(length * factor) for length in window.shape[-2:]]
    enlarged = F.interpolate(window.reshape(-1, *window.shape[-3:]), size=size, mode="nearest-exact")
    return enlarged.reshape(*window.shape[:-2], *size)


def crop_side_of(window: Tensor, recipe: Recipe) -> int:
    """Return the side of a training crop: the configured one, or that of a smaller window.

    Raises
    ------
    InputError
        When the picture is smaller than a window of the classifier.
    """
    height, width = window.shape[-2:]
    side, least = min(recipe.crop_side, height, width), recipe.window
    if side < least:
        raise InputError(
            f"a picture of {width}x{height} px is smaller than a window of the classifier, which has {least} px on "
            "each side."
        )
    return side
