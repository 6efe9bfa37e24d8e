"""WINN: introspective learning with a critic of the Wasserstein distance in place of INNg's classifier.

A critic f learns to minimise (Lee et al., section 3.2; the penalty is that of I. Gulrajani et al., 2017, 1704.00028)

    E_neg[f(x)] - E_data[f(x)] + λ E[(|∇f(x̂)| - 1)²],  x̂ uniform between a real window and a pseudo-negative one,

and pseudo-negatives are pictures that climb f from where they began, each until its f reaches the mean of f over real
crops (their early stop). Both take turns: some steps of the critic, then new pseudo-negatives from the beginning.

A cascade of few critics, as their WINN-4CNNs: each learns for an equal share of the budget, and the pictures that it
drew last are where the next one's begin. With ``critics`` 1 it is WINN-single.

Network, p0 and the sampler, which has noise where a texture is learnt, are INNg's, see :mod:`.one_network`; so there is
no layer normalisation. The penalty is on windows of one verdict each.

References
----------
K. Lee, W. Xu, F. Fan, Z. Tu, "Wasserstein introspective neural networks", CVPR 2018, arXiv 1711.08875.
"""

import math
from functools import cache
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.contract import Execution, Snapshot, Training
from inng_bench.inng.algorithm import climb_stage
from inng_bench.inng.network import Classifier, evaluate
from inng_bench.inng.presets import FAST
from inng_bench.inng.resume import in_order, numbered, restore_stages, stage_tensors
from inng_bench.inng.state import Stage
from inng_bench.pictures import TrainingPictures
from inng_bench.resume import joined, required, required_like

from .base import Course
from .one_network import Learner, OneNetwork, OneNetworkChoices

PENALTY = 10.0
"""λ."""

LEVEL_BATCHES = 4
"""Batches of real crops over which the mean of f is taken."""


class WINNChoices(OneNetworkChoices):
    """Choices of a Wasserstein introspective network."""

    critics: int = Field(4, ge=1, description="Critics of the cascade.")
    critic_steps: int = Field(20, ge=1, description="Steps of a critic between two drawings of pseudo-negatives.")
    max_steps: int = Field(60, ge=1, description="Sampler steps at the most, for each critic.")


def slope_penalty(network: torch.nn.Module, windows: Tensor) -> Tensor:
    """Return the mean of (|∇f| - 1)² over windows (N, 3, side, side) of one verdict each; it has a gradient itself."""
    windows = windows.detach().requires_grad_()
    (slope,) = torch.autograd.grad(evaluate(network, windows, torch.float32).sum(), windows, create_graph=True)
    penalty: Tensor = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    return penalty


@cache
def penalty_flops(config: WINNChoices) -> float:
    """Count the floating-point operations of a penalty and of its gradient."""
    recipe = config.cascade(Execution()).recipe
    with torch.device("meta"):
        critic, side = Classifier(recipe.design).eval(), recipe.window
        windows = torch.empty((recipe.crops, 3, side, side))
    with FlopCounterMode(display=False) as counter:
        slope_penalty(critic, windows).backward()  # type: ignore[no-untyped-call]
    return float(counter.get_total_flops())


