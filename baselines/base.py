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
from inng_bench.pictures import TrainingPictures
from inng_bench.pixels import Palette
from inng_bench.resume import adam_tensors, joined, required, restore_adam, restore_generator, restore_module

SHORTEST_SIDE = 16
"""In pixels, of a picture that a baseline draws where it says nothing else."""

REPORTS = 10


class Choices(BaseModel):
    """Settings of a method; this one has none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Configured(Method):
    """A method whose settings are the fields of :attr:`choices`."""

    choices: ClassVar[type[BaseModel]] = Choices

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        if settings and not self.choices.model_fields:
            raise InputError(f"the method {self.name!r} has no settings; remove {', '.join(sorted(settings))}.")
        self._config: Any = parse_settings(self.choices, settings, self.name)
        self._execution = execution

    def configuration(self) -> dict[str, Any]:
        """Return every field of the configuration; only that of a set has a ``picture_side``."""
        fields: dict[str, Any] = self._config.model_dump(mode="json")
        if fields.get("picture_side", 0) is None:
            del fields["picture_side"]  # so that configurations of textures are what they were before there were sets
        return fields

    def supports(self, size: tuple[int, int]) -> bool:
        """Say whether both sides are at least 16 px."""
        return min(size) >= SHORTEST_SIDE


class ClosedForm(Configured):
    """A method whose training costs nothing: a few statistics of the window, or the window itself."""

    statistics: ClassVar[frozenset[str]]

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        super().__init__(settings, execution)
        self._state: dict[str, Tensor] = {}

    def train(
        self,
        window: Tensor | TrainingPictures,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        """Measure the window; see :meth:`inng_bench.contract.Method.train`."""
        del seed, budget, events, checkpoint  # nothing is random, spent, worth a report or worth keeping
        measured = self._measure(window.double()) if isinstance(window, Tensor) else self._measure_set(window)
        self._state = {name: statistic.float() for name, statistic in measured.items()}
        return Training(flops=0.0)

    @abstractmethod
    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        """Return the :attr:`statistics` of a float64 (3, H, W) window."""

    def _measure_set(self, pictures: TrainingPictures) -> dict[str, Tensor]:
        """Return those of a set, where the method learns sets."""
        raise NotImplementedError

    def _statistic(self, name: str) -> Tensor:
        if not self._state:
            raise RuntimeError(f"the method {self.name!r} has to be trained or restored before it can sample")
        return self._state[name].double()

    def state(self) -> dict[str, Tensor]:
        """Return the statistics of the window, float32."""
        return dict(self._state)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over the statistics of a window; refuse those of another method."""
        if set(state) != self.statistics:
            raise InputError(f"the stored model of {self.name!r} is incomplete; train it again.")
        self._state = dict(state)


Course = tuple[Callable[[int], float], int]
"""Maps a number of steps to the share of the training that they are, which ends at 1; steps from report to report."""


class Stepping(Protocol):
    """What is trained step by step."""

    def course(self, budget: float) -> Course:
        """Say how long the training goes on under a budget."""

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


class Resumable:
    """A training whose steps change modules and Adams by one generator of all that is random."""

    _parts: Mapping[str, nn.Module | torch.optim.Adam]
    _random: torch.Generator

    _price: float
    """Counted operations of a step, where all cost the same."""

    def course(self, budget: float) -> "Course":
        """Say how long the training goes on under a budget."""
        return equal_steps(budget, self._price)

    def spent(self, steps: int) -> float:
        """Return the counted operations of so many steps; looks that decide nothing are not the method's."""
        return steps * self._price

    def snapshot(self) -> Snapshot:
        """Return all that changes from step to step."""
        tensors = {
            name: adam_tensors(part) if isinstance(part, torch.optim.Adam) else part.state_dict()
            for name, part in self._parts.items()
        }
        return Snapshot(joined(**tensors) | {"random": self._random.get_state()}, {})

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot`."""
        for name, part in self._parts.items():
            if isinstance(part, torch.optim.Adam):
                restore_adam(part, snapshot, name)
            else:
                restore_module(part, snapshot, name)
        restore_generator(self._random, snapshot, "random")


class Trained(Configured):
    """A method that learns by steps until its budget is spent."""

    trainer: ClassVar[type[Any]]
    """:class:`Stepping`, made of a window, the settings, the execution and a seed."""

    def train(
        self,
        window: Tensor | TrainingPictures,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        """Train until the budget is spent; see :meth:`inng_bench.contract.Method.train`."""
        trainer: Stepping = self.trainer(window, self._config, self._execution, seed)
        steps = take_steps(trainer, budget, events, checkpoint)
        return self._end(trainer, trainer.spent(steps))

    @abstractmethod
    def _end(self, trainer: Any, flops: float) -> Training:
        """Take over what was trained for so many operations."""


class NetworkMethod(Trained):
    """A trained method whose pictures come from one network, and from the window's palette where it has one."""

    _network: nn.Module
    _palette: Palette | None = None

    def _end(self, trainer: Any, flops: float) -> Training:
        self._network = trainer.averaged
        return Training(flops)

    def state(self) -> dict[str, Tensor]:
        """Return the network's weights and the palette."""
        weights = {name: tensor.detach().cpu() for name, tensor in self._network.state_dict().items()}
        if self._palette is None:
            return weights
        return weights | {"palette.mean": self._palette.mean, "palette.factor": self._palette.factor}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over a :meth:`state`; refuse that of other settings."""
        weights = dict(state)
        try:
            if self._palette is not None:
                self._palette = Palette(weights.pop("palette.mean"), weights.pop("palette.factor"))
            self._network.load_state_dict(weights)
        except (KeyError, RuntimeError) as error:
            raise InputError(
                f"the stored {self.name} lacks weights or has others than its settings; train it again."
            ) from error


def descend(start: Tensor, loss_at: Callable[[Tensor], Tensor], evaluations: int) -> Tensor:
    """Return where L-BFGS with a Wolfe line search leads from ``start`` down a loss, after so many evaluations."""
    moved = start.clone().requires_grad_()
    descent = torch.optim.LBFGS(
        [moved],
        max_iter=evaluations,
        max_eval=evaluations,
        history_size=20,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )

    def evaluate() -> Tensor:
        descent.zero_grad()
        loss = loss_at(moved)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    with torch.enable_grad():
        descent.step(evaluate)  # type: ignore[no-untyped-call]
    return moved.detach()


def require_fit(window: Tensor, side: int, setting: str) -> None:
    """Refuse windows (..., 3, H, W) that are smaller than a part of them whose side is a setting."""
    height, width = window.shape[-2:]
    if min(height, width) < side:
        raise InputError(f"a {setting} of {side} px does not fit into a window of {height}×{width} px; lower it.")


def weights_of(network: nn.Module) -> int:
    """Count the weights of a network."""
    return sum(weight.numel() for weight in network.parameters())


def equal_steps(budget: float, step: float, reports: int = REPORTS) -> Course:
    """Return the course of steps that cost the same, as many as come nearest to a budget, one at the least."""
    steps = max(1, round(budget / step))
    return lambda done: done / steps, math.ceil(steps / reports)


def take_steps(trained: Stepping, budget: float, events: Events, checkpoint: Checkpoint) -> int:
    """Take steps, or those that a snapshot leaves; report now and then and at the end; return how many were taken."""
    (share, interval), done = trained.course(budget), 0
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
