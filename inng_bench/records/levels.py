"""How closely two sides of a comparison can be expected to agree, from their provenance alone."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from inng_bench.records.schema import Provenance


class Level(StrEnum):
    """What the same code makes of the same configuration and seed on two sides."""

    BYTES = "L0"
    """The same bytes: one machine, one set of versions and settings."""

    TOLERANCE = "L1"
    """The same within the rounding of other instructions: another processor and nothing learnt."""

    STATISTICS = "L2"
    """The same distribution over seeds: a training makes of a rounding another model."""


@dataclass(frozen=True)
class Agreement:
    """A level, and the facts that forbid a stricter one, each as a clause such as ``threads: 1 against 2``."""

    level: Level
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.level} ({'; '.join(self.reasons)})" if self.reasons else str(self.level)


_VERSIONS: dict[str, Callable[[Provenance], object]] = {
    "python": lambda side: side.python,
    "versions": lambda side: side.versions,
    "device": lambda side: side.device,
    "precision": lambda side: side.precision,
}
"""Facts that must be the same even within a tolerance."""

_MACHINE: dict[str, Callable[[Provenance], object]] = {
    "platform": lambda side: side.platform,
    "cpu": lambda side: side.cpu,
    "threads": lambda side: side.threads,
    "libraries": lambda side: side.libraries,
    "environment": lambda side: side.environment,
}
"""Facts that change the order of sums."""


def agreement(left: Provenance, right: Provenance, *, learnt: bool) -> Agreement:
    """Return the level at which two records of one configuration and seed can be compared.

    Parameters
    ----------
    left, right : Provenance
        Of the two sides.
    learnt : bool
        Whether a training stands behind the figures. Without one, as in the rows ``real`` and ``noise``, rounding
        stays rounding.

    Returns
    -------
    Agreement
        The code is taken to do the same on both sides: what a comparison finds beyond the level comes from the code.
    """
    versions = _differing(_VERSIONS, left, right)
    machine = _differing(_MACHINE, left, right)
    if not (left.libraries and right.libraries):
        machine += ("libraries: not known on both sides",)
    if left.device != "cpu":
        versions += (f"device: nothing is promised on {left.device}",)
    if versions or (machine and learnt):
        return Agreement(Level.STATISTICS, versions + machine)
    return Agreement(Level.TOLERANCE, machine) if machine else Agreement(Level.BYTES)


def changes(before: Provenance, after: Provenance) -> tuple[str, ...]:
    """Return the facts that keep a training from going on as it began, the source code among them."""
    source = {"source": lambda side: side.source_sha256}
    return _differing(source | _VERSIONS | _MACHINE, before, after)


def disagreements(left: Provenance, right: Provenance) -> tuple[str, ...]:
    """Return the facts that keep records of two machines out of one table: code, versions, device and precision."""
    code = {"commit": lambda side: side.git_sha, "source": lambda side: side.source_sha256}
    return _differing(code | _VERSIONS, left, right)


def _differing(
    facts: dict[str, Callable[[Provenance], object]], left: Provenance, right: Provenance
) -> tuple[str, ...]:
    pairs = ((name, fact(left), fact(right)) for name, fact in facts.items())
    return tuple(f"{name}: {_tell(one, other)}" for name, one, other in pairs if one != other)


def _tell(left: object, right: object) -> str:
    """Say how two values differ; of mappings, which entries."""
    if not (isinstance(left, dict) and isinstance(right, dict)):
        return f"{left} against {right}"
    names = sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))
    return ", ".join(f"{name} {left.get(name, 'absent')} against {right.get(name, 'absent')}" for name in names)
