"""What the plots of a report have in common: panels, colours, a legend below, and bytes that repeat."""

import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C564B")
"""Okabe and Ito's, which colour-blind readers can tell apart, and a brown."""

Dashes = tuple[float, tuple[float, ...]]

_DASHES: tuple[Dashes, ...] = ((0, ()), (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)))
"""Offset and lengths in line widths: solid, dashed, dotted, both."""

Styles = Mapping[str, tuple[str, Dashes]]


def panelled_figure(count: int, columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure and its plots, left to right and top to bottom; what is left over is blank."""
    columns = min(columns, count)
    lines = -(-count // columns)
    figure = Figure(figsize=(4.4 * columns, 2.6 * lines + 0.9), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    grid = list(figure.subplots(lines, columns, squeeze=False).ravel())
    for axes in grid[count:]:
        axes.set_axis_off()
    return figure, grid[:count]


def finish(figure: Figure, styles: Styles) -> bytes:
    """Put the legend below and return the PNG."""
    handles = [Line2D([], [], color=colour, linestyle=style) for colour, style in styles.values()]
    figure.legend(handles, list(styles), loc="outside lower center", ncols=min(5, len(styles)), frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def line_styles(names: Sequence[str]) -> dict[str, tuple[str, Dashes]]:
    """Give each name a colour, and another dash when the colours are used up."""
    count = len(COLOURS)
    return {name: (COLOURS[index % count], _DASHES[index // count % len(_DASHES)]) for index, name in enumerate(names)}


def style_axes(axes: Axes, across: str) -> None:
    """Give a plot a grid, no frame, and a name to its horizontal axis."""
    axes.set_xlabel(across, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
