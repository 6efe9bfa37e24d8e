"""Cell by cell: does it hold, is it worse, is it better? Pure functions of two tables."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from inng_bench.gate.cells import Cell, Replicates, RowKind
from inng_bench.gate.inference import ALPHA, Shift, holm_level, measure_shift, measure_within, share_spread
from inng_bench.gate.tolerances import NEGLIGIBLE, ROUNDING
from inng_bench.metrics.catalogue import BY_NAME, Direction


class Verdict(StrEnum):
    """The verdict on a cell."""

    HOLDS = "holds"
    REGRESSION = "regression"
    BETTER = "better"
    METRIC_MOVED = "metric moved"
    """The row ``real`` got a better figure, although no method takes part in it."""
    TOO_FEW_SEEDS = "too few seeds"
    MISSING = "missing"
    NEW = "new"


@dataclass(frozen=True)
class Judgement:
    """A cell and the verdict on it.

    Attributes
    ----------
    old, new : float or None
        Centres over the seeds, None where a side has no value.
    threshold : float or None
        The new value beyond which the cell is a regression; None where it cannot be judged.
    probability : float or None
        One-sided chance of such a step when nothing has changed; None for a row that does not vary.
    seeds : tuple[int, int]
        Replicates of reference and results.
    """

    cell: Cell
    verdict: Verdict
    old: float | None = None
    new: float | None = None
    threshold: float | None = None
    probability: float | None = None
    seeds: tuple[int, int] = (0, 0)


def judge(
    reference: Mapping[Cell, Replicates], results: Mapping[Cell, Replicates], alpha: float = ALPHA
) -> tuple[Judgement, ...]:
    """Judge every cell of the reference, then name the cells that only the results have.

    Parameters
    ----------
    reference, results : Mapping[Cell, Replicates]
        As :func:`inng_bench.gate.cells.gather` returns them.
    alpha : float
        Family-wise chance of a false alarm over all cells that are tested.
    """
    tested = {
        cell: (old.values, results[cell].values)
        for cell, old in reference.items()
        if cell in results and old.kind is RowKind.TRAINED and _is_testable(old, results[cell])
    }
    shared = {
        metric: share_spread(measure_within(*sides) for cell, sides in tested.items() if cell.metric == metric)
        for metric in {cell.metric for cell in tested}
    }
    shifts = {cell: measure_shift(*sides, shared[cell.metric]) for cell, sides in tested.items()}
    level = holm_level((shift.probability(_worse(cell)) for cell, shift in shifts.items()), alpha)
    judged = [_judge_cell(cell, old, results.get(cell), shifts.get(cell), level) for cell, old in reference.items()]
    new = [
        Judgement(cell, Verdict.NEW, new=_mean(found), seeds=(0, len(found.values)))
        for cell, found in results.items()
        if cell not in reference
    ]
    return (*judged, *new)


def _is_testable(old: Replicates, new: Replicates) -> bool:
    """Say whether there are enough seeds to know how much they spread."""
    return len(old.values) + len(new.values) > 2


def _judge_cell(cell: Cell, old: Replicates, new: Replicates | None, shift: Shift | None, level: float) -> Judgement:
    if new is None:
        return Judgement(cell, Verdict.MISSING, old=_mean(old), seeds=(len(old.values), 0))
    seeds = len(old.values), len(new.values)
    if shift is not None:
        return _judge_shift(cell, shift, level, seeds)
    if old.kind is RowKind.TRAINED:
        return Judgement(cell, Verdict.TOO_FEW_SEEDS, _mean(old), _mean(new), seeds=seeds)
    return _judge_fixed(cell, old, new, seeds)


def _judge_shift(cell: Cell, shift: Shift, level: float, seeds: tuple[int, int]) -> Judgement:
    """Judge a trained cell: a shift must be significant, and large enough to matter."""
    sign = _worse(cell)
    negligible = NEGLIGIBLE[cell.metric].at(shift.old)
    worse = _farther(sign, shift.limit(level, sign), shift.old + sign * negligible)
    better = _farther(-sign, shift.limit(level, -sign), shift.old - sign * negligible)
    verdict = _place(shift.new, worse, better, sign)
    return Judgement(cell, verdict, shift.old, shift.new, worse, shift.probability(sign), seeds)


def _judge_fixed(cell: Cell, old: Replicates, new: Replicates, seeds: tuple[int, int]) -> Judgement:
    """Judge a cell that does not vary."""
    sign, before, after = _worse(cell), _mean(old), _mean(new)
    rounding = ROUNDING[cell.metric].at(before)
    worse, better = before + sign * rounding, before - sign * rounding
    verdict = _place(after, worse, better, sign)
    if old.kind is RowKind.REAL and verdict is Verdict.BETTER:
        verdict = Verdict.METRIC_MOVED
    return Judgement(cell, verdict, before, after, worse, None, seeds)


def _place(value: float, worse: float, better: float, sign: int) -> Verdict:
    if sign * (value - worse) > 0:
        return Verdict.REGRESSION
    return Verdict.BETTER if sign * (value - better) < 0 else Verdict.HOLDS


def _worse(cell: Cell) -> int:
    """Return the sign of a step that makes a cell worse."""
    return 1 if BY_NAME[cell.metric].direction is Direction.LOWER else -1


def _farther(sign: int, first: float, second: float) -> float:
    """Return the value that lies farther in a direction."""
    return max(first, second) if sign > 0 else min(first, second)


def _mean(replicates: Replicates) -> float:
    return math.fsum(replicates.values) / len(replicates.values)
