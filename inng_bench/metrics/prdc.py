"""``precision`` and ``coverage``: whose crops lie in whose balls.

Kynkäänniemi et al., https://arxiv.org/abs/1904.06991, and Naeem et al., https://arxiv.org/abs/2002.09797, with one
change: a ball reaches to the k-th nearest crop that *does not overlap* with its centre. Crops of one texture stand a
few pixels apart; with its own shifted copies for neighbours, a ball would have no size, and nothing but a copy would
lie in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inng_bench.metrics.catalogue import CROP, CROPS
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.lite_features import features

NEIGHBOUR = 5
"""Which neighbour a ball reaches to."""

LAYER = "tap_112"

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cloud:
    """Crops as points, each with its ball.

    Attributes
    ----------
    points : NDArray[np.float64]
        (n, d).
    places : NDArray[np.int64]
        (n, 3): picture, top and left of each crop.
    """

    points: Floats
    places: NDArray[np.int64]

    @cached_property
    def radii(self) -> Floats:
        """(n,) distances to the k-th crop that does not overlap; infinite where there are not so many."""
        distances = self.distances(self)
        distances[overlapping(self.places)] = np.inf
        if len(distances) < NEIGHBOUR:
            return np.full(len(distances), np.inf)
        return np.asarray(np.partition(distances, NEIGHBOUR - 1, axis=1)[:, NEIGHBOUR - 1])

    def distances(self, other: "Cloud") -> Floats:
        """Return (n, m) Euclidean distances to the points of another cloud."""
        return np.asarray(torch.cdist(torch.from_numpy(self.points), torch.from_numpy(other.points)))

    def within(self, balls: "Cloud") -> NDArray[np.bool_]:
        """Return (n, m): whether each point lies in each ball of another cloud."""
        inside: NDArray[np.bool_] = self.distances(balls) <= balls.radii
        return inside


def overlapping(places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (n, n): whether two crops share a pixel, as every crop does with itself."""
    image, top, left = places.T
    apart = [np.abs(axis[:, np.newaxis] - axis) for axis in (top, left)]
    shared: NDArray[np.bool_] = (image[:, np.newaxis] == image) & (apart[0] < CROP) & (apart[1] < CROP)
    return shared


def precision(comparison: Comparison) -> Outcome:
    """Return the share of sample crops that lie in a ball of the window."""
    return _outcome(comparison, lambda samples, window: samples.within(window).any(1).mean())


def coverage(comparison: Comparison) -> Outcome:
    """Return the share of the window's balls in which some sample crop lies."""
    return _outcome(comparison, lambda samples, window: samples.within(window).any(0).mean())


def _outcome(comparison: Comparison, judge: Callable[[Cloud, Cloud], Any]) -> Outcome:
    samples, window = comparison.samples.derive(_cloud), comparison.reference.derive(_cloud)
    if not (np.isfinite(samples.radii).all() and np.isfinite(window.radii).all()):
        return Outcome(None, 0, note=f"needs {NEIGHBOUR} crops of {CROP} px that do not overlap with any one")
    return Outcome(float(judge(samples, window)), CROPS, CROP)


def _cloud(pictures: Pictures) -> Cloud:
    return Cloud(pictures.derive(features)[LAYER].numpy(), pictures.places(CROPS, CROP))
