"""The statistics of the gate: how far two groups of seeds lie apart, and which distances are no accident.

Under the hypothesis that is tested, *nothing has changed*, both groups are draws from one distribution; so one
variance is estimated from both, and Student's two-sample statistic is exact for normal values. With one seed on a side
it is the prediction interval of the other side's spread.

Few seeds hardly know their own spread, but the rows of a table know each other's: the variances of a metric's cells are
taken for draws about a common one, and each is drawn towards it, the more the less they differ beyond what so few seeds
explain [1]_. Three seeds against one then see a fifth of the step that they would need alone.

Seeds need not be normal, and a mean of few keeps their tails. With k seeds on the smaller side the statistic is
therefore taken to have no more than k + 3 degrees of freedom (the mean of k values of Student's distribution with 5
degrees has the kurtosis of one with k + 4, and real trainings have heavier tails), and its chance is multiplied by
1 + 4/k, which ``docs/gate.md`` shows to be enough for heavy and for skewed tails, and for rows whose spreads differ.

References
----------
.. [1] G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression in microarray
   experiments", Statistical Applications in Genetics and Molecular Biology 3(1), 2004; section 6.2.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy import optimize, special

ALPHA = 0.01
"""Chance that an unchanged table, as a whole, is called worse."""


@dataclass(frozen=True)
class Within:
    """How far the seeds of a cell lie from the centre of their own group.

    Attributes
    ----------
    variance : float
        From both groups, on the compared scale.
    degrees : int
        Its degrees of freedom.
    logarithmic : bool
        Whether the compared scale is the logarithm, which it is where all values are positive.
    """

    variance: float
    degrees: int
    logarithmic: bool


@dataclass(frozen=True)
class SharedSpread:
    """What the cells of a metric say together about the variance of each.

    Attributes
    ----------
    variance : float
        The common one, about which theirs are spread.
    degrees : float
        How many degrees of freedom of its own it is worth; infinite where theirs differ by no more than chance.
    most : int
        Degrees of freedom of all cells together, which no cell's variance can exceed.
    """

    variance: float = 0.0
    degrees: float = 0.0
    most: int = 0

    def moderated(self, own: Within) -> tuple[float, float]:
        """Return a cell's variance, drawn towards the common one, and its degrees of freedom."""
        if not (own.logarithmic and self.degrees):
            return own.variance, own.degrees
        if math.isinf(self.degrees):
            return self.variance, self.most
        both = self.degrees + own.degrees
        weighted = self.degrees * self.variance + own.degrees * own.variance
        return weighted / both, min(both, self.most)


ALONE = SharedSpread()
"""For a cell about which only its own seeds are known."""


@dataclass(frozen=True)
class Shift:
    """How far new values lie from old ones.

    Attributes
    ----------
    old, new : float
        Centres on the metric's own scale: geometric means where all values are positive, since distances err by
        factors, and means otherwise.
    step : float
        New minus old on the compared scale, which is the logarithm where all values are positive.
    error : float
        Standard error of ``step``; zero where no value varies.
    degrees : float
        Degrees of freedom of ``step / error``, at least 1.
    penalty : float
        What its chance is multiplied by.
    logarithmic : bool
        Which scale is compared.
    """

    old: float
    new: float
    step: float
    error: float
    degrees: float
    penalty: float
    logarithmic: bool

    def probability(self, sign: int) -> float:
        """Return the one-sided chance of such a step when nothing has changed; ``sign`` is the direction of worse."""
        if self.error == 0:
            return 0.0 if sign * self.step > 0 else 1.0
        return min(1.0, self.penalty * float(special.stdtr(self.degrees, -sign * self.step / self.error)))

    def limit(self, level: float, sign: int) -> float:
        """Return the new centre at which :meth:`probability` is ``level``, on the metric's own scale."""
        reach = sign * student_limit(level / self.penalty, self.degrees) * self.error
        if not self.logarithmic:
            return self.old + reach
        return self.old * math.exp(reach) if reach < _LARGEST else math.inf


def student_limit(level: float, degrees: float) -> float:
    """Return the value that Student's t exceeds with a chance of ``level``."""
    return -float(special.stdtrit(degrees, level))


_LARGEST = 700.0
"""Largest exponent that a float takes."""


def measure_within(old: Sequence[float], new: Sequence[float]) -> Within:
    """Measure the spread of two groups of seeds, at least three in all, and one on each side."""
    return _within(*_compared(old, new))


def _within(first: Sequence[float], second: Sequence[float], logarithmic: bool) -> Within:
    centres = ((side, statistics.fmean(side)) for side in (first, second))
    squares = math.fsum((value - centre) ** 2 for side, centre in centres for value in side)
    degrees = len(first) + len(second) - 2
    return Within(squares / degrees, degrees, logarithmic)


