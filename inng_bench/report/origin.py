"""Where results come from: the name of their folder, the command that made them and what they are compared with."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from inng_bench.errors import InputError
from inng_bench.records import store
from inng_bench.suggest import did_you_mean


@dataclass(frozen=True)
class Origin:
    """How to make a results folder again.

    Attributes
    ----------
    name : str
        The folder's own name; where it lies is its reader's business.
    command : str
        Empty where the folder keeps none.
    baseline : str
        Label of the row that the suite names as its baseline; empty where it names none.
    """

    name: str
    command: str = ""
    baseline: str = ""


def read_origin(results: Path) -> Origin:
    """Read the rest from ``suite.json``; a report stands on its records, so that a damaged suite is no error."""
    name = results.resolve().name
    try:
        suite = json.loads(store.suite_path(results).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Origin(name)
    command, baseline = (suite.get(key) if isinstance(suite, dict) else None for key in ("command", "baseline"))
    return Origin(name, command if isinstance(command, str) else "", baseline if isinstance(baseline, str) else "")


def against(origin: Origin, label: str, methods: Iterable[str]) -> Origin:
    """Return an origin whose effects are told against another row.

    Raises
    ------
    InputError
        When there is no such row, or the suite has no baseline: its rows then have seeds of their own, and no pairs.
    """
    if not origin.baseline:
        raise InputError(
            f"the suite of {origin.name} names no baseline, so that its rows share no seeds to be compared by; leave "
            "--baseline out."
        )
    methods = list(methods)
    if label not in methods:
        raise InputError(f"{origin.name} has no trained row {label!r}; {did_you_mean(label, methods)}")
    return replace(origin, baseline=label)
