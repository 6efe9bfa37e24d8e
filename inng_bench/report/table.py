"""The comparison table for people: rounded, with intervals."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pandas as pd

from inng_bench.metrics.catalogue import COMPANIONS, HEADLINES, MAIN_TABLE, Compared, Direction, MetricInfo, Role
from inng_bench.report.intervals import Estimate, IntervalKind, geometric_mean
from inng_bench.report.rows import (
    COPIES,
    REAL,
    Row,
    RowStatus,
    by_method,
    by_texture,
    claimed,
    comparable,
    find_winners,
    measured_metrics,
)
from inng_bench.tables.markup import ABSENT, Markup, decimals, format_number, format_range, shorten

NOT_HELD_OUT = "†"
"""Marks a figure of a texture that has no held-out window."""

_ERROR_LENGTH = 60
"""Letters of a reason within the table; it stands whole below."""


def comparison_table(rows: Sequence[Row], markup: Markup, metrics: Sequence[MetricInfo] = MAIN_TABLE) -> pd.DataFrame:
    """Return the table for people, every cell marked up; a winner is bold where intervals over seeds separate.

    The copying rows of a texture stand at its end, under a heading. A status has a column where some run did not end
    well; sizes stand in the caption, costs and speeds in tables of their own.
    """
    lines: list[dict[str, str]] = []
    for group in by_texture(rows).values():
        winners = {metric.name: find_winners(group, metric) for metric in HEADLINES}
        lines += with_heading(group, partial(_comparison_line, metrics=metrics, winners=winners, markup=markup), markup)
    table = pd.DataFrame(lines, dtype="str")
    return table.drop(columns="status") if all(row.status is RowStatus.OK for row in rows) else table


def page_table(rows: Sequence[Row], markup: Markup) -> pd.DataFrame:
    """Return the same table for a page: a texture stands in its first row only."""
    return _textures_once(comparison_table(rows, markup))


def companion_table(rows: Sequence[Row], markup: Markup) -> pd.DataFrame:
    """Return the metrics beside the main table, nothing bold; those that no row has are left out."""
    metrics = [metric for metric in measured_metrics(rows) if metric in COMPANIONS]

    def line(row: Row) -> dict[str, str]:
        cells = {markup.escape(heading_of(metric)): _figure_cell(row, metric, False, markup) for metric in metrics}
        return {"texture": markup.escape(row.texture.name), "method": markup.escape(row.method), **cells}

    lines = [one for group in by_texture(rows).values() for one in with_heading(group, line, markup)]
    return _textures_once(pd.DataFrame(lines, dtype="str"))


def with_heading(rows: Sequence[Row], line: Callable[[Row], dict[str, str]], markup: Markup) -> list[dict[str, str]]:
    """Return the lines of rows of one texture, what copies at the end under a heading of its own."""
    copies = [line(row) for row in rows if row.copies]
    heading = [dict.fromkeys(copies[0], "") | {"method": markup.italic(COPIES)}] if copies else []
    for one in heading:
        if "texture" in one:
            one["texture"] = copies[0]["texture"]
    return [line(row) for row in rows if not row.copies] + heading + copies


def _textures_once(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(texture=table["texture"].where(~table["texture"].duplicated(), ""))


def _comparison_line(
    row: Row, metrics: Sequence[MetricInfo], winners: dict[str, tuple[Row, ...]], markup: Markup
) -> dict[str, str]:
    held_out = "" if row.texture.held_out else " (no held-out)"
    figures = {
        markup.escape(heading_of(metric)): _figure_cell(row, metric, row in winners.get(metric.name, ()), markup)
        for metric in metrics
    }
    reason = f": {shorten(row.error, _ERROR_LENGTH)}" if row.error else ""
    return {
        "texture": markup.escape(row.texture.name + held_out),
        "method": markup.escape(row.method),
        "seeds": _seeds_cell(row),
        **figures,
        "status": markup.escape(f"{row.status}{reason}"),
    }


def _seeds_cell(row: Row) -> str:
    count = len(row.succeeded)
    return str(count) if row.status is RowStatus.OK else f"{count} of {len(row.records)}"


def _figure_cell(row: Row, metric: MetricInfo, wins: bool, markup: Markup) -> str:
    """Return value and interval, such as ``0.123 (0.101–0.145)``; a rate that marks rows by itself has none."""
    figure = row.figures[metric.name]
    text = format_number(figure.value, metric.digits)
    if figure.value is None or text == ABSENT:
        return markup.escape(ABSENT)
    if not row.texture.held_out and metric.compared is Compared.HELD_OUT:
        text += NOT_HELD_OUT
    value = markup.bold(markup.escape(text)) if wins else markup.escape(text)
    interval = "" if metric.role is Role.COPYING else _interval(figure, metric.digits, row.interval, markup)
    return markup.with_interval(value, markup.escape(interval)) if interval else value


def _interval(figure: Estimate, digits: int, kind: IntervalKind, markup: Markup) -> str:
    """Return an interval, with brackets that tell of what kind it is."""
    if figure.value is None or figure.low is None or figure.high is None:
        return ""
    ends = format_range(figure.low, figure.high, decimals(figure.value, digits))
    brackets = {IntervalKind.CANVASES: "[{}]", IntervalKind.WINDOWS: "{{{}}}"}
    return brackets.get(kind, markup.around_seeds).format(ends)


def heading_of(metric: MetricInfo) -> str:
    """Return a metric's label without the common network, which the caption names, its unit and direction."""
    arrow = "↓" if metric.direction is Direction.LOWER else "↑"
    unit = f" [{metric.unit}]" if metric.unit else ""
    return f"{short_label(metric)}{unit} {arrow}"


def short_label(metric: MetricInfo) -> str:
    """Return a metric's label without the network that most of them have in common."""
    return metric.label.removesuffix(" (EffLite0)")


def floor_table(rows: Sequence[Row], markup: Markup) -> pd.DataFrame:
    """Return the geometric mean over textures of a method's value in times the value of the row ``real``."""
    compared = comparable(rows)
    headings = {metric.name: markup.escape(heading_of(metric)) for metric in HEADLINES}
    lines = [
        {
            "method": markup.escape(method),
            **{
                heading: markup.escape(_times(floor_ratios(compared, method, name)))
                for name, heading in headings.items()
            },
        }
        for method in by_method(row for row in compared if row.implementation != REAL)
    ]
    return pd.DataFrame(lines, columns=["method", *headings.values()], dtype="str")


def _times(ratios: Mapping[str, float]) -> str:
    return f"{format_number(geometric_mean(list(ratios.values())))}× ({len(ratios)})" if ratios else ABSENT


def floor_ratios(rows: Sequence[Row], method: str, metric: str) -> dict[str, float]:
    """Return value over floor by texture, for each claimed one on which both are positive."""
    ratios = {}
    for texture, group in by_texture(claimed(rows)).items():
        values = {row.method: row.figures[metric].value for row in group}
        value, floor = values.get(method), values.get(REAL)
        if value is not None and floor is not None and value > 0 and floor > 0:
            ratios[texture] = value / floor
    return ratios


def interval_kinds(rows: Sequence[Row]) -> tuple[IntervalKind, ...]:
    """Return the kinds of interval that a table holds."""
    return tuple(kind for kind in IntervalKind if kind and any(row.interval is kind for row in rows))