def share_spread(cells: Iterable[Within]) -> SharedSpread:
    """Estimate what cells of one metric have in common, by the moments of their variances' logarithms.

    Only cells that are compared by logarithms and vary at all take part; of fewer than two nothing is known.
    """
    known = [cell for cell in cells if cell.logarithmic and cell.variance > 0]
    if len(known) < 2:
        return ALONE
    halves = [cell.degrees / 2 for cell in known]
    logarithms = [
        math.log(cell.variance) - float(special.digamma(half)) + math.log(half)
        for cell, half in zip(known, halves, strict=True)
    ]
    centre = statistics.fmean(logarithms)
    beyond = statistics.variance(logarithms, centre) - statistics.fmean(map(_trigamma, halves))
    most = sum(cell.degrees for cell in known)
    if beyond <= 0:
        return SharedSpread(math.exp(centre), math.inf, most)
    half = _inverse_trigamma(beyond)
    return SharedSpread(math.exp(centre + float(special.digamma(half)) - math.log(half)), 2 * half, most)


def _trigamma(value: float) -> float:
    """Return the second derivative of the gamma function's logarithm, in a third of ``polygamma``'s time."""
    return float(special.zeta(2.0, value))


def _inverse_trigamma(value: float) -> float:
    """Return the number whose trigamma function has a value; it falls from infinity to 0."""
    low, high = 0.5 * min(1.0, value**-0.5), 2 / min(1.0, value) + 2  # x⁻¹ < ψ′(x), and ψ′(x) < x⁻¹ + x⁻²
    return float(optimize.brentq(lambda x: _trigamma(x) - value, low, high, xtol=1e-12, rtol=1e-12))


def measure_shift(old: Sequence[float], new: Sequence[float], shared: SharedSpread = ALONE) -> Shift:
    """Compare two groups of seeds.

    Parameters
    ----------
    old, new : Sequence[float]
        One value a seed; at least three in all, and one on each side.
    shared : SharedSpread
        What other cells of the metric say about the spread.
    """
    first, second, logarithmic = _compared(old, new)
    centres = statistics.fmean(first), statistics.fmean(second)
    variance, degrees = shared.moderated(_within(first, second, logarithmic))
    error = math.sqrt(variance * (1 / len(first) + 1 / len(second)))
    own = (math.exp(centres[0]), math.exp(centres[1])) if logarithmic else centres
    believed, penalty = caution(len(old), len(new), degrees)
    return Shift(*own, centres[1] - centres[0], error, believed, penalty, logarithmic)


def _compared(old: Sequence[float], new: Sequence[float]) -> tuple[list[float], list[float], bool]:
    """Return both groups on the compared scale, and whether that is the logarithm."""
    if min(*old, *new) <= 0:
        return list(old), list(new), False
    return [math.log(value) for value in old], [math.log(value) for value in new], True


def caution(old_seeds: int, new_seeds: int, degrees: float) -> tuple[float, float]:
    """Return how many of the degrees of freedom are believed, and the penalty on the chance, for numbers of seeds."""
    fewest = min(old_seeds, new_seeds)
    return min(degrees, fewest + 3), 1 + 4 / fewest


def holm_level(probabilities: Iterable[float], alpha: float = ALPHA) -> float:
    """Return the level at which Holm's step-down procedure ends.

    A hypothesis is rejected by the procedure exactly when its probability is at most this level, so that one level
    gives every cell of a table its threshold.
    """
    ordered = sorted(probabilities)
    rejected = 0
    while rejected < len(ordered) and ordered[rejected] <= alpha / (len(ordered) - rejected):
        rejected += 1
    return alpha / max(1, len(ordered) - rejected)


def detectable_step(old_seeds: int, new_seeds: int, cells: int, rows: int = 1, power: float = 0.9) -> float:
    """Return the shift that is found with a given chance, in standard deviations from seed to seed.

    Parameters
    ----------
    old_seeds, new_seeds : int
        Replicates on the two sides.
    cells : int
        Size of the family; the shifted cell is the first that Holm's procedure looks at.
    rows : int
        Cells of a metric, which spread alike and know it.
    power : float
        The chance.
    """
    free = rows * (old_seeds + new_seeds - 2)
    degrees, penalty = caution(old_seeds, new_seeds, free)
    critical = student_limit(ALPHA / cells / penalty, degrees)
    centre = float(special.nctdtrinc(free, 1 - power, critical))  # about which Student's t exceeds it so often
    return centre * math.sqrt(1 / old_seeds + 1 / new_seeds)
