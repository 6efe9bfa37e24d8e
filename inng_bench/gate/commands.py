"""The gate on the command line: ``check``, ``bless`` and ``compare``; what they need is imported where it is used."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inng_bench.arguments import whole_number
from inng_bench.errors import ExitStatus, InputError
from inng_bench.gate.tolerances import LEAST_ROUNDS, SLOWDOWN

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

CHECK_STATUS = """\
exit status: 0 every cell of the reference holds · 1 a cell is worse · 2 something cannot be judged
(nothing to compare, a missing figure or failed run, another suite, metric or texture, a broken or older record)"""

COMPARE_STATUS = """\
exit status: 0 nowhere slower · 1 a case is slower · 2 nothing could be compared, or a case is gone

Only what is committed is compared. The two revisions share this Python environment, each importing its own code."""


def add_commands(commands: Commands) -> None:
    """Add the gate's commands to the parser."""
    _add_check(commands)
    _add_bless(commands)
    _add_compare(commands)


def _add_check(commands: Commands) -> None:
    parser = commands.add_parser(
        "check",
        help="judge the quality of results against a reference",
        description="Say which cells of a reference (texture, method, metric) are worse in RESULTS. Speed is reported, "
        "not judged.",
        epilog=CHECK_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", metavar="RESULTS", type=Path, help="the results folder to judge")
    parser.add_argument(
        "--against", metavar="REFERENCE", type=Path, required=True, help="a blessed folder, or other results"
    )
    _add_outputs(parser)
    parser.set_defaults(command=_check)


def _add_bless(commands: Commands) -> None:
    parser = commands.add_parser(
        "bless",
        help="make results the reference of later checks",
        description="Write the records, the report and a blessing with reason, commit and environment. Refused for "
        "uncommitted changes, failed runs, too few seeds, and records of several commits or machines.",
    )
    parser.add_argument("results", metavar="RESULTS", type=Path, help="the results folder")
    parser.add_argument(
        "--to", metavar="REFERENCE", type=Path, required=True, help="the folder to write, as results/reference/smoke"
    )
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why these results are the reference")
    parser.set_defaults(command=_bless)


def _add_compare(commands: Commands) -> None:
    parser = commands.add_parser(
        "compare",
        help="judge the speed of one git revision against another",
        description="Time the speed cases in benchmarks/ of two revisions of the current repository in turn.",
        epilog=COMPARE_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("base", metavar="BASE", help="the revision to compare with, as main")
    parser.add_argument("head", metavar="HEAD", help="the revision to judge, as HEAD")
    parser.add_argument(
        "--rounds",
        metavar="N",
        type=whole_number(1),
        default=LEAST_ROUNDS,
        help="of each side, 7 or more (default: %(default)s)",
    )
    parser.add_argument(
        "--factor",
        metavar="F",
        type=float,
        default=SLOWDOWN,
        help="least ratio of times that counts (default: %(default)s)",
    )
    parser.add_argument("-k", metavar="EXPRESSION", dest="only", default="", help="only these cases, as pytest -k")
    parser.add_argument(
        "--allow-removed", action="store_true", help="let HEAD have fewer cases than BASE, which is status 2 otherwise"
    )
    _add_outputs(parser)
    parser.set_defaults(command=_compare)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON in the place of text")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write a summary for the page of a CI job, too")


def _check(arguments: argparse.Namespace) -> int:
    from inng_bench.gate import documents
    from inng_bench.gate.checking import check

    outcome = check(arguments.results, arguments.against)
    if not (outcome.judgements or arguments.json):
        _write_page(arguments, documents.check_markdown(outcome))
        raise InputError(outcome.obstacles[0])
    _show(arguments, documents.check_text(outcome), documents.check_markdown(outcome), documents.check_json(outcome))
    return outcome.status


def _bless(arguments: argparse.Namespace) -> int:
    from inng_bench.gate.blessing import bless
    from inng_bench.report import build_report

    blessing = bless(
        arguments.results,
        arguments.to,
        arguments.reason,
        add_views=lambda folder: build_report(arguments.results, folder),
    )
    print(f"{arguments.to} holds {len(blessing.records)} records of commit {blessing.commit[:12]}; now commit it.")
    if blessing.unjudged:
        print(f"Not judged, since the suite plans too few seeds: {', '.join(blessing.unjudged)}.")
    return ExitStatus.OK


def _compare(arguments: argparse.Namespace) -> int:
    from inng_bench.gate import documents
    from inng_bench.gate.comparison import compare
    from inng_bench.gate.revisions import has_changes
    from inng_bench.harness.machine import Claim, claim_machine

    if not 1 <= arguments.factor < math.inf:
        raise InputError(f"--factor {arguments.factor:g} is no ratio from 1; take one such as 1.1.")
    if has_changes(Path()):
        print("inng-bench: what is not committed is not compared.", file=sys.stderr)
    with claim_machine(Claim.ALONE):
        compared = compare(
            arguments.base,
            arguments.head,
            rounds=arguments.rounds,
            factor=arguments.factor,
            only=arguments.only,
            on_round=lambda done: print(f"[{done}/{arguments.rounds}] both sides timed", file=sys.stderr),
        )
    found = replace(compared, allows_removed=arguments.allow_removed)
    _show(arguments, documents.compare_text(found), documents.compare_markdown(found), documents.compare_json(found))
    return found.status


def _show(arguments: argparse.Namespace, text: str, markdown: str, values: dict[str, Any]) -> None:
    """Print text or JSON, then write the page: what took minutes is said even where the page cannot be written."""
    print(json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) if arguments.json else text)
    _write_page(arguments, markdown)


def _write_page(arguments: argparse.Namespace, markdown: str) -> None:
    if arguments.markdown is not None:
        try:
            arguments.markdown.write_text(markdown, encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"cannot write {arguments.markdown} ({error.strerror}); name another file with --markdown."
            ) from error
