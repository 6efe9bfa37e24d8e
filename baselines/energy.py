"""One energy, learnt by maximum likelihood: what INNg would be with a single network and no cascade.

The model is p(x) = exp(f(x)) / Z. The gradient of its mean log likelihood is E_data[∇f] - E_p[∇f], the second mean
over samples of the model itself (S.-C. Zhu, Y. Wu, D. Mumford, 1998). They are drawn by INNg's Langevin steps along f,

- ``short-run``: a few of them, always from new noise of p0 (Nijkamp et al., equation 8), in training and in drawing.
  The chain does not converge, and it is the chain that learns to draw the texture;
- ``persistent``: from where the steps for the last weights ended (T. Tieleman, 2008, and Xie et al., section 3); each
  chain begins anew at p0 with a small probability (Y. Du, I. Mordatch, 2019, arXiv 1903.08689, section 3.1), so that
  new noise is known to f, too. A drawing from p0 goes on for as long as most chains live.

Network, p0 and the coordinates of the steps are INNg's, see :mod:`.one_network`. The steps are not: Adam's have the
same length however steep f is, so that nothing would keep f from growing. On a set they are those of Nijkamp et al.,
x + ∇f + 0.01 n on pixels.

References
----------
E. Nijkamp, M. Hill, S.-C. Zhu, Y. N. Wu, "Learning non-convergent non-persistent short-run MCMC toward energy-based
model", NeurIPS 2019, arXiv 1904.09770. J. Xie, Y. Lu, S.-C. Zhu, Y. N. Wu, "A theory of generative ConvNet", ICML 2016,
arXiv 1602.03264.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from inng_bench.contract import Execution, Snapshot, Training
from inng_bench.inng.algorithm import ascend, set_out
from inng_bench.inng.network import evaluate
from inng_bench.inng.state import Work
from inng_bench.pictures import TrainingPictures
from inng_bench.resume import required_like

from .base import Course, equal_steps
from .one_network import Learner, OneNetwork, OneNetworkChoices

FINAL_RATE_SHARE = 0.1
"""Of the weights' rate, which falls linearly: the last weights draw, not an average."""

LIFETIMES = 2
"""Mean lifetimes of a persistent chain that a drawing goes on for."""


class EnergyChoices(OneNetworkChoices):
    """Choices of one energy."""

    chains: Literal["short-run", "persistent"] = Field("short-run", description="Where the samples of a step begin.")
    steps: int = Field(15, ge=1, description="Langevin steps for a step of the weights; of a short run, all.")
    canvases: int = Field(2, ge=1, description="Canvases that are drawn together in training.")
    fresh: float = Field(0.05, gt=0, le=1, description="Probability that a persistent chain begins anew at p0.")
    update: Literal["langevin", "adam", "image-adam"] = Field("langevin", description="The sampler's, as INNg's.")
    step_size: float = Field(1.0, gt=0, description="ε of it.")
    temperature: float = Field(1e-3, ge=0, description="T of its noise.")
    data_noise: float = Field(0.03, ge=0, description="Standard deviation of noise on real crops.")
    energy_decay: float = Field(0.01, ge=0, description="Weight of the mean square of f, which keeps it near 0.")

    threshold: ClassVar[float] = 1e30  # samples take all their steps

    for_sets: ClassVar[Mapping[str, Any]] = {
        **OneNetworkChoices.for_sets,
        "steps": 30,
        "update": "langevin",
        "step_size": 2.0,
        "temperature": 5e-5,
    }


class Trainer(Learner):
    """The energy and its chains."""

    def __init__(
        self, window: Tensor | TrainingPictures, config: EnergyChoices, execution: Execution, seed: int
    ) -> None:
        super().__init__(window, config, execution, seed)
        self._config = config
        self.step_flops = self.prices.of_work(Work(1, 0, config.canvases * config.steps))
        self.chains = self.first

    def step(self, number: int, share: float) -> dict[str, float]:
        """Draw samples of the present energy, and move the weights once up the likelihood."""
        del number
        self._move()
        real, drawn = self.real_crops(), self.crops_of([self.chains])
        real = real + self._config.data_noise * torch.randn(real.shape, generator=self._random).to(real.device)
        logits = evaluate(self.network, torch.cat([real, drawn]), self._execution.dtype)
        of_real, of_drawn = logits.chunk(2)
        gap = of_drawn.mean() - of_real.mean()
        self.descend(
            gap + self._config.energy_decay * logits.square().mean(),
            self._config.rate * (1 - share * (1 - FINAL_RATE_SHARE)),
        )
        return {"energy_gap": -gap.item(), "logit": of_real.mean().item()}

    def _move(self) -> None:
        config, new = self._config, self.noise()
        if config.chains == "persistent":
            goes_on = (torch.rand(len(new), generator=self._random) >= config.fresh).to(new.device)
            new[goes_on] = self.chains[goes_on]
        stage, climb = self.stage(config.steps + 1), set_out(new, self.sampler, config.steps, self._random)
        for _ in range(config.steps):
            ascend(climb, stage, self.sampler)
        self.chains = climb.current
        self.work.evaluations += climb.evaluations

    def look(self) -> tuple[dict[str, float], Tensor]:
        """Show the chains."""
        return {}, self.chains.cpu()

    def course(self, budget: float) -> Course:
        """Say how many steps a budget pays for."""
        return equal_steps(budget - self.spent(0), self.step_flops)

    def spent(self, steps: int) -> float:
        """Return the counted operations so far."""
        del steps
        return self.prices.of_work(self.work)

    def snapshot(self) -> Snapshot:
        """Return all that changes from step to step."""
        taken = super().snapshot()
        return Snapshot({**taken.tensors, "chains": self.chains}, taken.values)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot`."""
        super().restore(snapshot)
        self.chains = required_like(self.chains, snapshot, "chains").to(self.chains)


class Energy(OneNetwork):
    """One energy; settings are the fields of :class:`EnergyChoices`."""

    name: ClassVar[str] = "energy"
    learns_several: ClassVar[bool] = True
    choices, trainer = EnergyChoices, Trainer

    def _end(self, trainer: Trainer, flops: float) -> Training:
        config = self._config
        steps = config.steps if config.chains == "short-run" else round(LIFETIMES * config.steps / config.fresh)
        trainer.cascade.stages = (trainer.stage(steps),)
        super()._end(trainer, flops)
        return Training(flops, chain=trainer.chains.cpu() if config.chains == "persistent" else None)
