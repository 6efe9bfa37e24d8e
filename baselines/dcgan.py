"""DCGAN, the competitor of the paper: Radford, Metz, Chintala, arXiv 1511.06434.

The published recipe at 64 px (transposed convolutions 4×4 of stride 2, batch normalisation, ReLU and tanh in the
generator, leaky ReLU in the discriminator, Adam with β1 0.5, weights N(0, 0.02), one generator step a
discriminator step), trained on random 64 px patches of the window. It draws 64 px tiles and nothing larger.

Four choices differ from the publication because they serve the DCGAN under a budget of minutes: fewer filters and
batches of 8 buy more steps, the rate is 5e-4, and the samples come from a running average of the generator's weights.
Filters and rate are the best of four pairs on the four textures of the suite ``quick`` (5 TFLOP, one seed; geometric
means of Gram distance and patch-FID over the textures): 24 filters and 5e-4 0.74 and 1.16, 24 and 3e-4 0.78 and 1.19,
16 and 5e-4 0.82 and 1.29, 32 and 2e-4 0.84 and 1.37. At 8 TFLOP, with 32 filters and rate 2e-4, the average took the
yardstick of ``tests/test_paper_textures.py`` from 5594 to 3640 on the paper's bricks, and batches of 8 in place of 16
from 14587 to 6002 on grass.
"""

import copy
import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, ClassVar

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

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
from inng_bench.pixels import random_crops
from inng_bench.resume import adam_tensors, joined, required, restore_adam, restore_generator, restore_module
from inng_bench.seeds import derive_seed, torch_generator
from inng_bench.weights import initialised

TILE = 64
LEAK = 0.2
COLLAPSED_DIVERSITY = 0.2
"""Below this share of the real patches' mean pairwise distance a batch counts as collapsed."""


class DCGANConfig(BaseModel):
    """Choices of the DCGAN."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latent: int = Field(100, ge=1, description="Dimension of z, uniform in (-1, 1).")
    generator_filters: int = Field(24, ge=1, description="Channels of the generator's last hidden layer.")
    discriminator_filters: int = Field(24, ge=1, description="Channels of the discriminator's first layer.")
    batch: int = Field(8, ge=2, description="Real patches, and as many generated ones, of a step.")
    rate: float = Field(5e-4, gt=0, description="Adam's learning rate, both networks.")
    momentum: float = Field(0.5, ge=0, lt=1, description="Adam's β1.")
    average_decay: float = Field(0.97, ge=0, lt=1, description="Decay of the generator's weight average; 0 is none.")
    intervals: int = Field(20, ge=1, description="Reports of a training.")


class Generator(nn.Module):
    """z (N, latent) to pictures (N, 3, 64, 64) in [-1, 1]."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        filters = config.generator_filters
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(config.latent, filters * 8, 4, 1, 0, bias=False),  # (8 f, 4, 4)
            *_normalised(filters * 8),
            nn.ConvTranspose2d(filters * 8, filters * 4, 4, 2, 1, bias=False),  # (4 f, 8, 8)
            *_normalised(filters * 4),
            nn.ConvTranspose2d(filters * 4, filters * 2, 4, 2, 1, bias=False),  # (2 f, 16, 16)
            *_normalised(filters * 2),
            nn.ConvTranspose2d(filters * 2, filters, 4, 2, 1, bias=False),  # (f, 32, 32)
            *_normalised(filters),
            nn.ConvTranspose2d(filters, 3, 4, 2, 1),  # (3, 64, 64)
            nn.Tanh(),
        )

    def forward(self, latent: Tensor) -> Tensor:
        """Draw one picture a row of ``latent``."""
        return self.layers(latent[:, :, None, None])  # type: ignore[no-any-return]


class Discriminator(nn.Module):
    """Pictures (N, 3, 64, 64) to logits (N,), positive for real."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        filters = config.discriminator_filters
        self.layers = nn.Sequential(
            nn.Conv2d(3, filters, 4, 2, 1),  # (f, 32, 32)
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Conv2d(filters, filters * 2, 4, 2, 1, bias=False),  # (2 f, 16, 16)
            nn.BatchNorm2d(filters * 2),
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Conv2d(filters * 2, filters * 4, 4, 2, 1, bias=False),  # (4 f, 8, 8)
            nn.BatchNorm2d(filters * 4),
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Conv2d(filters * 4, filters * 8, 4, 2, 1, bias=False),  # (8 f, 4, 4)
            nn.BatchNorm2d(filters * 8),
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Conv2d(filters * 8, 1, 4),  # (1, 1, 1)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Judge each picture."""
        return self.layers(pictures).flatten()  # type: ignore[no-any-return]


