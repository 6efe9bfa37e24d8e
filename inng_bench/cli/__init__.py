"""The command line, ``inng-bench`` or ``python -m inng_bench``: one module for each command.

A command imports what it needs when it runs, so that help and lists come at once.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from inng_bench.cli.options import refuse_word
from inng_bench.cli.parser import FIRST_STEPS, build_parser
from inng_bench.errors import ExitStatus, InputError, one_line

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["build_parser", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Parameters
    ----------
    argv : Sequence[str] or None
        The arguments; None for those of the process.

    Returns
    -------
    int
        One of :class:`inng_bench.errors.ExitStatus`.
    """
    arguments, unknown = build_parser().parse_known_args(argv)
    if unknown:
        refuse_word(arguments.parser, unknown[0])
    command: Callable[[Namespace], int] | None = arguments.command
    if command is None:
        print(FIRST_STEPS, file=sys.stderr)
        return ExitStatus.BAD_INPUT
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
        print(f"inng-bench: interrupted. {arguments.left}", file=sys.stderr)
        return ExitStatus.INTERRUPTED
