"""``inng-bench throughput``: the speed of the sampler, relative to the speed of this machine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from inng_bench.cli.options import Commands, add_command, whole_number
from inng_bench.errors import ExitStatus, InputError

if TYPE_CHECKING:
    from inng_bench.throughput.cases import Effort
    from inng_bench.throughput.finished import FinishedTexture

NOTES = """\
Each row changes one setting: update, dense pass or patches, canvas, batch, width, precision or threads.
The command waits while a suite or another timing runs. On a busy machine the figures are useless.
docs/throughput.md explains the columns."""


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "throughput",
        run,
        about="time the sampler, relative to the speed of this machine",
        description="Time the Langevin sampler, alternately with a large matrix product and two convolutions, which "
        "show how fast the machine is.",
        after=NOTES,
    )
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds: under 45 seconds on two cores")
    parser.add_argument(
        "--passes", metavar="N", type=whole_number(1, 100), default=1, help="repeat all rows N times (default: 1)"
    )
    parser.add_argument("--parts", action="store_true", help="also profile one step of the sampler and of a training")
    parser.add_argument("--model", metavar="RUN", type=Path, help="also time whole textures from this run of inng")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--out", metavar="FILE", type=Path, help="also write the JSON to a file")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="also write the table as Markdown")


def run(arguments: argparse.Namespace) -> int:
    """Time all rows and print them."""
    from dataclasses import replace
    from functools import partial

    from inng_bench.files import write_atomically
    from inng_bench.harness.display import open_display
    from inng_bench.harness.machine import Claim, claim_machine
    from inng_bench.throughput.cases import FULL, QUICK, choose_cases
    from inng_bench.throughput.measuring import in_fresh_process, measure_cases
    from inng_bench.throughput.parts import profile_steps
    from inng_bench.throughput.tables import Report, as_json, as_markdown, as_text

    effort = replace(QUICK if arguments.quick else FULL, passes=arguments.passes)
    for path in (arguments.out, arguments.markdown):
        _refuse_unwritable(path)
    cases, absent = choose_cases(quick=arguments.quick)
    with claim_machine(Claim.ALONE), open_display(effort.passes * len(cases), unit="all cases") as display:
        finished = _finished(arguments.model, effort)  # first, since it may be refused
        profiles = in_fresh_process(partial(profile_steps, cases[0], effort)) if arguments.parts else ()
        rows = measure_cases(cases, effort, display)  # last, since no failure of the others may lose it
    report = Report(rows, absent, effort, finished, profiles)
    text = json.dumps(as_json(report), indent=1, ensure_ascii=False, allow_nan=False)
    print(text if arguments.json else as_text(report), flush=True)  # before a disk that is full can lose it
    if arguments.out is not None:
        write_atomically(arguments.out, f"{text}\n".encode())
    if arguments.markdown is not None:
        write_atomically(arguments.markdown, as_markdown(report).encode())
    return ExitStatus.RUNS_FAILED if any(row.error for row in report.rows) else ExitStatus.OK


def _refuse_unwritable(path: Path | None) -> None:
    """Refuse a file whose folder is missing before minutes are spent."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise InputError(f"{path} cannot be written; name a file in an existing folder.")


def _finished(folder: Path | None, effort: Effort) -> FinishedTexture | None:
    from functools import partial

    import torch

    from inng_bench.contract import Execution
    from inng_bench.harness.hardware import resolve_precision
    from inng_bench.throughput.measuring import in_fresh_process, measure_model

    if folder is None:
        return None
    device = torch.device("cpu")
    execution = Execution(device, resolve_precision("auto", device))
    return in_fresh_process(partial(measure_model, folder, execution, pictures=effort.rounds))
