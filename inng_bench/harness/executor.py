"""Where requests are served: by default on this machine, one process a request, as many at a time as asked for.

A process that dies is a failure and nothing more.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from inng_bench.errors import InputError
from inng_bench.harness.machine import Claim, Say, claim_machine
from inng_bench.harness.memory import resident_gib
from inng_bench.harness.messages import Kind, Message, Request, without_home
from inng_bench.processes import THREAD_VARIABLES
from inng_bench.records.schema import NO_LIMITS, Limits

WATCH_SECONDS = 0.5
"""Between two looks at time and memory of the workers."""

GRACE_SECONDS = 5.0
"""Time between asking a worker to end and killing it."""

LAST_LINES = 5
"""Lines of stderr that tell of a crash."""

WORKER = (sys.executable, "-P", "-m", "inng_bench.harness.worker")
"""-P: the present folder does not come first, so that in a checkout the worker runs the code that this process runs."""

OnMessage = Callable[[Request, Message], None]
"""Called for every message; the last of each request is done or failed."""


class Executor(Protocol):
    """Serves requests somewhere, and tells in the calling thread how they go on.

    When a call is interrupted, or ``on_message`` raises, all that is under way is stopped before the exception goes on.
    """

    def serve(self, requests: Sequence[Request], on_message: OnMessage, say: Say) -> None:
        """Serve requests, several at a time.

        Parameters
        ----------
        requests : Sequence[Request]
            Begun in this order.
        on_message : Callable[[Request, Message], None]
            Called at the end of each request with its outcome, and before that with its progress.
        say : Callable[[str], None]
            Takes a line for the person in front of the terminal.
        """

    def serve_alone(self, requests: Sequence[Request], on_message: OnMessage, say: Say) -> None:
        """Serve requests one after the other, each with a machine to itself."""


@dataclass(frozen=True)
class LocalExecutor:
    """Serves requests in processes of this machine, so many at a time."""

    jobs: int

    def serve(self, requests: Sequence[Request], on_message: OnMessage, say: Say) -> None:
        """Serve requests beside others who share the machine."""
        if requests:
            with claim_machine(Claim.SHARED, say):
                run_requests(requests, jobs=self.jobs, on_message=on_message)

    def serve_alone(self, requests: Sequence[Request], on_message: OnMessage, say: Say) -> None:
        """Serve requests when all others on this machine have ended theirs."""
        if requests:
            with claim_machine(Claim.ALONE, say):
                run_requests(requests, jobs=1, on_message=on_message)


def nothing() -> None:
    """Do nothing."""


def run_requests(
    requests: Sequence[Request], *, jobs: int, on_message: OnMessage, on_look: Callable[[], None] = nothing
) -> None:
    """Serve all requests.

    Parameters
    ----------
    requests : Sequence[Request]
        Started in this order.
    jobs : int
        How many processes may live at a time.
    on_message : Callable[[Request, Message], None]
        Called in this thread, once at the end of each request with its outcome and before that with its progress.
    on_look : Callable[[], None]
        Called now and then; may raise to stop.

    Notes
    -----
    When this is interrupted, or a callback raises, all workers are stopped before the exception goes on.
    """
    waiting = deque(requests)
    running: set[_Worker] = set()
    lines: _Lines = queue.SimpleQueue()
    try:
        next_look = time.monotonic()
        while waiting or running:
            while waiting and len(running) < jobs:
                worker = _Worker(waiting.popleft(), lines)
                running.add(worker)
                on_message(worker.request, Message(kind=Kind.PROGRESS, phase="start"))
            if time.monotonic() >= next_look:
                on_look()
                for worker in running:
                    worker.watch()
                next_look = time.monotonic() + WATCH_SECONDS
            try:
                worker, line = lines.get(timeout=WATCH_SECONDS)
            except queue.Empty:
                continue
            if line is None:
                on_message(worker.request, worker.outcome())
                running.remove(worker)
            elif (message := worker.read(line)) is not None:
                on_message(worker.request, message)
    finally:
        _stop(running)


class _Worker:
    """A process that serves one request; its lines come through a queue, then None when it has ended."""

    def __init__(self, request: Request, lines: "_Lines") -> None:
        self.request = request
        self._line = _as_line(request)
        self._last: Message | None = None
        self._began = time.monotonic()
        self._verdict = ""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self.process = subprocess.Popen(
            WORKER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=worker_environment(request.run.threads),
            encoding="utf-8",
            errors="replace",  # a process may be killed within a letter
            start_new_session=True,  # Ctrl-C reaches the parent alone, which then stops its workers
        )
        self._listener = threading.Thread(target=self._listen, args=(lines,), daemon=True)
        self._listener.start()

    def _listen(self, lines: "_Lines") -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # it died at once, which its end will tell
                self.process.stdin.write(self._line)
                self.process.stdin.flush()
            for line in self.process.stdout:
                lines.put((self, line))
            self.process.wait()
        finally:
            lines.put((self, None))

    def read(self, line: str) -> Message | None:
        """Return progress or a notice; keep the last one for :meth:`outcome`; pass over anything else."""
        try:
            message = Message.model_validate_json(line)
        except ValidationError:
            return None
        if message.kind in (Kind.PROGRESS, Kind.NOTICE):
            return message
        self._last = message
        return None

    def watch(self) -> None:
        """Kill the process if it has overstepped a limit of its run."""
        limits = self.request.run.limits
        if self._verdict or limits == NO_LIMITS:
            return
        memory = 0.0 if limits.memory_gib is None else resident_gib(self.process.pid)
        self._verdict = overstepped(limits, time.monotonic() - self._began, memory)
        if self._verdict:
            self.signal(signal.SIGKILL)  # what hangs may not listen to anything milder

    def outcome(self) -> Message:
        """Return how the process ended, after its end."""
        how = self._verdict or describe_end(self.process.returncode)
        last = self._last or Message(kind=Kind.FAILED, error=with_last_lines(how, self._last_lines()))
        self.close()
        return last

    def _last_lines(self) -> list[str]:
        self._errors.seek(0)
        text = self._errors.read().decode("utf-8", errors="replace")
        return [without_home(line) for line in text.splitlines() if line.strip()][-LAST_LINES:]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children."""
        # It may end between the two; macOS then denies the permission as long as nobody has waited for it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.process.poll() is None:
                os.killpg(self.process.pid, number)

    def close(self) -> None:
        """Give the pipes and the file back, after the process has ended."""
        self._listener.join()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # what it did not read any more
            self.process.stdin.close()
        self.process.stdout.close()
        self._errors.close()


