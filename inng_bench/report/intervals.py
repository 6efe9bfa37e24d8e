"""Intervals of the figures of a row: over several seeds, or over the canvases of a single seed.

A replicate is a seed of a texture, never a crop: crops of one picture overlap and share its training, so that an
interval over them would shrink with their number and say nothing about another training.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import special

CONFIDENCE = 0.95

BOOTSTRAP_FROM = 15
"""Number of replicates from which the bootstrap is trusted.

Under eight values a t interval is all there is. From 8 to 14 it stays: there the bootstrap's interval is still too
short (it knows no values beyond those it has seen), while that of Student's t keeps its rate as long as the logarithms
are not very skewed. From 15 on the bootstrap's errors are small, and it needs no symmetry.
"""

RESAMPLES = 9999

_ROUNDING = 1e-12
"""Of differences of logarithms."""


class IntervalKind(StrEnum):
    """What an interval means; a row has one kind only."""

    SEEDS = "95% t interval over seeds"
    BOOTSTRAP = "95% bootstrap interval over seeds"
    CANVASES = "spread over pieces of the samples"
    WINDOWS = "95% jackknife interval over real windows"
    NONE = ""

    @property
    def is_over_seeds(self) -> bool:
        """Whether it tells of other trainings, so that a difference can be decided by it."""
        return self in (IntervalKind.SEEDS, IntervalKind.BOOTSTRAP)


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    Attributes
    ----------
    value : float or None
        None where the metric does not apply or the run failed.
    low, high : float or None
        Ends of the interval, None where there is none.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None


def interval_kind(seeds: int) -> IntervalKind:
    """Return the kind of interval of so many seeds."""
    if seeds < 2:
        return IntervalKind.CANVASES
    return IntervalKind.SEEDS if seeds < BOOTSTRAP_FROM else IntervalKind.BOOTSTRAP


def estimate_over_seeds(values: Sequence[float]) -> Estimate:
    """Return centre and 95% interval of replicates: Student's t, or the bootstrap from :data:`BOOTSTRAP_FROM` on.

    Positive values are averaged as logarithms, since distances err by factors: the centre is then their geometric
    mean. Any other values (KID can be negative) are averaged as they are. One value alone has no interval.

    Parameters
    ----------
    values : Sequence[float]
        One value a seed.
    """
    if not values:
        return Estimate()
    if len(values) == 1:
        return Estimate(values[0])
    interval = t_interval if len(values) < BOOTSTRAP_FROM else bootstrap_interval
    if min(values) > 0:
        low, centre, high = interval([math.log(value) for value in values])
        return Estimate(math.exp(centre), math.exp(low), math.exp(high))
    low, centre, high = interval(values)
    return Estimate(centre, low, high)


def estimate_over_canvases(value: float | None, per_image: Sequence[float]) -> Estimate:
    """Return the figure of a single seed with the least and the greatest value of its canvases, each taken alone."""
    if value is None or len(per_image) < 2:
        return Estimate(value)
    return Estimate(value, min(per_image), max(per_image))


def geometric_mean(values: Sequence[float]) -> float | None:
    """Return the geometric mean of positive values, None of no values."""
    return math.exp(math.fsum(map(math.log, values)) / len(values)) if values else None


def t_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return lower end, mean and upper end of Student's 95% interval of two values or more."""
    count = len(values)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = float(special.stdtrit(count - 1, 0.5 + CONFIDENCE / 2)) * math.sqrt(variance / count)
    return mean - half, mean, mean + half


def student_test(differences: Sequence[float]) -> float:
    """Return the two-sided probability of Student's t test that two differences or more have mean 0."""
    count = len(differences)
    mean = math.fsum(differences) / count
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in differences) / (count - 1))
    if max(differences) - min(differences) < _ROUNDING:
        return float(abs(mean) < _ROUNDING)
    return 2 * float(special.stdtr(count - 1, -abs(mean) / spread * math.sqrt(count)))


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return lower end, mean and upper end of the 95% bootstrap interval (bias-corrected and accelerated).

    Its resamples come from a fixed seed, so that the same records give the same report.
    """
    from scipy import stats  # half a second, for the few reports that need it

    mean = math.fsum(values) / len(values)
    if min(values) == max(values):  # there is nothing to resample, which scipy answers with a warning and NaN
        return mean, mean, mean
    found = stats.bootstrap(
        (np.asarray(values),),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), mean, float(found.high)
