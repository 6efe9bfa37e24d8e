"""Where results come from: the name of their folder, the command that made them and which methods are compared."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inng_bench.errors import InputError
from inng_bench.records import store
from inng_bench.report.rows import NO_LINEUP, Lineup
from inng_bench.suggest import did_you_mean


@dataclass(frozen=True)
class Origin:
    """How to make a results folder again, and how to read it.

    Attributes
    ----------
    name : str
        The folder's own name; where it lies is its reader's business.
    command : str
        Empty where the folder keeps none.
    baseline : str
        Label of the row that the suite names as its baseline; empty where it names none.
    lineup : Lineup
        References, rivals and order of the methods.
    """

    name: str
    command: str = ""
    baseline: str = ""
    lineup: Lineup = NO_LINEUP


def read_origin(results: Path) -> Origin:
    """Read the rest from ``suite.json``; a report stands on its records, so that a damaged suite is no error."""
    name = results.resolve().name
    try:
        suite = json.loads(store.suite_path(results).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Origin(name)
    if not isinstance(suite, dict):
        return Origin(name)
    command, baseline = (suite.get(key) for key in ("command", "baseline"))
    return Origin(name, _text(command), _text(baseline), _lineup(suite))


def _lineup(suite: Mapping[str, Any]) -> Lineup:
    """Return who is compared with whom; where a suite does not say, its first method in all its rows is compared."""
    methods = suite.get("methods")
    entries = [entry for entry in methods if isinstance(entry, dict)] if isinstance(methods, list) else []
    implementations = {_text(entry.get("label")): entry.get("implementation") for entry in entries}
    first = next(iter(implementations.values()), None)
    references = tuple(label for label, implementation in implementations.items() if implementation == first)
    told = suite.get("optimises")
    optimises = (
        {label: frozenset(_labels(names) or ()) for label, names in told.items()} if isinstance(told, dict) else {}
    )
    told = suite.get("pretrained")
    pretrained = {label: _text(source) for label, source in told.items()} if isinstance(told, dict) else {}
    named = _labels(suite.get("references")), _labels(suite.get("rivals"))
    return Lineup(tuple(implementations), named[0] or references, named[1], optimises, pretrained)


def _labels(given: Any) -> tuple[str, ...] | None:
    return tuple(map(_text, given)) if isinstance(given, list) and given else None


def _text(given: Any) -> str:
    return given if isinstance(given, str) else ""


def against(origin: Origin, label: str, methods: Iterable[str]) -> Origin:
    """Return an origin whose effects are told against another row.

    Raises
    ------
    InputError
        When there is no such row, or the suite has no baseline: its rows then have seeds of their own, and no pairs.
    """
    if not origin.baseline:
        raise InputError(
            f"the suite of {origin.name} names no baseline, so its rows share no seeds and cannot be compared in "
            "pairs; leave --baseline out."
        )
    methods = list(methods)
    if label not in methods:
        raise InputError(f"{origin.name} has no method {label!r}; {did_you_mean(label, methods)}")
    return replace(origin, baseline=label)
