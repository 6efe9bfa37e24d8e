"""What processes of this package have in common: threads, memory, and that they do not outlive who asked for them."""

import ctypes
import multiprocessing
import os
import threading

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Environment that numerical libraries read their number of threads from when they are loaded."""

# Options of mallopt (glibc's malloc.h).
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> None:
    """Let this process keep what it frees, for the next step that asks for as much.

    By itself glibc hands large blocks back to the system and has them zeroed anew, page by page, at every step: on a
    1024² canvas that was a quarter of a float32 step's time, and a tenth on 256². Other C libraries are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT)


def begin_work() -> None:
    """Prepare a process of a pool for computing."""
    keep_freed_memory()
    end_with_parent()


def end_with_parent() -> None:
    """Let this process leave as soon as its parent has ended, however that came about.

    For the start of a process of :mod:`multiprocessing`: a pool ends its processes when it is closed, which a parent
    that is killed never does.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None, "only a process that multiprocessing began has a parent"

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
