"""Intervals of a row's figures: what several seeds tell, or what a single one can."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

CONFIDENCE = 0.95


class IntervalKind(StrEnum):
    """What an interval means; a row has one kind only."""

    SEEDS = "95% t interval over seeds"
    CANVASES = "spread over groups of pictures"
    NONE = ""


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


def estimate_over_seeds(values: Sequence[float]) -> Estimate:
    """Return centre and 95% t interval of replicates.

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
    if min(values) > 0:
        low, centre, high = _t_interval([math.log(value) for value in values])
        return Estimate(math.exp(centre), math.exp(low), math.exp(high))
    low, centre, high = _t_interval(values)
    return Estimate(centre, low, high)


def estimate_over_canvases(value: float | None, per_image: Sequence[float]) -> Estimate:
    """Return the figure of a single seed with the least and the greatest value of its canvases, each taken alone."""
    if value is None or len(per_image) < 2:
        return Estimate(value)
    return Estimate(value, min(per_image), max(per_image))


def geometric_mean(values: Sequence[float]) -> float | None:
    """Return the geometric mean of positive values, None of no values."""
    return math.exp(math.fsum(map(math.log, values)) / len(values)) if values else None


def _t_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return lower end, mean and upper end."""
    count = len(values)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = student_quantile(0.5 + CONFIDENCE / 2, count - 1) * math.sqrt(variance / count)
    return mean - half, mean, mean + half


def student_quantile(probability: float, degrees: int) -> float:
    """Return a quantile of Student's t distribution.

    Parameters
    ----------
    probability : float
        In [0.5, 1).
    degrees : int
        Degrees of freedom, at least 1.

    Notes
    -----
    By bisection of :func:`student_distribution`; scipy would make every report start a second later.
    """
    low, high = 0.0, 1.0
    while student_distribution(high, degrees) < probability:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if student_distribution(middle, degrees) < probability else (low, middle)
    return (low + high) / 2


def student_distribution(t: float, degrees: int) -> float:
    """Return P(T <= t) of Student's t distribution for t >= 0 and whole degrees of freedom.

    Notes
    -----
    The finite sums of Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    angle = math.atan2(t, math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = degrees % 2 == 1
    term = cosine if odd else 1.0
    total = 0.0
    for index in range(3 if odd else 2, degrees + 1, 2):
        total += term
        term *= cosine**2 * (index - 1) / index
    two_sided = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return 0.5 + two_sided / 2
