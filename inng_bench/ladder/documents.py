"""The ladder as tables: what holds, ties and fails, for people and for machines."""

import math
import statistics
from collections.abc import Sequence

import pandas as pd

from inng_bench.ladder.copies import COPIES, HONEST_AT_MOST
from inng_bench.ladder.measuring import Value
from inng_bench.ladder.steps import (
    COPYING_METRICS,
    DISTANCE_STEPS,
    FAR_STEPS,
    REAL,
    Judgement,
    Step,
    Verdict,
    counts,
    judge,
    steps_of,
)
from inng_bench.metrics.catalogue import BY_NAME, Direction, MetricInfo
from inng_bench.report.agreement import Agreement, agreement_table, agreements
from inng_bench.tables.content import ABSENT, Cell, Table
from inng_bench.tables.grid import pipe_table
from inng_bench.tables.markup import MARKDOWN, decimals, format_number, format_range

NOTE = (
    "Each cell says how much worse the second row scores than the first on the same pair of windows: the geometric "
    "mean of the ratio over the pairs, or, with a sign, the mean difference where some value is not positive. A step "
    "*holds* where the 95% t interval of the pairs lies on the expected side, is a *tie* where it holds no difference, "
    "and *fails* where it lies on the wrong side. Random phase on a Gaussian field must tie. With three pairs an "
    "interval is wide, so that a tie may be a small step; of many steps some intervals err by chance (one in forty to "
    "either side)."
)

COPYING_NOTE = (
    "Copy rate of a held-out window and of copies of the train window in many poses, mean over the pairs of windows. "
    "*Wanted* says what must be found; a lower one is bold."
)


def judge_all(values: Sequence[Value]) -> tuple[Judgement, ...]:
    """Return all judgements, by metric in the order of the catalogue, then by texture in the order of the values."""
    table: dict[tuple[str, str], dict[str, dict[int, float]]] = {}
    for one in values:
        rows = table.setdefault((one.metric, one.texture), {})
        if one.value is not None:
            rows.setdefault(one.row, {})[one.replicate] = one.value
    catalogue = list(BY_NAME)
    ordered = sorted(table.items(), key=lambda item: catalogue.index(item[0][0]))
    return tuple(
        judgement for (metric, texture), by_row in ordered for judgement in judge(texture, BY_NAME[metric], by_row)
    )


def agreements_of(values: Sequence[Value]) -> tuple[Agreement, ...]:
    """Return how far the metrics agree over the rows of the ladder, each a mean over its pairs of windows."""
    table: dict[str, dict[str, dict[str, list[float]]]] = {}
    for one in values:
        if one.value is not None:
            by_metric = table.setdefault(one.texture, {}).setdefault(one.row, {})
            by_metric.setdefault(one.metric, []).append(one.value)
    rows = {
        texture: [{name: statistics.fmean(found) for name, found in by_metric.items()} for by_metric in by_row.values()]
        for texture, by_row in table.items()
    }
    return agreements(rows)


def values_csv(values: Sequence[Value]) -> str:
    """Return all figures in full precision."""
    table = pd.DataFrame(values)
    table.insert(4, "version", [BY_NAME[metric].version for metric in table["metric"]])
    return table.to_csv(index=False, lineterminator="\n")


def table_csv(judgements: Sequence[Judgement]) -> str:
    """Return a line for each judgement."""
    lines = [
        {
            "metric": one.metric.name,
            "version": one.metric.version,
            "texture": one.texture,
            "milder": one.step.milder,
            "stronger": one.step.stronger,
            "expected": "tie" if one.step.must_tie(one.texture) else "worse",
            "verdict": str(one.verdict),
            "scale": "ratio" if one.is_ratio else "difference",
            "size": _number(one.size.value),
            "low": _number(one.size.low),
            "high": _number(one.size.high),
            "pairs": one.pairs,
        }
        for one in judgements
    ]
    return pd.DataFrame(lines).to_csv(index=False, lineterminator="\n")


