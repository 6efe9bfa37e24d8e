"""Workers with stubs that begin in milliseconds: a process that has loaded everything forks one for each client.

A worker that imports torch takes seconds before its first step. This process computes nothing, since the threads of
torch do not survive a fork. Who runs ``warm_client.py`` gets a child that reads the client's pipes and has its
environment; if the client is killed, so is the child, and the client ends as the child did. It lives as long as its
stdin is open.
"""

import contextlib
import importlib
import json
import math
import os
import select
import signal
import socket
import sys
from typing import Any

import fake_worker
import torch

from inng_bench.harness import checkpoint, worker

LOADED = (
    "fake_methods",
    "skimage.data",
    "inng_bench.harness.run",
    "inng_bench.harness.measure",
    "inng_bench.inng.method",
)


class Server:
    """Serves clients at a socket."""

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._clients: dict[int, socket.socket] = {}
        self._ended, self._end = os.pipe()
        os.set_blocking(self._end, False)
        signal.set_wakeup_fd(self._end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Begin and end children until stdin is closed."""
        print("ready", flush=True)
        while True:
            watched: list[Any] = [0, self._listener, self._ended, *self._clients.values()]
            ready = select.select(watched, [], [])[0]
            if self._ended in ready:
                os.read(self._ended, 1 << 12)
            self._tell_ends()
            for child in [child for child, client in self._clients.items() if client in ready]:
                os.kill(child, signal.SIGKILL)  # its client is gone
                self._clients.pop(child).close()
            if self._listener in ready:
                self._begin()
            if 0 in ready:
                return

    def _tell_ends(self) -> None:
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if child == 0:
                return
            if child in self._clients:
                with self._clients.pop(child) as client, contextlib.suppress(OSError):  # it may have been killed too
                    client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())

    def _begin(self) -> None:
        client = self._listener.accept()[0]
        _, pipes, _, _ = socket.recv_fds(client, 1, 3)
        with client.makefile() as stream:
            line = stream.readline()
        if not line:  # the client was killed as it asked
            client.close()
            return
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            be_worker(pipes, request["environment"], request["folder"])
        for pipe in pipes:
            os.close(pipe)
        self._clients[child] = client


def be_worker(pipes: list[int], environment: dict[str, str], folder: str) -> None:
    """Be the worker of a client, in a session of its own."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for number, pipe in enumerate(pipes):
            os.dup2(pipe, number)
        os.closerange(3, 1 << 10)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
        status = worker.main()
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    torch.set_num_threads(1)
    fake_worker.install()
    checkpoint.SHORTEST_SECONDS, checkpoint.LARGEST_SHARE = 0.0, math.inf  # a snapshot at every offer
    for name in LOADED:
        importlib.import_module(name)  # once here, and not in every child
    fake_worker.keep_provenance()
    Server(sys.argv[1]).serve()


if __name__ == "__main__":
    main()
