"""``inng-bench report``: print the tables of a results folder and write the files of a report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inng_bench.cli.options import Commands, add_command, add_out, add_results
from inng_bench.errors import ExitStatus

if TYPE_CHECKING:
    from inng_bench.report import Report

STATUS = (
    "exit status: 0 the report is written (also if runs failed) · 2 there are no results, the folder cannot be "
    "written, or a record or picture is damaged or lost (such pictures are named below the table)"
)


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "report",
        run,
        about="tables and pictures of results",
        description="Print the comparison table of a results folder, and write index.html (a page to look at), "
        "table.md, table.csv, table.tex, agreement.csv and sheets of pictures. Records are only read.",
        after=STATUS,
    )
    add_results(parser, optional=True)
    add_out(parser, "the folder of the report (default: RESULTS/report)")
    parser.add_argument(
        "--baseline",
        metavar="ROW",
        help="the row that the others are compared with (default: that of the suite); use --out to keep the usual "
        "report",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the report and print its tables."""
    from inng_bench.records.store import latest_results
    from inng_bench.report import build_report

    results = latest_results() if arguments.results is None else arguments.results
    report = build_report(results, arguments.out, baseline=arguments.baseline)
    print(_message(report), flush=True)
    for problem in report.damaged:
        print(f"inng-bench: {problem}", file=sys.stderr)
    return ExitStatus.BAD_INPUT if report.damaged else ExitStatus.OK


def _message(report: Report) -> str:
    sheets = _count_pictures(report.files)
    written = (
        f"Written to {report.folder}: index.html, table.md, table.csv, table.tex, agreement.csv and {sheets} sheets."
    )
    if not report.failures:
        return f"{report.text}\n{written}"
    runs = "1 run" if report.failures == 1 else f"{report.failures} runs"
    return f"{report.text}\n{written}\n{runs} failed; see Failures and warnings above."


def _count_pictures(files: Sequence[Path]) -> int:
    return sum(file.suffix in (".png", ".svg") for file in files)
