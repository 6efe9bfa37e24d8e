"""One classifier C_t in training: a convolutional patch discriminator, one logit per window."""

from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inng_bench.weights import initialised

STRIDE, LAYERS = 2, 4
LEAK = 0.2
WINDOW_STEP: int = STRIDE**LAYERS
"""Pixels between neighbouring windows of one dense pass: 16."""

LARGEST_HEAD = 7
"""Largest side in pixels of what the head of a network of whole pictures reads: 4 of 8, 32 and 64 px, 7 of 28."""

Architecture = Literal["unpadded", "padded"]
"""``unpadded``: 4×4 convolutions of stride 2, so that one dense pass is the mean over the windows of its grid;
``padded``: 5×5 zero-padded ones, the DCGAN discriminator of the authors' code."""

Output = Literal["logit", "softmax"]
"""One logit (paper), or two classes (authors' code), whose difference is ln q(+1|x)/q(-1|x)."""


@dataclass(frozen=True)
class Geometry:
    """Sizes of an architecture.

    Attributes
    ----------
    kernel : int
        Side of the four strided convolutions.
    before, after : int
        Zeros that each of them reads before and behind its input.
    head : int
        Side of the last convolution, which gives the logit.
    """

    kernel: int
    before: int
    after: int
    head: int

    @property
    def window(self) -> int:
        """Side in pixels of a picture that has one logit."""
        side = self.head
        for _ in range(LAYERS):
            side = (side - 1) * STRIDE + self.kernel - self.before - self.after
        return side


GEOMETRIES: dict[Architecture, Geometry] = {
    "unpadded": Geometry(kernel=4, before=0, after=0, head=2),
    # TensorFlow's "SAME" for a 5×5 convolution of stride 2 pads one row before and two behind.
    "padded": Geometry(kernel=5, before=1, after=2, head=4),
}


@dataclass(frozen=True)
class Design:
    """What a classifier is made of.

    Attributes
    ----------
    filters : int
        Channels of the first layer; each following layer has twice as many.
    architecture : str
        See :data:`Architecture`.
    output : str
        See :data:`Output`.
    balanced : bool
        Whether :func:`balance` is applied after each step.
    side : int or None
        Of whole pictures that a padded network is sized for: it halves them until at most 7 px are left, which the head
        reads at once. None is the published network, of one window.
    """

    filters: int
    architecture: Architecture = "unpadded"
    output: Output = "logit"
    balanced: bool = False
    side: int | None = None

    @property
    def geometry(self) -> Geometry:
        """Sizes of the architecture."""
        return GEOMETRIES[self.architecture]

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the picture and of each layer's output."""
        return 3, *(self.filters * 2**layer for layer in range(len(self.sides)))

    @property
    def sides(self) -> tuple[int, ...]:
        """Side in pixels of each layer's output, of one window or of a whole picture."""
        geometry = self.geometry
        sides: list[int] = []
        side = geometry.window if self.side is None else self.side
        while len(sides) < LAYERS if self.side is None else side > LARGEST_HEAD:
            side = (side + geometry.before + geometry.after - geometry.kernel) // STRIDE + 1
            sides.append(side)
        return tuple(sides)


class Classifier(nn.Module):
    """C_t in training: strided convolutions, batch normalisation on all but the first, a linear head.

    Parameters
    ----------
    design : Design
        What it is made of.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        geometry, channels = design.geometry, design.channels
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, geometry.kernel, STRIDE, bias=layer == 0)
            for layer, (before, after) in enumerate(pairwise(channels))
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(after) for after in channels[2:])
        self.head = nn.Conv2d(channels[-1], 2 if design.output == "softmax" else 1, design.sides[-1])

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logit of every window, (N, 1, rows, columns), of pictures (N, 3, H, W) in [-1, 1]."""
        hidden = F.leaky_relu(self.convolutions[0](self._pad(pictures)), LEAK)
        for convolution, norm in zip(self.convolutions[1:], self.norms, strict=True):
            hidden = F.leaky_relu(norm(convolution(self._pad(hidden))), LEAK)
        outputs: Tensor = self.head(hidden)
        # The cross-entropy of a softmax over two classes is that of a sigmoid on their difference.
        return outputs if outputs.shape[1] == 1 else outputs[:, 1:] - outputs[:, :1]

    def _pad(self, hidden: Tensor) -> Tensor:
        before, after = self.design.geometry.before, self.design.geometry.after
        return F.pad(hidden, (before, after, before, after)) if before or after else hidden


def new_classifier(design: Design, generator: torch.Generator) -> Classifier:
    """Return a classifier with DCGAN's random weights, drawn from a generator on the CPU."""
    classifier = initialised(lambda: Classifier(design), generator)
    balance(classifier)
    return classifier


def balance(classifier: Classifier) -> None:
    """Give the four phases of the stride equal sums in every kernel, if the design asks for it.

    A constant gradient behind a strided convolution then is a constant one before it. Without this each layer draws the
    grid of its stride into the picture, as speckle of 2, 4, 8 and 16 px.
    """
    if not classifier.design.balanced:
        return
    with torch.no_grad():
        for convolution in classifier.convolutions:
            assert isinstance(convolution, nn.Conv2d)
            weight = convolution.weight
            taps = weight.shape[-1] // STRIDE
            phases = weight.view(*weight.shape[:2], taps, STRIDE, taps, STRIDE)
            sums = phases.sum((2, 4), keepdim=True)
            phases -= (sums - sums.mean((3, 5), keepdim=True)) / taps**2


def evaluate(classifier: nn.Module, pictures: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the logit of every window, float32 (N, 1, rows, columns), with convolutions in a data type."""
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    lowered = nullcontext() if dtype is torch.float32 else torch.autocast(pictures.device.type, dtype=dtype)
    with lowered:
        logits: Tensor = classifier(pictures)
    return logits.float()


def cross_entropy(
    classifier: nn.Module, real: Tensor, negatives: Tensor, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """Return the mean of -ln q(y|x) over the windows of real (+1) and pseudo-negative (-1) crops, and all logits."""
    logits = evaluate(classifier, torch.cat([real, negatives]), dtype)
    targets = torch.zeros_like(logits)
    targets[: len(real)] = 1
    return F.binary_cross_entropy_with_logits(logits, targets), logits


def recalibrate(classifier: Classifier, batches: list[Tensor], dtype: torch.dtype) -> None:
    """Replace the running statistics by averages over batches, evaluated with the present weights.

    Running averages lag behind weights that still move, by several logits after a short stage, which shifts the
    decision boundary that the sampler stops at.

    Parameters
    ----------
    classifier : Classifier
        Its batch normalisations are changed.
    batches : list[Tensor]
        Pictures, float32 (N, 3, H, W), half of them real, as in training.
    dtype : torch.dtype
        Of the convolutions.
    """
    norms = [norm for norm in classifier.norms if isinstance(norm, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over the batches
    classifier.train()
    with torch.no_grad():
        for batch in batches:
            evaluate(classifier, batch, dtype)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
