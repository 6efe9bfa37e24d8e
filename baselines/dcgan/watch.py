"""A watch on the diversity of what a generator draws while it is trained."""

import torch
from torch import Tensor

from inng_bench.pixels import random_crops
from inng_bench.seeds import torch_generator

from .networks import TILE, Generator, draw_latent
from .presets import DCGANConfig

COLLAPSED_DIVERSITY = 0.2
"""Below this share of the real patches' mean pairwise distance a batch counts as collapsed."""


class CollapseWatch:
    """Follows the diversity of one fixed batch of latent vectors, relative to the real patches'."""

    def __init__(self, window: Tensor, config: DCGANConfig, device: torch.device, seed: int) -> None:
        random = torch_generator(seed)
        self._latent = draw_latent(32, config, random).to(device)
        self._real = mean_pairwise_distance(random_crops(window, 32, TILE, random))
        self.history: list[float] = []
        """Diversity at each look, the earliest first."""

    @torch.no_grad()
    def draw(self, generator: Generator) -> Tensor:
        """Draw the fixed batch, float32 (32, 3, 64, 64) on the CPU."""
        generator.eval()
        return generator(self._latent).float().cpu()  # type: ignore[no-any-return]

    def diversity(self, tiles: Tensor) -> float:
        """Return the tiles' mean pairwise distance over the real patches'."""
        self.history.append(mean_pairwise_distance(tiles) / max(self._real, 1e-12))
        return self.history[-1]

    def warnings(self) -> tuple[str, ...]:
        """Say whether the training ended collapsed, or collapsed on its way and recovered."""
        least = min(self.history[len(self.history) // 4 :])  # the first quarter has yet to leave one grey
        if least >= COLLAPSED_DIVERSITY:
            return ()
        when = "ended collapsed" if self.history[-1] < COLLAPSED_DIVERSITY else "collapsed on its way and recovered"
        return (f"{when}: at the least, tiles differed {least:.2f} times as much as real patches.",)


def mean_pairwise_distance(pictures: Tensor) -> float:
    """Return the mean Euclidean distance between pictures (N, ...)."""
    return float(torch.pdist(pictures.flatten(1)).mean())
