"""The comparison table for people: rounded, with intervals."""

from collections.abc import Callable, Mapping, Sequence

from inng_bench.metrics.catalogue import COMPANIONS, Compared, Direction, MetricInfo, Role
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
    headlines,
    main_table,
    measured_metrics,
)
from inng_bench.tables.content import ABSENT, Cell, Table
from inng_bench.tables.markup import fitting_places, format_number, format_places, format_range, shorten

NOT_HELD_OUT = "†"
"""Marks a figure of a texture that has no held-out window."""

OPTIMISED = "‡"
"""Marks a figure that its method optimises."""

_ERROR_LENGTH = 60
"""Letters of a reason within the table; it stands whole below."""


def comparison_table(rows: Sequence[Row], metrics: Sequence[MetricInfo] | None = None) -> Table:
    """Return the table for people; a winner is bold where intervals over seeds separate.

    The copying rows of a texture stand at its end, under a heading. A status has a column where some run did not end
    well; sizes stand in the caption, costs and speeds in tables of their own.
    """
    lines: list[Mapping[str, Cell | str]] = []
    metrics = main_table(rows) if metrics is None else metrics
    for group in by_texture(rows).values():
        winners = {metric.name: find_winners(group, metric) for metric in headlines(rows)}

        def line(row: Row, winners: dict[str, tuple[Row, ...]] = winners) -> dict[str, Cell | str]:
            cells = {
                heading_of(metric): figure_cell(row, metric, wins=row in winners.get(metric.name, ()))
                for metric in metrics
            }
            reason = f": {shorten(row.error, _ERROR_LENGTH)}" if row.error else ""
            return {**named(row), "seeds": _seeds(row), **cells, "status": f"{row.status}{reason}"}

        lines += with_heading(group, line)
    table = Table.of(lines)
    return table.without("status") if all(row.status is RowStatus.OK for row in rows) else table


def companion_table(rows: Sequence[Row]) -> Table:
    """Return the metrics beside the main table, nothing bold; those that no row has are left out."""
    metrics = [metric for metric in measured_metrics(rows) if metric in COMPANIONS]

    def line(row: Row) -> dict[str, Cell | str]:
        return {**named(row), **{heading_of(metric): figure_cell(row, metric) for metric in metrics}}

    return Table.of(one for group in by_texture(rows).values() for one in with_heading(group, line))


def with_heading(
    rows: Sequence[Row], line: Callable[[Row], Mapping[str, Cell | str]]
) -> list[Mapping[str, Cell | str]]:
    """Return the lines of rows of one texture, what copies at the end under a heading of its own."""
    others, copies = ([line(row) for row in rows if row.copies is copying] for copying in (False, True))
    if not copies:
        return others
    heading: dict[str, Cell | str] = {**dict.fromkeys(copies[0], ""), "method": Cell(COPIES, heading=True)}
    if "texture" in heading:
        heading["texture"] = copies[0]["texture"]
    return [*others, heading, *copies]


def named(row: Row) -> dict[str, Cell | str]:
    """Return the cells that name a row."""
    held_out = "" if row.texture.held_out else " (no held-out)"
    return {"texture": row.texture.name + held_out, "method": row.method}


def _seeds(row: Row) -> str:
    count = len(row.succeeded)
    return str(count) if row.status is RowStatus.OK else f"{count} of {len(row.records)}"


def figure_cell(row: Row, metric: MetricInfo, *, wins: bool = False) -> Cell:
    """Return value and interval, such as ``0.12 (0.10–0.15)``; a rate that marks rows by itself has none."""
    figure = row.figures[metric.name]
    if figure.value is None or (text := format_number(figure.value, metric.digits)) == ABSENT:
        return Cell()
    if metric.role is Role.COPYING:
        return Cell(text, number=figure.value)
    places = fitting_places(figure.value, figure.low, figure.high, metric.digits)
    mark = NOT_HELD_OUT if not row.texture.held_out and metric.compared is Compared.HELD_OUT else ""
    return Cell(
        text if 0 < abs(figure.value) < 1e-6 else format_places(figure.value, places),
        _interval(figure, places, row.interval),
        mark=mark + (OPTIMISED if row.optimises(metric.name) else ""),
        bold=wins,
        number=figure.value,
    )


def _interval(figure: Estimate, places: int, kind: IntervalKind) -> str:
    """Return an interval, with brackets that tell of what kind it is."""
    if figure.low is None or figure.high is None:
        return ""
    brackets = {IntervalKind.CANVASES: "[{}]", IntervalKind.WINDOWS: "{{{}}}"}
    return brackets.get(kind, "({})").format(format_range(figure.low, figure.high, places))


def heading_of(metric: MetricInfo) -> str:
    """Return a metric's label without the common network, which the caption names, its unit and direction."""
    arrow = "↓" if metric.direction is Direction.LOWER else "↑"
    unit = f" [{metric.unit}]" if metric.unit else ""
    return f"{short_label(metric)}{unit} {arrow}"


def short_label(metric: MetricInfo) -> str:
    """Return a metric's label without the network that most of them have in common."""
    return metric.label.removesuffix(" (EffLite0)")


def floor_table(rows: Sequence[Row]) -> Table:
    """Return the geometric mean over textures of a method's value in times the value of the row ``real``."""
    compared = [row for row in comparable(rows) if row.succeeded]
    methods = by_method(row for row in compared if row.implementation != REAL)
    return Table.of({"method": method, **times_cells(compared, method, headlines(rows))} for method in methods)


def times_cells(rows: Sequence[Row], method: str, metrics: Sequence[MetricInfo]) -> dict[str, Cell]:
    """Return the geometric means of :func:`floor_ratios` under the headings of metrics."""
    own = [row for row in rows if row.method == method]
    return {
        heading_of(metric): _times(
            floor_ratios(rows, method, metric.name),
            OPTIMISED if any(row.optimises(metric.name) for row in own) else "",
        )
        for metric in metrics
    }


def _times(ratios: Mapping[str, float], mark: str) -> Cell:
    mean = geometric_mean(list(ratios.values()))
    return Cell(f"{format_number(mean)}× ({len(ratios)})", mark=mark, number=mean) if ratios else Cell()


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
