"""Methods for the tests of the harness: quick, and broken in one way each."""

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

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
)
from inng_bench.errors import InputError
from inng_bench.seeds import torch_generator

STEPS = 10


class Tiler(Method):
    """Draws pixels of the window at random; learns an offset per channel from the seed."""

    name: ClassVar[str] = "tiler"
    largest: ClassVar[int] = 1 << 20

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        del execution
        defaults: dict[str, Any] = {"strength": 0.01, "marker": ""}
        if unknown := settings.keys() - defaults.keys():
            raise InputError(f"unknown setting {unknown.pop()!r}; there is {', '.join(defaults)}.")
        self.settings = defaults | dict(settings)
        self._state: dict[str, Tensor] = {}

    def configuration(self) -> dict[str, Any]:
        return dict(self.settings)

    def train(
        self,
        window: Tensor,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        offset = self.settings["strength"] * torch.randn(3, generator=torch_generator(seed))
        self._state = {"offset": offset, "window": window.clone()}
        snapshot = checkpoint.load()
        for step in range(1 if snapshot is None else snapshot.values["step"] + 1, STEPS + 1):
            self.happen()
            fraction = step / STEPS
            events(Progress(step, fraction * budget, fraction, self.values(step), self.pictures(fraction)))
            checkpoint.offer(partial(Snapshot, self._state, {"step": step}))
        return Training(budget, ("it is a fake.",))

    def happen(self) -> None:
        """Do what a subclass does in the middle of its training."""

    def values(self, step: int) -> dict[str, float]:
        return {"loss": 1 / step}

    def pictures(self, fraction: float) -> Tensor:
        return torch.full((1, 3, 64, 64), 2 * fraction - 1)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        if not self.supports(size):
            raise InputError(f"the size {size} is not supported.")
        colours = self._state["window"].flatten(1)
        chosen = torch.randint(colours.shape[1], (count, *size), generator=generator)
        drawn: Tensor = colours[:, chosen].transpose(0, 1) + self._state["offset"][:, None, None]
        return drawn.clamp(-1, 1).contiguous()

    def supports(self, size: tuple[int, int]) -> bool:
        return max(size) <= self.largest

    def state(self) -> dict[str, Tensor]:
        return dict(self._state)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self._state = dict(state)


class LikesBright(Tiler):
    """Is a density as well: what is bright is likely."""

    name: ClassVar[str] = "likes-bright"
    window: ClassVar[int] = 32
    window_step: ClassVar[int] = 32

    def log_ratio(self, pictures: Tensor) -> Tensor:
        return pictures.mean(1).unfold(1, 32, 32).unfold(2, 32, 32).mean((3, 4))

    def log_prior(self, pictures: Tensor) -> Tensor:
        return 0.0 * self.log_ratio(pictures)


class SmallTiler(Tiler):
    name: ClassVar[str] = "small-tiler"
    largest: ClassVar[int] = 64


class Raises(Tiler):
    def happen(self) -> None:
        raise ArithmeticError("the loss is upside down")


class Refuses(Tiler):
    def happen(self) -> None:
        raise InputError("the window is too beautiful; take another one.")


class Vanishes(Tiler):
    def happen(self) -> None:
        print("last words", flush=True)
        os._exit(7)


class Killed(Tiler):
    def happen(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class DiesOnce(Tiler):
    """Writes a letter a step into the file named by ``marker`` and is killed at the sixth."""

    def happen(self) -> None:
        with Path(self.settings["marker"]).open("a") as stream:
            stream.write("x")
        if Path(self.settings["marker"]).stat().st_size == 6:
            os.kill(os.getpid(), signal.SIGKILL)


class Sleeps(Tiler):
    """Writes its process id to the file named by ``marker`` and never ends."""

    def happen(self) -> None:
        Path(self.settings["marker"]).write_text(str(os.getpid()))
        time.sleep(600)


class NotFinite(Tiler):
    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        return super().sample(count, size, generator=generator) * float("nan")


class WrongShape(Tiler):
    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        return super().sample(count, (size[0], size[1] + 1), generator=generator)


class LosesItsLoss(Tiler):
    def values(self, step: int) -> dict[str, float]:
        return {"loss": float("inf") if step >= 3 else 1.0}


class ReportsThreads(Tiler):
    def values(self, step: int) -> dict[str, float]:
        del step
        return {"threads": float(torch.get_num_threads())}


# The following break one promise of the contract each.


class TakesAnySetting(Tiler):
    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        del settings
        super().__init__({}, execution)


class UsesTheGlobalGenerator(Tiler):
    def happen(self) -> None:
        torch.rand(1)


class UsesPythonsGenerator(Tiler):
    def happen(self) -> None:
        random.random()


class IgnoresItsSeed(Tiler):
    def train(self, window: Tensor, *, seed: int, **others: Any) -> Training:
        return super().train(window, seed=0 * seed, **others)


class NeverTheSame(Tiler):
    def train(self, window: Tensor, *, seed: int, **others: Any) -> Training:
        return super().train(window, seed=time.perf_counter_ns() + 0 * seed, **others)


class SpendsTooMuch(Tiler):
    def train(self, window: Tensor, *, budget: float, **others: Any) -> Training:
        return super().train(window, budget=9 * budget, **others)


class SpendsTooMuchInSilence(Tiler):
    def train(self, window: Tensor, *, seed: int, budget: float, **others: Any) -> Training:
        del others
        return super().train(window, seed=seed, budget=9 * budget)


class SpendsTooMuchAndSaysSoAtTheEnd(Tiler):
    def train(self, window: Tensor, *, budget: float, events: Events = ignore_events, **others: Any) -> Training:
        training = super().train(window, budget=9 * budget, **others)
        events(Progress(1, training.flops, 1.0, {}))
        return training


class SpendsTooMuchInOneLeap(Tiler):
    """After a first report of hardly anything."""

    def train(self, window: Tensor, *, budget: float, events: Events = ignore_events, **others: Any) -> Training:
        events(Progress(1, 0.01 * budget, 0.01, {}))
        return super().train(window, budget=9 * budget, **others)


class SamplesFromItself(Tiler):
    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        del generator
        return super().sample(count, size, generator=torch_generator(0))


class LeavesTheRange(Tiler):
    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        return 1.5 * super().sample(count, size, generator=generator)


class ForgetsWhenStored(Tiler):
    def restore(self, state: Mapping[str, Tensor]) -> None:
        super().restore({**state, "offset": torch.ones(3)})


class ClaimsLessThanItDraws(Tiler):
    def supports(self, size: tuple[int, int]) -> bool:
        return size == (64, 64)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        drawn = super().sample(count, (64, 64), generator=generator)
        return drawn[:, :, :1, :1].expand(count, 3, *size).contiguous() if size != (64, 64) else drawn


class WritesIntoTheWindow(Tiler):
    def train(self, window: Tensor, **others: Any) -> Training:
        training = super().train(window, **others)
        window[:, 0, 0] = 0.5
        return training


class CountsBackwards(Tiler):
    def train(self, window: Tensor, *, budget: float, events: Events = ignore_events, **others: Any) -> Training:
        def backwards(progress: Progress) -> None:
            events(Progress(progress.step, budget - progress.flops, progress.fraction, progress.values))

        return super().train(window, budget=budget, events=backwards, **others)


class ForgetsWhereItWas(Tiler):
    """Goes on with the right step and another offset."""

    def train(self, window: Tensor, *, checkpoint: Checkpoint = NO_CHECKPOINT, **others: Any) -> Training:
        training = super().train(window, checkpoint=checkpoint, **others)
        if checkpoint.load() is not None:
            self._state["offset"] = self._state["offset"] + 0.01
        return training


class ReportsTwice(Tiler):
    """Begins anew and ends the same, although it keeps snapshots."""

    def train(self, window: Tensor, *, checkpoint: Checkpoint = NO_CHECKPOINT, **others: Any) -> Training:
        return super().train(window, checkpoint=OnlyKeeps(checkpoint), **others)


class OnlyKeeps(Checkpoint):
    def __init__(self, inner: Checkpoint) -> None:
        self._inner = inner

    def offer(self, take: Callable[[], Snapshot]) -> None:
        self._inner.offer(take)
