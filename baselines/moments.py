"""Looks at what a generator draws while it is trained: how diverse it is, and which moment was the best.

The best moment is that whose tiles are most like the train window, by a measure of its own.
"""

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.contract import Snapshot
from inng_bench.pictures import TrainingPictures
from inng_bench.pixels import random_crops
from inng_bench.resume import joined, required, restore_module

TILE = 64
"""Side in pixels of what is looked at."""

TILES = 32
"""Drawn at each look, from latent vectors that stay the same."""

COLLAPSED_DIVERSITY = 0.2
"""Below this share of the real patches' mean pairwise distance a batch counts as collapsed."""

PATCHES = 128
"""Of the train window, which tiles are compared with."""

FILTERS = {3: 16, 7: 16}
"""Number of random filters by their side in pixels."""

STRIDE = 3
"""Pixels between two answers of a filter; odd, to meet every phase of the generator's even steps."""


class Watch:
    """Follows the diversity of a fixed batch of latent vectors, and keeps the generator of the best moment.

    Parameters
    ----------
    window : Tensor or TrainingPictures
        The train window, or a set: all that a moment is judged by; float32 (3, H, W) in [-1, 1], on the CPU.
    generator : nn.Module
        That draws, not trained yet.
    latent : Tensor
        What it draws from.
    random : torch.Generator
        Of patches and filters.
    best : bool
        Whether the best moment or the last is kept.
    side : int
        Of what is drawn, in pixels.
    """

    def __init__(
        self,
        window: Tensor | TrainingPictures,
        generator: nn.Module,
        latent: Tensor,
        random: torch.Generator,
        *,
        best: bool,
        side: int = TILE,
    ) -> None:
        self._generator, self._latent = generator, latent
        self._real = mean_pairwise_distance(random_crops(window, TILES, side, random))
        self._likeness = Likeness(window, random, side) if best else None
        self.kept = copy.deepcopy(generator) if best else generator
        """What the training ends with."""
        self.diversity: list[float] = []
        """Relative to the real patches', at each look, the earliest first."""
        self.distances: list[float] = []
        """To the train window, at each look, where the best moment is kept."""

    @torch.no_grad()
    def look(self) -> tuple[dict[str, float], Tensor]:
        """Draw the fixed batch, float32 (32, 3, 64, 64) on the CPU; return it and what is to be said of it."""
        self._generator.eval()
        tiles = self._generator(self._latent).float().cpu()
        self.diversity.append(mean_pairwise_distance(tiles) / max(self._real, 1e-12))
        values = {"diversity": self.diversity[-1]}
        if self._likeness is not None:
            self.distances.append(self._likeness.distance(tiles))
            values["distance"] = self.distances[-1]
            if self.distances[-1] == min(self.distances):
                self.kept.load_state_dict(self._generator.state_dict())
        return values, tiles

    def warnings(self) -> tuple[str, ...]:
        """Say whether the generator collapsed, and whether it recovered."""
        least = min(self.diversity[len(self.diversity) // 4 :])  # the first quarter has yet to leave one grey
        if least >= COLLAPSED_DIVERSITY:
            return ()
        when = "has collapsed" if self.diversity[-1] < COLLAPSED_DIVERSITY else "collapsed and recovered"
        return (f"the generator {when}: tiles differed only {least:.2f} times as much as real patches.",)

    def snapshot(self) -> Snapshot:
        """Return all that changes from look to look."""
        kept = joined(kept=self.kept.state_dict()) if self._likeness is not None else {}
        return Snapshot(kept, {"diversity": list(self.diversity), "distances": list(self.distances)})

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot`."""
        self.diversity = list(required(snapshot.values, "diversity"))
        self.distances = list(required(snapshot.values, "distances"))
        if self._likeness is not None:
            restore_module(self.kept, snapshot, "kept")


def looking_flops(generator: nn.Module, latent: Tensor, looks: int) -> float:
    """Count the floating-point operations of looks for the best moment, of a generator on the meta device."""
    banks = [torch.empty((count, 3, side, side), device="meta") for side, count in FILTERS.items()]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        _second_moments(drawn := generator(latent), banks)
    look = counter.get_total_flops()
    with FlopCounterMode(display=False) as counter:
        _second_moments(torch.empty_like(drawn[:1]).expand(PATCHES, -1, -1, -1), banks)
    return float(looks * look + counter.get_total_flops())


def mean_pairwise_distance(pictures: Tensor) -> float:
    """Return the mean Euclidean distance between pictures (N, ...)."""
    return float(torch.pdist(pictures.flatten(1)).mean())


class Likeness:
    """Relative distance between second moments of rectified random filters on tiles and on patches of a window.

    The filters are those of no metric: they come from the training's own seed.

    Parameters
    ----------
    window : Tensor or TrainingPictures
        float32 (3, H, W) in [-1, 1], on the CPU; or a set.
    random : torch.Generator
        For filters and patches.
    side : int
        Of a patch, in pixels.
    """

    def __init__(self, window: Tensor | TrainingPictures, random: torch.Generator, side: int = TILE) -> None:
        patches = random_crops(window, PATCHES, side, random)
        self._mean = patches.mean((0, 2, 3))[:, None, None]
        self._filters = [_bank(side, count, random) for side, count in FILTERS.items()]
        self._real = _second_moments(patches - self._mean, self._filters)

    def distance(self, tiles: Tensor) -> float:
        """Return the distance of tiles, float32 (N, 3, H, W) on the CPU."""
        drawn = _second_moments(tiles - self._mean, self._filters)
        return sum(float((one - real).norm() / real.norm()) for one, real in zip(drawn, self._real, strict=True))


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
