"""Quality over the whole cost: what a method reaches for training and 1, 100 or 10 000 pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from statistics import geometric_mean

from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatter

from inng_bench.metrics.catalogue import MetricInfo
from inng_bench.report.costs import PICTURES, mean_costs, whole_costs
from inng_bench.report.eyes import leading_metrics
from inng_bench.report.plots import COLOURS, Styles, finish, line_styles, panelled_figure, style_axes
from inng_bench.report.rows import COPIES, NOISE, REAL, Row, by_method, claimed
from inng_bench.report.table import floor_ratios

MOST_LINES = 2 * len(COLOURS)

_UNITS = {"flops": ("TFLOP", 1e12), "seconds": ("s", 1.0)}


@dataclass(frozen=True)
class CostLine:
    """One method in one plot.

    Attributes
    ----------
    name : str
        Label of the row; says so where the method copies.
    copies : bool
        Whether it copies on some texture.
    quality : float
        Geometric mean over textures of its distance over that of the row ``real``.
    costs : tuple[float, ...]
        For each of :data:`inng_bench.report.costs.PICTURES`, means over the same textures.
    textures : int
        Their number, which is that of all lines of a plot.
    """

    name: str
    copies: bool
    quality: float
    costs: tuple[float, ...]
    textures: int


def cost_lines(rows: Sequence[Row], metric: str, unit: str) -> tuple[CostLine, ...]:
    """Return the lines of a plot, in TFLOP or seconds, over the textures where all of them have quality and costs.

    Rows ``real`` and ``noise`` have no line, nor has what may copy or counts no operations, if these are the costs.
    """
    methods = by_method(row for row in claimed(rows) if row.implementation not in (REAL, NOISE) and not row.may_copy)
    copying = {method for method, group in methods.items() if any(row.copies for row in group)}
    known = {method: _known(rows, group, metric, unit) for method, group in methods.items()}
    drawn = {method: found for method, found in known.items() if found}
    common = set.intersection(*map(set, drawn.values())) if drawn else set()
    if not common:
        return ()
    return tuple(
        _line(method, [found[name] for name in sorted(common)], unit, copies=method in copying)
        for method, found in drawn.items()
    )


def _known(rows: Sequence[Row], group: Sequence[Row], metric: str, unit: str) -> dict[str, tuple[Row, float]]:
    """Return row and times the floor of a method by texture, where it has both quality and costs."""
    ratios = floor_ratios(rows, group[0].method, metric)
    return {
        row.texture.name: (row, ratios[row.texture.name])
        for row in group
        if row.texture.name in ratios and whole_costs(row)[f"{unit}_{PICTURES[0]}"] is not None
    }


def _line(method: str, known: Sequence[tuple[Row, float]], unit: str, *, copies: bool) -> CostLine:
    found, size = mean_costs([row for row, _ in known]), _UNITS[unit][1]
    costs = tuple(cost / size for number in PICTURES if (cost := found[f"{unit}_{number}"]) is not None)
    name = f"{method} ({COPIES})" if copies else method
    return CostLine(name, copies, geometric_mean([ratio for _, ratio in known]), costs, len(known))


def cost_figure(rows: Sequence[Row]) -> bytes | None:
    """Return distance in times the floor over the whole cost, a line of plots for each eye, as PNG.

    None where there are fewer than two methods with figures and costs, or too many to tell apart.
    """
    panels = {
        (metric, unit): lines
        for metric, unit in product(leading_metrics(), _UNITS)
        if len(lines := cost_lines(rows, metric.name, unit)) > 1
    }
    names = list(dict.fromkeys(line.name for lines in panels.values() for line in lines))
    if not panels or len(names) > MOST_LINES:
        return None
    styles = line_styles(names)
    figure, grid = panelled_figure(len(panels), len(_UNITS))
    for axes, ((metric, unit), lines) in zip(grid, panels.items(), strict=True):
        _plot(axes, lines, styles, metric, _UNITS[unit][0])
    pictures = ", ".join(map(str, PICTURES[:-1]))
    figure.suptitle(
        f"Times the floor over training and drawing {pictures} and {PICTURES[-1]} pictures (small to large dots)",
        fontsize=10,
    )
    return finish(figure, styles)


def _plot(axes: Axes, lines: Sequence[CostLine], styles: Styles, metric: MetricInfo, unit: str) -> None:
    for line in lines:
        colour, dashes = styles[line.name]
        axes.plot(line.costs, [line.quality] * len(line.costs), color=colour, linestyle=dashes, linewidth=1.1)
        for cost, size in zip(line.costs, (3, 5, 7), strict=True):
            face = "none" if line.copies else colour
            axes.plot(cost, line.quality, marker="o", markersize=size, color=colour, markerfacecolor=face)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(LogFormatter())
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.6)))
    axes.tick_params(which="minor", labelsize=7)
    axes.axhline(1.0, color="#777777", linestyle=":", linewidth=1)
    count = lines[0].textures
    title = f"{metric.label}, {count} {'texture' if count == 1 else 'textures'}"
    axes.set_title(title, fontsize=10, loc="left", parse_math=False)
    style_axes(axes, unit)
