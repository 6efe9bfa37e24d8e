"""What generative adversarial networks share: their steps, the penalty R1, the weight average, counted operations.

References
----------
Objective and alternation: I. Goodfellow et al., 2014, arXiv 1406.2661, equation 1, with the generator's loss of its
section 3. R1: L. Mescheder, A. Geiger, S. Nowozin, 2018, arXiv 1801.04406, equation 9. Weight average: Y. Yazıcı et
al., 2019, arXiv 1806.04498, equation 2.
"""

import copy
import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.contract import Execution
from inng_bench.pictures import TrainingPictures
from inng_bench.weights import average_into

from .base import Choices, Resumable

GeneratorNetwork = TypeVar("GeneratorNetwork", bound=nn.Module)


ADAM_BETAS = (0.5, 0.999)

PENALTY_INTERVAL = 4
"""Steps between two penalties, each so many times as heavy: the same on the average for fewer operations."""


class AdversarialConfig(Choices):
    """Choices of the training of two networks."""

    batch: int = Field(8, ge=2, description="Real patches, and as many generated ones, of a step.")
    rate: float = Field(5e-4, gt=0, description="Adam's learning rate, both networks.")
    final_rate_share: float = Field(
        1.0, ge=0, le=1, description="Share of the rate that is left when the budget is spent; it falls linearly."
    )
    average_decay: float = Field(0.97, ge=0, lt=1, description="Decay of the generator's weight average; 0 is none.")
    gradient_penalty: float = Field(0.0, ge=0, description="γ of R1, the penalty γ/2 |∇D|² on real patches.")


class Adversaries(Resumable, Generic[GeneratorNetwork]):
    """A generator and a discriminator, their optimisers, and the average of the generator's weights.

    Parameters
    ----------
    generator, discriminator : nn.Module
        With their first weights; the discriminator gives logits (N, n), positive for real.
    window : Tensor
        float32 (3, H, W) in [-1, 1], on the CPU.
    config : AdversarialConfig
        How they are trained.
    execution : Execution
        Device and precision.
    random : torch.Generator
        Of the whole training; snapshots keep its state.
    price : float
        Counted operations of a step.
    """

    def __init__(
        self,
        generator: GeneratorNetwork,
        discriminator: nn.Module,
        window: Tensor | TrainingPictures,
        config: AdversarialConfig,
        execution: Execution,
        random: torch.Generator,
        price: float,
    ) -> None:
        self._window = window if isinstance(window, TrainingPictures) else window.to(execution.device)
        self._price = price
        self._rules, self._execution, self._random = config, execution, random
        self.generator = generator.to(execution.device)
        self._discriminator = discriminator.to(execution.device)
        self._optimisers = tuple(
            torch.optim.Adam(network.parameters(), config.rate, ADAM_BETAS, fused=True)
            for network in (self.generator, self._discriminator)
        )
        self.averaged = copy.deepcopy(self.generator)
        self._parts = {
            "generator": self.generator,
            "discriminator": self._discriminator,
            "averaged": self.averaged,
            "generator_optimiser": self._optimisers[0],
            "discriminator_optimiser": self._optimisers[1],
        }

    def rate(self, share: float) -> float:
        """Return Adam's learning rate once a share of the steps is done."""
        return self._rules.rate * (1 - share * (1 - self._rules.final_rate_share))

    def update(self, number: int, share: float, real: Tensor, latent: Any) -> dict[str, float]:
        """One discriminator step, one generator step; return losses and mean logits.

        Parameters
        ----------
        number : int
            Of the step, from 1.
        share : float
            Of all steps that were before it, in [0, 1).
        real : Tensor
            Patches, float32 (N, 3, side, side) on the device.
        latent : Any
            What the generator draws as many fake ones from.
        """
        for optimiser in self._optimisers:
            optimiser.param_groups[0]["lr"] = self.rate(share)
        with _lowered(self._execution):
            fake = self.generator(latent)
        penalised = self._rules.gradient_penalty > 0 and number % PENALTY_INTERVAL == 0
        values = self._step_discriminator(real, fake.detach(), penalised=penalised) | self._step_generator(fake)
        average_into(self.averaged, self.generator, self._rules.average_decay)
        if not all(map(math.isfinite, values.values())):
            raise FloatingPointError("a loss of the networks is not a number; lower rate")
        return values

    def _step_discriminator(self, real: Tensor, fake: Tensor, *, penalised: bool) -> dict[str, float]:
        optimiser = self._optimisers[1]
        optimiser.zero_grad(set_to_none=True)
        real.requires_grad_(penalised)
        real_logits, fake_logits = self._judge(real), self._judge(fake)
        entropy = _cross_entropy(real_logits, 1.0) + _cross_entropy(fake_logits, 0.0)
        loss = entropy
        if penalised:
            weight = PENALTY_INTERVAL * self._rules.gradient_penalty / 2
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

    def _judge(self, pictures: Tensor) -> Tensor:
        with _lowered(self._execution):
            layout = pictures.contiguous(memory_format=torch.channels_last)
            return self._discriminator(layout).float()  # type: ignore[no-any-return]


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


def update_flops(generator: nn.Module, discriminator: nn.Module, config: AdversarialConfig, latent: Any) -> float:
    """Count the floating-point operations of an update; penalties count with their share of the steps.

    Parameters
    ----------
    generator, discriminator : nn.Module
        On the meta device, where nothing is computed and nothing drawn from the global random state.
    config : AdversarialConfig
        How they are trained.
    latent : Any
        What a batch is drawn from, on the meta device.
    """
    with FlopCounterMode(display=False) as counter:
        fake = generator(latent)
        real = torch.empty_like(fake)
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
    return step + float(counter.get_total_flops()) / PENALTY_INTERVAL


def _cross_entropy(logits: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def _lowered(execution: Execution) -> AbstractContextManager[Any]:
    if execution.dtype is torch.float32:
        return nullcontext()
    return torch.autocast(execution.device.type, dtype=execution.dtype)
