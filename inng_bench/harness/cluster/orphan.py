"""A preload of Dask's processes on this machine: they end with the process that began them, however that ended."""

import os
import threading
import time

SECONDS = 1.0


def dask_setup(server: object) -> None:
    """Watch the parent; Dask calls this when a scheduler, nanny or worker starts."""
    del server
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
