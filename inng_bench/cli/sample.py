"""``inng-bench sample``: pictures of any size from a stored model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from inng_bench.cli.options import (
    Commands,
    add_command,
    add_execution,
    add_out,
    add_trusted_method,
    stage_number,
    whole_number,
)
from inng_bench.errors import ExitStatus, InputError

EXAMPLES = """\
examples:
  inng-bench sample results/runs/quick/runs/brick/inng-fast/seed-0 --size 512x320 -n 2
  inng-bench sample results/runs/quick/runs/brick/inng-fast/seed-0 --init sketch.png --stage -3"""


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "sample",
        run,
        about="draw pictures of any size from a stored model",
        description="Draw pictures with the model of a finished run, from new noise or from a given picture.",
        after=EXAMPLES,
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="the run's folder, which holds model.safetensors")
    parser.add_argument(
        "--size", metavar="WxH", help="width and height in pixels (default: 256x256, or the size of --init)"
    )
    parser.add_argument(
        "-n", "--count", type=whole_number(1), default=1, metavar="N", help="number of pictures (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="S", help="seed of the noise (default: %(default)s)"
    )
    parser.add_argument(
        "--init", metavar="PICTURE", type=Path, help="start at this picture instead of noise (only for inng)"
    )
    parser.add_argument(
        "--stage",
        type=stage_number,
        metavar="T",
        help="with --init: the stage to start at; 1 is the first, -1 the last (default: 1)",
    )
    add_trusted_method(parser)
    add_out(parser, "the folder to write to", default=Path("samples"))
    add_execution(parser, default_precision="auto")


def run(arguments: argparse.Namespace) -> int:
    """Draw the pictures and print their paths."""
    from inng_bench.harness.sample import continue_picture, draw_from_run, parse_size
    from inng_bench.processes import keep_freed_memory

    keep_freed_memory()
    where = {
        "out": arguments.out,
        "seed": arguments.seed,
        "device": arguments.device,
        "precision": arguments.precision,
        "trusted": arguments.method,
    }
    if arguments.init is None:
        if arguments.stage is not None:
            raise InputError("--stage goes with --init; without --init, sampling always uses all stages.")
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
