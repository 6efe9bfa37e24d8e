"""The process of one run: ``python -m inng_bench.harness.worker``, a request on stdin, messages on stdout."""

import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

from inng_bench.errors import InputError
from inng_bench.harness.messages import Kind, Message, Request, Task, without_home
from inng_bench.harness.methods import load_method_class
from inng_bench.harness.plan import RunSpec
from inng_bench.processes import keep_freed_memory
from inng_bench.records import store


def main() -> int:
    """Serve one request; the status is 0 if it was done and 1 if it failed."""
    send = _open_channel()
    request = Request.model_validate_json(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    keep_freed_memory()
    _configure_torch(request.run)
    try:
        result = _serve(request, send)
    except Exception as error:  # whatever a method does, its run must become a row
        traceback.print_exc()
        send(Message(kind=Kind.FAILED, error=explain(error)))
        return 1
    send(Message(kind=Kind.DONE, result=result))
    return 0


def explain(error: Exception) -> str:
    """Return a user's error as its sentence, any other with its type and the place it came from."""
    if isinstance(error, InputError):
        return without_home(str(error))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
    return without_home(f"{type(error).__name__}: {error} ({place})")


def _open_channel() -> Callable[[Message], None]:
    """Keep stdout for messages; what a method prints goes to stderr."""
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(message: Message) -> None:
        channel.write(message.model_dump_json(exclude_defaults=True) + "\n")
        channel.flush()

    return send


def _end_with_parent() -> None:
    """Wait for the end of stdin, which the parent keeps open as long as it lives, and leave at once."""
    sys.stdin.read()
    os._exit(1)


def _configure_torch(run: RunSpec) -> None:
    """Set what is global in torch; this process is the run's own."""
    torch.set_num_threads(run.threads)
    if run.device != "cpu":  # there the number of threads is all that repeatability asks for
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # only costs time


def _serve(request: Request, send: Callable[[Message], None]) -> str:
    """Do what is asked and return its result as JSON, empty where a record is the result."""
    run = request.run
    if request.task is Task.THROUGHPUT:
        from inng_bench.timing import measure_sampler

        folder = store.run_folder(request.results, *run.key)
        return measure_sampler(load_method_class(run.implementation), folder, run.execution).model_dump_json()
    if request.task is Task.MEASURE:
        from inng_bench.harness.measure import measure_again

        send(Message(kind=Kind.PROGRESS, phase="metrics"))
        measure_again(run, request.results)
        return ""
    if request.task is Task.DETECT:
        from inng_bench.harness.measure import detect_again

        send(Message(kind=Kind.PROGRESS, phase="density"))
        detect_again(run, request.results, request.trusted)
        return ""
    from inng_bench.harness.run import execute

    execute(
        run,
        request.results,
        lambda phase, fraction: send(Message(kind=Kind.PROGRESS, phase=phase, fraction=fraction)),
        lambda text: send(Message(kind=Kind.NOTICE, text=without_home(text))),
    )
    return ""


if __name__ == "__main__":
    sys.exit(main())
