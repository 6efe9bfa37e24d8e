"""How like the train window tiles are: the measure that chooses the best moment of a training."""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.pictures import DrawReal

from .networks import Generator
from .presets import TILE, DCGANConfig

PATCHES = 128
"""Of the train window, which tiles are compared with."""

FILTERS = {3: 16, 7: 16}
"""Number of random filters by their side in pixels."""

STRIDE = 3
"""Pixels between two answers of a filter; odd, to meet every phase of the generator's even steps."""


class Likeness:
    """Relative distance between second moments of rectified random filters on tiles and on patches of a window.

    The filters are those of no metric: they come from the training's own seed.

    Parameters
    ----------
    draw_real : callable
        Draws real patches, see :data:`inng_bench.pictures.DrawReal`.
    side : int
        Of a patch in pixels.
    random : torch.Generator
        For filters and patches.
    """

    def __init__(self, draw_real: DrawReal, side: int, random: torch.Generator) -> None:
        patches = draw_real(PATCHES, side, random)
        self._mean = patches.mean((0, 2, 3))[:, None, None]
        self._filters = [_bank(side, count, random) for side, count in FILTERS.items()]
        self._real = _second_moments(patches - self._mean, self._filters)

    def distance(self, tiles: Tensor) -> float:
        """Return the distance of tiles, float32 (N, 3, H, W) on the CPU."""
        drawn = _second_moments(tiles - self._mean, self._filters)
        return sum(float((one - real).norm() / real.norm()) for one, real in zip(drawn, self._real, strict=True))


@cache
def drawing_flops(config: DCGANConfig, tiles: int) -> float:
    """Count the floating-point operations of drawing tiles."""
    with torch.device("meta"):
        generator, latent = Generator(config), torch.empty((tiles, config.latent))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        generator(latent)
    return float(counter.get_total_flops())


@cache
def likeness_flops(tiles: int) -> float:
    """Count the floating-point operations of the second moments of tiles, or of patches."""
    banks = [torch.empty((count, 3, side, side), device="meta") for side, count in FILTERS.items()]
    with FlopCounterMode(display=False) as counter:
        _second_moments(torch.empty((tiles, 3, TILE, TILE), device="meta"), banks)
    return float(counter.get_total_flops())


def _bank(side: int, count: int, random: torch.Generator) -> Tensor:
    return torch.randn((count, 3, side, side), generator=random) / math.sqrt(3 * side * side)


def _second_moments(pictures: Tensor, banks: list[Tensor]) -> list[Tensor]:
    """Return for each bank of n filters the second moments (n + 1, n + 1) of its answers and of a constant."""
    matrices = []
    for bank in banks:
        answers = F.relu(F.conv2d(pictures, bank, stride=STRIDE)).transpose(0, 1).flatten(1)
        answers = torch.cat([answers, torch.ones_like(answers[:1])])
        matrices.append(answers @ answers.T / answers.shape[1])
    return matrices
