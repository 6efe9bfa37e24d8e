"""``inng-bench view``: show results in a browser, also while a suite runs."""

from __future__ import annotations

import argparse

from inng_bench.cli.options import Commands, add_command, add_results, whole_number
from inng_bench.errors import ExitStatus


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "view",
        run,
        about="show results in a browser, also while a suite runs",
        description="Serve the page of a results folder to browsers on this machine. New rows appear by themselves. "
        "Nothing is written. Ctrl-C ends the server.",
    )
    add_results(parser, optional=True)
    parser.add_argument(
        "--port", metavar="N", type=whole_number(0, 65535), default=0, help="port of the server (default: a free one)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
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
