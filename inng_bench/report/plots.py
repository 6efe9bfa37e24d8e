"""Plots as SVG with repeatable bytes. The page draws the same plots with its script."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import escape

from inng_bench.tables.content import Curve, Plot

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C564B")
"""Okabe and Ito's, which colour-blind readers can tell apart, and a brown."""

Dashes = tuple[float, ...]

_DASHES: tuple[Dashes, ...] = ((), (5, 2), (1, 1.5), (5, 1.5, 1, 1.5))
"""Lengths in line widths: solid, dashed, dotted, both."""

MOST_CURVES = len(COLOURS) * len(_DASHES)
"""Names that can be told apart within a plot."""

_RADII = (2, 3.5, 5)

_WIDTH, _HEIGHT = 440, 260
"""Of a plot with its labels, in pixels."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 28, 44
"""From the sides of a plot to its axes."""

_LETTER = 7.2
"""Width of a letter in a legend."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def names_of(plots: Sequence[Plot]) -> list[str]:
    """Return the names of all curves, each once."""
    return list(dict.fromkeys(curve.name for plot in plots for curve in plot.curves))


def line_styles(names: Sequence[str]) -> dict[str, tuple[str, Dashes]]:
    """Give each name a colour, and another dash when the colours are used up."""
    count = len(COLOURS)
    return {name: (COLOURS[index % count], _DASHES[index // count % len(_DASHES)]) for index, name in enumerate(names)}


def draw_plots(plots: Sequence[Plot], columns: int) -> bytes:
    """Return plots as one SVG, left to right and top to bottom, with a legend below."""
    columns = min(columns, len(plots))
    styles, width, below = line_styles(names_of(plots)), _WIDTH * columns, _HEIGHT * -(-len(plots) // columns)
    legend, height = _legend(styles, width, below + 20)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="11" fill="#1a1a1a">',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for index, plot in enumerate(plots):
        line, column = divmod(index, columns)
        lines += [f'<g transform="translate({column * _WIDTH} {line * _HEIGHT})">', *_drawn(plot, styles), "</g>"]
    return "\n".join([*lines, *legend, "</svg>", ""]).encode()


@dataclass(frozen=True)
class _Axis:
    """An axis from ``start`` to ``end`` in pixels over values with a margin on both sides."""

    values: Sequence[float]
    is_log: bool
    start: float
    end: float

    @cached_property
    def span(self) -> tuple[float, float]:
        """Both ends in the units of the axis, which are logarithms where it is logarithmic."""
        low, high = (self._measured(end(self.values)) for end in (min, max))
        margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
        return low - margin, high + margin

    def place(self, value: float) -> float:
        """Return where a value is, in pixels."""
        low, high = self.span
        return self.start + (self._measured(value) - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return some round values from end to end."""
        low, high = self.span
        if self.is_log and high - low > 1.5:
            every = -(-(math.floor(high) - math.ceil(low) + 1) // 7)
            return [10.0**power for power in range(math.ceil(low), math.floor(high) + 1, every)]
        if self.is_log:
            sizes = [factor * 10.0**power for power in range(math.floor(low), math.ceil(high)) for factor in (1, 2, 5)]
            low, high = 10**low, 10**high
            if len(found := [size for size in sizes if low <= size <= high]) > 2:
                return found
        step = next(size for size in _round_sizes(high - low) if (high - low) / size <= 6)
        return [step * number for number in range(math.ceil(low / step), math.floor(high / step) + 1)]

    def _measured(self, value: float) -> float:
        return math.log10(value) if self.is_log else value


def _round_sizes(length: float) -> Iterator[float]:
    """Yield 1, 2 and 5 times powers of ten from a hundredth of a length on."""
    power = math.floor(math.log10(length)) - 2
    yield from (factor * 10.0**exponent for exponent in range(power, power + 4) for factor in (1, 2, 5))


def _axis(values: Sequence[float], start: float, end: float, *, is_log: bool) -> _Axis:
    return _Axis(values, is_log and min(values) > 0, start, end)


def _drawn(plot: Plot, styles: Mapping[str, tuple[str, Dashes]]) -> Iterator[str]:
    points = [point for curve in plot.curves for point in curve.points]
    left, right, top, bottom = _LEFT, _WIDTH - _RIGHT, _TOP, _HEIGHT - _BOTTOM
    heights = [height for _, height in points] + ([] if plot.level is None else [plot.level])
    x = _axis([place for place, _ in points], left, right, is_log=plot.log_x)
    y = _axis(heights, bottom, top, is_log=plot.log_y)
    yield f'<text x="{left}" y="{top - 10}" font-size="13">{escape(plot.title)}</text>'
    for value in x.ticks():
        yield f'<path d="M{x.place(value):.1f} {top}V{bottom}" stroke="#e4e4e4"/>'
        yield f'<text x="{x.place(value):.1f}" y="{bottom + 15}" text-anchor="middle">{_label(value)}</text>'
    for value in y.ticks():
        yield f'<path d="M{left} {y.place(value):.1f}H{right}" stroke="#e4e4e4"/>'
        yield f'<text x="{left - 6}" y="{y.place(value) + 4:.1f}" text-anchor="end">{_label(value)}</text>'
    yield f'<text x="{(left + right) / 2:g}" y="{bottom + 32}" text-anchor="middle">{escape(plot.across)}</text>'
    yield f'<path d="M{left} {top}V{bottom}H{right}" stroke="#1a1a1a" fill="none"/>'
    if plot.level is not None:
        yield f'<path d="M{left} {y.place(plot.level):.1f}H{right}" stroke="#777" stroke-dasharray="1 3"/>'
    for curve in plot.curves:
        yield from _curve(curve, [(x.place(at), y.place(height)) for at, height in curve.points], plot, styles)


def _curve(
    curve: Curve, places: Sequence[tuple[float, float]], plot: Plot, styles: Mapping[str, tuple[str, Dashes]]
) -> Iterator[str]:
    colour, dashes = styles[curve.name]
    yield f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}" {_stroke(colour, dashes)}/>'
    radii = _RADII if plot.dots else (2,) if len(places) == 1 else ()
    face = "none" if curve.hollow else colour
    for (x, y), radius in zip(places, radii, strict=False):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" stroke="{colour}" fill="{face}"/>'


def _stroke(colour: str, dashes: Dashes) -> str:
    dashed = f' stroke-dasharray="{" ".join(f"{1.3 * length:g}" for length in dashes)}"' if dashes else ""
    return f'stroke="{colour}" stroke-width="1.3" fill="none"{dashed}'


def _legend(styles: Mapping[str, tuple[str, Dashes]], width: int, top: int) -> tuple[list[str], int]:
    """Return the names beside pieces of their lines, and the height of the whole picture."""
    lines, x, y = [], _LEFT, top
    for name, style in styles.items():
        wide = 48 + round(_LETTER * len(name))
        if x > _LEFT and x + wide > width:
            x, y = _LEFT, y + 20
        lines.append(f'<path d="M{x} {y - 4}h28" {_stroke(*style)}/>')
        lines.append(f'<text x="{x + 34}" y="{y}" font-size="13">{escape(name)}</text>')
        x += wide
    return lines, y + 16


def _label(value: float) -> str:
    """Return a value as text; far from 1 a power of ten as such."""
    power = round(math.log10(value)) if value > 0 else 0
    if abs(power) >= 4 and math.isclose(value, 10.0**power):
        return f"10{str(power).translate(_SUPERSCRIPTS)}"
    return f"{value:g}".replace("-", "−")
