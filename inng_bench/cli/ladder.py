"""``inng-bench ladder``: test the metrics on pictures with known defects."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inng_bench.cli.options import Commands, add_command, add_out, split_names, whole_number
from inng_bench.errors import ExitStatus

if TYPE_CHECKING:
    from inng_bench.ladder.measuring import Task

SEEDS = 3
"""Pairs of windows of each texture: the fewest whose interval over pairs is of use, for what fits into the time."""


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "ladder",
        run,
        about="test the metrics on pictures with known defects",
        description="Degrade real windows in known ways, and test whether every metric gives a worse figure to the "
        "stronger degradation. Writes table.md, table.csv, values.csv, agreement.csv and "
        "rungs.png.",
        after="exit status: 0 success (also if steps fail) · 2 a texture or metric is unknown, or the folder "
        "cannot be written · 130 interrupted",
    )
    parser.add_argument("--textures", metavar="A,B", help="only these textures (default: all bundled ones)")
    parser.add_argument("--metrics", metavar="A,B", help="only these metrics (default: those of every suite)")
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=whole_number(2),
        default=SEEDS,
        help="pairs of windows of each texture; a photograph has at most four (default: %(default)s)",
    )
    parser.add_argument("--jobs", metavar="N", type=whole_number(1), help="processes at a time (default: the cores)")
    add_out(parser, "the folder to write to", default=Path("results/runs/ladder"))


def run(arguments: argparse.Namespace) -> int:
    """Measure the ladder and print what holds and what fails."""
    from inng_bench.harness.hardware import available_cores
    from inng_bench.ladder.build import build_ladder
    from inng_bench.ladder.documents import failures, summary_lines

    ladder = build_ladder(
        arguments.out,
        textures=split_names(arguments.textures),
        metrics=split_names(arguments.metrics),
        seeds=arguments.seeds,
        jobs=arguments.jobs or available_cores(),
        command=_command_line(arguments),
        on_done=_tell,
    )
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
    return shlex.join(["inng-bench", "ladder", *asked, *seeds])
