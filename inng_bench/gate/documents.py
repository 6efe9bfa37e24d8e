"""What ``check`` and ``compare`` found, for a terminal, for the page of a CI job, and for programs."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from inng_bench.errors import ExitStatus
from inng_bench.gate.checking import Outcome
from inng_bench.gate.comparison import Case, Comparison
from inng_bench.gate.inference import ALPHA
from inng_bench.gate.judge import Judgement, Verdict
from inng_bench.metrics.catalogue import BY_NAME
from inng_bench.tables.content import Table
from inng_bench.tables.grid import pipe_table, text_grid
from inng_bench.tables.markup import MARKDOWN, PLAIN, decimals, format_number, format_range

_STATUS = {
    ExitStatus.OK: "holds",
    ExitStatus.REGRESSION: "regression",
    ExitStatus.BAD_INPUT: "cannot judge",
}

_UNBLESSED = "It has no blessing.json, so nothing says how it was made or whether it was edited."

MOST = 100
"""Largest factor that is told as a number."""

Section = tuple[str, list[str]]
"""A title and its sentences."""

Escape = Callable[[str], str]
Grid = Callable[[Table], str]


def check_text(outcome: Outcome) -> str:
    """Return the outcome for a terminal: what does not hold, and the rest in a sentence."""
    return "\n\n".join(_check_blocks(outcome, PLAIN.escape, partial(text_grid, titles="texture"), "{}"))


def check_markdown(outcome: Outcome) -> str:
    """Return the outcome for a page: the same, and every cell in a part that unfolds."""
    blocks = [f"## Quality: {_STATUS[outcome.status]}"]
    blocks += _check_blocks(outcome, MARKDOWN.escape, pipe_table, "### {}\n")
    if outcome.judgements:
        every = pipe_table(Table.of(map(_line, outcome.judgements)))
        blocks.append(f"<details><summary>All cells</summary>\n\n{every}\n\n</details>")
    return "\n\n".join(blocks) + "\n"


def _check_blocks(outcome: Outcome, escape: Escape, grid: Grid, title: str) -> Iterator[str]:
    yield escape(_headline(outcome))
    noteworthy = [one for one in outcome.judgements if one.verdict is not Verdict.HOLDS]
    if noteworthy:
        yield grid(Table.of(map(_line, noteworthy)))
    for name, sentences in _sections(outcome):
        yield "\n".join([title.format(name), *(f"- {escape(sentence)}" for sentence in sentences)])


def check_json(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as plain JSON values, with full precision."""
    return {
        "status": _STATUS[outcome.status],
        "exit_status": int(outcome.status),
        "alpha": ALPHA,
        "blessed": outcome.reason,
        "obstacles": list(outcome.obstacles),
        "cells": [_plain_cell(one) for one in outcome.judgements],
        "differences": list(outcome.differences),
        "levels": list(outcome.levels),
        "speeds": [asdict(speed) for speed in outcome.speeds],
    }


def _plain_cell(judgement: Judgement) -> dict[str, Any]:
    numbers = {name: getattr(judgement, name) for name in ("old", "new", "threshold", "probability")}
    return {
        **asdict(judgement.cell),
        "verdict": judgement.verdict.value,
        **{name: value if value is None or math.isfinite(value) else None for name, value in numbers.items()},
        "seeds": list(judgement.seeds),
    }


def _headline(outcome: Outcome) -> str:
    counts = [(len(outcome.of(verdict)), verdict.value) for verdict in Verdict]
    said = ", ".join(f"{count} {name}" for count, name in counts if count) or "nothing compared"
    return f"{_STATUS[outcome.status].capitalize()}: {said}.{_reach(outcome.judgements)}"


def _reach(judgements: Sequence[Judgement]) -> str:
    """Say how much worse a trained cell must get before it is seen."""
    factors = sorted(
        max(one.threshold / one.old, one.old / one.threshold)
        for one in judgements
        if one.probability is not None and one.threshold and one.old and one.threshold / one.old > 0
    )
    if not factors:
        return ""
    least, middle, most = map(_factor, (factors[0], statistics.median(factors), factors[-1]))
    return (
        f" With these seeds a trained cell is called worse from a factor of {middle} (median over the cells; "
        f"{least} to {most})."
    )


