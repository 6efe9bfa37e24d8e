"""The command line: ``python -m inng_bench`` and ``inng-bench``.

Whatever needs torch is imported where it is used, so that help and lists come at once.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inng_bench.arguments import positive_number, share, stage_number, whole_number
from inng_bench.errors import ExitStatus, InputError, one_line
from inng_bench.gate.commands import add_commands as add_gate_commands
from inng_bench.harness.devices import DEVICES
from inng_bench.judge_command import add_judge
from inng_bench.ladder.command import add_ladder
from inng_bench.metrics_command import add_metrics
from inng_bench.processes import keep_freed_memory
from inng_bench.results_command import add_results
from inng_bench.throughput_command import add_throughput
from inng_bench.view_command import add_view

if TYPE_CHECKING:
    from inng_bench.harness.plan import Plan, Retry
    from inng_bench.harness.session import Results
    from inng_bench.harness.suite import Suite

    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]

PRECISIONS = ("auto", "float32", "bfloat16")

EXIT_STATUS = """\
exit status: 0 all well · 1 check or compare found a regression · 2 the request or an input is wrong, or cannot be
judged · 3 some runs failed · 130 interrupted"""

RUN_EXAMPLES = """\
examples:
  python -m inng_bench run --suite quick
  python -m inng_bench run --suite standard --seeds 1 --dry-run
  python -m inng_bench run --suite standard --textures grass,wood --methods inng
  python -m inng_bench run --texture my.png --methods inng

