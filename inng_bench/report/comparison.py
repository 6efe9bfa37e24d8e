"""INNg against DCGAN over textures: a ratio with its interval, and a test that knows how many metrics it looks at.

The unit is a texture: its value is the mean over the seeds, so that three seeds of one texture are no three textures.
Where both methods are positive everywhere, the logarithms of their ratio are tested with Student's paired t, which
gives interval and probability from one assumption. A metric that reaches zero or below on some texture has no ratio
there; its differences are of different sizes on different textures, and only their ranks are tested (Wilcoxon).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import groupby

import pandas as pd
from scipy import stats

from inng_bench.metrics.catalogue import HEADLINES, MetricInfo
from inng_bench.report.intervals import Estimate, t_interval
from inng_bench.report.rows import Row, by_texture, comparable
from inng_bench.tables.markup import ABSENT, Markup, format_number, format_range

FEWEST_TEXTURES = 3
"""Under three textures an interval spans orders of magnitude, and nothing is tested."""

TITLE = "Comparison of methods"
NOTE = (
    "INNg against DCGAN of equal budget on the headline metrics, over test textures where there are such; copies are "
    "left out. The unit is a texture, its value the mean over seeds. "
    "Ratio: geometric mean over textures with its 95% t interval; under 1 INNg is better. p: two-sided paired t test "
    "on the logarithms (Wilcoxon's signed-rank test on the differences where a value is not positive), after Holm's "
    "correction over the headline metrics."
)


class PairedTest(StrEnum):
    """How a difference over textures was tested."""

    STUDENT = "paired t on logarithms"
    WILCOXON = "Wilcoxon signed-rank"
    NONE = ""


@dataclass(frozen=True)
class Comparison:
    """Two methods of equal budget by one metric, over textures.

    Attributes
    ----------
    ours, theirs : str
        Labels of the rows: an INNg and a DCGAN.
    textures : int
        On how many both have a value.
    ratio : Estimate
        Geometric mean over textures of ours over theirs; without a value where some value is not positive.
    test : PairedTest
        NONE under :data:`FEWEST_TEXTURES`.
    probability, corrected : float or None
        Two-sided, without and with Holm's correction over the headline metrics of this pair of methods.
    """

    ours: str
    theirs: str
    metric: MetricInfo
    textures: int
    ratio: Estimate = field(default_factory=Estimate)
    test: PairedTest = PairedTest.NONE
    probability: float | None = None
    corrected: float | None = None


def pairs(rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """Return the labels of INNg and DCGAN rows that were trained with the same budget somewhere, sorted."""
    found = {
        (ours.method, theirs.method)
        for group in by_texture(contestants(rows)).values()
        for ours in group
        for theirs in group
        if (ours.implementation, theirs.implementation) == ("inng", "dcgan")
        and ours.budget_flops == theirs.budget_flops
    }
    return tuple(sorted(found))


def contestants(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the trained rows of :func:`inng_bench.report.rows.comparable`."""
    return tuple(row for row in comparable(rows) if row.is_trained)


def paired_rows(rows: Sequence[Row], ours: str, theirs: str) -> dict[str, tuple[Row, Row]]:
    """Return the rows of two labels on each texture where both were trained with the same budget."""
    found = {}
    for texture, group in by_texture(contestants(rows)).items():
        methods = {row.method: row for row in group}
        if ours in methods and theirs in methods and methods[ours].budget_flops == methods[theirs].budget_flops:
            found[texture] = methods[ours], methods[theirs]
    return found


def _paired_values(rows: Sequence[Row], ours: str, theirs: str, metric: MetricInfo) -> list[tuple[float, float]]:
    figures = [
        (first.figures[metric.name].value, second.figures[metric.name].value)
        for first, second in paired_rows(rows, ours, theirs).values()
    ]
    return [(first, second) for first, second in figures if first is not None and second is not None]


def compare_methods(rows: Sequence[Row]) -> tuple[Comparison, ...]:
    """Compare every pair of :func:`pairs` by every headline metric."""
    compared: list[Comparison] = []
    for ours, theirs in pairs(rows):
        family = [_compare(_paired_values(rows, ours, theirs, metric), ours, theirs, metric) for metric in HEADLINES]
        compared += _corrected(family)
    return tuple(compared)


def holm(probabilities: Sequence[float]) -> list[float]:
    """Return probabilities after Holm's correction, in the order given.

    References
    ----------
    S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979.
    """
    corrected = [1.0] * len(probabilities)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(probabilities)), key=lambda index: probabilities[index])):
        largest = max(largest, min(1.0, (len(probabilities) - rank) * probabilities[index]))
        corrected[index] = largest
    return corrected


def comparison_lines(compared: Sequence[Comparison], markup: Markup) -> pd.DataFrame:
    """Return the comparisons that could be tested as a table, every cell marked up; it may be empty."""
    lines = [
        {
            "metric": one.metric.label,
            "methods": f"{one.ours} / {one.theirs}",
            "ratio": _ratio_cell(one.ratio),
            "p": format_number(one.corrected, 2),
            "test": str(one.test),
            "textures": str(one.textures),
        }
        for one in compared
        if one.test is not PairedTest.NONE
    ]
    return pd.DataFrame([{name: markup.escape(cell) for name, cell in line.items()} for line in lines], dtype="str")


def not_judged(compared: Sequence[Comparison]) -> list[str]:
    """Return a sentence for each pair of methods that some headline metric cannot judge."""
    untested = [one for one in compared if one.test is PairedTest.NONE]
    sentences = []
    for (ours, theirs, textures), group in groupby(untested, key=lambda one: (one.ours, one.theirs, one.textures)):
        labels = ", ".join(one.metric.label for one in group)
        sentences.append(
            f"{ours} against {theirs} cannot be judged by {labels}: both have a value on {textures} "
            f"{'texture' if textures == 1 else 'textures'}, and a test over textures needs {FEWEST_TEXTURES}."
        )
    return sentences


def _compare(values: Sequence[tuple[float, float]], ours: str, theirs: str, metric: MetricInfo) -> Comparison:
    untested = Comparison(ours, theirs, metric, len(values))
    if len(values) < FEWEST_TEXTURES:
        return untested
    if min(map(min, values)) <= 0:
        differences = [first - second for first, second in values]
        return replace(untested, test=PairedTest.WILCOXON, probability=_wilcoxon(differences))
    ratios = [math.log(first / second) for first, second in values]
    low, centre, high = (math.exp(end) for end in t_interval(ratios))
    return replace(
        untested, ratio=Estimate(centre, low, high), test=PairedTest.STUDENT, probability=paired_probability(ratios)
    )


def paired_probability(differences: Sequence[float]) -> float:
    """Return the two-sided probability of Student's paired t test for differences without spread as well."""
    if min(differences) == max(differences):  # scipy would warn of lost precision
        return float(differences[0] == 0)
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def _wilcoxon(differences: Sequence[float]) -> float:
    return float(stats.wilcoxon(differences).pvalue) if any(differences) else 1.0


def _corrected(family: Sequence[Comparison]) -> list[Comparison]:
    """Correct the tested ones; what could not be tested takes no part in the family."""
    tested = [one for one in family if one.probability is not None]
    corrected = iter(holm([one.probability for one in tested if one.probability is not None]))
    return [one if one.probability is None else replace(one, corrected=next(corrected)) for one in family]


def _ratio_cell(ratio: Estimate) -> str:
    if ratio.value is None or ratio.low is None or ratio.high is None:
        return ABSENT
    return f"{format_number(ratio.value)} ({format_range(ratio.low, ratio.high, 2)})"
