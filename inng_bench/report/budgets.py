"""Quality of fresh samples against the time of their training: methods at one or several budgets."""

from collections.abc import Mapping, Sequence
from itertools import product

from matplotlib.axes import Axes

from inng_bench.hashes import canonical_hash
from inng_bench.metrics.catalogue import BY_NAME
from inng_bench.report.intervals import Estimate, estimate_over_seeds
from inng_bench.report.plots import COLOURS, Styles, finish, line_styles, panelled_figure, style_axes
from inng_bench.report.rows import REAL, Row, by_texture

METRICS = ("gram", "patch_fid")


def budgets_figure(rows: Sequence[Row]) -> bytes | None:
    """Return the headline metrics of fresh samples over the seconds of training, two plots a texture, as PNG.

    A point is a row: geometric means over its seeds, with the interval of its figure, or the spread of a single seed's
    pictures. A line joins the rows of one method and the same settings, which differ in their budget; a dotted one is
    the floor, the row real.

    Returns
    -------
    bytes or None
        None where less than two rows of a texture were trained, or there are more methods than colours.
    """
    trained = [row for row in rows if row.is_trained and row.succeeded]
    names = line_names(trained)
    textures = by_texture(trained)
    if len(names) > len(COLOURS) or max(map(len, textures.values()), default=0) < 2:
        return None
    floors = {row.texture.name: row for row in rows if row.implementation == REAL}
    styles = line_styles(list(names.values()))
    figure, grid = panelled_figure(len(METRICS) * len(textures), len(METRICS))
    for axes, (texture, metric) in zip(grid, product(textures, METRICS), strict=True):
        _plot(axes, budget_lines(textures[texture], metric, names), styles)
        if texture in floors and (floor := floors[texture].figures[metric].value) is not None:
            axes.axhline(floor, color="#777777", linestyle=":", linewidth=1)
        axes.set_title(f"{texture}: {BY_NAME[metric].label}", fontsize=10, loc="left", parse_math=False)
    return finish(figure, styles)


def line_names(rows: Sequence[Row]) -> dict[str, str]:
    """Return a name for each method with its settings, by their hash: the label of the row with the largest budget."""
    by_budget = sorted(rows, key=lambda row: row.budget_flops)
    last = {_settings_key(row): row.method for row in by_budget}
    return {key: last[key] for key in dict.fromkeys(map(_settings_key, rows))}


def _settings_key(row: Row) -> str:
    return canonical_hash([row.implementation, row.records[0].settings])


def budget_lines(rows: Sequence[Row], metric: str, names: Mapping[str, str]) -> dict[str, list[tuple[float, Estimate]]]:
    """Return seconds of training and figure of the rows of a texture, by the name of their line, the fastest first."""
    lines: dict[str, list[tuple[float, Estimate]]] = {}
    for row in rows:
        seconds = estimate_over_seeds(row.values(lambda record: record.seconds.get("train"))).value
        if seconds is not None and row.figures[metric].value is not None:
            lines.setdefault(names[_settings_key(row)], []).append((seconds, row.figures[metric]))
    return {name: sorted(points, key=lambda point: point[0]) for name, points in lines.items()}


def _plot(axes: Axes, lines: Mapping[str, Sequence[tuple[float, Estimate]]], styles: Styles) -> None:
    for name, points in lines.items():
        colour, dashes = styles[name]
        heights = [figure.value for _, figure in points]
        axes.plot([at for at, _ in points], heights, color=colour, linestyle=dashes, marker="o", markersize=4)  # type: ignore[arg-type]
        for at, figure in points:
            if figure.low is not None and figure.high is not None:
                axes.plot([at, at], [figure.low, figure.high], color=colour, linewidth=1.1, alpha=0.6)
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, 1.05 * max((at for points in lines.values() for at, _ in points), default=1.0))
    style_axes(axes, "s of training")
