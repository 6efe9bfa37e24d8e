"""``compare``: which speed cases are slower at one revision than at another? The only judge of speed."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from scipy import stats

from inng_bench.errors import ExitStatus, InputError
from inng_bench.gate.inference import ALPHA, holm_level
from inng_bench.gate.revisions import Side, Times, check_out, interleave
from inng_bench.gate.tolerances import LEAST_ROUNDS, SLOWDOWN

NOBODY_WAITS = nullcontext()


class Speed(StrEnum):
    """The verdict on a case."""

    SLOWER = "slower"
    FASTER = "faster"
    HOLDS = "holds"


@dataclass(frozen=True)
class Case:
    """One speed case on both sides.

    Attributes
    ----------
    name : str
        As pytest calls it.
    base, head : float
        Median over the rounds, in seconds.
    ratio : float
        ``head`` over ``base``; above 1 the head is slower.
    probability : float
        One-sided chance of such ranks, that the head is the slower, when both are alike (Mann-Whitney, exact).
    speed : Speed
        Of the head.
    """

    name: str
    base: float
    head: float
    ratio: float
    probability: float
    speed: Speed


@dataclass(frozen=True)
class Comparison:
    """What :func:`compare` found.

    Attributes
    ----------
    base, head : str
        Name and commit of both sides.
    rounds : int
        Of each side.
    factor : float
        Ratio of medians from which a case can be slower.
    cases : tuple[Case, ...]
        The cases of both sides.
    only_base, only_head : tuple[str, ...]
        Cases that only one side has.
    allows_removed : bool
        Whether cases that the head no longer has are no obstacle: whoever renames a case could hide a slowdown.
    """

    base: str
    head: str
    rounds: int
    factor: float
    cases: tuple[Case, ...]
    only_base: tuple[str, ...] = ()
    only_head: tuple[str, ...] = ()
    allows_removed: bool = False

    @property
    def slower(self) -> tuple[Case, ...]:
        """The cases in which the head is slower."""
        return tuple(case for case in self.cases if case.speed is Speed.SLOWER)

    @property
    def status(self) -> ExitStatus:
        """Nothing compared is no success, and neither is a case that is gone."""
        if self.slower:
            return ExitStatus.REGRESSION
        is_gone = bool(self.only_base) and not self.allows_removed
        return ExitStatus.BAD_INPUT if is_gone or not self.cases else ExitStatus.OK


def compare(
    base: str,
    head: str,
    *,
    repository: Path = Path(),
    rounds: int = LEAST_ROUNDS,
    factor: float = SLOWDOWN,
    only: str = "",
    on_round: Callable[[int], None] = lambda _: None,
    alone: AbstractContextManager[None] = NOBODY_WAITS,
) -> Comparison:
    """Time the speed cases of two revisions in turn on this machine.

    Parameters
    ----------
    base, head : str
        Revisions, in git's words.
    repository : Path
        Any folder of the repository.
    rounds : int
        Processes of each side, at least :data:`inng_bench.gate.tolerances.LEAST_ROUNDS`.
    factor : float
        Ratio of medians from which a difference counts.
    only : str
        An expression of ``pytest -k``; empty for all cases.
    on_round : Callable[[int], None]
        Hears of every finished round.
    alone : AbstractContextManager[None]
        Entered when both revisions are there, and left after the timing: waits for the machine.

    Raises
    ------
    InputError
        When there are too few rounds for the cases, a revision does not exist, or a case fails.
    """
    if rounds < LEAST_ROUNDS:
        raise InputError(f"{rounds} rounds are too few to decide; give at least {LEAST_ROUNDS} with --rounds.")

    def hear(number: int, old: Times, new: Times) -> None:
        if number == 1:  # before the minutes of the others
            _refuse_too_many(len(old.keys() & new.keys()), rounds)
        on_round(number)

    with check_out(base, head, repository) as (old, new), alone:
        times = interleave(old, new, rounds, only, hear)
    return judge_times(old, new, *times, factor=factor)


def judge_times(base: Side, head: Side, old: Sequence[Times], new: Sequence[Times], *, factor: float) -> Comparison:
    """Judge the times of both sides, one entry a round.

    Raises
    ------
    InputError
        When there are more cases than so few rounds can tell apart.
    """
    rounds = len(old)
    first, second = ({name for name in side[0] if all(name in times for times in side)} for side in (old, new))
    both = sorted(first & second)
    _refuse_too_many(len(both), rounds)
    pairs = {name: ([times[name] for times in old], [times[name] for times in new]) for name in both}
    chances = {name: slower_chance(*pair) for name, pair in pairs.items()}
    slower = _significant(chances)
    faster = _significant({name: slower_chance(after, before) for name, (before, after) in pairs.items()})
    cases = tuple(_case(name, *pairs[name], chances[name], _direction(name, slower, faster), factor) for name in both)
    return Comparison(
        base.title, head.title, rounds, factor, cases, tuple(sorted(first - second)), tuple(sorted(second - first))
    )


def _refuse_too_many(cases: int, rounds: int) -> None:
    needed = rounds
    while cases and cases / math.comb(2 * needed, needed) > ALPHA:
        needed += 1
    if needed > rounds:
        raise InputError(f"{cases} cases need at least {needed} rounds; add --rounds {needed}.")


def slower_chance(old: Sequence[float], new: Sequence[float]) -> float:
    """Return the chance of ranks by which ``new`` is so much the slower when both are alike."""
    return float(stats.mannwhitneyu(new, old, alternative="greater", method="exact").pvalue)


def _significant(chances: Mapping[str, float]) -> set[str]:
    level = holm_level(chances.values())
    return {name for name, chance in chances.items() if chance <= level}


def _direction(name: str, slower: set[str], faster: set[str]) -> Speed:
    return Speed.SLOWER if name in slower else Speed.FASTER if name in faster else Speed.HOLDS


def _case(name: str, old: Sequence[float], new: Sequence[float], chance: float, speed: Speed, factor: float) -> Case:
    """Return a case; a significant difference counts only where its effect has a size."""
    base, head = statistics.median(old), statistics.median(new)
    ratio = head / base
    counts = (speed is Speed.SLOWER and ratio > factor) or (speed is Speed.FASTER and ratio < 1 / factor)
    return Case(name, base, head, ratio, chance, speed if counts else Speed.HOLDS)
