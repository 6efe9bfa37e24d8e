"""What `energy` and `winn` share: INNg's network, p0 and sampler, with another loss than INNg's and no stages or few.

They are those of the preset ``fast``, or of ``sets`` where the setting ``picture_side`` says that a set is learnt. What
normalises the layers of the network f is measured once, on the first batches, and stays: it is the same function while
it learns and while samples are drawn. What is learnt is kept, and draws, as a cascade of INNg.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from inng_bench.contract import Execution, Snapshot, Training
from inng_bench.inng.algorithm import RECALIBRATION_BATCHES
from inng_bench.inng.costs import Prices
from inng_bench.inng.frozen import FrozenClassifier, freeze
from inng_bench.inng.method import INNg
from inng_bench.inng.negatives import draw_negatives
from inng_bench.inng.network import WINDOW_STEP, Classifier, balance, recalibrate
from inng_bench.inng.presets import FAST, SETS, SIDES
from inng_bench.inng.state import Stage, Work
from inng_bench.pictures import TrainingPictures
from inng_bench.resume import required

from .base import Choices, Resumable, Trained, weights_of

OF_TEXTURES = frozenset({"crop_side", "canvas_side"})
"""Settings that a set has not: its crops and canvases are whole pictures."""


class OneNetworkChoices(Choices):
    """Choices that both methods have, named and bounded as INNg's."""

    picture_side: int | None = Field(
        None, ge=SIDES[0], le=SIDES[-1], description="Side of a set's pictures; None learns a texture."
    )
    filters: int = Field(FAST.filters, ge=1, description="Channels of the first convolution.")
    first_negatives: Literal["gaussian", "random-phase"] = Field("random-phase", description="p0, as INNg's.")
    crops: int = Field(4, ge=1, description="Real crops of a step, and as many of samples.")
    crop_side: int = Field(FAST.crop_side, ge=62, description="Side of a crop in pixels.")
    canvases: int = Field(4, ge=1, description="Canvases that are drawn together in training.")
    canvas_side: int = Field(FAST.canvas_side, ge=64, multiple_of=WINDOW_STEP, description="Their side in pixels.")
    rate: float = Field(FAST.classifier_rate, gt=0, description="Adam's learning rate of the weights.")
    update: Literal["langevin", "adam", "image-adam"] = Field("adam", description="The sampler's, as INNg's.")
    step_size: float = Field(FAST.step_size, gt=0, description="ε of it.")
    temperature: float = Field(FAST.temperature, ge=0, description="T of its noise.")

    threshold: ClassVar[float] = 0.0
    """Of f, where samples stop."""

    for_sets: ClassVar[Mapping[str, Any]] = {
        "filters": SETS.filters,
        "first_negatives": SETS.first_negatives,
        "crops": SETS.crops,
        "canvases": SETS.crops,
        "rate": SETS.classifier_rate,
        "update": SETS.update,
        "step_size": SETS.step_size,
        "temperature": SETS.temperature,
    }
    """Defaults in the place of the others where a set is learnt; nothing has been tuned on one."""

    @model_validator(mode="before")
    @classmethod
    def _take_defaults_of_sets(cls, settings: dict[str, Any]) -> dict[str, Any]:
        if settings.get("picture_side") is None:
            return settings
        if superfluous := sorted(OF_TEXTURES & settings.keys()):
            raise ValueError(f"crops and canvases of a set are whole pictures; remove {' and '.join(superfluous)}")
        return {**cls.for_sets, **settings}

    @model_validator(mode="after")
    def _measure_nothing_of_sets(self) -> Self:
        if self.picture_side is not None and self.first_negatives != "gaussian":
            raise ValueError("of a set no spectrum is measured; set first_negatives to 'gaussian'")
        return self

    @property
    def foreign(self) -> frozenset[str]:
        """Settings that what is learnt, a texture or a set, has not."""
        return OF_TEXTURES if self.picture_side is not None else frozenset({"picture_side"})

    def cascade(self, execution: Execution) -> INNg:
        """Return INNg with these choices, without stages."""
        same = {name: getattr(self, name) for name in OneNetworkChoices.model_fields.keys() - self.foreign - {"rate"}}
        others = {"classifier_rate": self.rate, "final_step_share": 1.0, "threshold": self.threshold}
        if self.picture_side is None:
            same["directions"] = "spectrum" if self.first_negatives == "random-phase" else "principal-colours"
        return INNg(same | others, execution)


