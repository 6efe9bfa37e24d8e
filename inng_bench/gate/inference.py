"""The statistics of the gate: how far two groups of seeds lie apart, and which distances are no accident.

Under the hypothesis that is tested, *nothing has changed*, both groups are draws from one distribution; so one
variance is estimated from both, and Student's two-sample statistic is exact for normal values. With one seed on a side
it is the prediction interval of the other side's spread.

Seeds need not be normal, and a mean of few keeps their tails. With k seeds on the smaller side the statistic is
therefore taken to have no more than k + 4 degrees of freedom (the mean of k values of Student's distribution with 5
degrees has the kurtosis of one with k + 4), and its chance is multiplied by 1 + 2/k, which ``docs/gate.md`` shows to be
enough for heavy and for skewed tails.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy import special

ALPHA = 0.01
"""Chance that an unchanged table, as a whole, is called worse."""


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
    degrees : int
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
    degrees: int
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


def student_limit(level: float, degrees: int) -> float:
    """Return the value that Student's t exceeds with a chance of ``level``."""
    return -float(special.stdtrit(degrees, level))


_LARGEST = 700.0
"""Largest exponent that a float takes."""


def measure_shift(old: Sequence[float], new: Sequence[float]) -> Shift:
    """Compare two groups of seeds.

    Parameters
    ----------
    old, new : Sequence[float]
        One value a seed; at least three in all, and one on each side.
    """
    logarithmic = min(*old, *new) > 0
    first, second = ([math.log(value) for value in side] if logarithmic else list(side) for side in (old, new))
    centres = statistics.fmean(first), statistics.fmean(second)
    free = len(first) + len(second) - 2
    squares = math.fsum((value - centres[0]) ** 2 for value in first)
    squares += math.fsum((value - centres[1]) ** 2 for value in second)
    error = math.sqrt(squares / free * (1 / len(first) + 1 / len(second)))
    own = (math.exp(centres[0]), math.exp(centres[1])) if logarithmic else centres
    return Shift(*own, centres[1] - centres[0], error, *caution(len(old), len(new)), logarithmic)


def caution(old_seeds: int, new_seeds: int) -> tuple[int, float]:
    """Return the degrees of freedom that are believed, and the penalty on the chance, for numbers of seeds."""
    fewest = min(old_seeds, new_seeds)
    return min(old_seeds + new_seeds - 2, fewest + 4), 1 + 2 / fewest


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


def detectable_step(old_seeds: int, new_seeds: int, cells: int, power: float = 0.9) -> float:
    """Return the shift that is found with a given chance, in standard deviations from seed to seed.

    Parameters
    ----------
    old_seeds, new_seeds : int
        Replicates on the two sides.
    cells : int
        Size of the family; the shifted cell is the first that Holm's procedure looks at.
    power : float
        The chance.
    """
    degrees, penalty = caution(old_seeds, new_seeds)
    critical = student_limit(ALPHA / cells / penalty, degrees)
    free = old_seeds + new_seeds - 2
    low, high = 0.0, 1.0
    while _power(critical, free, high) < power:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _power(critical, free, middle) < power else (low, middle)
    return high * math.sqrt(1 / old_seeds + 1 / new_seeds)


def _power(critical: float, degrees: int, centre: float) -> float:
    """Return the chance that Student's t about a centre exceeds a critical value."""
    return 1 - float(special.nctdtr(degrees, centre, critical))
