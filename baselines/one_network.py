"""What `energy` and `winn` share: INNg's network, p0 and steps, with another loss than INNg's and no stages or few.

The network f has INNg's layers, and what normalises them is measured once, on the first batches, and stays: it is the
same function while it learns and while samples are drawn. Canvases are tori, as INNg's.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from inng_bench.contract import Execution, Snapshot
from inng_bench.errors import InputError
from inng_bench.inng.algorithm import RECALIBRATION_BATCHES, synthesise
from inng_bench.inng.alternatives import crop_side_of, measured, sampler_of
from inng_bench.inng.costs import Prices
from inng_bench.inng.frozen import FrozenClassifier, freeze
from inng_bench.inng.negatives import draw_negatives
from inng_bench.inng.network import WINDOW_STEP, Classifier, balance, new_classifier, recalibrate
from inng_bench.inng.preconditioner import Preconditioner
from inng_bench.inng.presets import FAST, Recipe
from inng_bench.inng.prior import NoisePrior
from inng_bench.inng.resume import restore_stages, stage_tensors
from inng_bench.inng.state import Sampler, Stage, Work
from inng_bench.pixels import random_crops
from inng_bench.resume import required
from inng_bench.seeds import torch_generator

from .base import Choices, Resumable, Trained, weights_of

SHORTEST_SIDE = 64
ADAM_BETAS = (0.5, 0.999)


class OneNetworkChoices(Choices):
    """Choices that both methods have, named and bounded as INNg's."""

    filters: int = Field(FAST.filters, ge=1, description="Channels of the first convolution.")
    first_negatives: Literal["gaussian", "random-phase"] = Field("random-phase", description="p0, as INNg's.")
    crops: int = Field(4, ge=1, description="Real crops of a step, and as many of samples.")
    crop_side: int = Field(FAST.crop_side, ge=62, description="Side of a crop in pixels.")
    canvases: int = Field(4, ge=1, description="Canvases that are drawn together in training.")
    canvas_side: int = Field(FAST.canvas_side, ge=64, multiple_of=WINDOW_STEP, description="Their side in pixels.")
    rate: float = Field(5e-4, gt=0, description="Adam's learning rate of the weights.")
    update: Literal["langevin", "adam", "image-adam"] = Field("langevin", description="The sampler's, as INNg's.")
    step_size: float = Field(0.04, gt=0, description="ε of it.")
    temperature: float = Field(0.5, ge=0, description="T of its noise.")

    @property
    def recipe(self) -> Recipe:
        """INNg's recipe with these choices."""
        along = "spectrum" if self.first_negatives == "random-phase" else "principal-colours"
        named = {name: getattr(self, name) for name in OneNetworkChoices.model_fields if name != "rate"}
        return Recipe(**(FAST.model_dump() | named | {"directions": along, "final_step_share": 1.0}))


