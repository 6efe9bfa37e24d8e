"""``inng-bench bless``: make results the reference of later checks."""

from __future__ import annotations

import argparse
from pathlib import Path

from inng_bench.cli.options import Commands, add_command, add_results
from inng_bench.errors import ExitStatus


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "bless",
        run,
        about="make results the reference of later checks",
        description="Write a reference: the records, the report, and a file with reason, commit and environment. "
        "Uncommitted changes, failed runs, too few seeds, and records of several commits or machines are "
        "refused.",
    )
    add_results(parser)
    parser.add_argument(
        "--to",
        metavar="REFERENCE",
        type=Path,
        required=True,
        help="the folder to write, such as results/reference/smoke",
    )
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why these results are the reference")


def run(arguments: argparse.Namespace) -> int:
    """Write the reference."""
    from inng_bench.gate.blessing import bless
    from inng_bench.report import build_report

    def add_views(folder: Path) -> None:
        """Add tables and sheets; the page holds all pictures once more, and ``report`` makes it again."""
        build_report(arguments.results, folder)
        (folder / "index.html").unlink()

    blessing = bless(
        arguments.results,
        arguments.to,
        arguments.reason,
        add_views=add_views,
    )
    print(f"{arguments.to} holds {len(blessing.records)} records of commit {blessing.commit[:12]}; now commit it.")
    if blessing.unjudged:
        print(f"Not judged, because the suite plans too few seeds: {', '.join(blessing.unjudged)}.")
    return ExitStatus.OK
