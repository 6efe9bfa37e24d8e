"""The memory that a group of processes holds, asked from outside, and the most that this one has held."""

import contextlib
import math
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
CONTROL_GROUP = Path("/sys/fs/cgroup")

_GROUP, _RESIDENT_PAGES = 2, 21
"""Places in ``/proc/<pid>/stat`` after the command, which stands in brackets and may hold anything."""


def resident_gib(group: int) -> float:
    """Return the resident memory of all processes of a group; 0 where the system does not tell.

    Address space would not do: a build for CUDA maps tens of gigabytes that it never touches.
    """
    sizes = _sizes_from_proc() if (PROC / "self" / "stat").exists() else _sizes_from_ps()
    return sum(size for owner, size in sizes if owner == group) / 2**30


def _sizes_from_proc() -> Iterator[tuple[int, int]]:
    page = os.sysconf("SC_PAGE_SIZE")
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
                yield int(fields[_GROUP]), int(fields[_RESIDENT_PAGES]) * page


def _sizes_from_ps() -> Iterator[tuple[int, int]]:
    command = ["ps", "-A", "-o", "pgid=,rss="]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        for line in subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.splitlines():
            group, kibibytes = line.split()
            yield int(group), int(kibibytes) * 1024


def free_gib() -> float:
    """Return the memory that a process can still get: what the system can spare, within its control group's limit.

    Where the system does not tell (only Linux does) all of its memory is taken to be free, and a limit of control
    groups of version 1 is not seen.
    """
    return min(_spare_bytes(), _left_in_group()) / 2**30


def _spare_bytes() -> float:
    information = PROC / "meminfo"
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _left_in_group() -> float:
    """Return what is left of a limit of control groups, version 2 as a container sees it; infinity without one.

    Cached files count as used there and make room for whoever asks, but for those that lie in memory alone.
    """
    try:
        most, now = (int((CONTROL_GROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        kinds = dict(line.split() for line in (CONTROL_GROUP / "memory.stat").read_text().splitlines())
        return max(0, most - now + int(kinds["file"]) - int(kinds["shmem"]))
    except (OSError, ValueError, KeyError):  # "max" is no number
        return math.inf


def peak_memory_mib() -> float:
    """Return the largest resident size of this process so far.

    Linux counts the parent's memory at the fork into ``ru_maxrss``, so that the size of the program's own address
    space is read instead.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        kibibytes = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), None)
        if kibibytes is not None:
            return int(kibibytes) / 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / 2**20 if sys.platform == "darwin" else largest / 1024
