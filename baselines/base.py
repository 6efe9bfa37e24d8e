"""What the baselines share: settings, and the course of a training, of equal steps or of none."""

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Protocol

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from inng_bench.contract import (
    NO_CHECKPOINT,
    Checkpoint,
    Events,
    Execution,
    Method,
    Progress,
    Snapshot,
    Training,
    ignore_events,
    parse_settings,
)
from inng_bench.errors import InputError
from inng_bench.resume import required

SHORTEST_SIDE = 16
"""In pixels, of a picture that a baseline draws where it says nothing else."""

REPORTS = 10


class Choices(BaseModel):
    """Settings of a method; this one has none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Stepping(Protocol):
    """What is trained step by step."""

    def step(self, number: int, share: float) -> dict[str, float]:
        """Take a step: its number from 1, and the share of the training that was before it; return losses."""

    def look(self) -> tuple[dict[str, float], Tensor]:
        """Return what else is to be reported of this moment, and some pictures."""

    def spent(self, steps: int) -> float:
        """Return the counted operations of the training so far, of so many steps."""

    def snapshot(self) -> Snapshot:
        """Return all that changes from step to step."""

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot`."""


class Configured(Method):
    """A method whose settings are the fields of :attr:`choices`."""

    choices: ClassVar[type[BaseModel]] = Choices

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        if settings and not self.choices.model_fields:
            raise InputError(f"the method {self.name!r} has no settings; remove {', '.join(sorted(settings))}.")
        self._config: Any = parse_settings(self.choices, settings, self.name)
        self._execution = execution

    def configuration(self) -> dict[str, Any]:
        """Return every field of the configuration."""
        return self._config.model_dump(mode="json")  # type: ignore[no-any-return]

    def supports(self, size: tuple[int, int]) -> bool:
        """Say whether both sides are at least 16 px."""
        return min(size) >= SHORTEST_SIDE


class Trained(Configured):
    """A method that learns by steps until its budget is spent."""

    def train(
        self,
        window: Tensor,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        """Train until the budget is spent; see :meth:`inng_bench.contract.Method.train`."""
        trainer = self._begin(window, seed)
        share, interval = self._course(trainer, budget)
        steps = take_steps(trainer, share, interval, events, checkpoint)
        return self._end(trainer, trainer.spent(steps))

    @abstractmethod
    def _begin(self, window: Tensor, seed: int) -> Any:
        """Return the training of a window, :class:`Stepping`, that has not made a step."""

    @abstractmethod
    def _course(self, trainer: Any, budget: float) -> "Course":
        """Return how long the training goes on under a budget."""

    @abstractmethod
    def _end(self, trainer: Any, flops: float) -> Training:
        """Take over what was trained for so many operations."""


Course = tuple[Callable[[int], float], int]
"""Maps a number of steps to the share of the training that they are, which ends at 1; steps from report to report."""


def equal_steps(budget: float, step: float, reports: int = REPORTS) -> Course:
    """Return the course of steps that cost the same, as many as come nearest to a budget, one at the least."""
    steps = max(1, round(budget / step))
    return lambda done: done / steps, math.ceil(steps / reports)


def take_steps(
    trained: Stepping, share: Callable[[int], float], interval: int, events: Events, checkpoint: Checkpoint
) -> int:
    """Take the steps of a :data:`Course`, or those that a snapshot leaves; report the last one, too; return how many."""
    done = 0
    if (snapshot := checkpoint.load()) is not None:
        done = required(snapshot.values, "steps")
        trained.restore(snapshot)
    while (before := share(done)) < 1:
        done += 1
        values = trained.step(done, before)
        now = min(1.0, share(done))
        if done % interval == 0 or now == 1:
            seen, pictures = trained.look()
            events(Progress(math.ceil(done / interval), trained.spent(done), now, values | seen, pictures))
        checkpoint.offer(partial(_numbered, trained.snapshot, done))
    return done


def _numbered(take: Callable[[], Snapshot], number: int) -> Snapshot:
    snapshot = take()
    return Snapshot(snapshot.tensors, {"steps": number, **snapshot.values})
