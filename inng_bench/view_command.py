"""``python -m inng_bench view``: results in a browser while a suite runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from inng_bench.arguments import whole_number
from inng_bench.errors import ExitStatus


def add_view(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of all commands."""
    parser = commands.add_parser(
        "view",
        help="look at results in a browser while a suite runs",
        description="Serve the page of a results folder to browsers of this machine, and show new rows as they come. "
        "Nothing is written. Ctrl-C ends it.",
    )
    parser.add_argument(
        "results", metavar="RESULTS", nargs="?", type=Path, help="results folder (default: the latest in results/runs)"
    )
    parser.add_argument("--port", metavar="N", type=whole_number(0, 65535), default=0, help="default: a free one")
    parser.set_defaults(command=_view)


def _view(arguments: argparse.Namespace) -> int:
    from inng_bench.records.store import latest_results
    from inng_bench.report.serve import PageServer

    results = latest_results() if arguments.results is None else arguments.results
    with PageServer(results, arguments.port) as server:
        print(f"{results} is shown at {server.address} (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return ExitStatus.OK
    return ExitStatus.OK
