"""``inng-bench measure``: measure stored runs again, without training."""

from __future__ import annotations

import argparse

from inng_bench.cli.options import (
    RUNS_ARE_KEPT,
    Commands,
    add_command,
    add_jobs,
    add_results,
    add_trusted_method,
    split_names,
)
from inng_bench.errors import ExitStatus, InputError

EXAMPLES = """\
examples:
  inng-bench measure results/runs/quick
  inng-bench measure results/runs/quick --metrics patch_fid_wavelet,precision
  inng-bench measure results/runs/quick --density"""


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "measure",
        run,
        about="measure stored runs again, without training",
        description="Measure the stored samples of finished runs. By default, measure what is missing or belongs to an "
        "older version of a metric.",
        after=EXAMPLES,
        left=RUNS_ARE_KEPT,
    )
    add_results(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--metrics", metavar="A,B", help="measure only these metrics, even if the figures exist")
    what.add_argument(
        "--density",
        action="store_true",
        help="measure how well the densities of the stored models detect defects (AUC)",
    )
    add_jobs(parser)
    add_trusted_method(parser, "with --density: ")


def run(arguments: argparse.Namespace) -> int:
    """Measure the runs and print how many there were."""
    from inng_bench.harness.measuring import measure_densities, measure_results

    if arguments.method and not arguments.density:
        raise InputError("--method names the code that reads stored models; only --density needs it, so add --density.")
    if arguments.density:
        others = "have no density"
        found = measure_densities(arguments.results, jobs=arguments.jobs, trusted=arguments.method)
    else:
        others = "were complete"
        names = split_names(arguments.metrics)
        found = measure_results(arguments.results, metrics=names, jobs=arguments.jobs)
    print(f"{found.done} runs measured, {found.failed} failed, {found.kept} {others}: {arguments.results}")
    print(f"Tables and pictures: inng-bench report {arguments.results}")
    return ExitStatus.RUNS_FAILED if found.failed else ExitStatus.OK
