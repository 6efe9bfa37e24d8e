"""``inng-bench run``: train and measure the runs of a suite that are missing."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from inng_bench.cli.options import (
    RUNS_ARE_KEPT,
    Commands,
    add_command,
    add_execution,
    add_jobs,
    add_out,
    positive_number,
    split_names,
    whole_number,
)
from inng_bench.errors import ExitStatus, InputError

if TYPE_CHECKING:
    from inng_bench.harness.executor import Executor
    from inng_bench.harness.plan import Plan, Retry
    from inng_bench.harness.session import Results
    from inng_bench.harness.suite import Suite

EXAMPLES = """\
examples:
  inng-bench run --suite quick
  inng-bench run --suite rivals --seeds 1 --dry-run
  inng-bench run --suite rivals --textures brick,rust --methods inng-fast
  inng-bench run --texture my.png --methods inng-fast
  inng-bench run --texture my-photographs --methods inng-fast
  inng-bench run --pictures my-faces
  inng-bench run --pictures img_align_celeba.zip --side 64

Finished runs are kept. The same command again runs only what is missing, so an interrupted suite continues."""


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "run",
        run,
        about="train and measure all methods of a suite on its textures",
        description="Train every method on every texture of a suite, draw new samples, measure them, and store a "
        "record of each run.",
        after=EXAMPLES,
        left=RUNS_ARE_KEPT,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--suite", metavar="NAME", help="a bundled suite (see inng-bench list) or a path that ends in .toml"
    )
    what.add_argument(
        "--texture",
        metavar="PATH",
        type=Path,
        help="your own picture, or a folder of photographs of one material, with the methods and budget of the suite "
        "quick",
    )
    what.add_argument(
        "--pictures",
        metavar="PATH",
        type=Path,
        help="your own set of pictures, a folder or an archive, with the methods and budget of faces-quick",
    )
    parser.add_argument(
        "--side",
        metavar="PX",
        type=whole_number(8, 128),
        help="with --pictures: reduce the middle square of each to this side (default: as they are)",
    )
    parser.add_argument("--pass-over", action="store_true", help="with --pictures: leave out files that cannot be used")
    parser.add_argument(
        "--scale", type=positive_number, help="resize with --texture by this factor (default: depends on the size)"
    )
    parser.add_argument("--methods", metavar="A,B", help="only these methods and the reference rows (default: all)")
    parser.add_argument("--textures", metavar="A,B", help="only these textures of the suite (default: all)")
    add_out(parser, "the results folder (default: results/runs/NAME)")
    parser.add_argument(
        "--seeds", metavar="N", type=whole_number(1, 1000), help="number of seeds (default: the suite's)"
    )
    parser.add_argument(
        "--budget",
        metavar="TFLOP",
        type=positive_number,
        help="counted operations of each training; this makes another suite (default: the suite's)",
    )
    add_jobs(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--scheduler", metavar="ADDRESS", help="run on the workers of this Dask scheduler")
    where.add_argument("--cluster", metavar="local:N", help="start N Dask workers on this machine and use them")
    parser.add_argument(
        "--tls",
        metavar="DIR",
        type=Path,
        help="folder with ca.pem, cert.pem and key.pem, for a tls:// address of --scheduler",
    )
    parser.add_argument(
        "--time-limit",
        metavar="MINUTES",
        type=positive_number,
        help="longest time of a run (default: the suite's)",
    )
    parser.add_argument(
        "--memory-limit",
        metavar="GIB",
        type=positive_number,
        help="most memory of a run (default: the suite's)",
    )
    parser.add_argument(
        "--retry",
        choices=("failed", "none"),
        default="failed",
        help="repeat the runs that failed before, or none of them (default: %(default)s)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only estimate runs, minutes and disk space")
    add_execution(parser, default_precision=None)


def run(arguments: argparse.Namespace) -> int:
    """Run the missing runs of a suite."""
    from inng_bench.harness.overrides import Overrides
    from inng_bench.harness.plan import Retry, make_plan
    from inng_bench.harness.session import results_folder, run_plan
    from inng_bench.records.schema import Limits

    suite, origin = _chosen_suite(arguments)
    overrides = Overrides(
        replicates=arguments.seeds,
        methods=split_names(arguments.methods),
        textures=split_names(arguments.textures),
        device=arguments.device,
        precision=arguments.precision,
        budget_tflop=arguments.budget,
        limits=Limits(minutes=arguments.time_limit, memory_gib=arguments.memory_limit),
    )
    plan = make_plan(suite, overrides, origin=origin)
    folder, retry = results_folder(suite, arguments.out), Retry(arguments.retry)
    if arguments.dry_run:
        return _announce(plan, folder, arguments.jobs, retry)
    with _executor(plan, arguments) as executor:
        results = run_plan(plan, folder, jobs=arguments.jobs, retry=retry, executor=executor)
    print(_summary(results))
    print(f"Tables and pictures: inng-bench report {results.folder}")
    return ExitStatus.RUNS_FAILED if results.failed or results.left else ExitStatus.OK


@contextmanager
def _executor(plan: Plan, arguments: argparse.Namespace) -> Iterator[Executor | None]:
    """Give the executor of a cluster; None if the runs are processes of this command."""
    if arguments.tls is not None and arguments.scheduler is None:
        raise InputError("--tls goes with --scheduler; workers on this machine need no certificates.")
    if arguments.scheduler is None and arguments.cluster is None:
        yield None
        return
    if arguments.jobs is not None:
        raise InputError(
            "--jobs does not go with a cluster, which runs as many runs at a time as its workers have threads."
        )
    try:
        from inng_bench.harness.cluster.connect import open_local, open_scheduler, parse_cluster
    except ImportError as error:
        raise InputError(f"a cluster needs more packages ({error}); pip install inng-bench[cluster].") from error
    from inng_bench.harness.session import cluster_executor

    opened = (
        open_scheduler(arguments.scheduler, arguments.tls)
        if arguments.scheduler is not None
        else open_local(parse_cluster(arguments.cluster))
    )
    with opened as client:
        yield cluster_executor(plan, client)


def _summary(results: Results) -> str:
    counts = [f"{results.done} runs done", f"{results.failed} failed", f"{results.kept} were there already"]
    if results.left:
        counts.append(f"{results.left} failed before and were left")
    if results.measured:
        counts.append(f"{results.measured} measured again")
    if results.not_timed:
        counts.append(f"{results.not_timed} samplers could not be timed")
    return f"{', '.join(counts)}: {results.folder}"


def _chosen_suite(arguments: argparse.Namespace) -> tuple[Suite, tuple[str, ...]]:
    """Return the suite, and arguments that name it from any folder."""
    from inng_bench.harness.rerun import origin_of_picture, origin_of_set, origin_of_suite
    from inng_bench.harness.suite import load_suite, own_picture_suite, own_set_suite

    if arguments.pass_over and arguments.pictures is None:
        raise InputError("--pass-over belongs to --pictures.")
    if arguments.side is not None and arguments.pictures is None:
        raise InputError("--side belongs to --pictures; --scale resizes textures.")
    if arguments.pictures is not None:
        if arguments.scale is not None:
            raise InputError("--scale belongs to --texture; pictures of a set are resized by --side.")
        suite = own_set_suite(arguments.pictures, side=arguments.side, pass_over=arguments.pass_over)
        return suite, origin_of_set(arguments.pictures, arguments.side, pass_over=arguments.pass_over)
    if arguments.texture is not None:
        suite = own_picture_suite(arguments.texture, arguments.scale)
        return suite, origin_of_picture(arguments.texture, arguments.scale)
    if arguments.scale is not None:
        raise InputError("--scale goes with --texture; the textures of a suite have their own scale.")
    return load_suite(arguments.suite), origin_of_suite(arguments.suite)


def _announce(plan: Plan, folder: Path, jobs: int | None, retry: Retry) -> int:
    """Print what a run would do; nothing is changed."""
    from inng_bench.harness.estimate import disk, in_words
    from inng_bench.harness.measuring import unmeasured_runs
    from inng_bench.harness.plan import find_missing
    from inng_bench.harness.session import default_jobs
    from inng_bench.records.index import Index

    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is not a folder, so results cannot be written to it; name a folder with --out.")
    found = Index(folder, keep=False).briefs
    missing = find_missing(plan, found, retry)
    unmeasured = {run.key: run for run in unmeasured_runs(plan, folder, found, missing)}
    missing = tuple(run for run in missing if run.key not in unmeasured)
    at_a_time = jobs or default_jobs(plan)
    for run in unmeasured.values():
        print(f"{run.title}: measured again ({', '.join(run.metrics)})")
    for run in missing:
        print(f"{run.title}: {run.budget_flops / 1e12:g} TFLOP, {run.device}, {run.precision}")
    print(f"{len(missing)} of {len(plan.runs)} runs are missing in {folder}.")
    needed = disk(missing, at_a_time)
    print(
        f"They need {math.ceil(needed.kept_mib)} MiB of disk space, and about {math.ceil(needed.passing_mib)} MiB "
        "more for checkpoints until they have ended.",
        flush=True,
    )
    print(in_words(missing, tuple(unmeasured.values()), at_a_time, timed=plan.suite.throughput))
    return ExitStatus.OK
