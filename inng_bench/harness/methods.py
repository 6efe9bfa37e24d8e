"""Finding methods: by entry point, or by ``module:Class`` for one that is not installed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from inng_bench.errors import InputError
from inng_bench.suggest import did_you_mean

if TYPE_CHECKING:
    from inng_bench.contract import Method

GROUP = "inng_bench.methods"

REAL = "real"
"""The implementation of the row of unseen pixels, which is no method."""


def method_names() -> list[str]:
    """Return the entry-point names of all installed methods; nothing is imported."""
    return sorted(_installed())


def load_method_class(name: str) -> type[Method]:
    """Import a method.

    Parameters
    ----------
    name : str
        An entry-point name such as ``inng``, or ``module:Class`` of anything that can be imported, also from
        the present folder.

    Raises
    ------
    InputError
        When there is no such method, it cannot be imported, or it is not a :class:`inng_bench.contract.Method`.
    """
    from inng_bench.contract import Method

    try:
        found = _entry_point(name).load()
    except InputError:
        raise
    except Exception as error:  # to import a module is to run it
        raise InputError(
            f"the method {name!r} cannot be imported ({error}); install it, or correct its name."
        ) from error
    if not (isinstance(found, type) and issubclass(found, Method)):
        raise InputError(f"{name!r} is not a method: it must be a subclass of inng_bench.contract.Method.")
    return found


def is_timed(implementation: str) -> bool:
    """Say whether the sampler of an implementation is timed; the row ``real`` has none."""
    from inng_bench.contract import TimedSampler

    return implementation != REAL and issubclass(load_method_class(implementation), TimedSampler)


def _entry_point(name: str) -> EntryPoint:
    if ":" in name:
        if not {"", str(Path.cwd())} & set(sys.path):
            sys.path.append(str(Path.cwd()))  # where people keep a method that is not installed
        importlib.invalidate_caches()
        return EntryPoint(name=name, value=name, group=GROUP)
    if name not in _installed():
        raise InputError(f"there is no method {name!r}; {did_you_mean(name, _installed())}")
    return _installed()[name]


@cache
def _installed() -> dict[str, EntryPoint]:
    """Return the methods of all installed packages; to look through these takes a tenth of a second each time."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def optimised_metrics(implementations: Mapping[str, str]) -> dict[str, list[str]]:
    """Return which metrics rows optimise, of those that do; rows are given by label and implementation."""
    found = {label: load_method_class(name).optimises for label, name in implementations.items()}
    return {label: list(metrics) for label, metrics in found.items() if metrics}


def pretrained_methods(implementations: Mapping[str, str]) -> dict[str, str]:
    """Return on what else than the window the networks of rows were trained, of those where they were, by label."""
    found = {label: load_method_class(name).pretrained for label, name in implementations.items()}
    return {label: source for label, source in found.items() if source}
