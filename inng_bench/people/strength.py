"""Strengths of methods from comparisons of two, after Bradley and Terry (1952)."""

from collections.abc import Sequence
from dataclasses import dataclass

import choix
import numpy as np
from numpy.typing import NDArray

from inng_bench.report.intervals import CONFIDENCE

RESAMPLES = 999

PRIOR = 0.5
"""Answers for each method, and as many against it, that are made up and spread over its opponents.

Without them the strength of a method that always won, or never, would be infinite.
"""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """An answer, by the numbers of the two methods.

    Attributes
    ----------
    score : float
        Of the first method: 1 if it was chosen, 0 if the second was, 0.5 if the person could not tell.
    question : int
        Number of the pair that was shown; several people may have answered it.
    """

    first: int
    second: int
    score: float
    question: int


@dataclass(frozen=True)
class Strengths:
    """The strength of each method, whose mean is 0, and those of resampled answers.

    A method that is stronger than another by d is chosen over it with the chance 1 / (1 + exp(-d)).

    Attributes
    ----------
    values : NDArray
        (methods,)
    resampled : NDArray
        (resamples, methods)
    """

    values: Floats
    resampled: Floats

    def interval(self, method: int) -> tuple[float, float]:
        """Return the 95% interval of the strength of a method."""
        return _interval(self.resampled[:, method])

    def chance(self, first: int, second: int) -> tuple[float, float, float]:
        """Return the chance that the first is chosen over the second, and the ends of its 95% interval."""
        value = _chance(self.values[first] - self.values[second])
        low, high = _interval(_chance(self.resampled[:, first] - self.resampled[:, second]))
        return float(value), low, high


def estimate_strengths(comparisons: Sequence[Comparison], methods: int, generator: np.random.Generator) -> Strengths:
    """Fit strengths and bootstrap them.

    The bootstrap draws questions, each with all of its answers: people who look at the same two pictures are not
    independent, and the interval should hold for other pictures of the same methods.

    Parameters
    ----------
    comparisons : Sequence[Comparison]
        One or more.
    methods : int
        Their number.
    generator : numpy.random.Generator
        Of the bootstrap.
    """
    wins = win_matrix(comparisons, methods)
    values = fit(wins.sum(axis=0))
    questions = len(wins)
    times = generator.multinomial(questions, np.full(questions, 1 / questions), size=RESAMPLES)
    drawn = np.tensordot(times.astype(np.float64), wins, axes=1)
    return Strengths(values, np.stack([fit(one, values) for one in drawn]))


def win_matrix(comparisons: Sequence[Comparison], methods: int) -> Floats:
    """Return how often each method (rows) was chosen over each other (columns): (questions, methods, methods)."""
    places = {question: place for place, question in enumerate(dict.fromkeys(one.question for one in comparisons))}
    wins = np.zeros((len(places), methods, methods))
    for one in comparisons:
        wins[places[one.question], one.first, one.second] += one.score
        wins[places[one.question], one.second, one.first] += 1 - one.score
    return wins


def fit(wins: Floats, start: Floats | None = None) -> Floats:
    """Return the strengths of the highest likelihood, with mean 0.

    Parameters
    ----------
    wins : NDArray
        (methods, methods): how often the row was chosen over the column; half an answer each where nobody could tell.
    start : NDArray or None
        Strengths to begin the iteration at.
    """
    count = len(wins)
    made_up = PRIOR / (count - 1) * (1 - np.eye(count))
    strengths = choix.ilsr_pairwise_dense(wins + made_up, initial_params=start, max_iter=10_000, tol=1e-5)
    return np.asarray(strengths - strengths.mean())


def _chance(difference: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-difference)))


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
