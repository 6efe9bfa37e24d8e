"""What parent and worker say to each other: one JSON object a line."""

import os
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel

from inng_bench.harness.plan import RunSpec
from inng_bench.records.schema import Provenance


class Task(StrEnum):
    """What a worker is asked to do."""

    RUN = "run"
    MEASURE = "measure"
    DETECT = "detect"
    THROUGHPUT = "throughput"


class Kind(StrEnum):
    """What a message tells."""

    PROGRESS = "progress"
    NOTICE = "notice"
    DONE = "done"
    FAILED = "failed"


class Request(BaseModel, extra="forbid", frozen=True):
    """The parent's only line: the task, the run and the results folder, and the ``module:Class`` that is trusted."""

    task: Task
    run: RunSpec
    results: Path
    trusted: str | None = None


class Message(BaseModel, extra="forbid", frozen=True):
    """A line of the worker.

    Attributes
    ----------
    kind : Kind
        Progress and notices come any number of times, then one of the others ends the conversation.
    phase, fraction : str, float
        Of progress: what the run is at, and the share of its training that is done.
    text : str
        Of a notice: a clause about the run for the person in front of the terminal.
    result : str
        Of a throughput task that is done: the measurement as JSON.
    error : str
        Of a failure: type and text of the exception and the place it came from.
    worker : str
        Of a cluster: who sends it.
    machine : Provenance or None
        Of a failure or a timing elsewhere than on this machine: where it happened.
    """

    kind: Kind
    phase: str = ""
    fraction: float = 0.0
    text: str = ""
    result: str = ""
    error: str = ""
    worker: str = ""
    machine: Provenance | None = None


def without_home(text: str) -> str:
    """Return a text with ``~`` for the home folder: errors become records, which are shown to others."""
    home = os.path.expanduser("~")  # noqa: PTH111 (Path.home() raises for a user without one)
    return text if home == "/" else text.replace(home, "~")
