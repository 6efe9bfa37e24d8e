"""Who computes on this machine: suites side by side, or one timing alone.

A lock of the operating system on a file that is never written to; it ends with its process, whatever ends that.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
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


_REFUSALS = {
    Claim.SHARED: "the sampler is being timed on this machine, which a run would disturb; start again when "
    "`throughput` has ended.",
    Claim.ALONE: "a suite or another timing runs on this machine, and times would mean nothing; start again when it "
    "has ended.",
}


@contextmanager
def claim_machine(claim: Claim) -> Iterator[None]:
    """Hold the machine while a block runs; other users of the machine are not asked.

    Raises
    ------
    InputError
        At once, when somebody else's claim does not go with this one.
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
        except BlockingIOError as error:
            raise InputError(_REFUSALS[claim]) from error
        yield
    finally:
        os.close(descriptor)


def lock_path() -> Path:
    """Return the file of the lock, one for each user of the machine."""
    return Path(tempfile.gettempdir()) / f"inng-bench-{os.getuid()}.lock"
