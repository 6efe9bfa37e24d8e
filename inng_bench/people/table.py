"""What people said, as tables for a terminal."""

from itertools import combinations

import numpy as np
from scipy.sparse.csgraph import connected_components

from inng_bench.people.strength import win_matrix
from inng_bench.people.verdict import Verdict
from inng_bench.tables.content import ABSENT, Table
from inng_bench.tables.grid import text_grid
from inng_bench.tables.markup import format_range

_EXPLAINED = (
    "An answer is a win of one method over the other; *cannot tell* is half a win for either. Strengths are\n"
    "those of Bradley and Terry, with mean 0: a method that leads by 1.1 is chosen three times in four. The chance is\n"
    "that of the first method of a line. Intervals: 95%, bootstrap over the pairs that were shown."
)
_ONE_SIDED = "No interval (–): a method was always chosen, or never, and resampling such answers shows no spread."
_APART = (
    "The answers do not tell how far apart some methods are: no chain of wins leads from one to the other. Their\n"
    "strengths are finite only because each method gets half an answer for it and half one against it."
)
_COPYING = "copies: the method copies the picture, so it is no merit of a model that people find it alike."


def verdict_text(verdict: Verdict) -> str:
    """Return a head, a line for each method, a line for each two that met, and how to read them."""
    wins = win_matrix(verdict.comparisons, len(verdict.methods))
    head = (
        f"{_count(len(verdict.comparisons), 'answer')} from {_count(verdict.sittings, 'sitting')} to {len(wins)} of "
        f"{_count(verdict.asked, 'pair')}"
    )
    order = np.argsort(-verdict.strengths.values, kind="stable").tolist()
    methods = [_method_line(verdict, method) for method in order]
    met = [_pair_line(verdict, first, second) for first, second in combinations(order, 2)]
    pairs = [line for line in met if line["n"] != "0"]
    notes = [_EXPLAINED]
    if any(_is_one_sided(verdict, method) for method in order):
        notes.append(_ONE_SIDED)
    if connected_components(wins.sum(axis=0) > 0, connection="strong", return_labels=False) > 1:
        notes.append(_APART)
    if verdict.copying.intersection(verdict.methods):
        notes.append(_COPYING)
    return "\n\n".join([head, text_grid(Table.of(methods)), text_grid(Table.of(pairs)), *notes])


def _method_line(verdict: Verdict, method: int) -> dict[str, str]:
    value = float(verdict.strengths.values[method])
    return {
        "method": _name(verdict, method),
        **_counts(_all_scores(verdict, method)),
        "strength": f"{value:.2f}".replace("-", "−"),
        "95%": ABSENT if _is_one_sided(verdict, method) else format_range(*verdict.strengths.interval(method), 2),
    }


def _pair_line(verdict: Verdict, first: int, second: int) -> dict[str, str]:
    chance, low, high = verdict.strengths.chance(first, second)
    is_open = _is_one_sided(verdict, first) or _is_one_sided(verdict, second)
    return {
        "pair": f"{_name(verdict, first)} : {_name(verdict, second)}",
        **_counts(_scores(verdict, first, second)),
        "chance": f"{chance:.2f}",
        "95%": ABSENT if is_open else format_range(low, high, 2),
    }


def _scores(verdict: Verdict, first: int, second: int) -> list[float]:
    """Return the scores of a method against another, whichever was shown first."""
    forwards = [one.score for one in verdict.comparisons if (one.first, one.second) == (first, second)]
    backwards = [1 - one.score for one in verdict.comparisons if (one.first, one.second) == (second, first)]
    return forwards + backwards


def _all_scores(verdict: Verdict, method: int) -> list[float]:
    return [score for other in range(len(verdict.methods)) for score in _scores(verdict, method, other)]


def _is_one_sided(verdict: Verdict, method: int) -> bool:
    return set(_all_scores(verdict, method)) in ({1.0}, {0.0})


def _counts(scores: list[float]) -> dict[str, str]:
    outcomes = {"wins": 1.0, "losses": 0.0, "cannot tell": 0.5}
    return {"n": str(len(scores)), **{name: str(scores.count(score)) for name, score in outcomes.items()}}


def _name(verdict: Verdict, method: int) -> str:
    name = verdict.methods[method]
    return f"{name} (copies)" if verdict.methods[method] in verdict.copying else name


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
