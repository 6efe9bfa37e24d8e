"""``inng-bench compare``: judge the speed of one git revision against another."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path

from inng_bench.cli.options import Commands, add_command, whole_number
from inng_bench.cli.outputs import add_outputs, show
from inng_bench.errors import InputError
from inng_bench.gate.tolerances import LEAST_ROUNDS, SLOWDOWN

STATUS = """\
exit status: 0 no case is slower · 1 a case is slower · 2 nothing could be compared, or a case was removed

Only committed code is compared. Both revisions use this Python environment; each imports its own code."""


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "compare",
        run,
        about="tell whether one git revision is slower than another",
        description="Time the speed cases in benchmarks/ of two revisions of this repository alternately.",
        after=STATUS,
    )
    parser.add_argument("base", metavar="BASE", help="the revision to compare with, such as main")
    parser.add_argument("head", metavar="HEAD", help="the revision to judge, such as HEAD")
    parser.add_argument(
        "--rounds",
        metavar="N",
        type=whole_number(1),
        default=LEAST_ROUNDS,
        help="rounds of each side, 7 or more (default: %(default)s)",
    )
    parser.add_argument(
        "--factor",
        metavar="F",
        type=float,
        default=SLOWDOWN,
        help="smallest ratio of times that counts as slower (default: %(default)s)",
    )
    parser.add_argument("-k", metavar="EXPRESSION", dest="only", default="", help="only these cases, as in pytest -k")
    parser.add_argument(
        "--allow-removed",
        action="store_true",
        help="accept that cases of BASE were removed in HEAD (otherwise status 2)",
    )
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Time both revisions and print the verdict."""
    from inng_bench.gate import documents
    from inng_bench.gate.comparison import compare
    from inng_bench.gate.revisions import has_changes
    from inng_bench.harness.machine import Claim, claim_machine

    if not 1 <= arguments.factor < math.inf:
        raise InputError(f"--factor must be a finite number of at least 1, such as 1.1, not {arguments.factor:g}.")
    if has_changes(Path()):
        print("inng-bench: uncommitted changes are not compared.", file=sys.stderr)
    compared = compare(
        arguments.base,
        arguments.head,
        rounds=arguments.rounds,
        factor=arguments.factor,
        only=arguments.only,
        on_round=lambda done: print(f"[{done}/{arguments.rounds}] both sides timed", file=sys.stderr),
        alone=claim_machine(Claim.ALONE),
    )
    found = replace(compared, allows_removed=arguments.allow_removed)
    show(arguments, documents.compare_text(found), documents.compare_markdown(found), documents.compare_json(found))
    return found.status
