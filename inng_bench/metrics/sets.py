"""The metrics of a set: whole pictures against held-out ones, and against those that were learnt from.

Pictures are enlarged by a whole factor to 128 px or more, so that the feature network sees more than its own borders.
Precision and recall are those of Kynkäänniemi et al., https://arxiv.org/abs/1904.06991, since whole pictures do not
overlap.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from inng_bench.metrics import fidelity
from inng_bench.metrics.catalogue import BY_NAME, HONEST_SHARE, SET_PICTURES, Compared, selected_of_sets
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.gram import average
from inng_bench.metrics.patch_distances import frechet_distances
from inng_bench.pictures import as_tensor
from inng_bench.records.schema import Against, Measurement

SEEN_SIDE = 128
"""Least side in pixels at which the feature network sees a picture."""

NEIGHBOUR = 3
"""Which neighbour a ball reaches to, as published."""

COARSE_SIDE, AT_ONCE = 16, 4096
"""Side in pixels to which pictures are averaged before they are compared, and training pictures of a step."""

READ_AT_ONCE = 256
"""Pictures that are averaged together."""


@dataclass(frozen=True, eq=False)
class SetComparison:
    """Samples against a set, as many of either.

    Attributes
    ----------
    samples, held_out : Pixels
        uint8 (N, S, S, 3), N at most :data:`SET_PICTURES`.
    train : Pixels
        (M, S, S, 3), all that was learnt from.
    seed : int
        Of all random choices.
    """

    samples: Pixels
    train: Pixels
    held_out: Pixels
    seed: int

    @cached_property
    def features(self) -> tuple[fidelity.Features, fidelity.Features]:
        """What the network sees of samples and held-out pictures."""
        return _features(self.samples), _features(self.held_out)

    @cached_property
    def near(self) -> tuple[Tensor, Tensor]:
        """Distance to the nearest training picture, of samples and of held-out pictures."""
        return nearest(self.samples, self.train)[0], nearest(self.held_out, self.train)[0]


def evaluate_set(
    samples: Pixels | None, train: Pixels, held_out: Pixels, *, seed: int, metrics: Sequence[str] | None = None
) -> tuple[Measurement, ...]:
    """Measure the samples of a method.

    Parameters
    ----------
    samples : NDArray[np.uint8] or None
        (N, S, S, 3); None for the row ``real``, of which training pictures are the samples of all distances, and
        held-out ones of all that compares with the training pictures: what a verbatim copy gets, and what is honest.
    train, held_out : NDArray[np.uint8]
        Pictures of the same size.
    seed : int
        Seed of all random choices of the metrics.
    metrics : Sequence[str] or None
        Names in the catalogue; None for the default set.
    """
    count = min(SET_PICTURES, len(held_out), len(train if samples is None else samples))
    shown = train if samples is None else samples
    comparison = SetComparison(np.asarray(shown[:count]), train, np.asarray(held_out[:count]), seed)
    if samples is None:
        comparison.__dict__["near"] = (honest := nearest(comparison.held_out, train)[0], honest)
    return tuple(_measurement(name, comparison) for name in selected_of_sets(metrics))


def nearest(pictures: Pixels, train: Pixels) -> tuple[Tensor, Tensor]:
    """Return the distance of each picture to the nearest training picture, mirrored ones included, and its number.

    It is the root mean square difference of pixels that are averaged to 16 px a side, in units of [-1, 1]: little noise
    and a shift of a pixel hide no copy.
    """
    wanted = torch.cat([_coarse(pictures), _coarse(pictures[:, :, ::-1])])
    best = torch.full((len(wanted),), float("inf"))
    number = torch.zeros(len(wanted), dtype=torch.int64)
    for first in range(0, len(train), AT_ONCE):
        found, place = torch.cdist(wanted, _coarse(train[first : first + AT_ONCE])).min(1)
        closer = found < best
        best[closer], number[closer] = found[closer], place[closer] + first
    distance, side = best.view(2, -1).min(0)
    chosen = number.view(2, -1).gather(0, side[None])[0]
    return distance / wanted.shape[1] ** 0.5, chosen


def _coarse(pictures: Pixels) -> Tensor:
    parts = (as_tensor(pictures[first : first + READ_AT_ONCE]) for first in range(0, len(pictures), READ_AT_ONCE))
    return torch.cat([F.adaptive_avg_pool2d(part, COARSE_SIDE).flatten(1) for part in parts])


def _features(pictures: Pixels) -> fidelity.Features:
    factor = -(-SEEN_SIDE // pictures.shape[1])
    enlarged = np.repeat(np.repeat(pictures, factor, axis=1), factor, axis=2)
    return fidelity.extract(enlarged, (*fidelity.TAPS, fidelity.HEAD_LAYER))


def _fid(comparison: SetComparison) -> tuple[float, dict[str, float]]:
    parts = frechet_distances(*comparison.features)
    return average(parts), parts


def _kid(comparison: SetComparison) -> tuple[float, dict[str, float]]:
    samples, held_out = (found[fidelity.HEAD_LAYER] for found in comparison.features)
    return fidelity.kernel_distance(samples, held_out, seed=comparison.seed), {}


def _precision(comparison: SetComparison) -> tuple[float, dict[str, float]]:
    samples, held_out = (found[fidelity.HEAD_LAYER] for found in comparison.features)
    return share_within(samples, held_out), {}


def _recall(comparison: SetComparison) -> tuple[float, dict[str, float]]:
    samples, held_out = (found[fidelity.HEAD_LAYER] for found in comparison.features)
    return share_within(held_out, samples), {}


def _nearest_ratio(comparison: SetComparison) -> tuple[float, dict[str, float]]:
    samples, held_out = comparison.near
    return float(samples.median() / held_out.median().clamp_min(1e-12)), {}


def _copy_rate(comparison: SetComparison) -> tuple[float, dict[str, float]]:
    samples, held_out = comparison.near
    return float((samples <= held_out.quantile(HONEST_SHARE)).float().mean()), {}


def share_within(points: Tensor, centres: Tensor) -> float:
    """Return the share of points (N, d) that lie in a ball about some centre (M, d), up to its third nearest centre."""
    apart = torch.cdist(centres, centres).fill_diagonal_(float("inf"))
    radii = apart.kthvalue(min(NEIGHBOUR, len(centres) - 1), dim=1).values
    return float((torch.cdist(points, centres) <= radii).any(1).double().mean())


_MEASURES: Mapping[str, Callable[[SetComparison], tuple[float, dict[str, float]]]] = {
    "set_fid": _fid,
    "set_kid": _kid,
    "set_precision": _precision,
    "set_recall": _recall,
    "set_nearest": _nearest_ratio,
    "set_copy_rate": _copy_rate,
}


def _measurement(name: str, comparison: SetComparison) -> Measurement:
    start, info = time.perf_counter(), BY_NAME[name]
    value, parts = _MEASURES[name](comparison)
    count = len(comparison.samples)
    return Measurement(
        metric=name,
        version=info.version,
        against=Against.TRAIN if info.compared is Compared.TRAIN else Against.HELD_OUT,
        value=value,
        n=count,
        images=count,
        disjoint_crops=count,
        parts=parts,
        seconds=time.perf_counter() - start,
    )
