"""The comparison table: wide with full precision for machines, rounded with intervals for people."""

import math
from collections.abc import Sequence

import pandas as pd

from inng_bench.metrics.catalogue import COMPANIONS, HEADLINES, MAIN_TABLE, Compared, Direction, MetricInfo
from inng_bench.report.costs import wide_costs
from inng_bench.report.densities import wide_densities
from inng_bench.report.intervals import Estimate, IntervalKind, geometric_mean
from inng_bench.report.rows import (
    COPIES,
    NOISE,
    REAL,
    Row,
    RowStatus,
    between_floor_and_ceiling,
    by_texture,
    claimed,
    find_winners,
    measured_metrics,
)
from inng_bench.report.speed import image_speed, wide_speed
from inng_bench.tables.markup import ABSENT, Markup, decimals, format_number, format_range, shorten

NOT_HELD_OUT = "†"
"""Marks a figure of a texture that has no held-out window."""

_ERROR_LENGTH = 60
"""Letters of a reason within the table; it stands whole below."""

_INTEGERS = (
    *("seeds", "failures", "n", "images", "disjoint_crops"),
    *("speed_seeds", "speed_threads", "speed_height", "speed_width", "speed_batch", "speed_filters"),
)
_SPEEDS = (
    "gradient_evaluations_per_second",
    "image_steps_per_second",
    "image_steps_per_second_low_quartile",
    "image_steps_per_second_high_quartile",
    "share_of_ceiling",
)