def _as_line(request: Request) -> str:
    try:
        return request.model_dump_json() + "\n"
    except PydanticSerializationError as error:
        raise InputError(
            f"the name of the results folder {str(request.results)!r} or of a picture is not UTF-8 text; rename it."
        ) from error


_Lines = queue.SimpleQueue[tuple[_Worker, str | None]]


def overstepped(limits: Limits, seconds: float, memory_gib: float) -> str:
    """Return which limit a process has overstepped and what to do, as a clause; empty for none."""
    if limits.minutes is not None and seconds > 60 * limits.minutes:
        return f"the process was ended after {limits.minutes:g} minutes, its limit (--time-limit)"
    if limits.memory_gib is not None and memory_gib > limits.memory_gib:
        return (
            f"the process was ended at {memory_gib:.2f} GiB of memory, over its limit of {limits.memory_gib:g} GiB "
            "(--memory-limit)"
        )
    return ""


def describe_end(status: int) -> str:
    """Say how a process ended that did not report its own failure, as a clause."""
    if status >= 0:
        return f"the process ended with status {status} and without a result"
    killer = signal.Signals(-status).name
    hint = " (out of memory?)" if killer == "SIGKILL" else ""
    return f"the process was ended by {killer}{hint}"


def with_last_lines(how: str, last_lines: Sequence[str]) -> str:
    """Add what a process said last to how it ended."""
    return ": ".join([how, " | ".join(last_lines)]) if last_lines else f"{how}."


def worker_environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: this one's, its threads set, and importing what this process can import."""
    return {
        **os.environ,
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
        "PYTHONPATH": os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }


def _stop(workers: Iterable[_Worker]) -> None:
    """End all workers, politely first."""
    for worker in workers:
        worker.signal(signal.SIGTERM)
    for worker in workers:
        try:
            worker.process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            worker.signal(signal.SIGKILL)
        worker.close()