def markdown(
    values: Sequence[Value],
    judgements: Sequence[Judgement],
    agreement: Sequence[Agreement],
    head: Sequence[str],
    command: str,
) -> str:
    """Return the whole ladder as Markdown.

    Parameters
    ----------
    values : Sequence[Value]
        Every figure.
    judgements, agreement
        As from :func:`judge_all` and :func:`agreements_of`.
    head : Sequence[str]
        Sentences that say what was measured and on which machine.
    command : str
        What makes it again.
    """
    metrics = tuple(dict.fromkeys(one.metric for one in judgements if one.verdict is not Verdict.NOT_JUDGED))
    distances = [metric for metric in metrics if metric.name not in COPYING_METRICS]
    copying = [metric for metric in metrics if metric.name in COPYING_METRICS]
    agree = agreement_table(agreement)
    blocks = [
        "# The ladder",
        f"```\n{command}\n```",
        "\n".join(f"- {MARKDOWN.escape(sentence)}" for sentence in head),
        "![the rungs](rungs.png)",
        "## Textures on which each step holds",
        NOTE,
        _summary(judgements, distances, (*DISTANCE_STEPS, *FAR_STEPS)),
        *(["## Copies", COPYING_NOTE, copy_table(values)] if copying else []),
        "## What fails",
        "\n".join(f"- {MARKDOWN.escape(line)}" for line in failures(judgements)) or "Nothing.",
        _left_out(judgements),
        *(_metric_section(metric, judgements) for metric in distances),
        *(["## Agreement", _AGREEMENT_NOTE, pipe_table(agree)] if agree else []),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def copy_table(values: Sequence[Value]) -> str:
    """Return how much of each copy is found, a line for each pose and a column for each texture."""
    rates: dict[str, dict[str, list[float]]] = {}
    for one in values:
        if one.metric in COPYING_METRICS and one.value is not None:
            rates.setdefault(one.row, {}).setdefault(one.texture, []).append(one.value)
    wanted = {REAL: (f"≤ {HONEST_AT_MOST}", -math.inf, HONEST_AT_MOST)}
    wanted |= {copy.name: (f"≥ {copy.at_least}", copy.at_least, math.inf) for copy in COPIES}
    lines = []
    for row, (told, low, high) in wanted.items():
        cells = {"copy": Cell(row), "wanted": Cell(told)}
        for texture, found in rates.get(row, {}).items():
            rate = statistics.fmean(found)
            cells[texture] = Cell(f"{rate:.2f}", bold=not low <= rate <= high)
        lines.append(cells)
    return pipe_table(Table.of(lines))


def _left_out(judgements: Sequence[Judgement]) -> str:
    """Name the metrics that say nothing of a single picture of these sizes."""
    judged = {one.metric.name for one in judgements if one.verdict is not Verdict.NOT_JUDGED}
    labels = dict.fromkeys(one.metric.label for one in judgements if one.metric.name not in judged)
    return f"Not judged, because values are missing: {MARKDOWN.escape(', '.join(labels))}." if labels else ""


_AGREEMENT_NOTE = (
    "Kendall's tau-b of two metrics over the rows of a texture (the window and its rungs, each a mean over pairs), "
    "mean over textures, every metric turned so that more is better: below the diagonal the tau, above it the number "
    "of textures. In full in `agreement.csv`."
)


def failures(judgements: Sequence[Judgement]) -> list[str]:
    """Return a line for each step that fails."""
    return [
        f"{one.metric.label}, {one.texture}, {'tie' if one.step.must_tie(one.texture) else one.step}: {_interval(one)}"
        for one in judgements
        if one.verdict is Verdict.FAILS
    ]


_PLURALS = {Verdict.HOLDS: "hold", Verdict.TIE: "tie", Verdict.FAILS: "fail", Verdict.NOT_JUDGED: "are not judged"}


def summary_lines(judgements: Sequence[Judgement]) -> list[str]:
    """Return a line for each metric: how many steps hold, tie and fail."""
    lines = []
    for metric in dict.fromkeys(one.metric for one in judgements):
        found = counts([one for one in judgements if one.metric is metric])
        told = ", ".join(f"{number} {_PLURALS[verdict]}" for verdict, number in found.items() if number)
        lines.append(f"{metric.label}: {told}")
    return lines


def _summary(judgements: Sequence[Judgement], metrics: Sequence[MetricInfo], steps: Sequence[Step]) -> str:
    lines: list[dict[str, Cell | str]] = []
    for step in steps:
        cells = {
            metric.label: _summary_cell([one for one in judgements if one.metric is metric and one.step == step])
            for metric in metrics
        }
        lines.append({"step": str(step), **cells})
    return pipe_table(Table.of(lines))


def _summary_cell(judgements: Sequence[Judgement]) -> Cell:
    found = counts(judgements)
    if len(judgements) == found[Verdict.NOT_JUDGED]:
        return Cell()
    ties = [f"{found[Verdict.TIE]} tie"] if found[Verdict.TIE] else []
    fails = [f"{found[Verdict.FAILS]} fail"] if found[Verdict.FAILS] else []
    return Cell(", ".join([str(found[Verdict.HOLDS]), *ties, *fails]), bold=bool(fails))


def _metric_section(metric: MetricInfo, judgements: Sequence[Judgement]) -> str:
    of_metric = [one for one in judgements if one.metric is metric]
    lines = []
    for step in steps_of(metric):
        cells = {one.texture: _cell(one) for one in of_metric if one.step == step}
        lines.append({"step": Cell(str(step)), **cells})
    arrow = "lower" if metric.direction is Direction.LOWER else "higher"
    note = f"{arrow} is better; blind to {metric.blind_to}."
    table = pipe_table(Table.of(lines))
    return f"## {MARKDOWN.escape(metric.label)}\n\n{MARKDOWN.escape(note.capitalize())}\n\n{table}"


def _cell(one: Judgement) -> Cell:
    size = _size(one)
    if one.verdict is Verdict.FAILS:
        return Cell(f"fails {size}", bold=True)
    return Cell(f"tie {size}" if one.verdict is Verdict.TIE or one.step.must_tie(one.texture) else size)


def _size(one: Judgement) -> str:
    if one.size.value is None:
        return ABSENT
    if one.is_ratio:
        return f"{format_number(one.size.value)}×"
    sign = "+" if one.size.value > 0 else ""
    return f"{sign}{format_number(one.size.value)}"


def _interval(one: Judgement) -> str:
    value, low, high = one.size.value, one.size.low, one.size.high
    if value is None or low is None or high is None:
        return ABSENT
    return f"{_size(one)} ({format_range(low, high, decimals(value, 3))})"


def _number(value: float | None) -> float:
    return math.nan if value is None else value
