"""Training curves: every value of each method, and the quality of all methods against each other."""

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from inng_bench.metrics.catalogue import BY_NAME
from inng_bench.records.schema import Record
from inng_bench.report.rows import Row, by_texture

COLUMNS = 3

GLANCE = "gram_at_a_glance"
"""The value that all methods leave in their curves."""

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C564B")
"""Okabe and Ito's, which colour-blind readers can tell apart, and a brown."""

_Dashes = tuple[float, tuple[float, ...]]

_DASHES: tuple[_Dashes, ...] = ((0, ()), (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)))
"""Offset and lengths in line widths: solid, dashed, dotted, both."""

_ACROSS: Mapping[str, Callable[[Record], float]] = {
    "TFLOP": lambda _record: 1e-12,
    "s of training": lambda record: record.seconds.get("train", 0.0) / max(record.flops, 1.0),
}
"""What an operation is on the axis of a plot, by what the axis says."""

_Styles = Mapping[str, tuple[str, _Dashes]]


def curves_figure(rows: Sequence[Row]) -> bytes | None:
    """Return one small plot for each method and value, a line for each texture and seed, as PNG.

    None where no record has a curve.
    """
    panels = _panels(rows)
    if not panels:
        return None
    styles = _line_styles(list(by_texture(rows)))
    figure, grid = _panelled_figure(len(panels), COLUMNS)
    for axes, (method, value) in zip(grid, panels, strict=True):
        _plot(axes, rows, method, value, styles)
    return _finish(figure, styles)


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
    if not 2 <= len(methods) <= len(_COLOURS):
        return None
    textures = by_texture(drawn)
    styles = _line_styles(methods)
    figure, grid = _panelled_figure(len(_ACROSS) * len(textures), len(_ACROSS))
    for axes, (texture, across) in zip(grid, product(textures, _ACROSS), strict=True):
        _plot_progress(axes, textures[texture], styles, across)
        axes.set_title(texture, fontsize=10, loc="left", parse_math=False)
    figure.suptitle(f"{BY_NAME['gram'].label} of the samples in training, at a glance", fontsize=10)
    return _finish(figure, styles)


def _glances(record: Record) -> list[tuple[float, float]]:
    return [(point.flops, point.values[GLANCE]) for point in record.curve if GLANCE in point.values]


def _plot_progress(axes: Axes, rows: Sequence[Row], styles: _Styles, across: str) -> None:
    for row in rows:
        colour, style = styles[row.method]
        for record in row.succeeded:
            points = [(flops * _ACROSS[across](record), height) for flops, height in _glances(record)]
            axes.plot(*np.array(points).reshape(-1, 2).T, color=colour, linestyle=style, linewidth=1.1)
    _style(axes, across)


def _panelled_figure(count: int, columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure and its plots, left to right and top to bottom; what is left over is blank."""
    columns = min(columns, count)
    lines = -(-count // columns)
    figure = Figure(figsize=(4.4 * columns, 2.6 * lines + 0.9), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    grid = list(figure.subplots(lines, columns, squeeze=False).ravel())
    for axes in grid[count:]:
        axes.set_axis_off()
    return figure, grid[:count]


def _finish(figure: Figure, styles: _Styles) -> bytes:
    """Put the legend below and return the PNG."""
    handles = [Line2D([], [], color=colour, linestyle=style) for colour, style in styles.values()]
    figure.legend(handles, list(styles), loc="outside lower center", ncols=min(5, len(styles)), frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _panels(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Return the pairs of method and value that there are curves of, in the order of the rows."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for record in row.succeeded:
            for point in record.curve:
                found.setdefault(row.method, {}).update(dict.fromkeys(point.values))
    return [(method, value) for method, values in found.items() for value in values]


def _line_styles(names: Sequence[str]) -> dict[str, tuple[str, _Dashes]]:
    """Give each name a colour, and another dash when the colours are used up."""
    count = len(_COLOURS)
    return {name: (_COLOURS[index % count], _DASHES[index // count % len(_DASHES)]) for index, name in enumerate(names)}


def _plot(axes: Axes, rows: Sequence[Row], method: str, value: str, styles: _Styles) -> None:
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
    _style(axes, "TFLOP")


def _style(axes: Axes, across: str) -> None:
    axes.set_xlabel(across, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
