"""``inng-bench textures``: show the bundled textures, or fetch the pictures of the paper."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from inng_bench.cli.options import Commands, add_command
from inng_bench.errors import ExitStatus


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command and its two actions."""
    parser = commands.add_parser(
        "textures",
        help="show the textures, or fetch the pictures of the paper",
        description="Show the bundled textures, or fetch the pictures of the paper, which are not bundled.",
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    fetch = add_command(
        actions,
        "fetch",
        _fetch,
        about="download or copy pictures to this machine",
        description="Download the pictures from the authors of the paper, or copy them from a folder. The SHA-256 "
        "hash of each is checked. Pictures that are already there are kept.",
    )
    fetch.add_argument("set", choices=("paper",), help="which pictures")
    fetch.add_argument(
        "--from",
        dest="source",
        metavar="DIR",
        type=Path,
        help="a folder with the pictures (default: the repository of the authors)",
    )
    sheet = add_command(
        actions,
        "sheet",
        _sheet,
        about="write one picture of all bundled textures",
        description="Write one PNG that shows all bundled textures.",
    )
    sheet.add_argument("out", metavar="FILE", type=Path, help="the file to write, such as textures.png")


def _fetch(arguments: argparse.Namespace) -> int:
    from inng_bench.textures.fetching import fetch_pictures

    folder = fetch_pictures(arguments.source, lambda line: print(line, file=sys.stderr, flush=True))
    print(f"The paper's pictures are in {folder}. They have no licence, so do not share them.")
    return ExitStatus.OK


def _sheet(arguments: argparse.Namespace) -> int:
    from inng_bench.files import write_atomically
    from inng_bench.report.texture_sheet import texture_sheet

    write_atomically(arguments.out, texture_sheet())
    print(arguments.out)
    return ExitStatus.OK
