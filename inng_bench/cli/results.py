"""``inng-bench results``: verify, list, show or export stored records."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from inng_bench.cli.options import Commands, add_command, add_results
from inng_bench.errors import ExitStatus, InputError

if TYPE_CHECKING:
    from inng_bench.records.schema import Record


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command and its four actions."""
    parser = commands.add_parser(
        "results",
        help="verify, list, show or export stored records",
        description="Look at stored records. Nothing is changed.",
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    _add_action(actions, "verify", "check every record, picture, model and checkpoint against its hash", _verify)
    _add_action(actions, "list", "one line for each run", _list)
    show = _add_action(actions, "show", "print one record", _show)
    show.add_argument("run", metavar="TEXTURE/METHOD/SEED", help="such as brick/inng-fast/0")
    export = _add_action(actions, "export", "all figures in full precision, for other programs", _export)
    export.add_argument("--format", choices=("csv", "json"), default="csv", help="(default: %(default)s)")
    export.add_argument("--out", metavar="FILE", type=Path, help="the file to write (default: standard output)")
    for action in actions.choices.values():
        add_results(action, optional=True)


def _add_action(
    actions: Commands[argparse.ArgumentParser], name: str, about: str, command: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    return add_command(actions, name, command, about=about, description=f"{about[0].upper()}{about[1:]}.")


def _verify(arguments: argparse.Namespace) -> int:
    from inng_bench.records.verify import verify

    folder = _folder(arguments)
    found = verify(folder)
    for problem in found.problems:
        print(problem, file=sys.stderr)
    if found.problems:
        raise InputError(f"{len(found.problems)} of {found.records + found.files} files of {folder} are damaged.")
    print(f"{found.records} records and {found.files} files are intact: {folder}")
    return ExitStatus.OK


def _list(arguments: argparse.Namespace) -> int:
    from inng_bench.records.views import list_lines

    for line in list_lines(_records(arguments)):
        print(line)
    return ExitStatus.OK


def _show(arguments: argparse.Namespace) -> int:
    from inng_bench.records import store
    from inng_bench.records.views import show_text

    folder = _folder(arguments)
    run = re.fullmatch(r"([^/]+)/([^/]+)/(?:seed-)?(\d+)/?", arguments.run, re.ASCII)
    if run is None:
        raise InputError(f"{arguments.run!r} is not a run; write TEXTURE/METHOD/SEED, such as brick/inng-fast/0.")
    record = store.find_record(folder, run[1], run[2], int(run[3]))
    if record is None:
        raise InputError(f"{folder} has no record of {arguments.run}; `inng-bench results list` shows all.")
    print(show_text(record))
    return ExitStatus.OK


def _export(arguments: argparse.Namespace) -> int:
    from inng_bench.files import write_atomically
    from inng_bench.records.views import export_csv, export_json

    text = {"csv": export_csv, "json": export_json}[arguments.format](_records(arguments))
    if arguments.out is None:
        print(text, end="")
    else:
        write_atomically(arguments.out, text.encode())
    return ExitStatus.OK


def _folder(arguments: argparse.Namespace) -> Path:
    from inng_bench.records import store

    folder: Path | None = arguments.results
    return store.latest_results() if folder is None else folder


def _records(arguments: argparse.Namespace) -> tuple[Record, ...]:
    from inng_bench.records import store

    folder = _folder(arguments)
    records = store.read_records(folder)
    if not records:
        raise InputError(f"there are no records in {folder}; name a results folder, such as results/runs/quick.")
    return records
