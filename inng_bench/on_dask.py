"""What Dask's own processes import of this package: a scheduler has no use for torch and its 700 MB."""

import os
import threading
import time


def serve(line: str) -> tuple[str, bytes]:
    """Serve a job on a worker; a scheduler unpickles the name of this function, and so imports this module."""
    from inng_bench.harness.cluster import worker

    return worker.serve(line)


def dask_setup(server: object) -> None:
    """Let a scheduler or a nanny leave as soon as its parent has ended; Dask calls this where it preloads this."""
    del server
    parent = os.getppid()

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
