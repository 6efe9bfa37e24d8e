"""``inng-bench metrics``: what each metric measures, what it costs and what it is blind to."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from inng_bench.cli.options import Commands, add_command
from inng_bench.errors import ExitStatus


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "metrics",
        run,
        about="what each metric measures, what it costs and what it is blind to",
        description="Explain every metric: what it measures, what it costs and what it is blind to.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Print the catalogue."""
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