def wide_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Return one line a row with full precision.

    Returns
    -------
    pandas.DataFrame
        ``texture, method, seeds, n``, one column for each metric by its name; then ``<metric>_low`` and
        ``<metric>_high`` (``interval`` says of what kind), sizes, costs, AUC, speeds, status, error
        and ``<metric>_normalised`` as :func:`between_floor_and_ceiling` says.
        What there is not is missing (NaN or NA).
    """
    metrics = measured_metrics(rows)
    lines = [
        _wide_line(row, metrics) | _normalised(row, group, metrics)
        for group in by_texture(rows).values()
        for row in group
    ]
    table = pd.DataFrame(lines)
    return table.astype(dict.fromkeys(_INTEGERS, "Int64") | dict.fromkeys(_SPEEDS, "float64"))


def _wide_line(row: Row, metrics: Sequence[MetricInfo]) -> dict[str, object]:
    sizes = row.sizes()
    line: dict[str, object] = {
        "texture": row.texture.name,
        "method": row.method,
        "seeds": len(row.succeeded),
        "n": sizes.n if sizes else None,
    }
    line |= {metric.name: _number(row.figures[metric.name].value) for metric in metrics}
    for metric in metrics:
        figure = row.figures[metric.name]
        line[f"{metric.name}_low"] = _number(figure.low)
        line[f"{metric.name}_high"] = _number(figure.high)
    return line | {
        "interval": row.interval.value,
        "against": row.against.value,
        "images": sizes.images if sizes else None,
        "disjoint_crops": sizes.disjoint_crops if sizes else None,
        "flops": _number(row.mean_flops()),
        "train_seconds": _number(row.mean_seconds("train")),
        "sample_seconds": _number(row.mean_seconds("sample")),
        **{name: _number(value) for name, value in (wide_costs(row) | wide_densities(row)).items()},
        **wide_speed(row),
        "failures": row.failures,
        "status": row.status.value,
        "error": row.error,
    }


def _normalised(row: Row, group: Sequence[Row], metrics: Sequence[MetricInfo]) -> dict[str, object]:
    return {
        f"{metric.name}_normalised": _number(between_floor_and_ceiling(row, group, metric.name)) for metric in metrics
    }


def normalised_table(rows: Sequence[Row], markup: Markup) -> pd.DataFrame:
    """Return where a method stands between floor and ceiling in each headline metric, mean over textures."""
    ends = (REAL, NOISE)
    methods = dict.fromkeys(row.method for row in sorted(rows, key=_method_rank) if row.implementation not in ends)
    headings = {metric.name: markup.escape(_heading(metric)) for metric in HEADLINES}
    lines = [
        {
            "method": markup.escape(method),
            **{heading: markup.escape(_mean_place(rows, method, name)) for name, heading in headings.items()},
        }
        for method in methods
    ]
    return pd.DataFrame(lines, columns=["method", *headings.values()], dtype="str")


def _mean_place(rows: Sequence[Row], method: str, metric: str) -> str:
    groups = by_texture(claimed(rows))
    found = [
        between_floor_and_ceiling(row, group, metric)
        for group in groups.values()
        for row in group
        if row.method == method
    ]
    places = [place for place in found if place is not None]
    return f"{format_number(math.fsum(places) / len(places))} ({len(places)})" if places else ABSENT


def _number(value: float | None) -> float:
    """Return a float, so that a column without any value is still one of numbers."""
    return math.nan if value is None else value


def comparison_table(rows: Sequence[Row], markup: Markup) -> pd.DataFrame:
    """Return the table for people, every cell marked up; a winner is bold where intervals over seeds separate."""
    lines = []
    for group in by_texture(rows).values():
        winners = {metric.name: find_winners(group, metric) for metric in MAIN_TABLE}
        lines += [_comparison_line(row, winners, markup) for row in group]
    return pd.DataFrame(lines, dtype="str")


def narrow_table(rows: Sequence[Row], markup: Markup) -> pd.DataFrame:
    """Return the same table for a page, narrow enough for GitHub.

    A texture stands in its first row only. Numbers of crops and operations and the network stand in the caption, all
    columns in ``table.csv``; a status is shown where some run did not end well.
    """
    table = comparison_table(rows, markup).drop(columns=["n", "TFLOP", "failed"])
    if all(row.status is RowStatus.OK for row in rows):
        table = table.drop(columns="status")
    table["texture"] = table["texture"].where(~table["texture"].duplicated(), "")
    network = markup.escape("(EffLite0)")
    return table.rename(columns=lambda heading: str(heading).replace(f" {network}", ""))


def terminal_table(rows: Sequence[Row], markup: Markup) -> pd.DataFrame:
    """Return the same table with narrow headings and without what a terminal has no room for."""
    table = comparison_table(rows, markup).drop(columns=["n", "failed", "status"])
    table["method"] = "  " + table["method"]
    return fold_headings(table).rename(columns={"image·steps/s": "image·\nsteps/s", "train s": "train\ns"})


def companion_table(rows: Sequence[Row], markup: Markup) -> pd.DataFrame:
    """Return the metrics beside the main table, nothing bold; those that no row has are left out."""
    metrics = [metric for metric in measured_metrics(rows) if metric in COMPANIONS]
    lines = [
        {
            "texture": markup.escape(row.texture.name),
            "method": markup.escape(row.method),
            **{markup.escape(_heading(metric)): _figure_cell(row, metric, False, markup) for metric in metrics},
        }
        for row in rows
    ]
    table = pd.DataFrame(lines, dtype="str")
    table["texture"] = table["texture"].where(~table["texture"].duplicated(), "")
    return table


def fold_headings(table: pd.DataFrame) -> pd.DataFrame:
    """Break the headings of metrics into lines, the network's name on one of its own."""
    return table.rename(columns={_heading(metric): _folded_heading(metric) for metric in MAIN_TABLE})


def _comparison_line(row: Row, winners: dict[str, tuple[Row, ...]], markup: Markup) -> dict[str, str]:
    sizes = row.sizes()
    held_out = "" if row.texture.held_out else " (no held-out)"
    figures = {
        markup.escape(_heading(metric)): _figure_cell(row, metric, row in winners[metric.name], markup)
        for metric in MAIN_TABLE
    }
    flops = row.mean_flops()
    reason = f": {shorten(row.error, _ERROR_LENGTH)}" if row.error else ""
    return {
        "texture": markup.escape(row.texture.name + held_out),
        "method": markup.escape(f"{row.method} ({COPIES})" if row.copies else row.method),
        "seeds": _seeds_cell(row),
        "n": str(sizes.n) if sizes else markup.escape(ABSENT),
        **figures,
        markup.escape("image·steps/s"): markup.escape(format_number(image_speed(row))),
        "TFLOP": markup.escape(format_number(flops / 1e12) if flops else ABSENT),
        "train s": markup.escape(format_number(row.mean_seconds("train")) if row.is_trained else ABSENT),
        "failed": str(row.failures) if row.failures else markup.escape(ABSENT),
        "status": markup.escape(f"{row.status}{reason}"),
    }


