"""Who computes on this machine: suites side by side, or one timing alone.

A lock of the operating system on a file that is never written to; it ends with its process, whatever ends that.
"""

import fcntl
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from inng_bench.errors import InputError


class Claim(Enum):
    """How a process claims the machine."""

    SHARED = fcntl.LOCK_SH
    """Beside others who share it."""
    ALONE = fcntl.LOCK_EX
    """With nobody else."""


WAITING = {
    Claim.SHARED: "Another command is timing on this machine (`run`, `throughput` or `compare`) and must not be "
    "disturbed. Waiting until it has ended; press Ctrl-C to stop waiting.",
    Claim.ALONE: "Other suites or timings are running on this machine and would make the measured times useless. "
    "Waiting until they have ended; press Ctrl-C to stop waiting.",
}
"""What is said when others have the machine."""

Say = Callable[[str], None]


def say_on_stderr(text: str) -> None:
    """Print a line for people."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def claim_machine(claim: Claim, say: Say = say_on_stderr) -> Iterator[None]:
    """Hold the machine while a block runs, after those have ended whose claims do not go with this one.

    Who waits holds nothing yet, so that two cannot wait for each other as long as nobody claims twice. Other users of
    the machine are not asked.

    Parameters
    ----------
    claim : Claim
        How.
    say : Callable[[str], None]
        Is told once if there is somebody to wait for.

    Raises
    ------
    InputError
        When the lock cannot be opened.
    """
    path = lock_path()
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise InputError(
            f"the lock {path} cannot be opened ({error.strerror}); set TMPDIR to another folder."
        ) from error
    try:
        try:
            fcntl.flock(descriptor, claim.value | fcntl.LOCK_NB)
        except BlockingIOError:
            say(WAITING[claim])
            fcntl.flock(descriptor, claim.value)
        yield
    finally:
        os.close(descriptor)


def lock_path() -> Path:
    """Return the file of the lock, one for each user of the machine."""
    return Path(tempfile.gettempdir()) / f"inng-bench-{os.getuid()}.lock"
