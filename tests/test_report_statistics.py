"""The statistics of the report against closed forms, scipy's own tests and simulated seeds of a known mean."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from record_builder import VALUES, make_record, write_records
from report_texts import make_rows, markdown, plain_text
from scipy import stats

from inng_bench.gate.inference import holm_level
from inng_bench.metrics.catalogue import BY_NAME, CATALOGUE, HEADLINES, Direction
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.registry import MEASURES
from inng_bench.records.schema import Record
from inng_bench.report import build_report
from inng_bench.report.agreement import Values, agreement_csv, agreements
from inng_bench.report.comparison import PairedTest, compare_methods, holm
from inng_bench.report.intervals import (
    BOOTSTRAP_FROM,
    Estimate,
    IntervalKind,
    bootstrap_interval,
    estimate_over_seeds,
    interval_kind,
    student_test,
    t_interval,
)
from inng_bench.textures.procedural import realise

TEXTURES = ("brick", "cloth", "field", "grass", "gravel")


def scaled(factor: float, **changes: float) -> dict[str, float | None]:
    return {name: changes.get(name, value * factor) for name, value in VALUES.items()}


def duel(ours: Sequence[float], theirs: Sequence[float], seeds: int = 1) -> list[Record]:
    """INNg and DCGAN on as many textures as there are factors."""
    return [
        make_record(method, texture=texture, replicate=seed, values=scaled(factor))
        for method, factors in (("inng", ours), ("dcgan", theirs))
        for texture, factor in zip(TEXTURES, factors, strict=False)
        for seed in range(seeds)
    ]


def coverage(
    interval: Callable[[Sequence[float]], tuple[float, float, float]], draws: Sequence[Sequence[float]], mean: float
) -> float:
    ends = [interval(values) for values in draws]
    return sum(low <= mean <= high for low, _, high in ends) / len(draws)


# Intervals


@pytest.mark.parametrize("seeds", [2, 3, 5, 8, 14])
def test_t_intervals_cover_the_mean_at_their_rate(seeds: int) -> None:
    draws = np.random.default_rng(seeds).normal(0.3, 0.2, (2000, seeds))
    # Four standard errors of a share of 0.95 among 2000.
    assert coverage(t_interval, draws.tolist(), 0.3) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("seeds", [15, 30])
def test_bootstrap_intervals_cover_the_mean_at_nearly_their_rate(seeds: int) -> None:
    draws = np.random.default_rng(seeds).gamma(4.0, 1.0, (120, seeds))
    assert 0.87 <= coverage(bootstrap_interval, draws.tolist(), 4.0) <= 1.0


def test_the_bootstrap_interval_is_that_of_student_for_many_normal_seeds() -> None:
    values = np.random.default_rng(0).normal(2.0, 0.5, 200).tolist()
    assert bootstrap_interval(values) == pytest.approx(t_interval(values), abs=0.01)


def test_the_bootstrap_interval_leans_to_the_long_tail() -> None:
    values = np.random.default_rng(0).gamma(1.0, 1.0, 30).tolist()
    low, centre, high = bootstrap_interval(values)
    assert high - centre > 1.1 * (centre - low)


def test_from_fifteen_seeds_on_the_bootstrap_takes_over_and_repeats_itself() -> None:
    values = np.random.default_rng(3).lognormal(0.0, 0.3, BOOTSTRAP_FROM).tolist()
    for count, interval, kind in (
        (14, t_interval, IntervalKind.SEEDS),
        (15, bootstrap_interval, IntervalKind.BOOTSTRAP),
    ):
        found = estimate_over_seeds(values[:count])
        low, centre, high = interval([math.log(value) for value in values[:count]])
        assert (found.low, found.value, found.high) == tuple(map(math.exp, (low, centre, high)))
        assert found == estimate_over_seeds(values[:count])
        assert interval_kind(count) is kind
        assert kind.is_over_seeds
    assert not interval_kind(1).is_over_seeds


def test_fifteen_equal_seeds_have_an_interval_without_width() -> None:
    assert estimate_over_seeds([0.0] * 15) == Estimate(0.0, 0.0, 0.0)


def test_a_row_of_fifteen_seeds_says_that_its_interval_is_a_bootstrap_and_can_win() -> None:
    spread = np.random.default_rng(0).normal(1.0, 0.02, BOOTSTRAP_FROM)
    records = [
        make_record(method, replicate=seed, values=scaled(factor * level))
        for method, level in (("inng", 1.0), ("dcgan", 3.0))
        for seed, factor in enumerate(spread)
    ]
    text = markdown(make_rows(records), records)
    assert "With 15 seeds or more" in text
    assert "95% bootstrap interval over seeds" in text
    assert re.search(r"\*\*0\.\d+\*\* \(0\.\d+–0\.\d+\)", text)


# Comparison of methods


def test_the_ratio_over_textures_has_the_interval_and_probability_of_the_paired_t_test_on_logarithms() -> None:
    ours, theirs = [1.0, 2.0, 1.5, 3.0, 1.2], [2.0, 3.0, 1.6, 9.0, 2.6]
    logs = np.log(ours) - np.log(theirs)
    expected = stats.ttest_rel(np.log(ours), np.log(theirs))
    gram = next(one for one in compare_methods(make_rows(duel(ours, theirs))) if one.metric.name == "gram")
    low, high = np.exp(expected.confidence_interval(0.95))
    assert gram.test is PairedTest.STUDENT
    assert gram.textures == 5
    assert gram.ratio.value == pytest.approx(np.exp(logs.mean()))
    assert [gram.ratio.low, gram.ratio.high] == [pytest.approx(low), pytest.approx(high)]
    assert gram.probability == pytest.approx(expected.pvalue)
    assert gram.corrected == pytest.approx(len(HEADLINES) * expected.pvalue)


def test_only_the_headline_metrics_are_compared_and_counted() -> None:
    compared = compare_methods(make_rows(duel([1, 2, 3], [2, 5, 6])))
    assert tuple(one.metric for one in compared) == HEADLINES
    assert len(HEADLINES) < len(CATALOGUE)


def test_seeds_of_a_texture_are_not_further_textures() -> None:
    one, three = (compare_methods(make_rows(duel([1, 2, 3, 4], [2, 5, 6, 9], seeds))) for seeds in (1, 3))
    assert [found.textures for found in three] == [4] * len(HEADLINES)
    assert [found.probability for found in three] == pytest.approx([found.probability for found in one])


@pytest.mark.parametrize("textures", [1, 2])
def test_too_few_textures_are_a_line_without_a_test(textures: int) -> None:
    records = duel([1.0] * textures, [2.0] * textures, seeds=3)
    rows = make_rows(records)
    assert {one.test for one in compare_methods(rows)} == {PairedTest.NONE}
    for text in (plain_text(rows, records), markdown(rows, records)):
        assert f"{textures} of {textures}" in text
        assert text.count("not tested") == len(HEADLINES)
        assert "A test needs 3 textures." in " ".join(text.split())


def test_a_metric_that_is_not_positive_everywhere_is_tested_by_ranks_and_has_no_ratio() -> None:
    ours, theirs = [-1e-4, 0.001, 0.002, 0.003, 0.001], [0.002, 0.004, 0.001, 0.009, 0.004]
    records = [
        make_record(method, texture=texture, values=scaled(1.0 if method == "inng" else 2.0, patch_kid=value))
        for method, values in (("inng", ours), ("dcgan", theirs))
        for texture, value in zip(TEXTURES, values, strict=True)
    ]
    kid = next(one for one in compare_methods(make_rows(records)) if one.metric.name == "patch_kid")
    assert kid.test is PairedTest.WILCOXON
    assert kid.ratio == Estimate()
    assert kid.probability == pytest.approx(stats.wilcoxon(ours, theirs).pvalue)


def test_methods_that_differ_by_one_factor_everywhere_are_certain() -> None:
    compared = compare_methods(make_rows(duel([1.0, 1.0, 1.0], [2.0, 2.0, 2.0])))
    assert [one.probability for one in compared] == [pytest.approx(0, abs=1e-12)] * len(HEADLINES)
    assert student_test([0.0, 0.0, 0.0]) == 1.0


def test_holms_correction_is_the_textbooks() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_holms_correction_rejects_what_the_step_down_procedure_rejects() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        probabilities = (generator.random(generator.integers(1, 7)) ** 3).tolist()
        level = holm_level(probabilities, 0.05)
        rejected = [corrected <= 0.05 for corrected in holm(probabilities)]
        assert rejected == [probability <= level for probability in probabilities]


def test_equal_methods_are_rarely_told_apart_by_any_headline_metric() -> None:
    logs = np.random.default_rng(0).normal(0.0, 0.4, (400, len(HEADLINES), 8))
    alarms = [min(holm([student_test(metric) for metric in table])) <= 0.05 for table in logs.tolist()]
    assert np.mean(alarms) == pytest.approx(0.05, abs=0.04)


# Agreement


def tau_b(first: Sequence[float], second: Sequence[float]) -> float:
    """Kendall's tau-b pair by pair, as the definition has it."""
    pairs = [(i, j) for i in range(len(first)) for j in range(i)]
    signs = [(np.sign(first[i] - first[j]), np.sign(second[i] - second[j])) for i, j in pairs]
    same = sum(a * b for a, b in signs)
    return float(same / math.sqrt(sum(a != 0 for a, _ in signs) * sum(b != 0 for _, b in signs)))


