"""What differs between results and their reference beside the figures: settings, machine, speed. Nothing is judged."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inng_bench.records.levels import Agreement, agreement
from inng_bench.records.schema import Record, Status, Throughput

_ABSENT = "–"


@dataclass(frozen=True)
class Speed:
    """The sampler's speed of one row on both sides.

    Attributes
    ----------
    row : str
        Texture and method.
    old, new : float
        Median image·steps per second over the seeds.
    note : str
        Why the two cannot be compared, or that they can.
    old_quartiles, new_quartiles : tuple[float, float]
        Over the rounds of a run, medians over the seeds.
    """

    row: str
    old: float
    new: float
    note: str
    old_quartiles: tuple[float, float]
    new_quartiles: tuple[float, float]


def describe_differences(old: Sequence[Record], new: Sequence[Record]) -> list[str]:
    """Return a phrase for each setting and each fact of the environment that differs."""
    phrases = []
    before, after = _settings(old), _settings(new)
    for method in sorted(before.keys() & after.keys()):
        phrases += _changes(before[method], after[method], f"{method}: ")
    return phrases + _changes(_environment(old), _environment(new), "")


def describe_levels(old: Sequence[Record], new: Sequence[Record]) -> list[str]:
    """Return how closely the same code makes both sides agree: the loosest level of the rows of either kind."""
    before = {one.key: one for one in old}
    found: dict[str, Agreement] = {}
    for one in new:
        other = before.get(one.key)
        if other is not None:
            learnt = one.budget_flops > 0
            level = agreement(other.provenance, one.provenance, learnt=learnt)
            rows = "rows that learn" if learnt else "rows that do not learn"
            found[rows] = max(found.get(rows, level), level, key=lambda one: one.level)
    return [f"{rows}: {level}" for rows, level in sorted(found.items())]


def _settings(records: Iterable[Record]) -> dict[str, dict[str, str]]:
    """Return the settings of each method as text, its implementation included."""
    found: dict[str, dict[str, str]] = {}
    for record in records:
        if record.status is Status.OK:
            facts: dict[str, Any] = {**record.settings, "implementation": record.implementation}
            found.setdefault(record.method, {key: str(value) for key, value in facts.items()})
    return found


def _environment(records: Sequence[Record]) -> dict[str, str]:
    facts: defaultdict[str, set[str]] = defaultdict(set)
    for source in (record.provenance for record in records):
        kept = source.model_dump(include={"python", "platform", "cpu", "threads", "device", "precision"})
        for name, value in {**kept, **source.versions}.items():
            facts[name].add(str(value))
    return {name: " / ".join(sorted(values)) for name, values in facts.items()}


def _changes(old: Mapping[str, str], new: Mapping[str, str], title: str) -> list[str]:
    return [
        f"{title}{name} {old.get(name, _ABSENT)} → {new.get(name, _ABSENT)}"
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def compare_speeds(old: Iterable[Record], new: Iterable[Record]) -> tuple[Speed, ...]:
    """Return the rows that were timed on both sides."""
    before, after = _timed(old), _timed(new)
    return tuple(_speed(row, before[row], after[row]) for row in sorted(before.keys() & after.keys()))


def _timed(records: Iterable[Record]) -> dict[str, list[tuple[str, Throughput]]]:
    """Return processor and timing of every timed record by row."""
    rows: dict[str, list[tuple[str, Throughput]]] = {}
    for record in records:
        if record.throughput is not None:
            row = f"{record.texture.name} · {record.method}"
            rows.setdefault(row, []).append((record.provenance.cpu, record.throughput))
    return rows


def _speed(row: str, old: Sequence[tuple[str, Throughput]], new: Sequence[tuple[str, Throughput]]) -> Speed:
    processors = [" / ".join(sorted({cpu for cpu, _ in side})) for side in (old, new)]
    settings = [{timed.setting for _, timed in side} for side in (old, new)]
    if processors[0] != processors[1]:
        note = f"another processor ({processors[0]} → {processors[1]})"
    elif settings[0] != settings[1]:
        note = "another setting of the sampler"
    else:
        note = "same processor and setting"
    (old_low, before, old_high), (new_low, after, new_high) = map(_median_speed, (old, new))
    return Speed(row, before, after, note, (old_low, old_high), (new_low, new_high))


def _median_speed(timed: Sequence[tuple[str, Throughput]]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile, each the median over the runs."""
    speeds = [(one.quartiles[0], one.image_steps_per_second, one.quartiles[1]) for _, one in timed]
    low, middle, high = map(statistics.median, zip(*speeds, strict=True))
    return low, middle, high
