"""DCGAN behind the contract of methods."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from inng_bench.contract import (
    NO_CHECKPOINT,
    Checkpoint,
    Events,
    Execution,
    Method,
    Snapshot,
    Training,
    ignore_events,
)
from inng_bench.errors import InputError
from inng_bench.pictures import DrawReal, TrainingPictures
from inng_bench.pixels import Palette, random_crops
from inng_bench.seeds import derive_seed, torch_generator

from ..steps import take_steps
from .networks import Discriminator, Generator, draw_latent, new_generator
from .presets import DCGANConfig, configure
from .training import Trainer, step_flops
from .watch import Watch, looking_flops


class DCGAN(Method):
    """A DCGAN.

    Settings are ``preset`` (a name of :data:`.presets.PRESETS`) and any field of :class:`.presets.DCGANConfig`, which
    then wins over the preset.
    """

    name: ClassVar[str] = "dcgan"

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        self._preset, self._config = configure(settings)
        self._execution = execution
        self._generator = new_generator(self._config, torch_generator(0)).to(execution.device)
        self._palette = Palette(torch.zeros(3), torch.zeros(3, 3)) if self._config.palette else None

    def configuration(self) -> dict[str, Any]:
        """Return the preset's name and every field of the configuration."""
        fields = {"preset": self._preset, **self._config.model_dump(mode="json")}
        if self._config.picture_side is None:
            del fields["picture_side"]  # so that configurations of textures are what they were before there were sets
        return fields

    def supports(self, size: tuple[int, int]) -> bool:
        """Only the trained size; a larger picture would be a mosaic."""
        return size == (self._config.side, self._config.side)

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
        if self._config.palette:
            self._palette = Palette.of(window)
        return self._learn(partial(random_crops, window), seed, budget, events, checkpoint)

    def train_on(
        self,
        pictures: TrainingPictures,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        """Train on a set; see :meth:`inng_bench.contract.LearnsPictures.train_on`."""
        return self._learn(pictures.draw, seed, budget, events, checkpoint)

    def _learn(self, draw_real: DrawReal, seed: int, budget: float, events: Events, checkpoint: Checkpoint) -> Training:
        trainer = Trainer(draw_real, self._config, self._execution, torch_generator(seed))
        watch = Watch(draw_real, self._config, trainer.averaged, derive_seed(seed=seed, purpose="watch"))
        watched = _Watched(trainer, watch, step_flops(self._config))
        steps = planned_steps(self._config, budget)
        take_steps(watched, steps, self._config.intervals, events, checkpoint)
        self._generator = watch.kept
        return Training(watched.spent(steps), watch.warnings())

    def snapshot_bytes(self, budget: float) -> float:
        """Count both networks with their Adams, and the generator's average and best moment."""
        del budget
        with torch.device("meta"):
            generator, discriminator = (
                sum(weight.numel() for weight in network.parameters())
                for network in (Generator(self._config), Discriminator(self._config))
            )
        return 4.0 * ((5 if self._config.best_moment else 4) * generator + 3 * discriminator)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw tiles; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"DCGAN draws {self._config.side} px tiles, not {size}"
        latent = draw_latent(count, self._config, generator).to(self._execution.device)
        self._generator.eval()
        with torch.no_grad():
            # In small batches, so that thousands of tiles do not need gigabytes.
            tiles = [self._generator(part) for part in torch.split(latent, 64)]
        drawn = torch.cat(tiles).float().cpu()
        return (drawn if self._palette is None else self._palette.within(drawn)).clamp(-1, 1)

    def state(self) -> dict[str, Tensor]:
        """Return the generator's weights and running statistics, and the palette."""
        state = {name: tensor.detach().cpu() for name, tensor in self._generator.state_dict().items()}
        if self._palette is not None:
            state |= {"palette.mean": self._palette.mean, "palette.factor": self._palette.factor}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over a :meth:`state`."""
        weights = dict(state)
        try:
            if self._palette is not None:
                self._palette = Palette(weights.pop("palette.mean"), weights.pop("palette.factor"))
            self._generator.load_state_dict(weights)
        except (KeyError, RuntimeError) as error:
            raise InputError(
                "the stored DCGAN lacks weights or has others than its settings; train it again."
            ) from error


def planned_steps(config: DCGANConfig, budget: float) -> int:
    """Return how many steps a budget pays for beside the looks that choose the best moment."""
    return max(1, round((budget - looking_flops(config, config.intervals)) / step_flops(config)))


@dataclass(frozen=True)
class _Watched:
    """A training and what watches it, as one."""

    trainer: Trainer
    watch: Watch
    step_flops: float

    def step(self, number: int, share: float) -> dict[str, float]:
        return self.trainer.step(number, share)

    def look(self) -> tuple[dict[str, float], Tensor]:
        values, tiles = self.watch.look()
        return values, tiles[:4]

    def spent(self, steps: int) -> float:
        return steps * self.step_flops + self.watch.flops

    def snapshot(self) -> Snapshot:
        trained, seen = self.trainer.snapshot(), self.watch.snapshot()
        return Snapshot({**trained.tensors, **seen.tensors}, {**trained.values, **seen.values})

    def restore(self, snapshot: Snapshot) -> None:
        self.trainer.restore(snapshot)
        self.watch.restore(snapshot)
