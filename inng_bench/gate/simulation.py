"""How often the gate errs: ``python -m inng_bench.gate.simulation`` judges made-up tables, thousands of them.

A table has the cells of a suite. The logarithm of a value is a centre of the cell plus a deviation of the seed, which
the metrics of one run share in part. Deviations are normal, or have tails that no test of the gate assumes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from inng_bench.gate.cells import Cell, Replicates, RowKind
from inng_bench.gate.inference import detectable_step
from inng_bench.gate.judge import Judgement, Verdict, judge
from inng_bench.gate.tolerances import NEGLIGIBLE

METRICS = tuple(metric for metric in NEGLIGIBLE if metric != "copy_rate")
"""Copying is zero for all seeds of all trained rows, so that it can raise no false alarm."""

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
    """

    textures: int
    methods: int
    seeds: tuple[int, int]
    spread: float

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell of a table."""
        rows = [(f"texture-{one}", f"method-{two}") for one in range(self.textures) for two in range(self.methods)]
        return tuple(Cell(*row, metric) for row in rows for metric in METRICS)


def draw_table(
    layout: Layout, seeds: int, draw: Draw, generator: np.random.Generator, factors: Mapping[Cell, float]
) -> dict[Cell, Replicates]:
    """Draw the values of one side; ``factors`` make cells greater."""
    shape = layout.textures * layout.methods, seeds
    shared = draw(generator, (*shape, 1))
    own = draw(generator, (*shape, len(METRICS)))
    deviations = math.sqrt(CORRELATION) * shared + math.sqrt(1 - CORRELATION) * own
    values = np.exp(layout.spread * deviations).transpose(0, 2, 1).reshape(-1, seeds)
    return {
        cell: Replicates(tuple(factors.get(cell, 1.0) * value for value in row), RowKind.TRAINED)
        for cell, row in zip(layout.cells, values.tolist(), strict=True)
    }


def judge_tables(
    layout: Layout, tables: int, draw: Draw, seed: int, factors: Mapping[Cell, float] | None = None
) -> list[tuple[Judgement, ...]]:
    """Judge that many tables; without ``factors`` nothing has changed in any of them."""
    generator = np.random.default_rng(seed)
    return [
        judge(
            draw_table(layout, layout.seeds[0], draw, generator, {}),
            draw_table(layout, layout.seeds[1], draw, generator, factors or {}),
        )
        for _ in range(tables)
    ]


def has_alarm(judgements: Sequence[Judgement]) -> bool:
    """Say whether any cell of a table is called worse."""
    return any(one.verdict is Verdict.REGRESSION for one in judgements)


SEEDS = ((3, 1), (3, 3), (5, 1), (5, 5), (10, 5), (20, 5))
SUITES = {"smoke": (2, 2), "quick": (4, 2), "standard": (8, 2)}
TABLES = 2000
SPREAD = 0.1


def detectable_table() -> str:
    """Return the shifts that are found nine times in ten, as Markdown."""
    lines = [
        "| seeds of reference, results | " + " | ".join(SUITES) + " |",
        "|---|" + "--:|" * len(SUITES),
    ]
    for seeds in SEEDS:
        steps = [detectable_step(*seeds, textures * methods * len(METRICS)) for textures, methods in SUITES.values()]
        cells = [f"{step:.1f} σ, {_factor(math.exp(SPREAD * step))}" for step in steps]
        lines.append(f"| {seeds[0]}, {seeds[1]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _factor(value: float) -> str:
    return f"×{value:.2f}" if value < 1000 else "–"


def alarms_table() -> str:
    """Return the share of unchanged tables with any alarm, and its 95 % interval, as Markdown."""
    lines = ["| suite | seeds | " + " | ".join(TAILS) + " |", "|---|---|" + "--:|" * len(TAILS)]
    for name in ("smoke", "standard"):
        for seeds in SEEDS:
            layout = Layout(*SUITES[name], seeds, spread=SPREAD)
            cells = [_share(layout, draw) for draw in TAILS.values()]
            lines.append(f"| {name} | {seeds[0]}, {seeds[1]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _share(layout: Layout, draw: Draw) -> str:
    alarms = sum(map(has_alarm, judge_tables(layout, TABLES, draw, seed=layout.seeds[0] * 100 + layout.seeds[1])))
    interval = stats.binomtest(alarms, TABLES).proportion_ci()
    return f"{100 * alarms / TABLES:.2f} % ({100 * interval.low:.2f}–{100 * interval.high:.2f})"


if __name__ == "__main__":
    print(detectable_table(), alarms_table(), sep="\n\n")