class OneNetwork(Trained):
    """A method whose networks draw as a cascade of INNg."""

    canvases_kept: ClassVar[float] = 1
    """In a snapshot, as multiples of those that are drawn together."""

    networks_kept: ClassVar[int] = 0
    """Likewise, beside the one that learns."""

    train_on = Trained.train

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        super().__init__(settings, execution)
        self.cascade: INNg = self._config.cascade(execution)

    def configuration(self) -> dict[str, Any]:
        """Return every setting of a texture, or of a set."""
        return self._config.model_dump(mode="json", exclude=self._config.foreign)  # type: ignore[no-any-return]

    def _end(self, trainer: Any, flops: float) -> Training:
        self.cascade = trainer.cascade
        return Training(flops)

    def supports(self, size: tuple[int, int]) -> bool:
        """Any size from 64 px a side; of a set its own."""
        return self.cascade.supports(size)

    def tiles(self, size: tuple[int, int]) -> bool:
        """Multiples of 16 px are drawn as a whole torus."""
        return self.supports(size) and self.cascade.tiles(size)

    def drawing_bytes(self, size: tuple[int, int]) -> int:
        """Estimate the memory that drawing one picture takes, as INNg does."""
        return self.cascade.drawing_bytes(size)

    def snapshot_bytes(self, budget: float) -> float:
        """Count the network with its Adam, canvases and the networks that are kept."""
        del budget
        recipe = self.cascade.recipe
        with torch.device("meta"):
            weights = 4.0 * weights_of(Classifier(recipe.design))
        canvases = 4.0 * recipe.canvases * 3 * recipe.canvas_side**2
        return weights * (3 + self.networks_kept) + canvases * self.canvases_kept

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Send new noise through the networks; see :meth:`inng_bench.contract.Method.sample`."""
        return self.cascade.sample(count, size, generator=generator)

    def state(self) -> dict[str, Tensor]:
        """Return p0, the directions of the steps and the networks."""
        return self.cascade.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over a :meth:`state`."""
        self.cascade.restore(state)


class Learner(Resumable):
    """f while it learns, with all that INNg takes from a window or a set."""

    def __init__(
        self, window: Tensor | TrainingPictures, choices: OneNetworkChoices, execution: Execution, seed: int
    ) -> None:
        self.cascade, self._execution = choices.cascade(execution), execution
        self.recipe, begun = self.cascade.recipe, self.cascade.begin(window, seed)
        self._draw_real, self._random = begun.draw_real, begun.generator
        self.side, self.sampler = begun.crop_side, begun.sampler
        self.network, self._adam, self.first = begun.classifier, begun.optimiser, begun.chain
        assert isinstance(self._adam, torch.optim.Adam)
        self._parts = {"network": self.network, "adam": self._adam}
        batches = [torch.cat([self.real_crops(), self.crops_of([self.first])]) for _ in range(RECALIBRATION_BATCHES)]
        recalibrate(self.network, batches, execution.dtype)
        self.network.eval()
        self.prices, self.work = Prices.of(self.recipe, self.side), Work(classifier_passes=len(batches))

    def noise(self) -> Tensor:
        """Draw canvases of p0."""
        side = self.recipe.canvas_side
        return self.cascade.prior.draw(self.recipe.canvases, (side, side), self._random).to(self._execution.device)

    def real_crops(self) -> Tensor:
        """Cut crops out of the window, or draw whole pictures."""
        return self._draw_real(self.recipe.crops, self.side, self._random)

    def crops_of(self, history: list[Tensor]) -> Tensor:
        """Cut as many out of canvases, newer ones more often."""
        recipe, wraps = self.recipe, self.recipe.windows == "dense"
        return draw_negatives(history, recipe.crops, self.side, recipe.history_decay, self._random, wraps=wraps)

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

    def stage(self, steps: int) -> Stage:
        """Return f as the sampler reads it, for so many steps at the most."""
        frozen: FrozenClassifier = freeze(self.network, self._execution.dtype)
        return Stage(frozen, steps, self.recipe.step_size)

    def snapshot(self) -> Snapshot:
        """Return all that changes from step to step."""
        return Snapshot(super().snapshot().tensors, {"work": dict(vars(self.work))})

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot`."""
        super().restore(snapshot)
        self.work = Work(**required(snapshot.values, "work"))
