"""``inng-bench judge``: people compare samples without knowing the methods."""

from __future__ import annotations

import argparse
from pathlib import Path

from inng_bench.cli.options import Commands, add_command, add_results, split_names, whole_number
from inng_bench.errors import ExitStatus, InputError

PAIRS = 60
"""Pairs of a page: about ten minutes for one person."""

EXAMPLES = """\
examples:
  inng-bench judge results/runs/quick
  inng-bench judge results/runs/rivals --methods inng-fast,dcgan,real --pairs 40
  inng-bench judge results/runs/quick --read ~/Downloads/answers-*.json"""


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "judge",
        run,
        about="let people compare samples without knowing the methods",
        description="Write a page that shows pairs of samples without the names of their methods. It works in any "
        "browser without network. People choose the sample that is more like the source. With --read: "
        "print their answers.",
        after=EXAMPLES,
    )
    add_results(parser, optional=True)
    parser.add_argument(
        "--read",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="print the result of these files of answers (without RESULTS: for any folder in results/runs)",
    )
    parser.add_argument("--methods", metavar="A,B", help="compare only these rows (default: all with pictures)")
    parser.add_argument(
        "--pairs", metavar="N", type=whole_number(1, 1000), help=f"at most this number of pairs (default: {PAIRS})"
    )
    parser.add_argument(
        "--seed", metavar="S", type=whole_number(0), help="seed of pairs, samples, order and sides (default: 0)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write a page, or read its answers."""
    if arguments.read is None:
        return _write_page(arguments)
    for option in ("methods", "pairs", "seed"):
        if getattr(arguments, option) is not None:
            raise InputError(f"--{option} does not go with --read; it is an option for making a page.")
    return _read(arguments)


def _write_page(arguments: argparse.Namespace) -> int:
    from inng_bench.people.page import build_page
    from inng_bench.records.store import latest_results

    results = latest_results() if arguments.results is None else arguments.results
    page = build_page(
        results,
        pairs=PAIRS if arguments.pairs is None else arguments.pairs,
        seed=arguments.seed or 0,
        methods=split_names(arguments.methods),
    )
    print(f"{len(page.key.questions)} pairs {'written to' if page.is_new else 'were there already:'} {page.path}")
    print(f"Send only this file. The file {page.key_path.name} in the same folder says which method drew each sample.")
    print(f"To read the answers: inng-bench judge {results} --read FILE ...")
    return ExitStatus.OK


def _read(arguments: argparse.Namespace) -> int:
    from inng_bench.people.table import verdict_text
    from inng_bench.people.verdict import read_verdict

    print(verdict_text(read_verdict(arguments.read, arguments.results)))
    return ExitStatus.OK
