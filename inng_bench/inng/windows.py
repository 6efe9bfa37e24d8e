"""Which windows of a canvas a step reads, and the direction that raises their logits.

Where windows overlap, average (paper, practice note 1): whatever windows a step reads, its gradient at a pixel is that
of the windows' sum divided by the number of windows that cover a pixel on average.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.inng.dense import Roll, Weigh, coverage, torus_logits_and_gradient
from inng_bench.inng.frozen import FrozenClassifier, picture_logits
from inng_bench.inng.network import WINDOW_STEP
from inng_bench.inng.whole import logits_and_gradient

PIXELS_TOGETHER = 4 * 256**2
"""On a processor, whose caches the layers of more canvases leave."""


class Windows(Protocol):
    """What a step of the sampler reads."""

    def places(self, canvases: Tensor, steps: int, generator: torch.Generator) -> Tensor:
        """Draw where the windows of each step lie, (steps, ...), so that no image influences another."""

    def read(self, classifier: FrozenClassifier, canvases: Tensor, place: Tensor, images: Tensor) -> "Reading":
        """Return logits (N, windows) and a gradient (N, 3, H, W).

        Parameters
        ----------
        classifier : FrozenClassifier
            C_t.
        canvases : Tensor
            float32 (N, 3, H, W) in [-1, 1].
        place : Tensor
            One step of :meth:`places`.
        images : Tensor
            int64 (N,), which of the canvases that the places were drawn for these are.
        """


Reading = tuple[Tensor, Tensor]
"""Logits (N, windows) and a gradient (N, 3, H, W)."""

DensePass = Callable[[FrozenClassifier, Tensor, Roll, Weigh | None], Reading]


def _in_parts(read: Callable[[Tensor], Reading], canvases: Tensor) -> Reading:
    """Read a few large canvases at a time."""
    together = max(1, PIXELS_TOGETHER // (canvases.shape[2] * canvases.shape[3]))
    if canvases.device.type != "cpu" or together >= len(canvases):
        return read(canvases)
    parts = [read(part) for part in canvases.split(together)]  # type: ignore[no-untyped-call]
    logits, gradient = (torch.cat(column) for column in zip(*parts, strict=True))
    return logits, gradient


@dataclass(frozen=True)
class DenseTorus:
    """Every window of a regular grid on a torus, at a random offset in each step: the mean over all windows.

    Attributes
    ----------
    weigh : callable or None
        See :func:`inng_bench.inng.dense.torus_logits_and_gradient`.
    dense_pass : callable
        That function, or one that gives the same.
    """

    weigh: Weigh | None = None
    dense_pass: DensePass = torus_logits_and_gradient

    def places(self, canvases: Tensor, steps: int, generator: torch.Generator) -> Tensor:
        """Draw an offset of the grid for each step, the same for all images, (steps, 2)."""
        del canvases
        return torch.randint(WINDOW_STEP, (steps, 2), generator=generator)

    def read(self, classifier: FrozenClassifier, canvases: Tensor, place: Tensor, images: Tensor) -> Reading:
        """Read one grid of all canvases."""
        del images
        down, right = place.tolist()
        return _in_parts(lambda part: self.dense_pass(classifier, part, (down, right), self.weigh), canvases)


@dataclass(frozen=True)
class WholePictures:
    """One window, the whole picture of a set.

    Attributes
    ----------
    weigh : callable or None
        Weight of a picture's gradient; None weighs all alike.
    """

    weigh: Weigh | None = None

    def places(self, canvases: Tensor, steps: int, generator: torch.Generator) -> Tensor:
        """Draw nothing, (steps, 0)."""
        del canvases, generator
        return torch.empty((steps, 0), dtype=torch.int64)

    def read(self, classifier: FrozenClassifier, canvases: Tensor, place: Tensor, images: Tensor) -> Reading:
        """Read all pictures."""
        del place, images
        return _in_parts(lambda part: logits_and_gradient(classifier, part, self.weigh), canvases)


@dataclass(frozen=True)
class RandomPatches:
    """Windows at independent random places, differentiated by autograd (authors' code).

    Attributes
    ----------
    side : int
        Of a window in pixels.
    patches : int
        Windows of a step on a canvas of ``area``; larger ones have more.
    area : int
        In pixels.
    weigh : callable or None
        Weight of each window's gradient; None weighs all alike.
    wraps : bool
        Whether windows reach over the border of a canvas to its other side.
    """

    side: int
    patches: int
    area: int
    weigh: Weigh | None = None
    wraps: bool = False

    def places(self, canvases: Tensor, steps: int, generator: torch.Generator) -> Tensor:
        """Draw the corners of all windows, (steps, N, windows, 2)."""
        height, width = canvases.shape[2:]
        shape = (steps, len(canvases), max(1, round(self.patches * height * width / self.area)))
        beyond = 0 if self.wraps else self.side - 1
        return torch.stack(
            [torch.randint(length - beyond, shape, generator=generator) for length in (height, width)], -1
        )

    def read(self, classifier: FrozenClassifier, canvases: Tensor, place: Tensor, images: Tensor) -> Reading:
        """Cut the windows out and differentiate the sum of their logits."""
        corners, side = place[images.to(place.device)], self.side
        with torch.enable_grad():
            whole = canvases.detach().requires_grad_()
            logits = picture_logits(classifier, _cut(whole, corners, side)).reshape(corners.shape[:2])
            weights = torch.ones_like(logits) if self.weigh is None else self.weigh(logits.detach())
            (gradient,) = torch.autograd.grad(logits, whole, weights)
        covering = coverage(corners.shape[1], side, (canvases.shape[2], canvases.shape[3]))
        return logits.detach(), gradient / covering


def evaluation_flops(classifier: FrozenClassifier, windows: Windows, size: tuple[int, int]) -> float:
    """Count the floating-point operations of one gradient evaluation of one canvas."""
    canvas = torch.empty((1, 3, *size), device="meta")
    place = windows.places(canvas, 1, torch.Generator().manual_seed(0))[0]
    with FlopCounterMode(display=False) as counter:
        windows.read(classifier.to_meta(), canvas, place, torch.zeros(1, dtype=torch.int64))
    return float(counter.get_total_flops())


def _cut(canvases: Tensor, corners: Tensor, side: int) -> Tensor:
    """Cut patches (N · P, 3, side, side) at corners (N, P, 2) out of canvases that wrap."""
    corners = corners.to(canvases.device)
    along = torch.arange(side, device=canvases.device)
    rows = (corners[:, :, 0, None] + along) % canvases.shape[2]
    columns = (corners[:, :, 1, None] + along) % canvases.shape[3]
    image = torch.arange(len(canvases), device=canvases.device)[:, None, None, None]
    patches = canvases.permute(0, 2, 3, 1)[image, rows[:, :, :, None], columns[:, :, None, :]]
    return patches.flatten(0, 1).permute(0, 3, 1, 2)
