"""``inng-bench list``: all textures, methods, metrics and suites."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from inng_bench.cli.options import Commands, add_command
from inng_bench.errors import ExitStatus


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command."""
    add_command(
        commands,
        "list",
        run,
        about="all textures, methods, metrics and suites",
        description="List all textures, methods, metrics and suites that a run can name.",
    )


def run(_: argparse.Namespace) -> int:
    """Print the lists."""
    from inng_bench.harness.bundled import suite_descriptions
    from inng_bench.harness.methods import method_names
    from inng_bench.metrics.catalogue import CATALOGUE
    from inng_bench.textures.catalogue import set_infos

    _print_section("textures", _texture_rows())
    _print_section("sets of pictures", [(info.name, info.description) for info in set_infos()])
    _print_section("methods", [(name, "") for name in method_names()])
    _print_section("metrics", [(info.name, f"{info.label}, {info.direction} is better") for info in CATALOGUE])
    _print_section("suites", suite_descriptions())
    return ExitStatus.OK


def _texture_rows() -> list[tuple[str, str]]:
    from inng_bench.textures.catalogue import Kind, texture_infos
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
