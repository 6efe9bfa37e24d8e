"""The interval of a mean over pairs of windows."""

import math
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from inng_bench.metrics.floor import interval_over_windows


def _pairs(windows: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[tuple[int, int], float]:
    return {
        (first, second): float(abs(windows[first] - windows[second]))
        for first, second in permutations(range(len(windows)), 2)
    }


def test_it_is_the_jackknife_over_windows_on_logarithms() -> None:
    by_pair = _pairs(np.array([0.0, 1.0, 4.0, 9.0]))
    means = {gone: np.mean([v for pair, v in by_pair.items() if gone not in pair]) for gone in range(4)}
    logs = np.log(list(means.values()))
    half = stats.t.ppf(0.975, 3) * math.sqrt(3 / 4 * ((logs - logs.mean()) ** 2).sum())
    centre = math.log(np.mean(list(by_pair.values())))
    assert interval_over_windows(by_pair) == pytest.approx((math.exp(centre - half), math.exp(centre + half)))


def test_of_two_windows_there_is_none() -> None:
    assert interval_over_windows({(0, 1): 0.5, (1, 0): 0.6}) == (None, None)


def test_values_that_are_not_positive_are_taken_as_they_are() -> None:
    low, high = interval_over_windows({pair: value - 1.0 for pair, value in _pairs(np.array([0.0, 1.0, 3.0])).items()})
    assert low is not None
    assert high is not None
    assert low < 1.0 < high


def test_it_holds_the_mean_of_all_windows_about_as_often_as_it_says() -> None:
    """Mean distance of two draws of a normal distribution: 2/sqrt(pi). Few windows vary: a wide band."""
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        low, high = interval_over_windows(_pairs(generator.normal(size=4)))
        assert low is not None
        assert high is not None
        covered += low <= 2 / math.sqrt(math.pi) <= high
    assert 0.85 < covered / 400 <= 0.99
