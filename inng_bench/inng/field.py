"""What a step of the sampler sees of a canvas: logits of its windows, and the direction that raises them.

Where windows overlap, average (paper, practice note 1): whatever windows a step evaluates, its gradient at a pixel is
that of the windows' sum divided by the number of windows that cover a pixel on average.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.inng.choices import Ascended, Canvas, Overlap
from inng_bench.inng.frozen import (
    FrozenClassifier,
    Roll,
    ascent_weights,
    coverage,
    picture_logits,
    torus_logits_and_gradient,
)
from inng_bench.inng.network import LAYERS, STRIDE, WINDOW_STEP

Field = Callable[[Tensor, int, Tensor], tuple[Tensor, Tensor]]
"""Maps canvases (N, 3, H, W), the number of a step and the numbers of the images among those that the ascent began
with, to logits (N, windows) and a gradient (N, 3, H, W)."""

PIXELS_TOGETHER = 4 * 256**2
"""On a processor, whose caches the layers of more canvases leave."""

PriorGradient = Callable[[Tensor], Tensor]
"""Maps canvases to the gradient of ln p0."""


@dataclass(frozen=True)
class Reading:
    """How a step reads a canvas.

    Attributes
    ----------
    overlap, canvas, ascended
        See :mod:`inng_bench.inng.choices`.
    patches : int
        Number of windows of a step where they lie at random, on a canvas of ``patch_area``; larger ones have more.
    patch_area : int
        In pixels.
    """

    overlap: Overlap = Overlap.DENSE
    canvas: Canvas = Canvas.TORUS
    ascended: Ascended = Ascended.LOGIT
    patches: int = 10
    patch_area: int = 320**2


def make_field(
    classifiers: Sequence[FrozenClassifier],
    prior: PriorGradient | None,
    reading: Reading,
    canvases: Tensor,
    steps: int,
    generator: torch.Generator,
) -> Field:
    """Return the field of one ascent.

    The places of all windows are drawn here, in advance, so that no image of a batch influences another.

    Parameters
    ----------
    classifiers : Sequence[FrozenClassifier]
        Those whose logits are climbed together; the logits of the last one are returned.
    prior : PriorGradient or None
        Gradient of ln p0 that is added; None adds nothing.
    reading : Reading
        How canvases are read.
    canvases : Tensor
        float32 (N, 3, H, W), those that the ascent begins with.
    steps : int
        How often the field will be asked at the most.
    generator : torch.Generator
        On the CPU.
    """
    places = _draw_places(reading, classifiers[-1], canvases, steps, generator)
    evaluate = _EVALUATIONS[reading.overlap, reading.canvas]

    def field(current: Tensor, step: int, images: Tensor) -> tuple[Tensor, Tensor]:
        here = places[step] if places.ndim == 2 else places[step, images.to(places.device)]
        logits, gradient = evaluate(classifiers[-1], current, here, reading.ascended)
        for classifier in classifiers[:-1]:
            gradient = gradient + evaluate(classifier, current, here, reading.ascended)[1]
        return logits, gradient if prior is None else gradient + prior(current)

    return field


def evaluation_flops(classifier: FrozenClassifier, reading: Reading, size: tuple[int, int]) -> float:
    """Count the floating-point operations of one gradient evaluation of one canvas by one classifier.

    On an expanded canvas the offset of the grid decides how much of the canvas is read: there it is the mean over all.
    """
    if (reading.overlap, reading.canvas) == (Overlap.DENSE, Canvas.EXPANDED):
        return _mean_flops_over_offsets(classifier, size)
    canvas = torch.empty((1, 3, *size), device="meta")
    field = make_field([classifier.to_meta()], None, reading, canvas, 1, torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter:
        field(canvas, 0, torch.zeros(1, dtype=torch.int64))
    return float(counter.get_total_flops())


def _mean_flops_over_offsets(classifier: FrozenClassifier, size: tuple[int, int]) -> float:
    """Return the mean operations of a dense pass and its gradient: offsets along both axes are independent."""
    rows, columns = (_mean_lengths(length, [weight.shape[-1] for weight in classifier.weights]) for length in size)
    per_place = (2 * weight.numel() for weight in classifier.weights)  # as many again for the gradient of its input
    return sum(2 * cost * row * column for cost, row, column in zip(per_place, rows, columns, strict=True))


def _mean_lengths(length: int, kernels: Sequence[int]) -> list[float]:
    """Return the length of each layer's output, the head's the last, on average over the offsets of the grid."""
    totals = [0.0] * len(kernels)
    for offset in range(WINDOW_STEP):
        left = length - offset
        for layer, kernel in enumerate(kernels):
            left = (left - kernel) // (STRIDE if layer < LAYERS else 1) + 1
            totals[layer] += left / WINDOW_STEP
    return totals


def _draw_places(
    reading: Reading, classifier: FrozenClassifier, canvases: Tensor, steps: int, generator: torch.Generator
) -> Tensor:
    """Return offsets of the grid (steps, 2), the same for all images, or corners (steps, N, patches, 2)."""
    if reading.overlap is Overlap.DENSE:
        return torch.randint(WINDOW_STEP, (steps, 2), generator=generator)
    beyond = 0 if reading.canvas is Canvas.TORUS else classifier.geometry.window - 1
    area = canvases.shape[2] * canvases.shape[3]
    shape = (steps, len(canvases), max(1, round(reading.patches * area / reading.patch_area)))
    corners = [torch.randint(length - beyond, shape, generator=generator) for length in canvases.shape[2:]]
    return torch.stack(corners, -1)


def dense_torus(
    classifier: FrozenClassifier,
    canvases: Tensor,
    roll: Tensor,
    ascended: Ascended,
    evaluate: Callable[[FrozenClassifier, Tensor, Ascended, Roll], tuple[Tensor, Tensor]] = torus_logits_and_gradient,
) -> tuple[Tensor, Tensor]:
    """Evaluate every window of the regular grid that a roll of the canvases gives, a few large canvases at a time."""
    down, right = roll.tolist()
    together = max(1, PIXELS_TOGETHER // (canvases.shape[2] * canvases.shape[3]))
    if canvases.device.type != "cpu" or together >= len(canvases):
        return evaluate(classifier, canvases, ascended, (down, right))
    parts = [evaluate(classifier, part, ascended, (down, right)) for part in canvases.split(together)]  # type: ignore[no-untyped-call]
    logits, gradient = (torch.cat(column) for column in zip(*parts, strict=True))
    return logits, gradient


def _dense_expanded(
    classifier: FrozenClassifier, canvases: Tensor, offset: Tensor, ascended: Ascended
) -> tuple[Tensor, Tensor]:
    top, left = offset.tolist()
    covering = classifier.geometry.window**2 / WINDOW_STEP**2  # of the inside; a margin is covered less
    return _by_autograd(
        canvases, ascended, lambda whole: picture_logits(classifier, whole[:, :, top:, left:]), covering
    )


def _random_patches(
    classifier: FrozenClassifier, canvases: Tensor, corners: Tensor, ascended: Ascended
) -> tuple[Tensor, Tensor]:
    side = classifier.geometry.window

    def logits(whole: Tensor) -> Tensor:
        return picture_logits(classifier, _cut(whole, corners, side)).reshape(corners.shape[:2])

    covering = coverage(corners.shape[1], side, (canvases.shape[2], canvases.shape[3]))
    return _by_autograd(canvases, ascended, logits, covering)


def _cut(canvases: Tensor, corners: Tensor, side: int) -> Tensor:
    """Cut patches (N · P, 3, side, side) at corners (N, P, 2) out of canvases that wrap."""
    corners = corners.to(canvases.device)
    along = torch.arange(side, device=canvases.device)
    rows = (corners[:, :, 0, None] + along) % canvases.shape[2]
    columns = (corners[:, :, 1, None] + along) % canvases.shape[3]
    image = torch.arange(len(canvases), device=canvases.device)[:, None, None, None]
    patches = canvases.permute(0, 2, 3, 1)[image, rows[:, :, :, None], columns[:, :, None, :]]
    return patches.flatten(0, 1).permute(0, 3, 1, 2)


def _by_autograd(
    canvases: Tensor, ascended: Ascended, evaluate: Callable[[Tensor], Tensor], covering: float
) -> tuple[Tensor, Tensor]:
    """Differentiate the windows' objective; the authors' way, where no closed form saves the graph."""
    with torch.enable_grad():
        whole = canvases.detach().requires_grad_()
        logits = evaluate(whole).flatten(1)
        weights = ascent_weights(logits.detach(), ascended)
        (gradient,) = torch.autograd.grad(logits, whole, weights)
    return logits.detach(), gradient / covering


_Evaluation = Callable[[FrozenClassifier, Tensor, Tensor, Ascended], tuple[Tensor, Tensor]]

_EVALUATIONS: dict[tuple[Overlap, Canvas], _Evaluation] = {
    (Overlap.DENSE, Canvas.TORUS): dense_torus,
    (Overlap.DENSE, Canvas.EXPANDED): _dense_expanded,
    (Overlap.RANDOM_PATCHES, Canvas.TORUS): _random_patches,
    (Overlap.RANDOM_PATCHES, Canvas.EXPANDED): _random_patches,
}
