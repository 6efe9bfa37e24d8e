"""Errors that the user can correct, and the exit status of every command."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit status of a command."""

    OK = 0
    REGRESSION = 1
    BAD_INPUT = 2
    RUNS_FAILED = 3
    INTERRUPTED = 130


class InputError(Exception):
    """A command or an input that is wrong.

    The message is one sentence that names what is wrong and how to correct it; the command line prints it
    without a traceback and ends with :attr:`ExitStatus.BAD_INPUT`.
    """


def one_line(error: InputError) -> str:
    """Return the sentence of an error for a terminal; names of files may hold line breaks and control characters."""
    text = " ".join(str(error).split())
    return "".join(character if character.isprintable() else "?" for character in text)
