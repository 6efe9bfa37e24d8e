"""Generator and discriminator for pictures of 64 px."""

import torch
from torch import Tensor, nn

from inng_bench.weights import initialised

from .presets import DCGANConfig

TILE = 64
LEAK = 0.2


class Generator(nn.Module):
    """z (N, latent) to pictures (N, 3, 64, 64) in [-1, 1]."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        filters, resized = config.generator_filters, config.resized_layers
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(config.latent, filters * 8, 4, 1, 0, bias=False),  # (8 f, 4, 4)
            *_normalised(filters * 8),
            *_doubled(filters * 8, filters * 4, resize=resized >= 4),  # (4 f, 8, 8)
            *_normalised(filters * 4),
            *_doubled(filters * 4, filters * 2, resize=resized >= 3),  # (2 f, 16, 16)
            *_normalised(filters * 2),
            *_doubled(filters * 2, filters, resize=resized >= 2),  # (f, 32, 32)
            *_normalised(filters),
            *_doubled(filters, 3, resize=resized >= 1, bias=True),  # (3, 64, 64)
            nn.Tanh(),
        )

    def forward(self, latent: Tensor) -> Tensor:
        """Draw one picture a row of ``latent``."""
        return self.layers(latent[:, :, None, None])  # type: ignore[no-any-return]


class Discriminator(nn.Module):
    """Pictures (N, 3, 64, 64) to logits (N, 1) of the whole or (N, 16) of parts of 46 px, positive for real."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        filters = config.discriminator_filters
        self.layers = nn.Sequential(
            nn.Conv2d(3, filters, 4, 2, 1),  # (f, 32, 32)
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Conv2d(filters, filters * 2, 4, 2, 1, bias=False),  # (2 f, 16, 16)
            nn.BatchNorm2d(filters * 2),
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Conv2d(filters * 2, filters * 4, 4, 2, 1, bias=False),  # (4 f, 8, 8)
            nn.BatchNorm2d(filters * 4),
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Conv2d(filters * 4, filters * 8, 4, 2, 1, bias=False),  # (8 f, 4, 4)
            nn.BatchNorm2d(filters * 8),
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Conv2d(filters * 8, 1, 1 if config.local_verdicts else 4),  # (1, 4, 4) or (1, 1, 1)
        )

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