def _seeds_cell(row: Row) -> str:
    count = len(row.succeeded)
    return str(count) if row.status is RowStatus.OK else f"{count} of {len(row.records)}"


def _figure_cell(row: Row, metric: MetricInfo, wins: bool, markup: Markup) -> str:
    """Return value and interval, such as ``0.123 (0.101–0.145)``."""
    figure = row.figures[metric.name]
    text = format_number(figure.value, metric.digits)
    if figure.value is None or text == ABSENT:
        return markup.escape(ABSENT)
    if not row.texture.held_out and metric.compared is Compared.HELD_OUT:
        text += NOT_HELD_OUT
    value = markup.bold(markup.escape(text)) if wins else markup.escape(text)
    interval = _interval(figure, metric.digits, row.interval, markup)
    return markup.with_interval(value, markup.escape(interval)) if interval else value


def _interval(figure: Estimate, digits: int, kind: IntervalKind, markup: Markup) -> str:
    """Return an interval, with brackets that tell of what kind it is."""
    if figure.value is None or figure.low is None or figure.high is None:
        return ""
    ends = format_range(figure.low, figure.high, decimals(figure.value, digits))
    brackets = {IntervalKind.CANVASES: "[{}]", IntervalKind.WINDOWS: "{{{}}}"}
    return brackets.get(kind, markup.around_seeds).format(ends)


def _heading(metric: MetricInfo) -> str:
    arrow = "↓" if metric.direction is Direction.LOWER else "↑"
    unit = f" [{metric.unit}]" if metric.unit else ""
    return f"{metric.label}{unit} {arrow}"


def _folded_heading(metric: MetricInfo) -> str:
    name, _, network = _heading(metric).replace(")", "").partition(" (")
    words = name.split(" ")
    return "\n".join([words[0], *([" ".join(words[1:])] if words[1:] else []), *([network] if network else [])])


def floor_table(rows: Sequence[Row], markup: Markup) -> pd.DataFrame:
    """Return the geometric mean over textures of a method's value in times the value of the row ``real``."""
    methods = dict.fromkeys(row.method for row in sorted(rows, key=_method_rank) if row.implementation != REAL)
    lines = []
    for method in methods:
        line = {"method": markup.escape(method)}
        for metric in MAIN_TABLE:
            ratios = floor_ratios(rows, method, metric.name)
            mean = format_number(geometric_mean(ratios))
            textures = f" ({len(ratios)})" if ratios else ""
            line[markup.escape(_heading(metric))] = markup.escape(f"{mean}{'×' if ratios else ''}{textures}")
        lines.append(line)
    return pd.DataFrame(
        lines, columns=["method", *(markup.escape(_heading(metric)) for metric in MAIN_TABLE)], dtype="str"
    )


def floor_ratios(rows: Sequence[Row], method: str, metric: str) -> list[float]:
    """Return value over floor for each texture on which both are positive."""
    ratios = []
    for group in by_texture(claimed(rows)).values():
        values = {row.method: row.figures[metric].value for row in group}
        value, floor = values.get(method), values.get(REAL)
        if value is not None and floor is not None and value > 0 and floor > 0:
            ratios.append(value / floor)
    return ratios


def interval_kinds(rows: Sequence[Row]) -> tuple[IntervalKind, ...]:
    """Return the kinds of interval that a table holds."""
    return tuple(kind for kind in IntervalKind if kind and any(row.interval is kind for row in rows))


def _method_rank(row: Row) -> int:
    """Keep the order of rows within a texture when textures differ in their methods."""
    return (not row.is_contestant) * 2 + (row.implementation != "inng")
