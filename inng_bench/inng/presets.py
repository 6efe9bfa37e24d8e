"""Every choice of the method as a field of one frozen configuration, and the named sets of choices."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from inng_bench.contract import parse_settings
from inng_bench.errors import InputError
from inng_bench.inng.langevin import Sampler, Update
from inng_bench.suggest import did_you_mean


class CascadeConfig(BaseModel):
    """Choices of an INNg cascade."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filters: int = Field(32, ge=1, description="Channels of the first convolution.")
    max_stages: int = Field(200, ge=1, description="Stages at the most; the budget usually ends a training earlier.")
    canvases: int = Field(6, ge=1, description="Toroidal canvases that are trained along with the cascade.")
    canvas_side: int = Field(128, ge=64, multiple_of=16, description="Their side in pixels.")
    crop_side: int = Field(126, ge=62, description="Side of a training crop in pixels: 126 holds 5 × 5 windows.")
    crops: int = Field(6, ge=1, description="Real crops of a classifier step, and as many pseudo-negative ones.")
    classifier_steps: int = Field(40, ge=1, description="Steps of a stage at the most.")
    classifier_least_steps: int = Field(5, ge=1, description="Steps of a stage at the least.")
    norm_momentum: float = Field(0.5, gt=0, le=1, description="Weight of a step in the running statistics.")
    classifier_rate: float = Field(5e-4, gt=0, description="Adam's learning rate.")
    classifier_momentum: float = Field(0.5, ge=0, lt=1, description="Adam's β1.")
    loss_target: float = Field(0.005, ge=0, description="A stage's training ends when a step's loss is below this.")
    history_stages: int = Field(24, ge=1, description="Stages of pseudo-negatives that are kept.")
    history_decay: float = Field(0.5, ge=0, le=1, description="Weight of a stage relative to the next newer one.")
    update: Update = Field(Update.ADAM, description="Rule of the sampler.")
    step_size: float = Field(
        0.06, gt=0, description="ε of Langevin or Adam's rate, in standard deviations of the principal colours."
    )
    temperature: float = Field(0.5, ge=0, description="T of the sampler's noise.")
    momentum: float = Field(0.5, ge=0, lt=1, description="Adam's β1 in the sampler.")
    max_steps: int = Field(40, ge=1, description="Sampler steps of a stage at the most.")
    final_step_share: float = Field(
        0.1, gt=0, le=1, description="Share of the step size that is left after ``max_steps``; it falls geometrically."
    )
    threshold: float = Field(0.0, description="τ: mean window logit at which an image stops.")

    def sampler(self) -> Sampler:
        """Return the sampler's part of the choices."""
        return Sampler(
            update=self.update,
            step_size=self.step_size,
            temperature=self.temperature,
            momentum=self.momentum,
            max_steps=self.max_steps,
            final_step_share=self.final_step_share,
            threshold=self.threshold,
        )


FAST_0 = CascadeConfig(
    filters=32,
    canvases=6,
    canvas_side=128,
    crop_side=126,
    crops=6,
    classifier_steps=40,
    classifier_least_steps=5,
    norm_momentum=0.5,
    classifier_rate=5e-4,
    classifier_momentum=0.5,
    loss_target=0.005,
    history_stages=24,
    history_decay=0.5,
    update=Update.ADAM,
    step_size=0.06,
    temperature=0.5,
    momentum=0.5,
    max_steps=40,
    final_step_share=0.1,
    threshold=0.0,
)
"""The first fast recipe. It stays as it is, a yardstick for what ``fast`` becomes."""

PRESETS: dict[str, CascadeConfig] = {"fast": FAST_0, "fast-0": FAST_0}


def configure(settings: Mapping[str, Any]) -> tuple[str, CascadeConfig]:
    """Return the preset and the configuration that settings name.

    Parameters
    ----------
    settings : Mapping[str, Any]
        ``preset`` (default ``fast``) and fields of :class:`CascadeConfig` that then win over the preset's.

    Raises
    ------
    InputError
        On an unknown preset or field, or a value out of range.
    """
    changes = dict(settings)
    name = changes.pop("preset", "fast")
    if name not in PRESETS:
        raise InputError(f"inng has no preset {name!r}; {did_you_mean(str(name), PRESETS)}")
    return name, parse_settings(CascadeConfig, PRESETS[name].model_dump() | changes, "inng")
