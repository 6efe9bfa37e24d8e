"""Runs that are killed: a process that has torch loaded forks one child a run, which takes milliseconds, not seconds.

The parent computes nothing, since the threads of torch do not survive a fork. A request is a line of JSON: method,
results folder, and the moments of the kills, one after the other; the run is then left alone until it has its record.
The answer tells how often it was killed and what it said.
Metrics are stubs (``fake_worker.py``) and a snapshot is written at every offer, so that nearly every moment is one of
training or of writing.
"""

import importlib
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import fake_worker
import torch

from inng_bench import files
from inng_bench.harness import checkpoint
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import RunSpec, make_plan
from inng_bench.harness.suite import parse_suite

SMALL_DCGAN = {"generator_filters": 4, "discriminator_filters": 4, "batch": 4, "latent": 10, "intervals": 5}
SMALL_INNG = {
    "filters": 8,
    "canvases": 2,
    "canvas_side": 64,
    "crop_side": 62,
    "crops": 2,
    "classifier_steps": 6,
    "max_steps": 8,
}
SETTINGS = {"dcgan": SMALL_DCGAN, "inng": SMALL_INNG}
TFLOP = {"dcgan": 0.0008, "inng": 0.002}
"""Sixteen steps and some stages."""

Moment = tuple[str, float]
"""``seconds`` after the start, ``offer`` number, or ``operation`` number on the files."""


def plan_run(method: str) -> RunSpec:
    settings = ", ".join(f"{name} = {value}" for name, value in SETTINGS[method].items())
    suite = parse_suite(
        f"""
        name = "kills"
        textures = ["brick"]
        replicates = 1
        budget_tflop = {TFLOP[method]!r}
        precision = "float32"
        sample_size = 256
        canvases = 1
        [[methods]]
        label = "{method}"
        implementation = "{method}"
        settings = {{ {settings} }}
        """,
        "kills",
    )
    return next(run for run in make_plan(suite, Overrides(device="cpu")).runs if run.method == method)


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """Kill a run at each of the moments, then let it come to its end."""
    method, results = request["method"], Path(request["results"])
    notices = results / "notices"
    results.mkdir(exist_ok=True)
    begin = time.perf_counter()
    killed = [attempt(method, results, notices, moment) for moment in request["moments"]].count(-signal.SIGKILL)
    last = attempt(method, results, notices, ("never", 0))
    seconds = time.perf_counter() - begin
    told = notices.read_text().splitlines() if notices.exists() else []
    notices.unlink(missing_ok=True)
    return {"killed": killed, "status": last, "notices": told, "seconds": seconds}


def attempt(method: str, results: Path, notices: Path, moment: Moment) -> int:
    """Return how a child ended that carries the run out."""
    child = os.fork()
    if child == 0:
        carry_out(method, results, notices, moment)
    if moment[0] == "seconds":
        time.sleep(moment[1])
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def carry_out(method: str, results: Path, notices: Path, moment: Moment) -> None:
    """Be the child: run, and die at the moment."""
    from inng_bench.harness.run import execute

    status = 1
    try:
        kind, number = moment
        if kind == "offer":
            die_at_offer(int(number))
        if kind == "operation":
            die_at_operation(int(number))
        with notices.open("a") as stream:
            execute(plan_run(method), results, notice=lambda text: print(text, file=stream, flush=True))
        status = 0
    finally:
        os._exit(status)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_offer(number: int) -> None:
    """Die at an offer, before anything of it is written."""
    countdown = Countdown(number)
    offer = checkpoint.RunCheckpoint.offer

    def dying(self: checkpoint.RunCheckpoint, take: Callable[[], Any]) -> None:
        countdown.tick()
        offer(self, take)

    checkpoint.RunCheckpoint.offer = dying  # type: ignore[method-assign]


def die_at_operation(number: int) -> None:
    """Die at an operation on the files: half-way through a write, before a flush, before or after a renaming."""
    countdown = Countdown(number)
    fdopen, fsync, replace = os.fdopen, os.fsync, Path.replace

    def open_dying(handle: int, mode: str) -> Any:
        stream = fdopen(handle, mode)
        write = stream.write

        def write_dying(content: bytes) -> int:
            if countdown.is_next():
                write(content[: len(content) // 2])
                stream.flush()
            countdown.tick()
            return write(content)

        return Writer(stream, write_dying)

    def sync_dying(handle: int) -> None:
        countdown.tick()
        fsync(handle)

    def replace_dying(self: Path, target: Path) -> Path:
        countdown.tick()
        replaced = replace(self, target)
        countdown.tick()
        return replaced

    patch: Any = files
    patch.os = Patched(os, fdopen=open_dying, fsync=sync_dying)
    Path.replace = replace_dying  # type: ignore[assignment, method-assign]


class Countdown:
    def __init__(self, number: int) -> None:
        self._left = number

    def is_next(self) -> bool:
        return self._left == 1

    def tick(self) -> None:
        self._left -= 1
        if self._left == 0:
            die()


class Writer:
    """A stream with another way to write."""

    def __init__(self, stream: Any, write: Callable[[bytes], int]) -> None:
        self._stream = stream
        self.write = write

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Patched:
    """A module with some functions replaced."""

    def __init__(self, module: Any, **replaced: Callable[..., Any]) -> None:
        self._module = module
        vars(self).update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def main() -> None:
    torch.set_num_threads(1)
    fake_worker.install()
    checkpoint.SHORTEST_SECONDS, checkpoint.LARGEST_SHARE = 0.0, math.inf
    importlib.import_module("inng_bench.harness.run")  # once here, and not in every child
    for method in SETTINGS:
        plan_run(method)
    fake_worker.keep_provenance()
    answer = partial(print, flush=True)
    answer("ready")
    for line in sys.stdin:
        answer(json.dumps(serve(json.loads(line))))


if __name__ == "__main__":
    main()
