"""``python -m inng_bench.report``: the comparison table, and files beside it."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from inng_bench.errors import ExitStatus, InputError, one_line
from inng_bench.records.store import latest_results
from inng_bench.report.build import Report, build_report


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m inng_bench.report",
        description="Print the comparison table of a results folder and write index.html, a page to look at, "
        "table.md, table.csv, table.tex, agreement.csv and sheets of pictures. Records are only read.",
        epilog="Exit status: 0 the report is made, failed runs being rows of it; 2 there are no results, a record "
        "or a picture is damaged, which of pictures is told below the table, or the folder cannot be written.",
    )
    parser.add_argument(
        "results", metavar="RESULTS", nargs="?", type=Path, help="results folder (default: the latest in results/runs)"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder of the report (default: RESULTS/report)")
    parser.add_argument(
        "--baseline",
        metavar="ROW",
        help="row that effects are told against (default: the one that the suite names); best with --out, since the "
        "report in RESULTS is replaced",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the report and return the exit status."""
    options = make_parser().parse_args(arguments)
    try:
        results = latest_results() if options.results is None else options.results
        report = build_report(results, options.out, baseline=options.baseline)
    except InputError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return ExitStatus.BAD_INPUT
    try:
        print(_message(report), flush=True)
    except BrokenPipeError:
        # The reader (head, less) has seen enough; without this the interpreter complains once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    for problem in report.damaged:
        print(f"error: {problem}", file=sys.stderr)
    return ExitStatus.BAD_INPUT if report.damaged else ExitStatus.OK


def _message(report: Report) -> str:
    sheets = _count_pictures(report.files)
    written = (
        f"Written to {report.folder}: index.html, table.md, table.csv, table.tex, agreement.csv and {sheets} sheets."
    )
    if not report.failures:
        return f"{report.text}\n{written}"
    runs = "1 run" if report.failures == 1 else f"{report.failures} runs"
    return f"{report.text}\n{written}\n{runs} failed; the reasons stand above under Failures and warnings."


def _count_pictures(files: Sequence[Path]) -> int:
    return sum(file.suffix == ".png" for file in files)


if __name__ == "__main__":
    sys.exit(main())