def test_agreement_is_kendalls_tau_b_within_textures_and_its_mean_over_them() -> None:
    first = {"brick": [1.0, 2.0, 2.0, 4.0, 5.0], "grass": [10.0, 30.0, 20.0, 40.0]}
    second = {"brick": [0.1, 0.3, 0.2, 0.2, 0.9], "grass": [0.4, 0.3, 0.2, 0.1]}
    values = {
        texture: [{"gram": one, "patch_fid": other} for one, other in zip(first[texture], second[texture], strict=True)]
        for texture in first
    }
    found = next(one for one in agreements(values) if (one.first, one.second) == ("gram", "patch_fid"))
    assert found.tau == pytest.approx(np.mean([tau_b(first[texture], second[texture]) for texture in first]))
    assert (found.textures, found.rows) == (2, 9)


def test_textures_that_are_hard_for_all_do_not_make_metrics_agree() -> None:
    values = {
        texture: [{"gram": level + row, "patch_fid": level - row} for row in range(4)]
        for level, texture in ((10, "brick"), (100, "grass"), (1000, "wood"))
    }
    found = next(one for one in agreements(values) if (one.first, one.second) == ("gram", "patch_fid"))
    assert found.tau == -1.0


def test_metrics_of_opposite_direction_that_order_alike_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BY_NAME, "patch_fid", replace(BY_NAME["patch_fid"], direction=Direction.HIGHER))
    values = {"brick": [{"gram": float(row), "patch_fid": -float(row)} for row in range(4)]}
    found = next(one for one in agreements(values) if (one.first, one.second) == ("gram", "patch_fid"))
    assert found.tau == 1.0


