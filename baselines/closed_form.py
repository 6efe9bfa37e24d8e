"""What the rows share that are closed forms of one window: nothing is learnt, and training spends nothing."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from inng_bench.contract import (
    NO_CHECKPOINT,
    Checkpoint,
    Events,
    Execution,
    Method,
    Training,
    ignore_events,
    parse_settings,
)
from inng_bench.errors import InputError

MINIMUM_SIDE = 16
"""Shortest side in pixels of a sample."""


class NoChoices(BaseModel):
    """The configuration of a method that has no settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ClosedForm(Method):
    """A method whose training costs nothing: a few statistics of the window, or the window itself."""

    statistics: ClassVar[frozenset[str]]
    choices: ClassVar[type[BaseModel]] = NoChoices
    """Model of the settings."""

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        if settings and not self.choices.model_fields:
            raise InputError(f"the method {self.name!r} has no settings; remove {', '.join(sorted(settings))}.")
        self._config = parse_settings(self.choices, settings, self.name)
        self.execution = execution
        self._state: dict[str, Tensor] = {}

    def configuration(self) -> dict[str, Any]:
        """Return every field of the configuration."""
        return self._config.model_dump(mode="json")

    def train(
        self,
        window: Tensor,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        """Measure the window; see :meth:`inng_bench.contract.Method.train`."""
        del seed, budget, events, checkpoint  # nothing is random, spent, worth a report or worth keeping
        self._state = {name: statistic.float() for name, statistic in self._measure(window.double()).items()}
        return Training(flops=0.0)

    @abstractmethod
    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        """Return the :attr:`statistics` of a float64 (3, H, W) window."""

    def _statistic(self, name: str) -> Tensor:
        if not self._state:
            raise RuntimeError(f"the method {self.name!r} has to be trained or restored before it can sample")
        return self._state[name].double()

    def supports(self, size: tuple[int, int]) -> bool:
        """Say whether both sides are at least 16 px."""
        return min(size) >= MINIMUM_SIDE

    def state(self) -> dict[str, Tensor]:
        """Return the statistics of the window, float32."""
        return dict(self._state)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over the statistics of a window.

        Raises
        ------
        InputError
            When they are not those of this method.
        """
        if set(state) != self.statistics:
            raise InputError(f"the stored model of {self.name!r} is incomplete; train it again.")
        self._state = dict(state)
