"""What processes of this package have in common: their threads, and that they do not outlive who asked for them."""

import multiprocessing
import os
import threading

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Environment that numerical libraries read their number of threads from when they are loaded."""


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
