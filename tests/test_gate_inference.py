"""The statistics of the gate against scipy's own tests and against closed forms."""

import math

import numpy as np
import pytest
from scipy import stats

from inng_bench.gate.inference import (
    ALONE,
    ALPHA,
    SharedSpread,
    Within,
    detectable_step,
    holm_level,
    measure_shift,
    measure_within,
    share_spread,
    student_limit,
)


@pytest.mark.parametrize(("sizes", "degrees"), [((5, 5), 8), ((5, 3), 6), ((3, 9), 6), ((20, 5), 8), ((10, 1), 4)])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_probability_is_students_on_logarithms_with_caution_for_few_seeds(
    sizes: tuple[int, int], degrees: int, sign: int
) -> None:
    generator = np.random.default_rng(0)
    old, new = (generator.lognormal(0.3 * index, 0.2, size).tolist() for index, size in enumerate(sizes))
    statistic = stats.ttest_ind(np.log(new), np.log(old)).statistic
    shift = measure_shift(old, new)
    expected = (1 + 4 / min(sizes)) * stats.t.sf(sign * statistic, degrees)
    assert shift.probability(sign) == pytest.approx(min(1, expected), rel=1e-9)
    assert (shift.old, shift.new) == pytest.approx((stats.gmean(old), stats.gmean(new)))


def test_with_one_seed_it_is_the_prediction_interval_of_the_reference() -> None:
    old, new = [1.0, 1.2, 0.9, 1.1, 1.05], [1.4]
    logarithms = np.log(old)
    half = stats.t.ppf(1 - 0.001 / 5, 4) * logarithms.std(ddof=1) * math.sqrt(1 + 1 / 5)
    assert measure_shift(old, new).limit(0.001, 1) == pytest.approx(math.exp(logarithms.mean() + half))


@pytest.mark.parametrize("values", [[0.0, 0.1, 0.2], [-0.1, 0.1, 0.2]])
def test_values_that_are_not_positive_are_compared_as_they_are(values: list[float]) -> None:
    shift = measure_shift(values, [0.5, 0.6])
    assert shift.probability(1) == pytest.approx(3 * stats.ttest_ind([0.5, 0.6], values, alternative="greater").pvalue)
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


@pytest.mark.parametrize(("prior", "common"), [(4.0, 0.02), (10.0, 3.0)])
def test_the_common_spread_of_many_cells_is_the_one_that_they_were_drawn_about(prior: float, common: float) -> None:
    generator = np.random.default_rng(2)
    own = common * prior / generator.chisquare(prior, 20_000)
    cells = [Within(value, 4, True) for value in (own * generator.chisquare(4, 20_000) / 4).tolist()]
    shared = share_spread(cells)
    assert shared.degrees == pytest.approx(prior, rel=0.15)
    assert shared.variance == pytest.approx(common, rel=0.05)
    assert shared.most == 4 * 20_000


def test_cells_that_differ_by_no_more_than_chance_have_one_spread_and_others_keep_their_own() -> None:
    alike = share_spread([Within(value, 6, True) for value in (1.0, 1.1, 0.9, 1.05)])
    assert alike.degrees == math.inf
    assert alike.moderated(Within(7.0, 6, True)) == pytest.approx((1.2, 24), rel=0.01)  # e^(log 3 - ψ(3)), as of χ²
    unlike = share_spread([Within(10.0**power, 6, True) for power in range(-4, 5, 2)])
    variance, degrees = unlike.moderated(Within(1e4, 6, True))
    assert variance == pytest.approx(1e4, rel=0.1)
    assert degrees == pytest.approx(6, abs=0.5)


def test_nothing_is_shared_with_a_cell_that_does_not_vary_or_has_no_logarithm() -> None:
    still, low, high = Within(0.0, 4, True), Within(0.5, 4, False), Within(2.0, 4, True)
    assert share_spread([still, low, high]) == ALONE
    assert SharedSpread(1.0, 8.0, 40).moderated(low) == (0.5, 4)
    assert SharedSpread(1.0, 8.0, 40).moderated(still) == pytest.approx((8 / 12, 12))


def test_a_shift_is_measured_with_the_moderated_spread() -> None:
    old, new, shared = [1.0, 1.3, 0.8], [1.6], SharedSpread(0.04, 6.0, 8)
    own = measure_within(old, new)
    assert own.variance == pytest.approx(np.log(old).var(ddof=1))
    error = math.sqrt((6 * 0.04 + 2 * own.variance) / 8 * (1 + 1 / 3))
    step = math.log(1.6) - np.log(old).mean()
    assert measure_shift(old, new, shared).probability(1) == pytest.approx(5 * stats.t.sf(step / error, 4))


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
