"""One training of both networks, step by step."""

import copy
import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.contract import Execution, Snapshot
from inng_bench.pixels import random_crops
from inng_bench.resume import adam_tensors, joined, restore_adam, restore_generator, restore_module

from .networks import TILE, Discriminator, Generator, draw_latent, new_discriminator, new_generator
from .presets import DCGANConfig


class Trainer:
    """The two networks, their optimisers and one step of both."""

    def __init__(self, window: Tensor, config: DCGANConfig, execution: Execution, random: torch.Generator) -> None:
        self._config, self._execution, self._random = config, execution, random
        self._window = window.to(execution.device)
        self.generator = new_generator(config, random).to(execution.device)
        self._discriminator = new_discriminator(config, random).to(execution.device)
        self._optimisers = tuple(
            torch.optim.Adam(network.parameters(), config.rate, (config.momentum, 0.999), fused=True)
            for network in (self.generator, self._discriminator)
        )
        self.averaged = copy.deepcopy(self.generator)

    def rate(self, share: float) -> float:
        """Return Adam's learning rate once a share of the steps is done."""
        return self._config.rate * (1 - share * (1 - self._config.final_rate_share))

    def step(self, number: int, share: float) -> dict[str, float]:
        """One discriminator step, one generator step; return losses and mean logits.

        Parameters
        ----------
        number : int
            Of the step, from 1.
        share : float
            Of all steps that were before it, in [0, 1).
        """
        for optimiser in self._optimisers:
            optimiser.param_groups[0]["lr"] = self.rate(share)
        real = random_crops(self._window, self._config.batch, TILE, self._random)
        latent = draw_latent(self._config.batch, self._config, self._random).to(self._execution.device)
        with _lowered(self._execution):
            fake = self.generator(latent)
        penalised = self._config.gradient_penalty > 0 and number % self._config.penalty_interval == 0
        values = self._step_discriminator(real, fake.detach(), penalised=penalised) | self._step_generator(fake)
        self._average()
        if not all(map(math.isfinite, values.values())):
            raise FloatingPointError("a loss of the DCGAN is not a number; lower rate")
        return values

    def _step_discriminator(self, real: Tensor, fake: Tensor, *, penalised: bool) -> dict[str, float]:
        optimiser = self._optimisers[1]
        optimiser.zero_grad(set_to_none=True)
        real.requires_grad_(penalised)
        real_logits, fake_logits = self._judge(real), self._judge(fake)
        entropy = _cross_entropy(real_logits, 1.0) + _cross_entropy(fake_logits, 0.0)
        loss = entropy
        if penalised:  # seldom, and so many times as heavy: the same on the average for fewer operations
            weight = self._config.penalty_interval * self._config.gradient_penalty / 2
            loss = entropy + weight * squared_gradient(real_logits, real)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return {
            "discriminator_loss": entropy.item() / 2,
            "real_logit": real_logits.mean().item(),
            "fake_logit": fake_logits.mean().item(),
        }

    def _step_generator(self, fake: Tensor) -> dict[str, float]:
        optimiser = self._optimisers[0]
        optimiser.zero_grad(set_to_none=True)
        self._discriminator.requires_grad_(False)
        loss = _cross_entropy(self._judge(fake), 1.0)
        loss.backward()  # type: ignore[no-untyped-call]
        self._discriminator.requires_grad_(True)
        optimiser.step()
        return {"generator_loss": loss.item()}

    def tensors(self) -> dict[str, Tensor]:
        """Return all that changes from step to step."""
        generator_optimiser, discriminator_optimiser = self._optimisers
        return joined(
            generator=self.generator.state_dict(),
            discriminator=self._discriminator.state_dict(),
            averaged=self.averaged.state_dict(),
            generator_optimiser=adam_tensors(generator_optimiser),
            discriminator_optimiser=adam_tensors(discriminator_optimiser),
        ) | {"random": self._random.get_state()}

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to the :meth:`tensors` of a snapshot."""
        generator_optimiser, discriminator_optimiser = self._optimisers
        restore_module(self.generator, snapshot, "generator")
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
        for mean, value in zip(self.averaged.state_dict().values(), self.generator.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - self._config.average_decay)


def squared_gradient(logits: Tensor, pictures: Tensor) -> Tensor:
    """Return the mean over pictures of the squared norm of the gradient of their mean logit; it has a gradient itself.

    Parameters
    ----------
    logits : Tensor
        (N, n).
    pictures : Tensor
        What they were computed from, (N, ...).
    """
    (gradient,) = torch.autograd.grad(logits.mean(1).sum(), pictures, create_graph=True)
    return gradient.square().sum() / len(pictures)


def step_flops(config: DCGANConfig) -> float:
    """Count the floating-point operations of a step of both networks; penalties count with their share of the steps."""
    with torch.device("meta"):  # computes nothing and draws nothing from the global random state
        generator, discriminator = Generator(config), Discriminator(config)
    latent = torch.empty((config.batch, config.latent), device="meta")
    real = torch.empty((config.batch, 3, TILE, TILE), device="meta")
    with FlopCounterMode(display=False) as counter:
        fake = generator(latent)
        (discriminator(real).sum() + discriminator(fake.detach()).sum()).backward()
        discriminator.requires_grad_(False)
        discriminator(fake).sum().backward()
    step = float(counter.get_total_flops())
    if config.gradient_penalty == 0:
        return step
    discriminator.requires_grad_(True)
    real.requires_grad_()
    logits = discriminator(real)
    with FlopCounterMode(display=False) as counter:
        squared_gradient(logits, real).backward()  # type: ignore[no-untyped-call]
    return step + float(counter.get_total_flops()) / config.penalty_interval


def _cross_entropy(logits: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def _lowered(execution: Execution) -> AbstractContextManager[Any]:
    if execution.dtype is torch.float32:
        return nullcontext()
    return torch.autocast(execution.device.type, dtype=execution.dtype)
