"""``inng-bench density``: judge pictures by the density of a stored model."""

from __future__ import annotations

import argparse
from pathlib import Path

from inng_bench.cli.options import Commands, add_command, add_execution, add_out, add_trusted_method
from inng_bench.errors import ExitStatus


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "density",
        run,
        about="find what is unlikely in pictures, by the density of a stored model",
        description="Print how likely pictures are according to a stored model, and write a map of each: black is "
        "least likely. Only differences between pictures have a meaning, so also give a picture of the "
        "texture itself.",
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
        help="the pictures to judge",
    )
    parser.add_argument(
        "--of",
        dest="quantity",
        choices=("ratio", "density", "typicality"),
        default="ratio",
        help="ratio: the log ratio that the classifiers have learnt, relative to the noise that the sampler starts "
        "from; density: the log density of the whole model; typicality: how near both are to their values on "
        "the train window, which also finds what is too likely (default: %(default)s)",
    )
    add_trusted_method(parser)
    add_out(parser, "the folder to write to", default=Path("density"))
    add_execution(parser, default_precision="auto")


def run(arguments: argparse.Namespace) -> int:
    """Judge the pictures and print a line for each."""
    from inng_bench.harness.density import Quantity, judge_pictures
    from inng_bench.processes import keep_freed_memory

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
