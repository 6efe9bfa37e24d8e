"""The interval of a floor: how much the mean over pairs of real windows depends on which windows there are.

Pairs that share a window are not independent, so that a spread over pairs would be too narrow. The mean over pairs is
a U-statistic, and its variance is estimated by leaving out one window at a time, with all of its pairs.

References
----------
J. N. Arvesen, "Jackknifing U-statistics", Ann. Math. Statist. 40, 1969, https://doi.org/10.1214/aoms/1177697287
"""

import math
from collections.abc import Mapping

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


def interval_over_windows(by_pair: Mapping[tuple[int, int], float]) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the mean over pairs of windows, by the jackknife and Student's t.

    Positive values are treated as logarithms, since distances err by factors.

    Parameters
    ----------
    by_pair : Mapping[tuple[int, int], float]
        The value of each pair of windows, by their numbers.

    Returns
    -------
    tuple[float or None, float or None]
        None when there are only two windows: the jackknife needs three.
    """
    windows = sorted({window for pair in by_pair for window in pair})
    count = len(windows)
    if count < 3:
        return None, None
    is_positive = min(by_pair.values()) > 0
    without = [float(np.mean([value for pair, value in by_pair.items() if window not in pair])) for window in windows]
    mean = float(np.mean(list(by_pair.values())))
    if is_positive:
        without, mean = [math.log(value) for value in without], math.log(mean)
    variance = (count - 1) / count * sum((value - float(np.mean(without))) ** 2 for value in without)
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, count - 1)) * math.sqrt(variance)
    low, high = mean - half, mean + half
    return (math.exp(low), math.exp(high)) if is_positive else (low, high)
