"""Training curves: every value of each method, and the quality of all methods against each other."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes

from inng_bench.metrics.catalogue import BY_NAME
from inng_bench.records.schema import Record
from inng_bench.report.plots import COLOURS, Styles, finish, line_styles, panelled_figure, style_axes
from inng_bench.report.rows import Row, by_texture

COLUMNS = 3

GLANCE = "gram_at_a_glance"
"""The value that all methods leave in their curves."""

_ACROSS: Mapping[str, Callable[[Record], float]] = {
    "TFLOP": lambda _record: 1e-12,
    "s of training": lambda record: record.seconds.get("train", 0.0) / max(record.flops, 1.0),
}
"""What an operation is on the axis of a plot, by what the axis says."""


def curves_figure(rows: Sequence[Row]) -> bytes | None:
    """Return one small plot for each method and value, a line for each texture and seed, as PNG.

    None where no record has a curve.
    """
    panels = _panels(rows)
    if not panels:
        return None
    styles = line_styles(list(by_texture(rows)))
    figure, grid = panelled_figure(len(panels), COLUMNS)
    for axes, (method, value) in zip(grid, panels, strict=True):
        _plot(axes, rows, method, value, styles)
    return finish(figure, styles)


def progress_figure(rows: Sequence[Row]) -> bytes | None:
    """Return quality against counted operations and against time, two plots for each texture, as PNG.

    A line is one seed of one method. Records keep the operations of each point and the time of the whole training, so
    that time is spread evenly over the operations.

    Returns
    -------
    bytes or None
        None where fewer than two methods left such a curve, or more than there are colours for.
    """
    drawn = [row for row in rows if any(_glances(record) for record in row.succeeded)]
    methods = list(dict.fromkeys(row.method for row in drawn))
    if not 2 <= len(methods) <= len(COLOURS):
        return None
    textures = by_texture(drawn)
    styles = line_styles(methods)
    figure, grid = panelled_figure(len(_ACROSS) * len(textures), len(_ACROSS))
    for axes, (texture, across) in zip(grid, product(textures, _ACROSS), strict=True):
        _plot_progress(axes, textures[texture], styles, across)
        axes.set_title(texture, fontsize=10, loc="left", parse_math=False)
    figure.suptitle(f"{BY_NAME['gram'].label} of the samples in training, at a glance", fontsize=10)
    return finish(figure, styles)


def _glances(record: Record) -> list[tuple[float, float]]:
    return [(point.flops, point.values[GLANCE]) for point in record.curve if GLANCE in point.values]


def _plot_progress(axes: Axes, rows: Sequence[Row], styles: Styles, across: str) -> None:
    for row in rows:
        colour, style = styles[row.method]
        for record in row.succeeded:
            points = [(flops * _ACROSS[across](record), height) for flops, height in _glances(record)]
            axes.plot(*np.array(points).reshape(-1, 2).T, color=colour, linestyle=style, linewidth=1.1)
    style_axes(axes, across)


def _panels(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Return the pairs of method and value that there are curves of, in the order of the rows."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for record in row.succeeded:
            for point in record.curve:
                found.setdefault(row.method, {}).update(dict.fromkeys(point.values))
    return [(method, value) for method, values in found.items() for value in values]


def _plot(axes: Axes, rows: Sequence[Row], method: str, value: str, styles: Styles) -> None:
    seen: list[float] = []
    for row in rows:
        if row.method != method:
            continue
        colour, style = styles[row.texture.name]
        for record in row.succeeded:
            points = [(point.flops / 1e12, point.values[value]) for point in record.curve if value in point.values]
            marker = "o" if len(points) == 1 else ""
            axes.plot(*zip(*points, strict=True), color=colour, linestyle=style, linewidth=1.1, marker=marker)
            seen += [height for _, height in points]
    if seen and min(seen) > 0 and max(seen) > 50 * min(seen):
        axes.set_yscale("log")
    axes.set_title(f"{method}: {value.replace('_', ' ')}", fontsize=10, loc="left", parse_math=False)
    style_axes(axes, "TFLOP")
