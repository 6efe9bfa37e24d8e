"""Quality over the whole cost: what a method reaches for training and 1, 100 or 10 000 pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatter

from inng_bench.metrics.catalogue import MetricInfo
from inng_bench.report.costs import PICTURES, mean_costs
from inng_bench.report.eyes import leading_metrics
from inng_bench.report.intervals import geometric_mean
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
        Label of the row; says so where the method only copies.
    copies : bool
        Whether it only copies.
    quality : float
        Geometric mean over textures of its distance over that of the row ``real``.
    costs : tuple[float, ...]
        For each of :data:`inng_bench.report.costs.PICTURES`.
    """

    name: str
    copies: bool
    quality: float
    costs: tuple[float, ...]


def cost_lines(rows: Sequence[Row], metric: str, unit: str) -> tuple[CostLine, ...]:
    """Return the lines of a plot, in TFLOP or seconds, without the rows ``real`` and ``noise``."""
    methods = by_method(row for row in claimed(rows) if row.implementation not in (REAL, NOISE))
    lines = []
    for method, group in methods.items():
        copies = any(row.copies for row in group)
        quality = geometric_mean(list(floor_ratios(rows, method, metric).values()))
        found = mean_costs(group)
        costs = [cost for number in PICTURES if (cost := found[f"{unit}_{number}"]) is not None]
        if quality is not None and costs:
            name = f"{method} ({COPIES})" if copies else method
            lines.append(CostLine(name, copies, quality, tuple(cost / _UNITS[unit][1] for cost in costs)))
    return tuple(lines)


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
    positive = [cost for line in lines for cost in line.costs if cost > 0]
    # Some methods count no operations at all, and 0 has no logarithm.
    axes.set_xscale("symlog", linthresh=10.0 ** math.floor(math.log10(min(positive, default=1.0))))
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(LogFormatter())
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.6)))
    axes.tick_params(which="minor", labelsize=7)
    axes.axhline(1.0, color="#777777", linestyle=":", linewidth=1)
    axes.set_title(metric.label, fontsize=10, loc="left", parse_math=False)
    style_axes(axes, unit)
