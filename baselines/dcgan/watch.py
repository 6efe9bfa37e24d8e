"""Looks at what a generator draws while it is trained: how diverse it is, and which moment was the best."""

import copy

import torch
from torch import Tensor

from inng_bench.contract import Snapshot
from inng_bench.pictures import DrawReal
from inng_bench.resume import joined, required, restore_module
from inng_bench.seeds import torch_generator

from .likeness import PATCHES, Likeness, drawing_flops, likeness_flops
from .networks import Generator, draw_latent
from .presets import DCGANConfig

TILES = 32
"""Drawn at each look, from latent vectors that stay the same."""

COLLAPSED_DIVERSITY = 0.2
"""Below this share of the real patches' mean pairwise distance a batch counts as collapsed."""


class Watch:
    """Follows the diversity of a fixed batch of latent vectors, and keeps the generator of the best moment.

    Parameters
    ----------
    draw_real : callable
        Draws real patches, all that a moment is judged by; see :data:`inng_bench.pictures.DrawReal`.
    config : DCGANConfig
        Whether the best moment or the last is kept.
    generator : Generator
        That draws, not trained yet.
    seed : int
        Of latent vectors, patches and filters.
    """

    def __init__(self, draw_real: DrawReal, config: DCGANConfig, generator: Generator, seed: int) -> None:
        random = torch_generator(seed)
        self._config, self._generator = config, generator
        self._latent = draw_latent(TILES, config, random).to(next(generator.parameters()).device)
        self._real = mean_pairwise_distance(draw_real(TILES, config.side, random))
        self._likeness = Likeness(draw_real, config.side, random) if config.best_moment else None
        self.kept = copy.deepcopy(generator) if config.best_moment else generator
        """What the training ends with."""
        self.diversity: list[float] = []
        """Relative to the real patches', at each look, the earliest first."""
        self.distances: list[float] = []
        """To the train window, at each look, where the best moment is kept."""

    @property
    def flops(self) -> float:
        """Counted floating-point operations of the looks so far."""
        return looking_flops(self._config, len(self.diversity))

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
        """Say whether the training ended collapsed, or collapsed on its way and recovered."""
        least = min(self.diversity[len(self.diversity) // 4 :])  # the first quarter has yet to leave one grey
        if least >= COLLAPSED_DIVERSITY:
            return ()
        when = "ended collapsed" if self.diversity[-1] < COLLAPSED_DIVERSITY else "collapsed on its way and recovered"
        return (f"{when}: at the least, tiles differed {least:.2f} times as much as real patches.",)

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


def looking_flops(config: DCGANConfig, looks: int) -> float:
    """Count the floating-point operations of looks; those that decide nothing are not the method's."""
    if not config.best_moment:
        return 0.0
    return likeness_flops(PATCHES) + looks * (drawing_flops(config, TILES) + likeness_flops(TILES))


def mean_pairwise_distance(pictures: Tensor) -> float:
    """Return the mean Euclidean distance between pictures (N, ...)."""
    return float(torch.pdist(pictures.flatten(1)).mean())
