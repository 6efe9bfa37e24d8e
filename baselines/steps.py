"""The course of a training of equal steps: what is reported and when, and how it goes on from a snapshot."""

import math
from collections.abc import Callable
from functools import partial
from typing import Protocol

from torch import Tensor

from inng_bench.contract import Checkpoint, Events, Progress, Snapshot
from inng_bench.resume import required


class Stepping(Protocol):
    """What is trained step by step."""

    def step(self, number: int, share: float) -> dict[str, float]:
        """Take a step: its number from 1, and the share of all steps that were before it; return losses."""

    def look(self) -> tuple[dict[str, float], Tensor]:
        """Return what else is to be reported of this moment, and some pictures."""

    def spent(self, steps: int) -> float:
        """Return the counted operations of the training so far, of so many steps."""

    def snapshot(self) -> Snapshot:
        """Return all that changes from step to step."""

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot`."""


def take_steps(trained: Stepping, steps: int, reports: int, events: Events, checkpoint: Checkpoint) -> None:
    """Take steps, or those that a snapshot leaves; report at equal intervals, at most so often, and at the end."""
    interval, done = math.ceil(steps / reports), 0
    if (snapshot := checkpoint.load()) is not None:
        done = required(snapshot.values, "steps")
        trained.restore(snapshot)
    for number in range(done + 1, steps + 1):
        values = trained.step(number, (number - 1) / steps)
        if number % interval == 0 or number == steps:
            seen, pictures = trained.look()
            report = math.ceil(number / interval)
            events(Progress(report, trained.spent(number), number / steps, values | seen, pictures))
        checkpoint.offer(partial(_numbered, trained.snapshot, number))


def _numbered(take: Callable[[], Snapshot], number: int) -> Snapshot:
    snapshot = take()
    return Snapshot(snapshot.tensors, {"steps": number, **snapshot.values})
