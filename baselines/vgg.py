"""Gatys' textures and their successor: noise that is moved until VGG-19 answers to it as to the window, on request.

Both compare the distributions of the network's features over all places, layer by layer; nothing ties places:

- ``gatys``: Gram matrices, that is second moments. A layer counts the square of ‖G - G'‖ / ‖G'‖, of the mean of f fᵀ
  over places (Gatys et al., equations 1 to 3, relative to the window's, since torchvision's weights are not rescaled);
- ``swd``: sliced Wasserstein distances. A layer counts the mean over random directions of the squared distance W2² of
  the projected features, as a share of the window's mean square (Heitz et al., equation 9); directions are drawn anew
  at each round of L-BFGS, as in the authors' code.

A picture is drawn coarse to fine, as neither paper does: a step at 256² takes some 60 GFLOP, and at a quarter of the
size the same layers see four times as far.

The network was **trained on ImageNet**: what it knows of pictures is from a million others, while every other method
knows the window alone. Its weights are a file that the user has, see :mod:`inng_bench.metrics.local_weights`.

References
----------
L. A. Gatys, A. S. Ecker, M. Bethge, "Texture synthesis using convolutional neural networks", NeurIPS 2015, arXiv
1505.07376. E. Heitz, K. Vanhoey, T. Chambon, L. Belcour, "A sliced Wasserstein loss for neural texture synthesis", CVPR
2021, arXiv 2006.07229.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from inng_bench.contract import Execution
from inng_bench.metrics.gram_vgg import LAYERS, MEAN, STD, vgg_network
from inng_bench.metrics.local_weights import VGG19

from .base import Choices, ClosedForm, descend, require_fit
from .gpdm import resized
from .transport import directions, in_order, partners

COARSEST_SIDE = 32
"""In pixels: four poolings leave two of it."""

FIRST_NOISE = 0.3
"""Standard deviation of a picture's first pixels about the window's mean."""

Features = Sequence[Tensor]
"""Of each layer, (channels, places)."""


class VGGChoices(Choices):
    """Choices of the descent; the defaults were never tried with the published weights, which were not at hand."""

    levels: int = Field(3, ge=1, description="Sizes, each twice the one before, up to the full one.")
    rounds: int = Field(1, ge=1, description="Runs of L-BFGS at each size; pixels are clipped after each.")
    evaluations: int = Field(40, ge=1, description="Of the network and its gradient in a run.")


class SWDChoices(VGGChoices):
    """Choices of a descent whose directions change from round to round."""

    rounds: int = Field(4, ge=1, description="Runs of L-BFGS at each size, each with directions of its own.")
    evaluations: int = Field(10, ge=1, description="Of the network and its gradient in a run.")
    projections: int = Field(32, ge=1, description="Random directions of a layer.")


class VGGDescent(ClosedForm):
    """Pictures whose features are distributed as those of the window."""

    statistics: ClassVar[frozenset[str]] = frozenset({"window"})
    optimises: ClassVar[tuple[str, ...]] = ("gram", "gram_vgg", "gram_far")
    pretrained: ClassVar[str] = "ImageNet"
    choices = VGGChoices
    layers: ClassVar[Sequence[int]]
    """Whose features count, by their places in the network."""

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        super().__init__(settings, execution)
        VGG19.check()

    @property
    def _scale(self) -> int:
        coarsest: int = 2 ** (self._config.levels - 1)
        return coarsest

    def supports(self, size: tuple[int, int]) -> bool:
        """Say whether the coarsest level has 32 px or more."""
        return min(size) >= COARSEST_SIDE * self._scale

    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        require_fit(window, COARSEST_SIDE * self._scale, "coarsest level")
        return {"window": window}

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"{self.name} draws nothing of {size}"
        window = self._statistic("window").float()[None]
        return torch.cat([self._draw(window, size, generator) for _ in range(count)])

    def _draw(self, window: Tensor, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        noise = torch.randn((1, 3, *_smaller(size, self._scale)), generator=generator)
        picture = window.mean((2, 3), keepdim=True) + FIRST_NOISE * noise
        for level in reversed(range(self._config.levels)):
            reference = resized(window, _smaller(tuple(window.shape[2:]), 2**level))
            picture = resized(picture, _smaller(size, 2**level))
            with torch.no_grad():
                wanted = features(reference, self.layers)
            for _ in range(self._config.rounds):
                picture = self._moved(picture, self.distance(wanted, generator))
        return picture

    def _moved(self, picture: Tensor, distance: Callable[[Features], Tensor]) -> Tensor:
        moved = descend(picture, lambda pixels: distance(features(pixels, self.layers)), self._config.evaluations)
        return moved.clamp(-1, 1)

    @abstractmethod
    def distance(self, wanted: Features, generator: torch.Generator) -> Callable[[Features], Tensor]:
        """Return a distance to what is wanted, which stays the same while L-BFGS runs."""


class Gatys(VGGDescent):
    """Pictures with the window's Gram matrices."""

    name: ClassVar[str] = "gatys"
    layers = tuple(LAYERS)

    def distance(self, wanted: Features, generator: torch.Generator) -> Callable[[Features], Tensor]:
        """Return the mean over layers of the squared relative distance of Gram matrices."""
        del generator
        grams = [_gram(each) for each in wanted]

        def distance(found: Features) -> Tensor:
            parts = [
                (_gram(each) - gram).square().sum() / gram.square().sum()
                for each, gram in zip(found, grams, strict=True)
            ]
            return torch.stack(parts).mean()

        return distance


class SWD(VGGDescent):
    """Pictures with the window's distributions of features along all directions."""

    name: ClassVar[str] = "swd"
    choices = SWDChoices
    layers = (1, 3, 6, 8, 11, 13, 15, 17, 20, 22, 24, 26)
    """The rectified convolutions up to conv4_4."""

    def distance(self, wanted: Features, generator: torch.Generator) -> Callable[[Features], Tensor]:
        """Return the mean over layers of the sliced distance W2² as a share of the mean square, for new directions."""
        drawn = [directions(self._config.projections, (len(each),), generator) for each in wanted]
        sliced = [in_order(filters @ each) for filters, each in zip(drawn, wanted, strict=True)]

        def distance(found: Features) -> Tensor:
            parts = []
            for filters, each, line in zip(drawn, found, sliced, strict=True):
                projected = filters @ each
                parts.append((projected - partners(projected, line)).square().mean() / line.square().mean())
            return torch.stack(parts).mean()

        return distance


def features(picture: Tensor, layers: Sequence[int]) -> list[Tensor]:
    """Return the features of a picture (1, 3, H, W) in [-1, 1] at layers of VGG-19, each (channels, places)."""
    mean, deviation = (torch.tensor(values).reshape(3, 1, 1) for values in (MEAN, STD))
    x, found = ((picture + 1) / 2 - mean) / deviation, []
    for number, layer in enumerate(vgg_network()[: max(layers) + 1]):
        x = layer(x)
        if number in layers:
            found.append(x[0].flatten(1))
    return found


def _gram(vectors: Tensor) -> Tensor:
    return vectors @ vectors.T / vectors.shape[1]


def _smaller(size: tuple[int, ...], factor: int) -> tuple[int, int]:
    height, width = (round(side / factor) for side in size)
    return height, width
