"""The command that makes the results of a folder again, on whatever machine."""

import shlex
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from inng_bench.harness.plan import Plan
from inng_bench.records.store import RunKey


def origin_of_suite(name_or_path: str | Path) -> tuple[str, ...]:
    """Return the arguments that name a suite; of a file its name alone, since folders are nobody's business."""
    return "--suite", Path(name_or_path).name


def origin_of_picture(path: Path, scale: float | None) -> tuple[str, ...]:
    """Return the arguments that name a picture of one's own; of its path the file's name alone."""
    return "--texture", path.name, *(() if scale is None else ("--scale", str(scale)))


def origin_of_set(path: Path, side: int | None, *, pass_over: bool) -> tuple[str, ...]:
    """Return the arguments that name a folder or archive of one's own pictures; of its path the last name alone."""
    more = (*(() if side is None else ("--side", str(side))), *(("--pass-over",) if pass_over else ()))
    return "--pictures", path.resolve().name, *more


def rerun_command(plan: Plan, found: Iterable[RunKey]) -> str:
    """Return the one command that makes all that a results folder holds after a plan.

    Parameters
    ----------
    plan : Plan
        With an origin.
    found : Iterable[RunKey]
        Runs that earlier calls left in the folder; textures, rows and seeds that only they asked for are asked for too.

    Returns
    -------
    str
        Begins with ``inng-bench run``; results folder and number of jobs are left to the reader.
    """
    keys = [run.key for run in plan.runs] + list(found)
    textures, labels, replicates = (set(column) for column in zip(*keys, strict=True))
    seeds = 1 + max(replicates)
    arguments = [
        *plan.origin,
        *plan.overrides.arguments(),
        *_choice("--textures", plan.suite.texture_names, textures),
        *_choice("--methods", [entry.label for entry in plan.suite.methods], labels),
        *(() if seeds == plan.suite.replicates else ("--seeds", str(seeds))),
    ]
    return shlex.join(["inng-bench", "run", *arguments])


def _choice(option: str, every: Sequence[str], found: Collection[str]) -> tuple[str, ...]:
    """Return the option that asks for what was found of a suite's names, none where that is all."""
    chosen = [name for name in every if name in found]
    return () if len(chosen) == len(every) else (option, ",".join(chosen))
