"""A server that shows the page of a results folder to browsers on this machine."""

import hashlib
import threading
import time
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from inng_bench.errors import InputError
from inng_bench.records import store
from inng_bench.report.build import csv_texts
from inng_bench.report.documents import make_sections
from inng_bench.report.page import build_page
from inng_bench.report.study import read_study

LOOPBACK = "127.0.0.1"

FRESH_SECONDS = 60.0
"""What is older was left by a client that was killed."""

_WAITING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="3"><title>Results</title></head>
<body><main><h1>{title}</h1><p>{text}</p><pre>{workers}</pre></main></body></html>
"""


class PageServer(ThreadingHTTPServer):
    """Serves one page and its state, only to this machine; nothing can be written.

    Parameters
    ----------
    results : Path
        The results folder.
    port : int
        0 for any that is free.

    Raises
    ------
    InputError
        When the folder does not exist, or the port is in use.
    """

    daemon_threads = True

    def __init__(self, results: Path, port: int = 0) -> None:
        if not results.is_dir():
            raise InputError(f"{results} is not a folder; name a results folder, such as results/runs/quick.")
        self._results = results
        self._lock = threading.Lock()
        self._made: tuple[str, bytes] = ("", b"")
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            raise InputError(f"port {port} cannot be used ({error.strerror}); name another with --port.") from error

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    @property
    def hosts(self) -> set[str]:
        """The allowed values of the header Host; a request from a foreign page has another one."""
        return {f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")}

    def state(self) -> str:
        """Return what changes whenever a record does."""
        files = [(str(path), path.stat().st_mtime_ns) for path in store.record_files(self._results)]
        return hashlib.sha256(repr(files).encode()).hexdigest()[:16]

    def workers(self) -> str:
        """Return which run is at which worker of a cluster, a line each; nothing where there is none."""
        path = self._results / store.WORKERS_NAME
        try:
            fresh = time.time() - path.stat().st_mtime < FRESH_SECONDS
            return path.read_text(encoding="utf-8") if fresh else ""
        except OSError:
            return ""

    def page(self) -> bytes:
        """Return the page of the present state, made once for all who ask."""
        if not store.record_files(self._results):
            return _waiting("No run has ended yet", "The first row appears here by itself.", self.workers())
        with self._lock:
            state = self.state()
            if self._made[0] != state:
                self._made = state, self._make(state)
            return self._made[1]

    def _make(self, state: str) -> bytes:
        try:
            study = read_study(self._results)
            return build_page(study, make_sections(study), csv_texts(study), live=state)
        except InputError as error:
            return _waiting("The results cannot be shown", str(error))


def _waiting(title: str, text: str, workers: str = "") -> bytes:
    return _WAITING.format(title=escape(title), text=escape(text), workers=escape(workers)).encode()


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        if self.headers.get("Host") not in self.server.hosts:
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"This server answers only this machine.\n")
        elif self.path == "/":
            self._answer(HTTPStatus.OK, "text/html", self.server.page())
        elif self.path == "/state":
            lines = "\n".join(filter(None, (self.server.state(), self.server.workers())))
            self._answer(HTTPStatus.OK, "text/plain", lines.encode())
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"There is nothing here.\n")

    def _answer(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal is the user's."""
