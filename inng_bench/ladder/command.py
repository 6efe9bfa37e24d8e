"""``python -m inng_bench ladder``: whether the metrics order what is known to be worse."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inng_bench.arguments import whole_number
from inng_bench.errors import ExitStatus
from inng_bench.records.store import RUNS

if TYPE_CHECKING:
    from inng_bench.ladder.measuring import Task

SEEDS = 3
"""Pairs of windows of each texture: the fewest whose interval over pairs is of use, for what fits into the time."""

OUT = RUNS / "ladder"


def add_ladder(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of all commands."""
    parser = commands.add_parser(
        "ladder",
        help="test the metrics on known degradations",
        description="Degrade real windows in known ways, measure every rung with every metric, and say which metric "
        "puts which stronger degradation behind the milder one on which texture. Writes table.md, table.csv, "
        "values.csv, agreement.csv and rungs.png.",
        epilog="Exit status: 0 the ladder is measured, steps that fail being published in it; 2 a texture or metric "
        "is not known or the folder cannot be written; 130 interrupted.",
    )
    parser.add_argument("--textures", metavar="A,B", help="only these (default: all that are bundled)")
    parser.add_argument("--metrics", metavar="A,B", help="only these (default: those of every suite)")
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=whole_number(2),
        default=SEEDS,
        help="pairs of windows of each texture; a photograph has four at most (default: %(default)s)",
    )
    parser.add_argument("--jobs", metavar="N", type=whole_number(1), help="processes at a time (default: the cores)")
    parser.add_argument("--out", metavar="DIR", type=Path, default=OUT, help="where to (default: %(default)s)")
    parser.set_defaults(command=_ladder)


def _ladder(arguments: argparse.Namespace) -> int:
    from inng_bench.harness.hardware import available_cores
    from inng_bench.ladder.build import build_ladder
    from inng_bench.ladder.documents import failures, summary_lines

    try:
        ladder = build_ladder(
            arguments.out,
            textures=_names(arguments.textures),
            metrics=_names(arguments.metrics),
            seeds=arguments.seeds,
            jobs=arguments.jobs or available_cores(),
            command=_command_line(arguments),
            on_done=_tell,
        )
    except KeyboardInterrupt:
        print("inng-bench: interrupted; a ladder is measured in one go, so that nothing is kept.", file=sys.stderr)
        return ExitStatus.INTERRUPTED
    _print_section("steps that hold, tie and fail", summary_lines(ladder.judgements))
    _print_section("what fails (ratio or difference, 95% interval)", failures(ladder.judgements) or ["nothing"])
    print(f"Written to {arguments.out}: {', '.join(path.name for path in ladder.files)}.")
    return ExitStatus.OK


def _tell(task: Task, done: int, of: int) -> None:
    print(f"{done} of {of}: {task.texture}, pair {task.replicate + 1}", file=sys.stderr, flush=True)


def _print_section(title: str, lines: Sequence[str]) -> None:
    print(title)
    for line in lines:
        print(f"  {line}")


def _command_line(arguments: argparse.Namespace) -> str:
    """Return the command, without what changes no figure."""
    options = {"--textures": arguments.textures, "--metrics": arguments.metrics}
    asked = [word for option, value in options.items() if value for word in (option, value)]
    seeds = [] if arguments.seeds == SEEDS else ["--seeds", str(arguments.seeds)]
    return shlex.join(["python", "-m", "inng_bench", "ladder", *asked, *seeds])


def _names(text: str | None) -> list[str] | None:
    return None if text is None else text.split(",")