def _normalised(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU(inplace=True)


class DCGAN(Method):
    """DCGAN behind the contract; settings are the fields of :class:`DCGANConfig`."""

    name: ClassVar[str] = "dcgan"

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        self._config = parse_settings(DCGANConfig, settings, self.name)
        self._execution = execution
        # The layout of the training's weights, so that a stored generator draws the same bytes.
        self._generator = _generator(self._config, torch_generator(0)).to(execution.device)
        self._generator.to(memory_format=torch.channels_last)

    def configuration(self) -> dict[str, Any]:
        """Return every field of the configuration."""
        return self._config.model_dump(mode="json")

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
        trainer = _Trainer(window, self._config, self._execution, random)
        per_step = step_flops(self._config)
        steps = max(1, round(budget / per_step))
        interval = max(1, steps // self._config.intervals)
        watch = _CollapseWatch(window, self._config, self._execution.device, derive_seed(seed=seed, purpose="watch"))
        done = 0
        if (snapshot := checkpoint.load()) is not None:
            done = required(snapshot.values, "steps")
            trainer.restore(snapshot)
            watch.history = list(required(snapshot.values, "diversity"))
        for step in range(done + 1, steps + 1):
            values = trainer.step()
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


class _Trainer:
    """The two networks, their optimisers and one step of both."""

    def __init__(self, window: Tensor, config: DCGANConfig, execution: Execution, random: torch.Generator) -> None:
        self._config, self._execution, self._random = config, execution, random
        self._window = window.to(execution.device)
        self._generator = _generator(config, random).to(execution.device)
        self._discriminator = initialised(lambda: Discriminator(config), random).to(execution.device)
        self._generator.to(memory_format=torch.channels_last)
        self._discriminator.to(memory_format=torch.channels_last)
        self._optimisers = tuple(
            torch.optim.Adam(network.parameters(), config.rate, (config.momentum, 0.999), fused=True)
            for network in (self._generator, self._discriminator)
        )
        self.averaged = copy.deepcopy(self._generator)

    def step(self) -> dict[str, float]:
        """One discriminator step, one generator step; return losses and mean logits."""
        generator_optimiser, discriminator_optimiser = self._optimisers
        real = random_crops(self._window, self._config.batch, TILE, self._random)
        latent = draw_latent(self._config.batch, self._config, self._random).to(self._execution.device)
        with _lowered(self._execution):
            fake = self._generator(latent)
        discriminator_optimiser.zero_grad(set_to_none=True)
        real_logits, fake_logits = self._judge(real), self._judge(fake.detach())
        discriminator_loss = _cross_entropy(real_logits, 1.0) + _cross_entropy(fake_logits, 0.0)
        discriminator_loss.backward()  # type: ignore[no-untyped-call]
        discriminator_optimiser.step()
        generator_optimiser.zero_grad(set_to_none=True)
        self._discriminator.requires_grad_(False)
        generator_loss = _cross_entropy(self._judge(fake), 1.0)
        generator_loss.backward()  # type: ignore[no-untyped-call]
        self._discriminator.requires_grad_(True)
        generator_optimiser.step()
        self._average()
        losses = {"discriminator_loss": discriminator_loss.item() / 2, "generator_loss": generator_loss.item()}
        if not all(map(math.isfinite, losses.values())):
            raise FloatingPointError("a loss of the DCGAN is not a number; lower rate")
        return losses | {
            "real_logit": real_logits.mean().item(),
            "fake_logit": fake_logits.mean().item(),
        }

    def tensors(self) -> dict[str, Tensor]:
        """Return all that changes from step to step."""
        generator_optimiser, discriminator_optimiser = self._optimisers
        return joined(
            generator=self._generator.state_dict(),
            discriminator=self._discriminator.state_dict(),
            averaged=self.averaged.state_dict(),
            generator_optimiser=adam_tensors(generator_optimiser),
            discriminator_optimiser=adam_tensors(discriminator_optimiser),
        ) | {"random": self._random.get_state()}

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to the :meth:`tensors` of a snapshot."""
        generator_optimiser, discriminator_optimiser = self._optimisers
        restore_module(self._generator, snapshot, "generator")
        restore_module(self._discriminator, snapshot, "discriminator")
        restore_module(self.averaged, snapshot, "averaged")
        restore_adam(generator_optimiser, snapshot, "generator_optimiser")
        restore_adam(discriminator_optimiser, snapshot, "discriminator_optimiser")
        restore_generator(self._random, snapshot, "random")

    def _judge(self, pictures: Tensor) -> Tensor:
        with _lowered(self._execution):
            layout = pictures.contiguous(memory_format=torch.channels_last)
            return self._discriminator(layout).float()  # type: ignore[no-any-return]

    @torch.no_grad()
    def _average(self) -> None:
        for mean, value in zip(self.averaged.state_dict().values(), self._generator.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - self._config.average_decay)


class _CollapseWatch:
    """Follows the diversity of one fixed batch of latent vectors, relative to the real patches'."""

    def __init__(self, window: Tensor, config: DCGANConfig, device: torch.device, seed: int) -> None:
        random = torch_generator(seed)
        self._latent = draw_latent(32, config, random).to(device)
        self._real = mean_pairwise_distance(random_crops(window, 32, TILE, random))
        self.history: list[float] = []
        """Diversity at each look, the earliest first."""

    @torch.no_grad()
    def draw(self, generator: Generator) -> Tensor:
        """Draw the fixed batch, float32 (32, 3, 64, 64) on the CPU."""
        generator.eval()
        return generator(self._latent).float().cpu()  # type: ignore[no-any-return]

    def diversity(self, tiles: Tensor) -> float:
        """Return the tiles' mean pairwise distance over the real patches'."""
        self.history.append(mean_pairwise_distance(tiles) / max(self._real, 1e-12))
        return self.history[-1]

    def warnings(self) -> tuple[str, ...]:
        """Say whether the training ended collapsed, or collapsed on its way and recovered."""
        least = min(self.history[len(self.history) // 4 :])  # the first quarter has yet to leave one grey
        if least >= COLLAPSED_DIVERSITY:
            return ()
        when = "ended collapsed" if self.history[-1] < COLLAPSED_DIVERSITY else "collapsed on its way and recovered"
        return (f"{when}: at the least, tiles differed {least:.2f} times as much as real patches.",)


def _snapshot(trainer: _Trainer, watch: _CollapseWatch, step: int) -> Snapshot:
    """Return all that a training needs to go on after a step."""
    return Snapshot(trainer.tensors(), {"steps": step, "diversity": list(watch.history)})


def mean_pairwise_distance(pictures: Tensor) -> float:
    """Return the mean Euclidean distance between pictures (N, ...)."""
    return float(torch.pdist(pictures.flatten(1)).mean())


def draw_latent(count: int, config: DCGANConfig, generator: torch.Generator) -> Tensor:
    """Draw z, uniform in (-1, 1), (count, latent)."""
    return torch.rand((count, config.latent), generator=generator) * 2 - 1


def step_flops(config: DCGANConfig) -> float:
    """Count the floating-point operations of one step of both networks."""
    with torch.device("meta"):  # computes nothing and draws nothing from the global random state
        generator, discriminator = Generator(config), Discriminator(config)
    latent = torch.empty((config.batch, config.latent), device="meta")
    real = torch.empty((config.batch, 3, TILE, TILE), device="meta")
    with FlopCounterMode(display=False) as counter:
        fake = generator(latent)
        (discriminator(real).sum() + discriminator(fake.detach()).sum()).backward()
        discriminator.requires_grad_(False)
        discriminator(fake).sum().backward()
    return float(counter.get_total_flops())


def _cross_entropy(logits: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def _lowered(execution: Execution) -> AbstractContextManager[Any]:
    if execution.dtype is torch.float32:
        return nullcontext()
    return torch.autocast(execution.device.type, dtype=execution.dtype)


def _generator(config: DCGANConfig, random: torch.Generator) -> Generator:
    return initialised(lambda: Generator(config), random)
