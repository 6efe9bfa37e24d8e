"""``python -m inng_bench judge``: people compare samples, blinded."""

from __future__ import annotations

import argparse
from pathlib import Path

from inng_bench.arguments import whole_number
from inng_bench.errors import ExitStatus, InputError

PAIRS = 60
"""Pairs of a page: some ten minutes of a person."""

JUDGE_EXAMPLES = """\
examples:
  python -m inng_bench judge results/runs/quick
  python -m inng_bench judge results/runs/standard --methods inng,dcgan,real --pairs 40
  python -m inng_bench judge results/runs/quick --read ~/Downloads/answers-*.json"""


def add_judge(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of all commands."""
    parser = commands.add_parser(
        "judge",
        help="let people compare samples, without knowing whose they are",
        description="Write a page of blinded pairs, which a browser opens without any network: the source and samples "
        "of two methods, of which people choose the one that is more like it. Or read the answers that it saved.",
        epilog=JUDGE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "results",
        metavar="RESULTS",
        nargs="?",
        type=Path,
        help="the results folder (default: the latest in results/runs; with --read the one that has the page)",
    )
    parser.add_argument(
        "--read", metavar="FILE", nargs="+", type=Path, help="print what these files of answers say of the methods"
    )
    parser.add_argument("--methods", metavar="A,B", help="compare only these rows (default: all that have pictures)")
    parser.add_argument(
        "--pairs", metavar="N", type=whole_number(1, 1000), help=f"at most so many pairs (default: {PAIRS})"
    )
    parser.add_argument(
        "--seed", metavar="S", type=whole_number(0), help="of pairs, samples, order and sides (default: 0)"
    )
    parser.set_defaults(command=_judge)


def _judge(arguments: argparse.Namespace) -> int:
    if arguments.read is None:
        return _write_page(arguments)
    for option in ("methods", "pairs", "seed"):
        if getattr(arguments, option) is not None:
            raise InputError(f"--{option} belongs to making a page; --read takes the answers as they are.")
    return _read(arguments)


def _write_page(arguments: argparse.Namespace) -> int:
    from inng_bench.people.page import build_page
    from inng_bench.records.store import latest_results

    results = latest_results() if arguments.results is None else arguments.results
    page = build_page(
        results,
        pairs=PAIRS if arguments.pairs is None else arguments.pairs,
        seed=arguments.seed or 0,
        methods=arguments.methods.split(",") if arguments.methods else None,
    )
    print(f"{len(page.key.questions)} pairs {'written to' if page.is_new else 'were there already:'} {page.path}")
    print(f"Send that file alone; {page.key_path.name} beside it says whose the samples are.")
    print(f"What people answered: python -m inng_bench judge {results} --read FILE ...")
    return ExitStatus.OK


def _read(arguments: argparse.Namespace) -> int:
    from inng_bench.people.table import verdict_text
    from inng_bench.people.verdict import read_verdict

    print(verdict_text(read_verdict(arguments.read, arguments.results)))
    return ExitStatus.OK