def _factor(value: float) -> str:
    """Return a factor; beyond what any method could get worse its size says nothing."""
    return format_number(value) if value <= MOST else f"more than {MOST}"


def _sections(outcome: Outcome) -> list[Section]:
    speeds = [
        f"{speed.row}: {_speed(speed.old, speed.old_quartiles)} → {_speed(speed.new, speed.new_quartiles)} "
        f"image·steps/s ({format_number(speed.new / speed.old)} times), {speed.note}"
        for speed in outcome.speeds
    ]
    sections = [
        ("Not judged", list(outcome.obstacles)),
        ("Other than in the reference", list(outcome.differences)),
        ("How closely the same code agrees with the reference", list(outcome.levels)),
        ("Speed with quartiles, which only `compare` judges", speeds),
        ("The reference was blessed because", [outcome.reason] if outcome.reason else []),
        ("The reference was not blessed", [_UNBLESSED] if outcome.judgements and not outcome.reason else []),
    ]
    return [(title, sentences) for title, sentences in sections if sentences]


def _speed(speed: float, quartiles: tuple[float, float]) -> str:
    return f"{format_number(speed)} [{format_range(*quartiles, decimals(speed, 3))}]"


def _line(judgement: Judgement) -> dict[str, str]:
    digits = BY_NAME[judgement.cell.metric].digits + 1
    return {
        "texture": judgement.cell.texture,
        "method": judgement.cell.method,
        "metric": judgement.cell.metric,
        "old": format_number(judgement.old, digits),
        "new": format_number(judgement.new, digits),
        "threshold": format_number(judgement.threshold, digits),
        "p": format_number(judgement.probability, 2),
        "seeds": f"{judgement.seeds[0]}, {judgement.seeds[1]}",
        "verdict": judgement.verdict.value,
    }


def compare_text(comparison: Comparison) -> str:
    """Return a comparison of speed for a terminal."""
    return "\n\n".join(_compare_blocks(comparison, PLAIN.escape, text_grid))


def compare_markdown(comparison: Comparison) -> str:
    """Return a comparison of speed for a page."""
    title = f"## Speed: {_STATUS[comparison.status]}"
    return "\n\n".join([title, *_compare_blocks(comparison, MARKDOWN.escape, pipe_table)]) + "\n"


def _compare_blocks(comparison: Comparison, escape: Escape, grid: Grid) -> Iterator[str]:
    yield escape(_speed_headline(comparison))
    if comparison.cases:
        yield grid(_cases(comparison.cases))
    yield from map(escape, _lonely_cases(comparison))


def compare_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison of speed as plain JSON values."""
    return {"status": _STATUS[comparison.status], "exit_status": int(comparison.status), **asdict(comparison)}


def _speed_headline(comparison: Comparison) -> str:
    slower = [case.name for case in comparison.slower]
    verdict = (
        f"{comparison.head} is slower in {', '.join(slower)}" if slower else f"{comparison.head} is nowhere slower"
    )
    if comparison.status is ExitStatus.BAD_INPUT:
        verdict = "cases are gone that the base has; add --allow-removed if that is intended"
    outcome = verdict if comparison.cases else "there is no case that both revisions have"
    return (
        f"{_STATUS[comparison.status].capitalize()}: {outcome}. Base is {comparison.base}; {comparison.rounds} rounds "
        f"of each in turn; slower means ranks that chance gives to one table in {1 / ALPHA:g}, and a ratio of medians "
        f"above {comparison.factor:g}."
    )


def _lonely_cases(comparison: Comparison) -> list[str]:
    sides = ((comparison.base, comparison.only_base), (comparison.head, comparison.only_head))
    return [f"Only {side} has {', '.join(names)}: not compared." for side, names in sides if names]


def _cases(cases: Sequence[Case]) -> Table:
    return Table.of(
        {
            "case": case.name,
            "base ms": format_number(case.base * 1e3),
            "head ms": format_number(case.head * 1e3),
            "ratio": format_number(case.ratio),
            "p": format_number(case.probability, 2),
            "head": case.speed.value,
        }
        for case in cases
    )
