"""Ask ``warm_server.py`` for a worker and be it to the outside: its pipes, its environment, its end.

The standard library alone, so that it begins in milliseconds.
"""

import json
import os
import resource
import signal
import socket


def main() -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["INNG_TEST_WORKERS"])
        socket.send_fds(connection, [b"0"], [0, 1, 2])
        request = json.dumps({"environment": dict(os.environ), "folder": os.getcwd()})  # noqa: PTH109 (pathlib takes longer to load than the rest)
        with connection.makefile("rw") as stream:
            print(request, file=stream, flush=True)
            status = int(stream.readline())
    if status >= 0:
        os._exit(status)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.kill(os.getpid(), -status)
    signal.pause()


if __name__ == "__main__":
    main()
