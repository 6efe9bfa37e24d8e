"""A results folder as a place to write to, by one session at a time."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from inng_bench.errors import InputError


def claim_folder(folder: Path) -> None:
    """Make sure that a results folder exists and can be written to, before any work.

    Raises
    ------
    InputError
        When it is something else or cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"the results cannot be written to {folder} ({error.strerror}); name a folder with --out."
        ) from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other commands that write to a results folder, or need all of it, out of it.

    Raises
    ------
    InputError
        When another one is in it, or its lock cannot be written.
    """
    try:
        acquired = FileLock(folder / ".lock").acquire(timeout=0)
    except Timeout as error:
        raise InputError(
            f"another command is writing to {folder}; wait for it to end, or name another folder."
        ) from error
    except OSError as error:
        raise InputError(
            f"the lock {folder / '.lock'} cannot be opened ({error.strerror}); make the folder writable."
        ) from error
    with acquired:
        yield
