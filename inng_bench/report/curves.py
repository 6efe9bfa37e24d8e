"""Training curves: the quality of all methods against each other, and every value of each method."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import product

from inng_bench.metrics.catalogue import BY_NAME
from inng_bench.records.schema import Record
from inng_bench.report.plots import MOST_CURVES, draw_plots, names_of
from inng_bench.report.rows import Row, by_texture
from inng_bench.report.study import Study
from inng_bench.tables.content import Curve, Picture, Plot, Section

TITLE = "Curves of the trainings"
NOTE = (
    "Each line is one seed. Records store the operations of each point, but only the time of the whole training; so "
    "the time axis assumes a constant speed."
)

GLANCE = "gram_at_a_glance"
"""The value that all methods leave in their curves."""

_ACROSS: Mapping[str, Callable[[Record], float]] = {
    "TFLOP": lambda _record: 1e-12,
    "s of training": lambda record: record.seconds.get("train", 0.0) / max(record.flops, 1.0),
}
"""What an operation is on the axis of a plot, by what the axis says."""

_GLANCED = f"{BY_NAME['gram'].label} of the samples, estimated"

_STEEP = 50
"""Ratio of greatest and least value from which an axis is logarithmic."""


def section(study: Study) -> Section:
    """Return the curves that the records have."""
    pictures = []
    if progress := progress_plots(study.rows):
        draw = partial(draw_plots, progress, len(_ACROSS))
        pictures.append(Picture("sheets/progress.svg", "Quality during the training", draw, progress))
    if curves := curve_plots(study.rows):
        draw = partial(draw_plots, curves, 3)
        pictures.append(Picture("sheets/curves.svg", "All values that the methods reported", draw, curves))
    return Section(TITLE, NOTE, pictures=pictures, page_only=True)


def curve_plots(rows: Sequence[Row]) -> tuple[Plot, ...]:
    """Return one plot for each method and value, a line for each texture and seed."""
    found: dict[tuple[str, str], list[Curve]] = {}
    for row in rows:
        for record in row.succeeded:
            for value in dict.fromkeys(name for point in record.curve for name in point.values):
                found.setdefault((row.method, value), []).append(Curve(row.texture.name, _points(record, value)))
    methods = list(dict.fromkeys(row.method for row in rows))
    ordered = sorted(found.items(), key=lambda item: methods.index(item[0][0]))
    return tuple(
        Plot(f"{method}: {value.replace('_', ' ')}", "TFLOP", tuple(curves), log_y=_is_steep(curves))
        for (method, value), curves in ordered
    )


def progress_plots(rows: Sequence[Row]) -> tuple[Plot, ...]:
    """Return quality against counted operations and against time, two plots for each texture.

    Empty where fewer than two methods left such a curve, or more than can be told apart.
    """
    drawn = [row for row in rows if any(_points(record, GLANCE) for record in row.succeeded)]
    plots = tuple(
        Plot(f"{texture}: {_GLANCED}", across, tuple(_glances(group, scale)))
        for (texture, group), (across, scale) in product(by_texture(drawn).items(), _ACROSS.items())
    )
    return plots if 2 <= len(names_of(plots)) <= MOST_CURVES else ()


def _glances(rows: Sequence[Row], scale: Callable[[Record], float]) -> Iterable[Curve]:
    for row in rows:
        for record in row.succeeded:
            if points := _points(record, GLANCE, scale(record)):
                yield Curve(row.method, points)


def _points(record: Record, value: str, scale: float = 1e-12) -> tuple[tuple[float, float], ...]:
    return tuple((point.flops * scale, point.values[value]) for point in record.curve if value in point.values)


def _is_steep(curves: Sequence[Curve]) -> bool:
    heights = [height for curve in curves for _, height in curve.points]
    return min(heights) > 0 and max(heights) > _STEEP * min(heights)
