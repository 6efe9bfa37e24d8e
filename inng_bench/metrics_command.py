"""``python -m inng_bench metrics`` and ``measure``: what can be measured, and measuring stored runs anew."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from inng_bench.arguments import whole_number
from inng_bench.errors import ExitStatus, InputError

MEASURE_EXAMPLES = """\
examples:
  python -m inng_bench measure results/runs/quick
  python -m inng_bench measure results/runs/quick --metrics patch_fid_wavelet,precision
  python -m inng_bench measure results/runs/quick --density"""


def add_metrics(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands to the parser of all commands."""
    metrics = commands.add_parser(
        "metrics",
        help="what is measured, its cost and what it cannot see",
        description="List the catalogue of metrics; docs/metrics.md says more.",
    )
    metrics.add_argument("--json", action="store_true", help="everything, for other programs")
    metrics.set_defaults(command=_list)
    measure = commands.add_parser(
        "measure",
        help="measure stored runs anew, without training",
        description="Measure finished runs anew from their stored samples: all that they lack of the default set and "
        "their suite's metrics in the present version, or what is named.",
        epilog=MEASURE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    measure.add_argument("results", metavar="RESULTS", type=Path, help="the results folder")
    what = measure.add_mutually_exclusive_group()
    what.add_argument("--metrics", metavar="A,B", help="these and no others, whether or not they are there already")
    what.add_argument("--density", action="store_true", help="what the densities of the stored models detect (AUC)")
    measure.add_argument(
        "--jobs", metavar="N", type=whole_number(1), help="runs at a time (default: cores / threads of a run)"
    )
    measure.add_argument("--method", metavar="MODULE:CLASS", help="with --density: as of the command sample")
    measure.set_defaults(command=_measure)


def _list(arguments: argparse.Namespace) -> int:
    from inng_bench.metrics.catalogue import CATALOGUE

    if arguments.json:
        print(json.dumps([asdict(info) for info in CATALOGUE], indent=1, ensure_ascii=False))
        return ExitStatus.OK
    for info in CATALOGUE:
        print(f"{info.name}: {info.label}, version {info.version}, {info.direction} is better, {info.scope}")
        print(f"  {info.definition}")
        print(f"  sees through {info.eye}")
        print(f"  costs about {info.cost:g} s of one core a row; needs {info.needs}; compared with {info.compared}")
        print(f"  blind to {info.blind_to}")
    return ExitStatus.OK


def _measure(arguments: argparse.Namespace) -> int:
    from inng_bench.harness.measuring import measure_densities, measure_results

    if arguments.method and not arguments.density:
        raise InputError("--method names what reads the stored models, which only --density asks; add --density.")
    if arguments.density:
        others = "have no such figures"
        found = measure_densities(arguments.results, jobs=arguments.jobs, trusted=arguments.method)
    else:
        others = "lacked nothing"
        names = arguments.metrics.split(",") if arguments.metrics else None
        found = measure_results(arguments.results, metrics=names, jobs=arguments.jobs)
    print(f"{found.done} runs measured, {found.failed} could not be, {found.kept} {others}: {arguments.results}")
    print(f"Tables and pictures: python -m inng_bench.report {arguments.results}")
    return ExitStatus.RUNS_FAILED if found.failed else ExitStatus.OK
