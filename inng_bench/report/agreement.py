"""How far metrics agree: Kendall's tau of all pairs over the rows of a texture, as a mean over textures.

Values are turned so that more is better before they are ranked: tau 1 says that two metrics order the rows of every
texture alike, 0 that they have nothing in common, -1 that one calls good what the other calls bad. Rows of different
textures are never ranked together, since a texture that is hard for all would make any two metrics agree.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations

import numpy as np

from inng_bench.metrics.catalogue import BY_NAME, CATALOGUE, Direction
from inng_bench.report.csv_table import csv_text
from inng_bench.report.rows import Row, by_texture, comparable
from inng_bench.report.study import Study
from inng_bench.tables.content import ABSENT, Section, Table

FEWEST_ROWS = 3
"""Of a texture; with two rows two metrics agree or contradict each other, and nothing lies between."""

TITLE = "Agreement"
NOTE = (
    "Kendall's tau-b of two metrics over the rows of a texture, as a mean over textures. The sign of a metric is "
    f"changed if lower is better. A texture counts if at least {FEWEST_ROWS} rows have both figures and neither "
    "metric is constant. Copies, and figures that their method optimises, are left out. The tau is below the "
    "diagonal, the number of textures above it. agreement.csv has all pairs."
)

Values = Mapping[str, Sequence[Mapping[str, float | None]]]
"""Of each texture its rows, and of each row its figure by metric."""


@dataclass(frozen=True)
class Agreement:
    """How far two metrics agree.

    Attributes
    ----------
    first, second : str
        Names of metrics, in the order of the catalogue.
    tau : float or None
        Mean over textures of Kendall's tau-b, in [-1, 1]; None where no texture counts.
    textures, rows : int
        What it was computed from.
    """

    first: str
    second: str
    tau: float | None
    textures: int
    rows: int


def values_of(rows: Sequence[Row]) -> Values:
    """Return what :func:`agreements` asks for from the rows of a report: means over seeds, reference rows included."""
    return {
        texture: [
            {name: figure.value for name, figure in row.figures.items() if not row.optimises(name)} for row in group
        ]
        for texture, group in by_texture(comparable(rows)).items()
    }


def agreements(values: Values) -> tuple[Agreement, ...]:
    """Return the agreement of all pairs of metrics that some row has."""
    measured = {name for rows in values.values() for row in rows for name, value in row.items() if value is not None}
    names = [metric.name for metric in CATALOGUE if metric.name in measured]
    return tuple(_agreement(first, second, values) for first, second in combinations(names, 2))


def agreement_csv(found: Sequence[Agreement]) -> str:
    """Return all pairs in full precision."""
    headings = ("first", "second", "kendall_tau", "textures", "rows")
    return csv_text([dict(zip(headings, astuple(one), strict=True)) for one in found], headings)


def section(study: Study) -> Section:
    """Return the agreement of all metrics."""
    return Section(TITLE, NOTE, agreement_table(agreements(values_of(study.rows))), page_only=True)


def agreement_table(found: Sequence[Agreement]) -> Table:
    """Return a square with a numbered line and column for each metric that agrees or not with some other."""
    pairs = {(one.first, one.second): one for one in found if one.tau is not None}
    names = [metric.name for metric in CATALOGUE if any(metric.name in pair for pair in pairs)]
    lines = []
    for line, name in enumerate(names, 1):
        cells = {"metric": f"{line} {BY_NAME[name].label}"}
        for column, other in enumerate(names, 1):
            cells[str(column)] = _cell(pairs.get((name, other)), pairs.get((other, name)))
        lines.append(cells)
    return Table.of(lines)


def _cell(above: Agreement | None, below: Agreement | None) -> str:
    if above is not None:
        return str(above.textures)
    return ABSENT if below is None or below.tau is None else f"{below.tau:.2f}".replace("-", "−")


def _agreement(first: str, second: str, values: Values) -> Agreement:
    taus, counted = [], 0
    for rows in values.values():
        ranked = [pair for row in rows if (pair := _turned(row, first, second)) is not None]
        columns = list(zip(*ranked, strict=True))
        if len(ranked) >= FEWEST_ROWS and all(len(set(column)) > 1 for column in columns):
            taus.append(_tau_b(*columns))
            counted += len(ranked)
    return Agreement(first, second, math.fsum(taus) / len(taus) if taus else None, len(taus), counted)


def _tau_b(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Kendall's tau-b: concordant less discordant pairs, over the geometric mean of the pairs without ties."""
    one, other = (np.sign(np.subtract.outer(values, values)) for values in (first, second))
    return float((one * other).sum() / math.sqrt((one**2).sum() * (other**2).sum()))


def _turned(row: Mapping[str, float | None], first: str, second: str) -> tuple[float, float] | None:
    one, other = row.get(first), row.get(second)
    return None if one is None or other is None else (_better_is_more(one, first), _better_is_more(other, second))


def _better_is_more(value: float, metric: str) -> float:
    return value if BY_NAME[metric].direction is Direction.HIGHER else -value
