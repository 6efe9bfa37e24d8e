"""``inng-bench check``: judge the quality of results against a reference."""

from __future__ import annotations

import argparse
from pathlib import Path

from inng_bench.cli.options import Commands, add_command, add_results
from inng_bench.cli.outputs import add_outputs, show, write_markdown
from inng_bench.errors import InputError

STATUS = (
    "exit status: 0 no cell of the reference is worse · 1 a cell is worse · 2 something cannot be judged (no results, "
    "a missing figure, a failed run, another suite, metric or texture, a broken or older record)"
)


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "check",
        run,
        about="tell whether the quality of results is worse than a reference",
        description="Compare every cell (texture, method, metric) of a reference with RESULTS, and print those that "
        "are worse. Speed is shown but not judged.",
        after=STATUS,
    )
    add_results(parser)
    parser.add_argument(
        "--against",
        metavar="REFERENCE",
        type=Path,
        required=True,
        help="the reference: a folder that bless has written, or other results",
    )
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Judge the results and print the verdict."""
    from inng_bench.gate import documents
    from inng_bench.gate.checking import check

    outcome = check(arguments.results, arguments.against)
    if not (outcome.judgements or arguments.json):
        write_markdown(arguments, documents.check_markdown(outcome))
        raise InputError(outcome.obstacles[0])
    show(arguments, documents.check_text(outcome), documents.check_markdown(outcome), documents.check_json(outcome))
    return outcome.status
