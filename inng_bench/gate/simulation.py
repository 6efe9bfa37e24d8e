"""How often the gate errs: ``python -m inng_bench.gate.simulation`` judges made-up tables, thousands of them.

A table has the cells of a suite. The logarithm of a value is a centre of the cell plus a deviation of the seed, which
the metrics of one run share in part. Deviations are normal, or have tails that no test of the gate assumes.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from inng_bench.gate.cells import Cell, Replicates, RowKind
from inng_bench.gate.inference import detectable_step
from inng_bench.gate.judge import Judgement, Verdict, judge
from inng_bench.gate.tolerances import NEGLIGIBLE

METRICS = tuple(metric for metric in NEGLIGIBLE if metric != "copy_rate" and not metric.startswith("set_"))
"""Copying is zero for all seeds of all trained rows, so it cannot raise a false alarm."""

CORRELATION = 0.7
"""Between the deviations of two metrics of one run."""

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]
"""Draws deviations of mean 0 and variance 1."""


def _normal(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return generator.standard_normal(shape)


def _student(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return generator.standard_t(5, shape) / math.sqrt(5 / 3)


def _skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return generator.gamma(4.0, 1.0, shape) / 2 - 2


TAILS: dict[str, Draw] = {"normal": _normal, "Student, 5 degrees": _student, "skewed (gamma 4)": _skewed}


@dataclass(frozen=True)
class Layout:
    """Size and spread of a made-up table.

    Attributes
    ----------
    textures, methods : int
        Trained rows.
    seeds : tuple[int, int]
        Replicates of reference and results.
    spread : float
        Standard deviation of the logarithm from seed to seed.
    unevenness : float
        Standard deviation, from cell to cell, of the logarithm of their spreads; 0 gives all the same.
    """

    textures: int
    methods: int
    seeds: tuple[int, int]
    spread: float
    unevenness: float = 0.0

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell of a table."""
        rows = [(f"texture-{one}", f"method-{two}") for one in range(self.textures) for two in range(self.methods)]
        return tuple(Cell(*row, metric) for row in rows for metric in METRICS)


