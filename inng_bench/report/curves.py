"""Training curves over counted operations."""

import io
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from inng_bench.report.rows import Row, by_texture

COLUMNS = 3

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C564B")
"""Okabe and Ito's, which colour-blind readers can tell apart, and a brown."""

_Dashes = tuple[float, tuple[float, ...]]

_DASHES: tuple[_Dashes, ...] = ((0, ()), (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)))
"""Offset and lengths in line widths: solid, dashed, dotted, both."""


def curves_figure(rows: Sequence[Row]) -> bytes | None:
    """Return one small plot for each method and value, a line for each texture and seed, as PNG.

    None where no record has a curve.
    """
    panels = _panels(rows)
    if not panels:
        return None
    lines = -(-len(panels) // COLUMNS)
    columns = min(COLUMNS, len(panels))
    figure = Figure(figsize=(4.4 * columns, 2.6 * lines + 0.9), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    styles = _line_styles(list(by_texture(rows)))
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, (method, value) in zip(grid, panels, strict=False):
        _plot(axes, rows, method, value, styles)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
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


def _line_styles(textures: Sequence[str]) -> dict[str, tuple[str, _Dashes]]:
    """Give each texture a colour, and another dash when the colours are used up."""
    count = len(_COLOURS)
    return {
        texture: (_COLOURS[index % count], _DASHES[index // count % len(_DASHES)])
        for index, texture in enumerate(textures)
    }


def _plot(axes: Axes, rows: Sequence[Row], method: str, value: str, styles: dict[str, tuple[str, _Dashes]]) -> None:
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
    axes.set_xlabel("TFLOP", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