def test_a_texture_with_too_few_rows_or_without_differences_is_left_out() -> None:
    values: Values = {
        "brick": [{"gram": 1.0, "patch_fid": 1.0}, {"gram": 2.0, "patch_fid": 2.0}, {"gram": 3.0, "patch_fid": None}],
        "grass": [{"gram": float(row), "patch_fid": 0.0} for row in range(5)],
    }
    found = next(one for one in agreements(values) if (one.first, one.second) == ("gram", "patch_fid"))
    assert (found.tau, found.textures, found.rows) == (None, 0, 0)
    assert agreement_csv([found]) == "first,second,kendall_tau,textures,rows\ngram,patch_fid,,0,0\n"


def test_the_report_has_the_agreement_of_all_pairs_of_metrics(tmp_path: Path) -> None:
    methods = ("real", "inng", "dcgan", "noise")
    records = [
        make_record(method, texture=texture, values=scaled(factor))
        for texture in ("brick", "grass")
        for factor, method in enumerate(methods, 1)
    ]
    write_records(tmp_path, records)
    report = build_report(tmp_path)
    table = pd.read_csv(tmp_path / "report/agreement.csv")
    assert len(table) == len(VALUES) * (len(VALUES) - 1) // 2
    assert (table[["textures", "rows"]] == [2, 8]).all(axis=None)
    alike = [
        BY_NAME[one].direction is BY_NAME[other].direction
        for one, other in zip(table["first"], table["second"], strict=True)
    ]
    # All figures rise from row to row: for a metric that is better when higher the order is the opposite one.
    assert table["kendall_tau"].to_numpy() == pytest.approx(np.where(alike, 1.0, -1.0))
    assert "## Agreement" in (tmp_path / "report/table.md").read_text()
    assert "Agreement" not in report.text


# Long ones


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("texture", ["pebbles", "cloth", "wood", "field"])
def test_intervals_of_few_pairs_cover_the_mean_over_two_hundred_realisations(texture: str) -> None:
    """Each pair is a replicate: two pictures that were never seen, as a sample and a held-out window would be."""
    distances = np.array([_distance_of_a_fresh_pair(texture, number) for number in range(200)])
    mean, generator = float(np.log(distances).mean()), np.random.default_rng(0)
    for seeds, groups, fewest in ((3, 1000, 0.91), (5, 1000, 0.91), (14, 1000, 0.91), (15, 200, 0.87)):
        drawn = [generator.choice(distances, seeds, replace=False).tolist() for _ in range(groups)]
        found = [estimate_over_seeds(values) for values in drawn]
        ends = np.array([(one.low, one.high) for one in found], float)
        covered = (ends[:, 0] <= math.exp(mean)) & (math.exp(mean) <= ends[:, 1])
        assert fewest <= covered.mean() <= 0.995, seeds


def _distance_of_a_fresh_pair(texture: str, number: int) -> float:
    samples, reference = (
        Pictures(realise(texture, (192, 192), np.random.default_rng([number, window]))[None]) for window in (0, 1)
    )
    value = MEASURES["gram"](Comparison(samples, reference, seed=0)).value
    assert value is not None
    return value
