"""Generator and discriminator for pictures of 64 px, or of the size of a set's pictures."""

import torch
from torch import Tensor, nn

from inng_bench.errors import InputError
from inng_bench.weights import initialised

from .presets import DCGANConfig

LEAK = 0.2

LARGEST_START = 7
"""Largest side in pixels that the generator begins with: 4 for pictures of 8, 16, 32 and 64 px, 7 for 28 px."""


def doublings(side: int) -> tuple[int, int]:
    """Return the side that a generator begins with, and how often it doubles that."""
    count = 0
    while side > LARGEST_START and side % 2 == 0:
        side, count = side // 2, count + 1
    if side > LARGEST_START:
        raise InputError(
            f"dcgan draws pictures whose side is up to {LARGEST_START} px times a power of 2, such as 64; this one has "
            f"{side} px times {2**count}."
        )
    return side, count


class Generator(nn.Module):
    """z (N, latent) to pictures (N, 3, side, side) in [-1, 1]; side is 64 for textures."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        start, count = doublings(config.side)
        filters = config.generator_filters * 2**count
        layers: list[nn.Module] = [nn.ConvTranspose2d(config.latent, filters // 2, start, 1, 0, bias=False)]
        for left in range(count, 0, -1):  # of 64 px: (8 f, 4, 4), (4 f, 8, 8), (2 f, 16, 16), (f, 32, 32), (3, 64, 64)
            filters //= 2
            outputs = filters // 2 if left > 1 else 3
            resize = config.resized_layers >= left
            layers += [*_normalised(filters), *_doubled(filters, outputs, resize=resize, bias=left == 1)]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, latent: Tensor) -> Tensor:
        """Draw one picture a row of ``latent``."""
        return self.layers(latent[:, :, None, None])  # type: ignore[no-any-return]


class Discriminator(nn.Module):
    """Pictures (N, 3, 64, 64) to logits (N, 1) of the whole or (N, 16) of parts of 46 px, positive for real.

    Of a set they have the set's side.
    """

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        start, count = doublings(config.side)
        filters = config.discriminator_filters
        layers: list[nn.Module] = [nn.Conv2d(3, filters, 4, 2, 1), nn.LeakyReLU(LEAK, inplace=True)]
        for _ in range(count - 1):  # of 64 px: (f, 32, 32), (2 f, 16, 16), (4 f, 8, 8), (8 f, 4, 4)
            layers += [nn.Conv2d(filters, filters * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(filters * 2)]
            layers += [nn.LeakyReLU(LEAK, inplace=True)]
            filters *= 2
        head = nn.Conv2d(filters, 1, 1 if config.local_verdicts else start)  # of 64 px (1, 4, 4) or (1, 1, 1)
        self.layers = nn.Sequential(*layers, head)

    def forward(self, pictures: Tensor) -> Tensor:
        """Judge each picture or part."""
        return self.layers(pictures).flatten(1)  # type: ignore[no-any-return]


def new_generator(config: DCGANConfig, random: torch.Generator) -> Generator:
    """Return a generator with random weights, in the memory layout of its training, so that it draws the same bytes."""
    return initialised(lambda: Generator(config), random).to(memory_format=torch.channels_last)


def new_discriminator(config: DCGANConfig, random: torch.Generator) -> Discriminator:
    """Return a discriminator with random weights."""
    return initialised(lambda: Discriminator(config), random).to(memory_format=torch.channels_last)


def draw_latent(count: int, config: DCGANConfig, generator: torch.Generator) -> Tensor:
    """Draw z, uniform in (-1, 1), (count, latent)."""
    return torch.rand((count, config.latent), generator=generator) * 2 - 1


def _normalised(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU(inplace=True)


def _doubled(inputs: int, outputs: int, *, resize: bool, bias: bool = False) -> tuple[nn.Module, ...]:
    """Return layers that double height and width."""
    if resize:
        return nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, 1, 1, bias=bias)
    return (nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias),)
