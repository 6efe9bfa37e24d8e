"""Plots as PNG files with repeatable bytes. The page draws the same plots with its script."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from inng_bench.tables.content import Plot

if TYPE_CHECKING:  # matplotlib takes a second to load, which a report without plots need not wait for
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C564B")
"""Okabe and Ito's, which colour-blind readers can tell apart, and a brown."""

Dashes = tuple[float, tuple[float, ...]]

_DASHES: tuple[Dashes, ...] = ((0, ()), (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)))
"""Offset and lengths in line widths: solid, dashed, dotted, both."""

MOST_CURVES = len(COLOURS) * len(_DASHES)
"""Names that can be told apart within a plot."""

_SIZES = (3, 5, 7)

_HEAD = 0.3
"""Inches above all plots, for a title."""


def names_of(plots: Sequence[Plot]) -> list[str]:
    """Return the names of all curves, each once."""
    return list(dict.fromkeys(curve.name for plot in plots for curve in plot.curves))


def line_styles(names: Sequence[str]) -> dict[str, tuple[str, Dashes]]:
    """Give each name a colour, and another dash when the colours are used up."""
    count = len(COLOURS)
    return {name: (COLOURS[index % count], _DASHES[index // count % len(_DASHES)]) for index, name in enumerate(names)}


def draw_plots(plots: Sequence[Plot], columns: int, title: str = "") -> bytes:
    """Return plots as one PNG, left to right and top to bottom, with a legend below."""
    from matplotlib.lines import Line2D

    styles = line_styles(names_of(plots))
    across = 2 * min(columns, len(plots))
    figure, grid = _panels(len(plots), columns, foot=0.4 + 0.2 * -(-len(styles) // across))
    for axes, plot in zip(grid, plots, strict=True):
        _draw(axes, plot, styles)
    if title:
        figure.suptitle(title, fontsize=10)
    handles = [Line2D([], [], color=colour, linestyle=dashes) for colour, dashes in styles.values()]
    figure.legend(handles, list(styles), loc="lower center", ncols=across, frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _panels(count: int, columns: int, *, foot: float) -> tuple["Figure", list["Axes"]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(columns, count)
    lines = -(-count // columns)
    width, height = 4.4 * columns, 2.6 * lines + _HEAD + foot
    figure = Figure(figsize=(width, height), dpi=100)
    # Places are set by hand, in inches: matplotlib's own layout draws everything several times.
    figure.subplots_adjust(
        left=0.55 / width,
        right=1 - 0.1 / width,
        bottom=(foot + 0.4) / height,
        top=1 - (_HEAD + 0.25) / height,
        wspace=0.16,
        hspace=0.36,
    )
    FigureCanvasAgg(figure)
    grid = list(figure.subplots(lines, columns, squeeze=False).ravel())
    for axes in grid[count:]:
        axes.set_axis_off()
    return figure, grid[:count]


def _draw(axes: "Axes", plot: Plot, styles: Mapping[str, tuple[str, Dashes]]) -> None:
    for curve in plot.curves:
        colour, dashes = styles[curve.name]
        marker = "o" if len(curve.points) == 1 and not plot.dots else ""
        axes.plot(*zip(*curve.points, strict=True), color=colour, linestyle=dashes, linewidth=1.1, marker=marker)
        for point, size in zip(curve.points, _SIZES, strict=False) if plot.dots else ():
            face = "none" if curve.hollow else colour
            axes.plot(*point, marker="o", markersize=size, color=colour, markerfacecolor=face)
    if plot.level is not None:
        axes.axhline(plot.level, color="#777777", linestyle=":", linewidth=1)
    _set_scales(axes, plot)
    axes.set_title(plot.title, fontsize=10, loc="left", parse_math=False)
    axes.set_xlabel(plot.across, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.tick_params(which="minor", labelsize=7)
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _set_scales(axes: "Axes", plot: Plot) -> None:
    from matplotlib.ticker import LogFormatter

    if plot.log_x:
        axes.set_xscale("log")
    if plot.log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.6)))
