"""Comparison of methods with their rivals over textures: ratios with intervals, and tests with Holm's correction.

The unit is a texture: its value is the mean over the seeds, so that three seeds of one texture are no three textures.
Where both methods are positive everywhere, the logarithms of their ratio are tested with Student's paired t, which
gives interval and probability from one assumption. A metric that reaches zero or below on some texture has no ratio
there; its differences are of different sizes on different textures, and only their ranks are tested (Wilcoxon).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from inng_bench.metrics.catalogue import MetricInfo
from inng_bench.report.intervals import Estimate, student_test, t_interval
from inng_bench.report.rows import Row, by_texture, comparable, headlines, is_better, separates
from inng_bench.report.study import Study
from inng_bench.tables.content import Cell, Section, Table
from inng_bench.tables.markup import fitting_places, format_number, format_places, format_range

FEWEST_TEXTURES = 3
"""Under three textures an interval spans orders of magnitude, and nothing is tested."""

LEVEL = 0.05
"""Chance of a difference where there is none, of one interval and, after Holm, of all that is corrected together."""

TITLE = "Comparison of methods"
NOTE = (
    "Each line compares a method with a rival of the same budget on a headline metric. If there are test textures, "
    "only they count. Copies, and metrics that one of the two optimises, are left out. Each texture gives one value, "
    "the mean over seeds. Ratio: value of the method divided by that of the rival, geometric mean over textures with "
    "its 95% t interval; below 1 the method is better. p: two-sided paired t test on the logarithms (if a value is "
    "not positive, Wilcoxon's signed-rank test on the differences), after Holm's correction over all lines; bold "
    "below 0.05. Better: on how many textures the method has the better mean. Clear: on how many textures the "
    f"intervals over seeds do not overlap, among those that have intervals. A test needs {FEWEST_TEXTURES} textures."
)


class PairedTest(StrEnum):
    """How a difference over textures was tested."""

    STUDENT = "paired t"
    WILCOXON = "Wilcoxon"
    NONE = "not tested"


@dataclass(frozen=True)
class Comparison:
    """Two methods of equal budget by one metric, over textures.

    Attributes
    ----------
    ours, theirs : str
        Labels of the rows: a reference and a rival.
    textures : int
        On how many both have a value.
    better : int
        On how many of them the reference has the better one.
    rated, clear : int
        On how many both have an interval over seeds, and on how many of these they lie apart.
    ratio : Estimate
        Geometric mean over textures of ours over theirs; without a value where some value is not positive.
    test : PairedTest
        NONE under :data:`FEWEST_TEXTURES`.
    probability, corrected : float or None
        Two-sided, without and with Holm's correction over all comparisons.
    """

    ours: str
    theirs: str
    metric: MetricInfo
    textures: int
    better: int = 0
    rated: int = 0
    clear: int = 0
    ratio: Estimate = field(default_factory=Estimate)
    test: PairedTest = PairedTest.NONE
    probability: float | None = None
    corrected: float | None = None


def pairs(rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """Return the labels of references and rivals that had the same budget somewhere, in the order of the rows."""
    found = {
        (ours.method, theirs.method)
        for group in by_texture(contestants(rows)).values()
        for ours in group
        for theirs in group
        if ours.is_reference and theirs.is_rival and ours.budget_flops == theirs.budget_flops
    }
    place = {row.method: (row.lineup.place(row.method), row.method) for row in rows}
    return tuple(sorted(found, key=lambda pair: (place[pair[0]], place[pair[1]])))


def contestants(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the methods of :func:`inng_bench.report.rows.comparable`."""
    return tuple(row for row in comparable(rows) if row.is_method)


def paired_rows(rows: Sequence[Row], ours: str, theirs: str) -> dict[str, tuple[Row, Row]]:
    """Return the rows of two labels on each texture where both had the same budget."""
    found = {}
    for texture, group in by_texture(contestants(rows)).items():
        methods = {row.method: row for row in group}
        if ours in methods and theirs in methods and methods[ours].budget_flops == methods[theirs].budget_flops:
            found[texture] = methods[ours], methods[theirs]
    return found


def compare_methods(rows: Sequence[Row]) -> tuple[Comparison, ...]:
    """Compare every pair of :func:`pairs` by every headline metric that neither of them optimises."""
    compared = []
    for ours, theirs in pairs(rows):
        paired = tuple(paired_rows(rows, ours, theirs).values())
        fair = [one for one in headlines(rows) if not any(row.optimises(one.name) for pair in paired for row in pair)]
        compared += [_compare(paired, ours, theirs, metric) for metric in fair]
    return tuple(_corrected(compared))


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


def section(study: Study) -> Section:
    """Return all comparisons; it is empty where no reference has a rival."""
    return Section(TITLE, NOTE, comparison_lines(compare_methods(study.rows)))


def comparison_lines(compared: Sequence[Comparison]) -> Table:
    """Return a line for each comparison."""
    return Table.of(
        {
            "method": one.ours,
            "against": one.theirs,
            "metric": one.metric.label,
            "ratio": ratio_cell(one.ratio, bold=one.corrected is not None and one.corrected < LEVEL),
            "p": Cell(format_number(one.corrected, 2), number=one.corrected),
            "better": f"{one.better} of {one.textures}",
            "clear": f"{one.clear} of {one.rated}",
            "test": str(one.test),
        }
        for one in compared
    )


def _compare(paired: Sequence[tuple[Row, Row]], ours: str, theirs: str, metric: MetricInfo) -> Comparison:
    known = [pair for pair in paired if all(row.figures[metric.name].value is not None for row in pair)]
    figures = [(first.figures[metric.name], second.figures[metric.name]) for first, second in known]
    values = [(first.value or 0.0, second.value or 0.0) for first, second in figures]
    rated = [
        figure for figure, pair in zip(figures, known, strict=True) if all(row.interval.is_over_seeds for row in pair)
    ]
    untested = Comparison(
        ours,
        theirs,
        metric,
        len(values),
        sum(is_better(first, second, metric) for first, second in values),
        len(rated),
        sum(separates(first, second, metric) or separates(second, first, metric) for first, second in rated),
    )
    if len(values) < FEWEST_TEXTURES:
        return untested
    if min(map(min, values)) <= 0:
        differences = [first - second for first, second in values]
        return replace(untested, test=PairedTest.WILCOXON, probability=_wilcoxon(differences))
    ratios = [math.log(first / second) for first, second in values]
    low, centre, high = (math.exp(end) for end in t_interval(ratios))
    return replace(
        untested, ratio=Estimate(centre, low, high), test=PairedTest.STUDENT, probability=student_test(ratios)
    )


def _wilcoxon(differences: Sequence[float]) -> float:
    from scipy import stats  # half a second, for the few reports that need it

    return float(stats.wilcoxon(differences).pvalue) if any(differences) else 1.0


def _corrected(family: Sequence[Comparison]) -> list[Comparison]:
    """Correct the tested ones; what could not be tested takes no part in the family."""
    corrected = iter(holm([one.probability for one in family if one.probability is not None]))
    return [one if one.probability is None else replace(one, corrected=next(corrected)) for one in family]


def ratio_cell(ratio: Estimate, *, bold: bool) -> Cell:
    """Return a ratio with its interval, where it has one; an empty cell for no ratio."""
    value, low, high = ratio.value, ratio.low, ratio.high
    if value is None:
        return Cell()
    places = fitting_places(value, low, high, 3)
    interval = "" if low is None or high is None else f"({format_range(low, high, places)})"
    return Cell(format_places(value, places), interval, bold=bold, number=value)
