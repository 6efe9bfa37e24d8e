"""DCGAN behind the contract of methods."""

from collections.abc import Mapping
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
    Progress,
    Snapshot,
    Training,
    ignore_events,
)
from inng_bench.errors import InputError
from inng_bench.resume import required
from inng_bench.seeds import derive_seed, torch_generator

from .networks import TILE, Discriminator, Generator, draw_latent, new_generator
from .presets import configure
from .training import Trainer, step_flops
from .watch import CollapseWatch


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

    def configuration(self) -> dict[str, Any]:
        """Return the preset's name and every field of the configuration."""
        return {"preset": self._preset, **self._config.model_dump(mode="json")}

    def supports(self, size: tuple[int, int]) -> bool:
        """Only the trained size; a larger picture would be a mosaic."""
        return size == (TILE, TILE)

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
        random = torch_generator(seed)
        trainer = Trainer(window, self._config, self._execution, random)
        per_step = step_flops(self._config)
        steps = max(1, round(budget / per_step))
        interval = max(1, steps // self._config.intervals)
        watch = CollapseWatch(window, self._config, self._execution.device, derive_seed(seed=seed, purpose="watch"))
        done = 0
        if (snapshot := checkpoint.load()) is not None:
            done = required(snapshot.values, "steps")
            trainer.restore(snapshot)
            watch.history = list(required(snapshot.values, "diversity"))
        for step in range(done + 1, steps + 1):
            values = trainer.step(step, (step - 1) / steps)
            if step % interval == 0 or step == steps:
                tiles = watch.draw(trainer.averaged)
                values["diversity"] = watch.diversity(tiles)
                events(Progress(len(watch.history), step * per_step, step / steps, values, tiles[:4]))
            checkpoint.offer(partial(_snapshot, trainer, watch, step))
        self._generator = trainer.averaged
        return Training(steps * per_step, watch.warnings())

    def snapshot_bytes(self, budget: float) -> float:
        """Count both networks with their Adams, and the generator's average."""
        del budget
        with torch.device("meta"):
            generator, discriminator = (
                sum(weight.numel() for weight in network.parameters())
                for network in (Generator(self._config), Discriminator(self._config))
            )
        return 4.0 * (4 * generator + 3 * discriminator)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw tiles; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"DCGAN draws {TILE} px tiles, not {size}"
        latent = draw_latent(count, self._config, generator).to(self._execution.device)
        self._generator.eval()
        with torch.no_grad():
            # In small batches, so that thousands of tiles do not need gigabytes.
            tiles = [self._generator(part) for part in torch.split(latent, 64)]
        return torch.cat(tiles).float().clamp(-1, 1).cpu()

    def state(self) -> dict[str, Tensor]:
        """Return the generator's weights and running statistics."""
        return {name: tensor.detach().cpu() for name, tensor in self._generator.state_dict().items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over a :meth:`state`."""
        try:
            self._generator.load_state_dict(dict(state))
        except RuntimeError as error:
            raise InputError(
                "the stored DCGAN lacks weights or has others than its settings; train it again."
            ) from error


def _snapshot(trainer: Trainer, watch: CollapseWatch, step: int) -> Snapshot:
    """Return all that a training needs to go on after a step."""
    return Snapshot(trainer.tensors(), {"steps": step, "diversity": list(watch.history)})
