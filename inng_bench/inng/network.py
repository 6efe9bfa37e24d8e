"""One classifier C_t of the cascade in training: a convolutional patch discriminator, one logit per window."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inng_bench.inng.choices import Architecture, Normalisation, Output
from inng_bench.weights import initialised

STRIDE, LAYERS = 2, 4
LEAK = 0.2
WINDOW_STEP: int = STRIDE**LAYERS
"""Pixels between neighbouring windows of one dense pass: 16."""


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


GEOMETRIES = {
    Architecture.UNPADDED: Geometry(kernel=4, before=0, after=0, head=2),
    # TensorFlow's "SAME" for a 5×5 convolution of stride 2 pads one row before and two behind.
    Architecture.PADDED: Geometry(kernel=5, before=1, after=2, head=4),
}


@dataclass(frozen=True)
class Design:
    """What a classifier is made of.

    Attributes
    ----------
    filters : int
        Channels of the first layer; each following layer has twice as many.
    architecture, output, normalisation
        See :mod:`inng_bench.inng.choices`.
    norm_momentum : float
        Weight of a step in the running statistics.
    """

    filters: int
    architecture: Architecture = Architecture.UNPADDED
    output: Output = Output.LOGIT
    normalisation: Normalisation = Normalisation.RUNNING
    norm_momentum: float = 0.1

    @property
    def geometry(self) -> Geometry:
        """Sizes of the architecture."""
        return GEOMETRIES[self.architecture]

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the picture and of each layer's output."""
        return 3, *(self.filters * 2**layer for layer in range(LAYERS))


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
        normalised = design.normalisation is not Normalisation.NONE
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, geometry.kernel, STRIDE, bias=layer == 0 or not normalised)
            for layer, (before, after) in enumerate(pairwise(channels))
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(after, momentum=design.norm_momentum) if normalised else nn.Identity()
            for after in channels[2:]
        )
        self.head = nn.Conv2d(channels[-1], 2 if design.output is Output.SOFTMAX else 1, geometry.head)

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
    """Return a classifier with random weights: DCGAN's, or He's where no normalisation sets the scale.

    Parameters
    ----------
    design : Design
        What it is made of.
    generator : torch.Generator
        On the CPU.
    """
    classifier = initialised(lambda: Classifier(design), generator)
    if design.normalisation is Normalisation.NONE:
        for convolution in classifier.convolutions:
            assert isinstance(convolution, nn.Conv2d)
            nn.init.kaiming_normal_(convolution.weight, LEAK, generator=generator)
    return classifier
