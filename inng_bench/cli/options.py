"""What several commands share: common options, and functions that read numbers."""

from __future__ import annotations

import argparse
import math
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from inng_bench.errors import ExitStatus
from inng_bench.harness.devices import DEVICES
from inng_bench.suggest import did_you_mean

Commands = argparse._SubParsersAction
RUNS_ARE_KEPT = "Finished runs are kept; the same command continues."
PRECISIONS = ("auto", "float32", "bfloat16")


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the list of all options would push it off the screen."""

    def error(self, message: str) -> NoReturn:
        """End the command."""
        self.exit(ExitStatus.BAD_INPUT, f"{self.prog}: {message}; `{self.prog} --help` shows what is possible.\n")


def refuse_word(parser: argparse.ArgumentParser, word: str) -> NoReturn:
    """End the command because of a word that it does not know."""
    if not word.startswith("-"):
        parser.error(f"the word {word!r} is too many")
    hint = did_you_mean(word, (option for option in parser._option_string_actions if option.startswith("--")))
    parser.exit(ExitStatus.BAD_INPUT, f"{parser.prog}: there is no option {word!r}; {hint}\n")


class _Paragraphs(argparse.HelpFormatter):
    """Wraps every line of a description separately, so that lists and examples keep their lines."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = text.split("\n")
        return "\n".join(textwrap.fill(line, width, initial_indent=indent, subsequent_indent=indent) for line in lines)


def add_command(
    commands: Commands[argparse.ArgumentParser],
    name: str,
    command: Callable[[argparse.Namespace], int],
    *,
    about: str,
    description: str,
    after: str | None = None,
    left: str = "The same command starts again.",
) -> argparse.ArgumentParser:
    """Add a command to the parser and return its own parser.

    Parameters
    ----------
    commands : argparse._SubParsersAction
        Where it goes.
    name : str
        What a person types.
    command : callable
        Runs the command and returns the exit status.
    about : str
        A few words for the list of commands.
    description, after : str
        What stands in its own help before and after the options.
    left : str
        What is left after Ctrl-C.
    """
    parser = commands.add_parser(
        name, help=about, description=description, epilog=after, formatter_class=_Paragraphs, allow_abbrev=False
    )
    parser.set_defaults(command=command, parser=parser, left=left)
    return parser


def add_results(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add the results folder, by default the newest one."""
    parser.add_argument(
        "results",
        metavar="RESULTS",
        type=Path,
        nargs="?" if optional else None,
        help="the results folder" + (" (default: the newest in results/runs)" if optional else ""),
    )


def add_out(parser: argparse.ArgumentParser, what: str, *, default: Path | None = None) -> None:
    """Add the folder that a command writes to."""
    text = what if default is None else f"{what} (default: {default})"
    parser.add_argument("--out", metavar="DIR", type=Path, default=default, help=text)


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add how many runs share the machine."""
    parser.add_argument(
        "--jobs", metavar="N", type=whole_number(1), help="runs at a time (default: cores / threads of a run)"
    )


def add_execution(parser: argparse.ArgumentParser, default_precision: str | None) -> None:
    """Add the device and the precision."""
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: %(default)s)")
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=default_precision,
        help="of the convolutions; auto means bfloat16 if the processor supports it, otherwise float32 "
        f"(default: {default_precision or 'the one of the suite'})",
    )


def add_trusted_method(parser: argparse.ArgumentParser, when: str = "") -> None:
    """Add the option that allows a stored model to load a class."""
    parser.add_argument(
        "--method",
        metavar="MODULE:CLASS",
        help=f"{when}import this class, if the run names it as its method (default: only installed methods)",
    )


def split_names(text: str | None) -> tuple[str, ...] | None:
    """Read names that are separated by commas; None where the option was not given."""
    return None if text is None else tuple(name.strip() for name in text.split(","))


def whole_number(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    """Return a function that reads a whole number from ``least`` up to ``most``."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} up to {most}")
        return value

    return read


def positive_number(text: str) -> float:
    """Read a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def stage_number(text: str) -> int:
    """Read the number of a stage, counted from either end of the cascade."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a stage; the first is 1 and the last is -1")
    return value
