"""Quality against the whole cost of training and 1, 100 or 10 000 pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import geometric_mean

from inng_bench.report.costs import PICTURES, mean_costs, whole_costs
from inng_bench.report.eyes import leading_metrics
from inng_bench.report.plots import MOST_CURVES, draw_plots, names_of
from inng_bench.report.rows import COPIES, NOISE, REAL, Row, by_method, claimed
from inng_bench.report.study import Study
from inng_bench.report.table import floor_ratios
from inng_bench.tables.content import Curve, Picture, Plot, Section

TITLE = "Quality over cost"
NOTE = (
    "Distance as a multiple of the floor, against the cost of training and of drawing "
    f"{', '.join(map(str, PICTURES[:-1]))} or {PICTURES[-1]} pictures (small to large dots). Low cost is at the left, "
    "good quality at the bottom. Rings mark methods that copy the picture. Methods that optimise a metric are not "
    "shown for it."
)

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

    Rows ``real`` and ``noise`` have no line, nor has what may copy, optimises the metric or counts no operations, if
    these are the costs.
    """
    chosen = (row for row in claimed(rows) if not row.may_copy and not row.optimises(metric))
    methods = by_method(row for row in chosen if row.implementation not in (REAL, NOISE))
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


def section(study: Study) -> Section:
    """Return the plots of all eyes."""
    plots = cost_plots(study.rows)
    draw = partial(draw_plots, plots, len(_UNITS))
    pictures = [Picture("sheets/costs.svg", "Quality against the whole cost", draw, plots)] if plots else []
    return Section(TITLE, NOTE, pictures=pictures, page_only=True)


def cost_plots(rows: Sequence[Row]) -> tuple[Plot, ...]:
    """Return distance in times the floor over the whole cost, two plots for each eye.

    Empty where there are fewer than two methods with figures and costs, or too many to tell apart.
    """
    plots = []
    for metric, (unit, (name, _)) in product(leading_metrics(rows), _UNITS.items()):
        lines = cost_lines(rows, metric.name, unit)
        if len(lines) > 1:
            textures = "texture" if lines[0].textures == 1 else "textures"
            curves = tuple(
                Curve(one.name, tuple((cost, one.quality) for cost in one.costs), one.copies) for one in lines
            )
            title = f"{metric.label}, {lines[0].textures} {textures}"
            plots.append(Plot(title, name, curves, log_x=True, log_y=True, dots=True, level=1.0))
    return tuple(plots) if len(names_of(plots)) <= MOST_CURVES else ()
