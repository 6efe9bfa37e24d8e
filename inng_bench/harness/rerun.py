"""The command that makes the results of a folder again, on whatever machine."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from inng_bench.harness.plan import Plan, record_key
from inng_bench.records.schema import Record


def origin_of_suite(name_or_path: str | Path) -> tuple[str, ...]:
    """Return the arguments that name a suite; of a file its name alone, since folders are nobody's business."""
    return "--suite", Path(name_or_path).name


def origin_of_picture(path: Path, scale: float | None) -> tuple[str, ...]:
    """Return the arguments that name a picture of one's own; of its path the file's name alone."""
    return "--texture", path.name, *(() if scale is None else ("--scale", str(scale)))


def rerun_command(plan: Plan, records: Sequence[Record]) -> str:
    """Return the one command that makes all that a results folder holds after a plan.

    Parameters
    ----------
    plan : Plan
        With an origin.
    records : Sequence[Record]
        What earlier calls left in the folder; rows and seeds that only they asked for are asked for too.

    Returns
    -------
    str
        Begins with ``python -m inng_bench run``; results folder and number of jobs are left to the reader.
    """
    keys = [run.key for run in plan.runs] + [record_key(record) for record in records]
    found = {(label, replicate) for _, label, replicate in keys}
    every = [entry.label for entry in plan.suite.methods]
    chosen = [label for label in every if label in {label for label, _ in found}]
    seeds = 1 + max(replicate for _, replicate in found)
    arguments = [
        *plan.origin,
        *(() if chosen == every else ("--methods", ",".join(chosen))),
        *(() if seeds == plan.suite.replicates else ("--seeds", str(seeds))),
    ]
    return shlex.join(["python", "-m", "inng_bench", "run", *arguments])