class OneNetwork(Trained):
    """A method that keeps stages of INNg's sampler, and draws by them."""

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        super().__init__(settings, execution)
        self._recipe: Recipe = self._config.recipe
        self._prior, self._directions = NoisePrior(torch.zeros(3), torch.zeros(3, 3)), Preconditioner(torch.zeros(3, 3))
        self.stages: list[Stage] = []

    def supports(self, size: tuple[int, int]) -> bool:
        """Any size from 64 px a side: a canvas of the next multiples of 16 is drawn and cropped."""
        return min(size) >= SHORTEST_SIDE

    def tiles(self, size: tuple[int, int]) -> bool:
        """Multiples of 16 px are drawn as a whole torus."""
        return self.supports(size) and all(length % WINDOW_STEP == 0 for length in size)

    def _sampler(self) -> Sampler:
        return sampler_of(self._recipe, self._directions)

    def snapshot_bytes(self, budget: float) -> float:
        """Count the network with its Adam, canvases and the networks that are kept."""
        del budget
        recipe = self._recipe
        with torch.device("meta"):
            weights = 4.0 * weights_of(Classifier(recipe.design))
        canvases = 4.0 * recipe.canvases * 3 * recipe.canvas_side**2
        return weights * (3 + self._networks_kept()) + canvases * self.canvases_kept

    canvases_kept: ClassVar[float] = 1
    """In a snapshot, as multiples of those that are drawn together."""

    def _networks_kept(self) -> int:
        return 0

    def take_over(self, learner: "Learner", stages: list[Stage]) -> None:
        """Draw by these stages from now on."""
        self._prior, self._directions, self.stages = learner.prior, learner.directions, stages

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Send new noise through the stages; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"{self.name} draws nothing of {size}"
        if not self.stages:
            raise RuntimeError(f"{self.name} has to be trained or restored before it can sample")
        canvas = [-(-length // WINDOW_STEP) * WINDOW_STEP for length in size]
        noise = self._prior.draw(count, (canvas[0], canvas[1]), generator).to(self._execution.device)
        drawn = synthesise(self.stages, noise, self._sampler(), generator)
        return drawn[:, :, : size[0], : size[1]].cpu()

    def state(self) -> dict[str, Tensor]:
        """Return p0, the directions of the steps and the networks."""
        weights = {name: tensor.cpu() for name, tensor in stage_tensors(self.stages).items()}
        paces = torch.tensor([(one.max_steps, one.step_size) for one in self.stages], dtype=torch.float64)
        return self._prior.state() | self._directions.state() | weights | {"paces": paces}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over a :meth:`state`."""
        try:
            self._prior = NoisePrior.restore(state, self._recipe.first_negatives)
            self._directions = Preconditioner.restore(state, self._recipe.directions)
            paces = [(int(most), size) for most, size in state["paces"].tolist()]
        except KeyError as error:
            raise InputError(f"the stored {self.name} has no {error.args[0]!r}; train it again.") from error
        self.stages = restore_stages(state, paces, self._recipe, self._execution.device, self._execution.dtype)


class Learner(Resumable):
    """f while it learns, with all that INNg takes from a window."""

    def __init__(self, window: Tensor, choices: OneNetworkChoices, execution: Execution, seed: int) -> None:
        self.recipe, self._execution = choices.recipe, execution
        self._random = torch_generator(seed)
        self.prior, self.directions = measured(window, self.recipe)
        self.sampler = sampler_of(self.recipe, self.directions)
        self._real = window.to(execution.device)
        self.side = crop_side_of(window, self.recipe)
        self.prices, self.work = Prices.of(self.recipe, self.side), Work()
        self.network: Classifier = new_classifier(self.recipe.design, self._random)
        self.network.to(execution.device).to(memory_format=torch.channels_last)
        self._adam = torch.optim.Adam(self.network.parameters(), choices.rate, ADAM_BETAS, fused=True)
        self._parts = {"network": self.network, "adam": self._adam}
        first = self.noise()
        batches = [torch.cat([self.real_crops(), self.crops_of([first])]) for _ in range(RECALIBRATION_BATCHES)]
        recalibrate(self.network, batches, execution.dtype)
        self.work.classifier_passes += len(batches)
        self.network.eval()

    def noise(self) -> Tensor:
        """Draw canvases of p0."""
        side = self.recipe.canvas_side
        return self.prior.draw(self.recipe.canvases, (side, side), self._random).to(self._execution.device)

    def real_crops(self) -> Tensor:
        """Cut crops out of the window."""
        return random_crops(self._real, self.recipe.crops, self.side, self._random)

    def crops_of(self, history: list[Tensor]) -> Tensor:
        """Cut as many out of canvases, newer ones more often."""
        return draw_negatives(history, self.recipe.crops, self.side, self.recipe.history_decay, self._random)

    def descend(self, loss: Tensor, rate: float) -> None:
        """Move the weights down the gradient of a loss."""
        self._adam.param_groups[0]["lr"] = rate
        self._adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam.step()
        balance(self.network)
        self.work.classifier_steps += 1
        if not bool(loss.isfinite()):
            raise FloatingPointError("the loss is not a number; lower rate")

    def frozen(self) -> FrozenClassifier:
        """Return f as the sampler reads it."""
        return freeze(self.network, self._execution.dtype)

    def snapshot(self) -> Snapshot:
        """Return all that changes from step to step."""
        return Snapshot(super().snapshot().tensors, {"work": dict(vars(self.work))})

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot`."""
        super().restore(snapshot)
        self.work = Work(**required(snapshot.values, "work"))