What is finished is kept: the same command again runs only what is missing, so that an interrupted suite goes on."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Parameters
    ----------
    argv : Sequence[str] or None
        The arguments; None for those of the process.
    """
    arguments = build_parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        status = command(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader has seen enough, as in `inng-bench list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.OK
    except InputError as error:
        print(f"inng-bench: {one_line(error)}", file=sys.stderr)
        return ExitStatus.BAD_INPUT
    except KeyboardInterrupt:
        print(
            "inng-bench: interrupted; what is finished is kept, and the same command goes on from there.",
            file=sys.stderr,
        )
        return ExitStatus.INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="inng-bench",
        description="A reproducibility benchmark of Introspective Neural Networks for texture synthesis.",
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_list(commands)
    _add_textures(commands)
    _add_sample(commands)
    _add_density(commands)
    _add_report(commands)
    add_results(commands)
    add_throughput(commands)
    add_metrics(commands)
    add_gate_commands(commands)
    add_ladder(commands)
    add_judge(commands)
    add_view(commands)
    return parser


def _add_run(commands: _Commands) -> None:
    parser = commands.add_parser(
        "run",
        help="train and measure what is missing of a suite",
        description="Train every method on every texture of a suite, draw fresh samples, measure and record them.",
        epilog=RUN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--suite", metavar="NAME", help="a bundled suite (quick, variants, ...; see list) or the path of a .toml file"
    )
    what.add_argument(
        "--texture", metavar="PATH", type=Path, help="a picture of your own, under the quick suite's budget"
    )
    parser.add_argument(
        "--scale", type=positive_number, help="factor to resize the picture by (default: chosen by its size)"
    )
    parser.add_argument("--methods", metavar="A,B", help="only these rows, beside the reference rows (default: all)")
    parser.add_argument("--textures", metavar="A,B", help="only these textures of the suite (default: all)")
    parser.add_argument("--out", metavar="DIR", type=Path, help="results folder (default: results/runs/NAME)")
    parser.add_argument(
        "--seeds", metavar="N", type=whole_number(1, 1000), help="number of seeds (default: the suite's)"
    )
    parser.add_argument(
        "--budget",
        metavar="TFLOP",
        type=positive_number,
        help="counted training operations of a run; makes it another suite (default: the suite's)",
    )
    parser.add_argument(
        "--jobs", metavar="N", type=whole_number(1), help="runs at a time (default: cores / threads of a run)"
    )
    parser.add_argument(
        "--time-limit", metavar="MINUTES", type=positive_number, help="of one run's process (default: the suite's)"
    )
    parser.add_argument(
        "--memory-limit",
        metavar="GIB",
        type=positive_number,
        help="resident memory of one run's process (default: the suite's)",
    )
    parser.add_argument(
        "--retry",
        choices=("failed", "none"),
        default="failed",
        help="runs that are tried again although they have a row (default: %(default)s)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say how many runs, minutes and how much disk it takes"
    )
    _add_execution(parser, default_precision=None)
    parser.set_defaults(command=_run)


def _add_list(commands: _Commands) -> None:
    parser = commands.add_parser("list", help="textures, methods, metrics and suites", description="Say what there is.")
    parser.set_defaults(command=_list)


def _add_textures(commands: _Commands) -> None:
    parser = commands.add_parser(
        "textures",
        help="show the textures, or fetch pictures that are not shipped",
        description="What the textures look like, and those that a suite can name only after they were fetched.",
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    fetch = actions.add_parser(
        "fetch",
        help="bring pictures to this machine",
        description="Download the pictures of the paper's authors, or take them from a folder; each is checked by its "
        "SHA-256, and what is there already is kept.",
    )
    fetch.add_argument("set", choices=("paper",), help="which pictures")
    fetch.add_argument(
        "--from", dest="source", metavar="DIR", type=Path, help="a folder that holds them (default: their repository)"
    )
    fetch.set_defaults(command=_fetch_textures)
    sheet = actions.add_parser(
        "sheet", help="write one picture of all shipped textures", description="Write one PNG of all shipped textures."
    )
    sheet.add_argument("out", metavar="FILE", type=Path, help="where to, such as textures.png")
    sheet.set_defaults(command=_sheet_of_textures)


def _add_sample(commands: _Commands) -> None:
    parser = commands.add_parser(
        "sample",
        help="draw pictures of any size from a stored model",
        description="Draw pictures from fresh noise with the model of a finished run.",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="the run's folder, which holds model.safetensors")
    parser.add_argument(
        "--size", metavar="WxH", help="width and height in pixels (default: 256x256, or that of --init)"
    )
    parser.add_argument(
        "-n", "--count", type=whole_number(1), default=1, metavar="N", help="how many (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="S", help="seed of the noise (default: %(default)s)"
    )
    parser.add_argument(
        "--init",
        metavar="PICTURE",
        type=Path,
        help="begin at this picture instead of noise, and draw it in the texture (runs of inng)",
    )
    parser.add_argument(
        "--stage",
        type=stage_number,
        metavar="T",
        help="with --init, the stage to begin at, from 1; negative ones count from the last (default: 1)",
    )
    parser.add_argument(
        "--patience",
        metavar="SHARE",
        type=share,
        default=1.0,
        help="of a stage's steps, after which it gives up an image that does not reach its boundary (runs of inng; "
        "default: 1; docs/variants.md has the time and the quality of less)",
    )
    parser.add_argument(
        "--method",
        metavar="MODULE:CLASS",
        help="import this code, which the run names as its method (default: installed methods alone)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("samples"), metavar="DIR", help="where to (default: %(default)s)"
    )
    _add_execution(parser, default_precision="auto")
    parser.set_defaults(command=_sample)


def _add_density(commands: _Commands) -> None:
    parser = commands.add_parser(
        "density",
        help="judge pictures by the density of a stored model",
        description="Print how likely a model holds pictures, and write each beside a map of it, black where it is "
        "least. Only differences mean something: give a picture of the texture itself with the others.",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="the run's folder, of a method that is a density (inng)")
    parser.add_argument(
        "--picture",
        dest="pictures",
        metavar="PICTURE",
        type=Path,
        nargs="+",
        action="extend",
        required=True,
        help="what to judge",
    )
    parser.add_argument(
        "--of",
        dest="quantity",
        choices=("ratio", "density", "typicality"),
        default="ratio",
        help="ratio is what the classifiers have learnt, relative to the noise that the sampler begins with; density "
        "is the whole model, which tells grain that this noise never shows; typicality is how near both are to those "
        "of the window that was trained on, which also tells what is too likely (default: %(default)s)",
    )
    parser.add_argument("--method", metavar="MODULE:CLASS", help="as of the command sample")
    parser.add_argument(
        "--out", type=Path, default=Path("density"), metavar="DIR", help="where to (default: %(default)s)"
    )
    _add_execution(parser, default_precision="auto")
    parser.set_defaults(command=_density)


def _add_report(commands: _Commands) -> None:
    parser = commands.add_parser(
        "report",
        help="tables and pictures of a results folder",
        description="The same as python -m inng_bench.report, which says more with --help.",
    )
    parser.add_argument("results", nargs="?", metavar="RESULTS", help="the results folder (default: the latest run)")
    parser.set_defaults(command=_report)


def _add_execution(parser: argparse.ArgumentParser, default_precision: str | None) -> None:
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: %(default)s)")
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=default_precision,
        help="of the convolutions; auto is bfloat16 where the processor has it, else float32 "
        f"(default: {default_precision or 'the one of the suite'})",
    )


def _run(arguments: argparse.Namespace) -> int:
    from inng_bench.harness.plan import Retry, make_plan
    from inng_bench.harness.session import results_folder, run_plan
    from inng_bench.records.schema import Limits

    suite, origin = _chosen_suite(arguments)
    plan = make_plan(
        suite,
        replicates=arguments.seeds,
        methods=_names(arguments.methods),
        textures=_names(arguments.textures),
        device=arguments.device,
        precision=arguments.precision,
        budget_tflop=arguments.budget,
        limits=Limits(minutes=arguments.time_limit, memory_gib=arguments.memory_limit),
        origin=origin,
    )
    folder, retry = results_folder(suite, arguments.out), Retry(arguments.retry)
    if arguments.dry_run:
        return _announce(plan, folder, arguments.jobs, retry)
    results = run_plan(plan, folder, jobs=arguments.jobs, retry=retry)
    print(_summary(results))
    print(f"Tables and pictures: python -m inng_bench.report {results.folder}")
    return ExitStatus.RUNS_FAILED if results.failed or results.left else ExitStatus.OK


def _names(text: str | None) -> list[str] | None:
    """Read names that commas part."""
    return text.split(",") if text else None


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
    """Return the suite, and the arguments that name it anywhere."""
    from inng_bench.harness.rerun import origin_of_picture, origin_of_suite
    from inng_bench.harness.suite import load_suite, own_picture_suite

    if arguments.texture is not None:
        suite = own_picture_suite(arguments.texture, arguments.scale)
        return suite, origin_of_picture(arguments.texture, arguments.scale)
    if arguments.scale is not None:
        raise InputError("--scale belongs to --texture; the textures of a suite have their scale already.")
    return load_suite(arguments.suite), origin_of_suite(arguments.suite)


def _announce(plan: Plan, folder: Path, jobs: int | None, retry: Retry) -> int:
    """Say what a run would do; touches nothing."""
    from inng_bench.harness.estimate import disk, in_words
    from inng_bench.harness.measuring import unmeasured_runs
    from inng_bench.harness.session import default_jobs, missing_runs

    missing = missing_runs(plan, folder, retry)
    unmeasured = {run.key: run for run in unmeasured_runs(plan, folder, missing)}
    missing = tuple(run for run in missing if run.key not in unmeasured)
    at_a_time = jobs or default_jobs(plan)
    for run in unmeasured.values():
        print(f"{run.title}: measured again ({', '.join(run.metrics)})")
    for run in missing:
        print(f"{run.title}: {run.budget_flops / 1e12:g} TFLOP, {run.device}, {run.precision}")
    print(f"{len(missing)} of {len(plan.runs)} runs are missing in {folder}.")
    needed = disk(missing, at_a_time)
    print(
        f"On disk they take {math.ceil(needed.kept_mib)} MiB, and until they are done about "
        f"{math.ceil(needed.passing_mib)} MiB more for what they can go on from.",
        flush=True,
    )
    print(in_words(missing, tuple(unmeasured.values()), at_a_time, timed=plan.suite.throughput))
    return ExitStatus.OK


def _list(arguments: argparse.Namespace) -> int:
    del arguments
    from inng_bench.harness.methods import method_names
    from inng_bench.harness.suite import load_suite, suite_names
    from inng_bench.metrics.catalogue import CATALOGUE

    suites = [load_suite(name) for name in suite_names()]
    _print_section("textures", _texture_rows())
    _print_section("methods", [(name, "") for name in method_names()])
    _print_section("metrics", [(info.name, f"{info.direction} is better: {info.definition}") for info in CATALOGUE])
    _print_section("suites", [(suite.name, suite.description) for suite in suites])
    return ExitStatus.OK


def _texture_rows() -> list[tuple[str, str]]:
    from inng_bench.textures import Kind, texture_infos
    from inng_bench.textures.paper import is_present

    rows = []
    for info in texture_infos():
        absent = info.kind is Kind.PAPER and not is_present(info.name)
        rows.append((info.name, f"{info.kind}{', not fetched' if absent else ''}: {info.description}"))
    return rows


def _print_section(title: str, rows: Sequence[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in rows)
    print(title)
    for name, text in rows:
        print(f"  {name:{width}}  {text}".rstrip())


def _fetch_textures(arguments: argparse.Namespace) -> int:
    from inng_bench.textures.fetching import fetch_pictures

    folder = fetch_pictures(arguments.source, lambda line: print(line, file=sys.stderr, flush=True))
    print(f"The paper's pictures are in {folder}. They carry no licence: do not pass them on.")
    return ExitStatus.OK


def _sheet_of_textures(arguments: argparse.Namespace) -> int:
    from inng_bench.files import write_atomically
    from inng_bench.report.texture_sheet import texture_sheet

    write_atomically(arguments.out, texture_sheet())
    print(arguments.out)
    return ExitStatus.OK


def _sample(arguments: argparse.Namespace) -> int:
    from inng_bench.harness.sample import continue_picture, draw_from_run, parse_size

    keep_freed_memory()
    where = {
        "out": arguments.out,
        "seed": arguments.seed,
        "device": arguments.device,
        "precision": arguments.precision,
        "trusted": arguments.method,
        "patience": arguments.patience,
    }
    if arguments.init is None:
        if arguments.stage is not None:
            raise InputError("--stage belongs to --init; noise always goes through all stages.")
        size = parse_size(arguments.size or "256x256")
        paths = draw_from_run(
            arguments.run, size, arguments.count, notice=lambda text: print(text, file=sys.stderr), **where
        )
    else:
        if arguments.size is not None:
            raise InputError("--size does not go with --init; the drawn picture has the size of the given one.")
        paths = continue_picture(arguments.run, arguments.init, arguments.stage or 1, arguments.count, **where)
    for path in paths:
        print(path)
    return ExitStatus.OK


def _density(arguments: argparse.Namespace) -> int:
    from inng_bench.harness.density import Quantity, judge_pictures

    keep_freed_memory()
    judged = judge_pictures(
        arguments.run,
        arguments.pictures,
        out=arguments.out,
        quantity=Quantity(arguments.quantity),
        device=arguments.device,
        precision=arguments.precision,
        trusted=arguments.method,
    )
    for one in judged:
        left, top = one.place
        print(
            f"{one.picture}: log {arguments.quantity} {one.mean:.2f} a window, least {one.least:.2f} at x {left}, "
            f"y {top}: {one.path}"
        )
    return ExitStatus.OK


def _report(arguments: argparse.Namespace) -> int:
    from inng_bench.report.__main__ import main as report

    return report([arguments.results] if arguments.results else [])
