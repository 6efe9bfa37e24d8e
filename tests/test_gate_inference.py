"""The statistics of the gate against scipy's own tests and against closed forms."""

import math

import numpy as np
import pytest
from scipy import stats

from inng_bench.gate.inference import ALPHA, detectable_step, holm_level, measure_shift, student_limit


@pytest.mark.parametrize(("sizes", "degrees"), [((5, 5), 8), ((5, 3), 6), ((3, 9), 7), ((20, 5), 9), ((10, 1), 5)])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_probability_is_students_on_logarithms_with_caution_for_few_seeds(
    sizes: tuple[int, int], degrees: int, sign: int
) -> None:
    generator = np.random.default_rng(0)
    old, new = (generator.lognormal(0.3 * index, 0.2, size).tolist() for index, size in enumerate(sizes))
    statistic = stats.ttest_ind(np.log(new), np.log(old)).statistic
    shift = measure_shift(old, new)
    expected = (1 + 2 / min(sizes)) * stats.t.sf(sign * statistic, degrees)
    assert shift.probability(sign) == pytest.approx(min(1, expected), rel=1e-9)
    assert (shift.old, shift.new) == pytest.approx((stats.gmean(old), stats.gmean(new)))


def test_with_one_seed_it_is_the_prediction_interval_of_the_reference() -> None:
    old, new = [1.0, 1.2, 0.9, 1.1, 1.05], [1.4]
    logarithms = np.log(old)
    half = stats.t.ppf(1 - 0.001 / 3, 4) * logarithms.std(ddof=1) * math.sqrt(1 + 1 / 5)
    assert measure_shift(old, new).limit(0.001, 1) == pytest.approx(math.exp(logarithms.mean() + half))


@pytest.mark.parametrize("values", [[0.0, 0.1, 0.2], [-0.1, 0.1, 0.2]])
def test_values_that_are_not_positive_are_compared_as_they_are(values: list[float]) -> None:
    shift = measure_shift(values, [0.5, 0.6])
    assert shift.probability(1) == pytest.approx(2 * stats.ttest_ind([0.5, 0.6], values, alternative="greater").pvalue)
    assert shift.old == pytest.approx(np.mean(values))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("offset", [0.0, -0.5])
def test_the_limit_is_where_the_probability_is_the_level(sign: int, offset: float) -> None:
    old = [value + offset for value in (0.3, 0.4, 0.35, 0.42)]
    level = 0.003
    limit = measure_shift(old, [0.3]).limit(level, sign)
    assert measure_shift(old, [limit]).probability(sign) == pytest.approx(level, rel=1e-6)


def test_without_any_spread_any_step_is_certain_and_none_is_no_step() -> None:
    assert measure_shift([0.0] * 5, [0.0] * 5).probability(1) == 1.0
    assert measure_shift([0.0] * 5, [0.1] * 5).probability(1) == 0.0
    assert measure_shift([0.0] * 5, [0.1] * 5).probability(-1) == 1.0
    assert measure_shift([0.0] * 5, [0.0] * 5).limit(1e-4, 1) == 0.0


def test_a_limit_beyond_all_numbers_is_infinite() -> None:
    assert measure_shift([1.0, 3.0], [1.0]).limit(1e-6, 1) == math.inf
    assert measure_shift([1.0, 3.0], [1.0]).limit(1e-6, -1) == pytest.approx(0.0)


@pytest.mark.parametrize("degrees", [1, 2, 4, 23])
@pytest.mark.parametrize("level", [1e-2, 5e-4, 1e-6])
def test_limits_are_students_quantiles(degrees: int, level: float) -> None:
    assert student_limit(level, degrees) == pytest.approx(stats.t.isf(level, degrees), rel=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_the_level_rejects_what_holms_procedure_rejects(seed: int) -> None:
    probabilities = np.random.default_rng(seed).uniform(0, 0.02, 12) ** 2
    adjusted, greatest = np.empty(12), 0.0
    for rank, index in enumerate(np.argsort(probabilities)):  # the definition, by adjusted probabilities
        greatest = max(greatest, (12 - rank) * probabilities[index])
        adjusted[index] = greatest
    level = holm_level(probabilities.tolist())
    assert (probabilities <= level).tolist() == (adjusted <= ALPHA).tolist()


def test_holms_level_of_nothing_and_of_one_is_alpha() -> None:
    assert holm_level([]) == holm_level([0.5]) == holm_level([1e-9]) == ALPHA
    assert holm_level([0.5] * 10) == pytest.approx(ALPHA / 10)


@pytest.mark.parametrize("seeds", [(3, 3), (5, 5), (10, 3)])
def test_the_detectable_step_is_detected_as_often_as_it_says(seeds: tuple[int, int]) -> None:
    step, cells, tables = detectable_step(*seeds, cells=16), 16, 1500
    generator = np.random.default_rng(1)
    sides = np.exp(generator.standard_normal((tables, sum(seeds))))
    sides[:, seeds[0] :] *= math.exp(step)
    found = sum(
        measure_shift(row[: seeds[0]], row[seeds[0] :]).probability(1) <= ALPHA / cells for row in sides.tolist()
    )
    assert 0.87 < found / tables < 0.93