class Trainer(Learner):
    """The critics, and the pictures that climb them."""

    def __init__(self, window: Tensor | TrainingPictures, config: WINNChoices, execution: Execution, seed: int) -> None:
        super().__init__(window, config, execution, seed)
        self._config, self._price = config, penalty_flops(config)
        self.start = self.drawn = self.first
        self.history = [self.drawn.half()]
        self.stages: list[Stage] = []
        self.missed = 0.0

    def step(self, number: int, share: float) -> dict[str, float]:
        """Take a turn: steps of the critic, and pictures that climb it."""
        del number
        if math.floor(share * self._config.critics) >= len(self.stages):
            self.start = self.drawn  # where the critics before, if any, have led
        else:
            self.stages.pop()
            if not self.stages:
                self.start = self.noise()
        for _ in range(self._config.critic_steps):
            values = self._learn()
        self._put_level_at_zero()
        self.stages.append(self.stage(self._config.max_steps))
        climb = climb_stage(self.stages[-1], self.start, self.sampler, self._random)
        self.work.evaluations += climb.evaluations
        self.drawn = climb.canvases
        self.history = [*self.history, self.drawn.half()][-self.recipe.history_stages :]
        self.missed = 1 - float(climb.reached.float().mean())
        return values | {"sampler_steps": float(climb.steps.float().mean()), "missed": self.missed}

    def _learn(self) -> dict[str, float]:
        real, drawn = self.real_crops(), self.crops_of(self.history)
        of_real, of_drawn = evaluate(self.network, torch.cat([real, drawn]), self._execution.dtype).chunk(2)
        gap = of_drawn.mean() - of_real.mean()
        side = self.recipe.window
        between = torch.rand((len(real), 1, 1, 1), generator=self._random).to(real.device)
        penalty = slope_penalty(self.network, torch.lerp(real, drawn, between)[:, :, :side, :side])
        self.descend(gap + PENALTY * penalty, self._config.rate)
        return {"distance": -gap.item(), "penalty": penalty.item()}

    @torch.no_grad()
    def _put_level_at_zero(self) -> None:
        """Choose the constant of f, which the loss leaves open, so that it is 0 on average over real crops."""
        batches = [evaluate(self.network, self.real_crops(), self._execution.dtype) for _ in range(LEVEL_BATCHES)]
        assert self.network.head.bias is not None
        self.network.head.bias -= torch.cat(batches).mean()
        self.work.classifier_passes += LEVEL_BATCHES // 2  # a pass is of as many pseudo-negative crops, too

    def look(self) -> tuple[dict[str, float], Tensor]:
        """Show what climbed last."""
        return {}, self.drawn[:4].cpu()

    def course(self, budget: float) -> Course:
        """Go on until another turn, of the mean cost of those before, would end farther from the budget."""
        return lambda turns: self.spent(turns) * (1 + 0.5 / turns) / budget if turns else 0.0, 1

    def spent(self, steps: int) -> float:
        """Return the counted operations so far."""
        del steps
        return self.prices.of_work(self.work) + self.work.classifier_steps * self._price

    def snapshot(self) -> Snapshot:
        """Return all that changes from turn to turn."""
        taken, canvases = super().snapshot(), {"start": self.start, "drawn": self.drawn}
        tensors = {**taken.tensors, **joined(history=numbered(self.history)), **stage_tensors(self.stages), **canvases}
        values = {"stages": len(self.stages), "history": len(self.history), "missed": self.missed}
        return Snapshot(tensors, {**taken.values, **values})

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot`."""
        super().restore(snapshot)
        device, dtype = self._execution.device, self._execution.dtype
        paces = [(self._config.max_steps, self._config.step_size)] * required(snapshot.values, "stages")
        self.stages = restore_stages(snapshot.tensors, paces, self.recipe, device, dtype)
        self.history = [one.to(device) for one in in_order(snapshot, "history", required(snapshot.values, "history"))]
        self.start, self.drawn = (required_like(self.start, snapshot, n).to(device) for n in ("start", "drawn"))
        self.missed = required(snapshot.values, "missed")


class WINN(OneNetwork):
    """A Wasserstein introspective network; settings are the fields of :class:`WINNChoices`."""

    name: ClassVar[str] = "winn"
    learns_several: ClassVar[bool] = True
    choices, trainer = WINNChoices, Trainer
    canvases_kept, networks_kept = 2 + FAST.history_stages / 2, 4  # the history has half the precision

    def _end(self, trainer: Trainer, flops: float) -> Training:
        trainer.cascade.stages = tuple(trainer.stages)
        super()._end(trainer, flops)
        missed = f"at the last turn {trainer.missed:.0%} of the pictures did not reach the mean of the real ones."
        return Training(flops, (missed,) if trainer.missed else (), trainer.drawn.cpu())