def draw_spreads(layout: Layout, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw the spread of each cell, (rows, 1, metrics)."""
    shape = layout.textures * layout.methods, 1, len(METRICS)
    return layout.spread * np.exp(layout.unevenness * generator.standard_normal(shape))


def draw_table(
    layout: Layout,
    spreads: NDArray[np.float64],
    seeds: int,
    draw: Draw,
    generator: np.random.Generator,
    factors: Mapping[Cell, float],
) -> dict[Cell, Replicates]:
    """Draw the values of one side; ``factors`` make cells greater."""
    shape = layout.textures * layout.methods, seeds
    shared = draw(generator, (*shape, 1))
    own = draw(generator, (*shape, len(METRICS)))
    deviations = math.sqrt(CORRELATION) * shared + math.sqrt(1 - CORRELATION) * own
    values = np.exp(spreads * deviations).transpose(0, 2, 1).reshape(-1, seeds)
    return {
        cell: Replicates(tuple(factors.get(cell, 1.0) * value for value in row), RowKind.TRAINED)
        for cell, row in zip(layout.cells, values.tolist(), strict=True)
    }


def judge_tables(
    layout: Layout, tables: int, draw: Draw, seed: int, factors: Mapping[Cell, float] | None = None
) -> list[tuple[Judgement, ...]]:
    """Judge that many tables; without ``factors`` nothing has changed in any of them."""
    return [judge(old, new) for old, new in _draw_pairs(layout, tables, draw, seed, factors or {})]


def _draw_pairs(
    layout: Layout, tables: int, draw: Draw, seed: int, factors: Mapping[Cell, float]
) -> Iterator[tuple[dict[Cell, Replicates], dict[Cell, Replicates]]]:
    """Draw reference and results of that many tables."""
    generator = np.random.default_rng(seed)
    for _ in range(tables):
        spreads = draw_spreads(layout, generator)
        old, new = layout.seeds
        yield (
            draw_table(layout, spreads, old, draw, generator, {}),
            draw_table(layout, spreads, new, draw, generator, factors),
        )


def found_at_two_thresholds(layout: Layout, tables: int, draw: Draw, seed: int) -> tuple[int, int]:
    """Put one cell of each table two thresholds from its old value; say how often it, and only it, is called worse."""
    cell = layout.cells[0]
    found = alone = 0
    for old, new in _draw_pairs(layout, tables, draw, seed, {}):
        before = next(one for one in judge(old, new) if one.cell == cell)
        assert before.old is not None
        assert before.new is not None
        assert before.threshold is not None
        factor = (2 * before.threshold - before.old) / before.new
        worse = new | {cell: Replicates(tuple(factor * value for value in new[cell].values), RowKind.TRAINED)}
        called = [one.cell for one in judge(old, worse) if one.verdict is Verdict.REGRESSION]
        found, alone = found + (cell in called), alone + (called == [cell])
    return found, alone


def has_alarm(judgements: Sequence[Judgement]) -> bool:
    """Say whether any cell of a table is called worse."""
    return any(one.verdict is Verdict.REGRESSION for one in judgements)


SEEDS = ((3, 1), (3, 3), (5, 1), (5, 5), (10, 5), (20, 5))
SUITES = {"smoke": (2, 2), "quick": (4, 2), "12 textures": (12, 2)}
TABLES = 2000
SPREAD = 0.1
UNEVEN = {"": 0.0, ", uneven": 0.6}
"""Spreads that lie within a factor of 3 of each other in four of five pairs of cells, and all alike."""


def detectable_table() -> str:
    """Return the shifts that are found nine times in ten, as Markdown."""
    lines = [
        "| seeds of reference, results | " + " | ".join(SUITES) + " |",
        "|---|" + "--:|" * len(SUITES),
    ]
    for seeds in SEEDS:
        rows = [textures * methods for textures, methods in SUITES.values()]
        steps = [detectable_step(*seeds, count * len(METRICS), count) for count in rows]
        cells = [f"{step:.1f} σ, {_factor(math.exp(SPREAD * step))}" for step in steps]
        lines.append(f"| {seeds[0]}, {seeds[1]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _factor(value: float) -> str:
    return f"×{value:.2f}" if value < 1000 else "–"


def alarms_table() -> str:
    """Return the share of unchanged tables with any alarm, and its 95 % interval, as Markdown."""
    kinds = {f"{tails}{uneven}": (draw, by) for uneven, by in UNEVEN.items() for tails, draw in TAILS.items()}
    lines = ["| suite | seeds | " + " | ".join(kinds) + " |", "|---|---|" + "--:|" * len(kinds)]
    for name in ("smoke", "12 textures"):
        for seeds in SEEDS:
            cells = [_share(Layout(*SUITES[name], seeds, SPREAD, by), draw) for draw, by in kinds.values()]
            lines.append(f"| {name} | {seeds[0]}, {seeds[1]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _share(layout: Layout, draw: Draw) -> str:
    alarms = sum(map(has_alarm, judge_tables(layout, TABLES, draw, seed=layout.seeds[0] * 100 + layout.seeds[1])))
    interval = stats.binomtest(alarms, TABLES).proportion_ci()
    return f"{100 * alarms / TABLES:.2f} % ({100 * interval.low:.2f}–{100 * interval.high:.2f})"


def thresholds_table() -> str:
    """Return how often a cell two thresholds worse is found, and named alone, as Markdown."""
    lines = ["| suite | seeds | found | it alone |", "|---|---|--:|--:|"]
    for name, rows in SUITES.items():
        for seeds in ((3, 1), (5, 5)):
            counts = found_at_two_thresholds(Layout(*rows, seeds, SPREAD), 500, TAILS["normal"], seed=0)
            cells = " | ".join(f"{count / 5:.1f} %" for count in counts)
            lines.append(f"| {name} | {seeds[0]}, {seeds[1]} | {cells} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(detectable_table(), alarms_table(), thresholds_table(), sep="\n\n")
