"""Every choice of the method as a field of one frozen configuration, and the named sets of choices."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inng_bench.contract import parse_settings
from inng_bench.errors import InputError
from inng_bench.inng.choices import (
    Architecture,
    Ascended,
    Canvas,
    Directions,
    FirstNegatives,
    Normalisation,
    Optimiser,
    Output,
    Overlap,
    Scope,
    Start,
    Stop,
    Together,
    Update,
)
from inng_bench.inng.field import Reading
from inng_bench.inng.langevin import Sampler
from inng_bench.inng.network import GEOMETRIES, Design
from inng_bench.suggest import did_you_mean

MARGIN = 32
"""Pixels a side that an expanded canvas has beyond the picture (authors' code)."""


def canvas_length(length: int, canvas: Canvas) -> int:
    """Return the length of a canvas that holds so many pixels of picture."""
    return length + 2 * MARGIN if canvas is Canvas.EXPANDED else length


class CascadeConfig(BaseModel):
    """Choices of an INNg cascade; numbers in brackets are rows of the fidelity table in the documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # The classifier
    architecture: Architecture = Field(Architecture.UNPADDED, description="Network of a classifier.")
    output: Output = Field(Output.LOGIT, description="What its last layer gives (1).")
    normalisation: Normalisation = Field(
        Normalisation.RECALIBRATED, description="Statistics that normalise while samples are drawn (9)."
    )
    filters: int = Field(32, ge=1, description="Channels of the first convolution.")
    norm_momentum: float = Field(0.5, gt=0, le=1, description="Weight of a step in the running statistics.")
    norm_batches: int = Field(6, ge=1, description="Batches over which recalibrated statistics are averaged.")

    # Its training
    stretch: float = Field(1.0, ge=1, le=4, description="Factor by which the window is enlarged, nearest neighbour.")
    crop_side: int = Field(126, ge=62, description="Side of a training crop in pixels: 126 holds 5 × 5 windows.")
    crops: int = Field(4, ge=1, description="Real crops of a classifier step, and as many pseudo-negative ones.")
    data_noise: float = Field(
        0.2, ge=0, description="Noise on real and pseudo-negative crops alike, in deviations of the principal colours."
    )
    final_data_noise_share: float = Field(
        0.1, gt=0, le=1, description="Share of the data noise that is left when the budget is spent; it falls steadily."
    )
    classifier_start: Start = Field(Start.WARM, description="Weights with which a stage's training begins.")
    classifier_steps: int = Field(40, ge=1, description="Steps of a stage at the most.")
    classifier_least_steps: int = Field(5, ge=1, description="Steps of a stage at the least.")
    optimiser: Optimiser = Field(Optimiser.ADAM, description="How a classifier learns.")
    classifier_rate: float = Field(5e-4, gt=0, description="Its learning rate.")
    classifier_momentum: float = Field(0.5, ge=0, lt=1, description="Adam's β1.")
    loss_target: float = Field(0.03, ge=0, description="A stage's training ends when the loss is below this.")
    loss_check_steps: int = Field(1, ge=1, description="Steps between two looks at the loss.")
    loss_check_batches: int = Field(
        0, ge=0, description="Fresh batches in evaluation mode that a look averages; 0 takes the training step's loss."
    )

    # Pseudo-negatives
    first_negatives: FirstNegatives = Field(FirstNegatives.RANDOM_PHASE, description="p0 (10).")
    canvas: Canvas = Field(Canvas.TORUS, description="What lies beyond the border of a canvas.")
    canvases: int = Field(12, ge=1, description="Canvases that are trained along with the cascade.")
    canvas_side: int = Field(128, ge=64, multiple_of=16, description="Their side in pixels.")
    history_stages: int = Field(24, ge=1, description="Stages of pseudo-negatives that are kept; 1 is none (7).")
    history_decay: float = Field(
        0.5, ge=0, le=1, description="Weight of a stage relative to the next newer one: 0 newest only, 1 uniform (7)."
    )
    fresh_share: float = Field(
        0.0, ge=0, le=1, description="Share of the canvases that each stage begins anew, from noise through C_1..C_t."
    )

    # The sampler
    update: Update = Field(Update.ADAM, description="Rule of a step (4).")
    directions: Directions = Field(Directions.SPECTRUM, description="Coordinates of a step.")
    ascended: Ascended = Field(Ascended.LOGIT, description="What is climbed (2).")
    scope: Scope = Field(Scope.STAGE, description="Which classifiers are climbed.")
    overlap: Overlap = Field(Overlap.DENSE, description="Which windows a step evaluates (6).")
    patches: int = Field(
        10, ge=1, description="Windows of a step on a training canvas where they lie at random; as many for its area."
    )
    step_size: float = Field(0.04, gt=0, description="ε of Langevin or Adam's rate, in the units of ``directions``.")
    final_step_share: float = Field(
        0.1, gt=0, le=1, description="Share of the step size that is left after ``max_steps``; it falls geometrically."
    )
    temperature: float = Field(0.5, ge=0, description="T of the sampler's noise; 0 is none (3).")
    momentum: float = Field(0.5, ge=0, lt=1, description="Adam's β1 in the sampler.")
    max_steps: int = Field(40, ge=1, description="Sampler steps of a stage at the most.")
    stop: Stop = Field(Stop.LOGIT, description="When an image has climbed far enough (5).")
    threshold: float = Field(0.0, description="Where that is.")
    together: Together = Field(Together.IMAGE, description="Whose mean the rule looks at.")
    sampler_batch: int = Field(16, ge=1, description="Canvases that move together, which bounds the memory.")

    # The cascade
    keep_every: int = Field(
        1, ge=0, description="b: one classifier of b is kept (8); 1 is the cascade, 0 keeps the last one alone."
    )
    max_stages: int = Field(400, ge=1, description="Rounds at the most; the budget usually ends a training earlier.")
    no_progress_stages: int = Field(
        0,
        ge=0,
        description="Rounds in a row without progress that end a training; 0 goes on until the budget is spent.",
    )

    @model_validator(mode="after")
    def _choices_go_together(self) -> Self:
        padded = self.architecture is Architecture.PADDED
        if padded and self.overlap is Overlap.DENSE:
            raise ValueError("padded classifiers see other borders in a dense pass; set overlap to 'random-patches'")
        if padded and self.crop_side != GEOMETRIES[self.architecture].window:
            raise ValueError("a padded classifier takes crops of one window; set crop_side to 64")
        if self.canvas is Canvas.EXPANDED and self.crop_side > canvas_length(self.canvas_side, self.canvas):
            raise ValueError("crops are larger than the canvases; lower crop_side or raise canvas_side")
        if self.stop is Stop.REAL_QUANTILE and not 0 <= self.threshold <= 1:
            raise ValueError("the threshold of the rule real-quantile is a share from 0 to 1")
        if self.stop is Stop.LOSS and self.threshold <= 0:
            raise ValueError("a cross-entropy is always above 0; set threshold, such as 0.62")
        if self.directions is Directions.SPECTRUM and self.first_negatives is not FirstNegatives.RANDOM_PHASE:
            raise ValueError(
                "steps in units of the spectrum cannot take away what a p0 of independent pixels has at short "
                "wavelengths; set directions to 'principal-colours', or first_negatives to 'random-phase'"
            )
        if self.fresh_share > 0 and self.keep_every == 0:
            raise ValueError("chains of a single classifier begin at new noise in each stage; set fresh_share to 0")
        return self

    @model_validator(mode="after")
    def _sum_is_the_density(self) -> Self:
        if self.scope is Scope.STAGE:
            return self
        if self.canvas is Canvas.EXPANDED:
            raise ValueError("ln p0, a part of the sum, is that of a torus; set canvas to 'torus'")
        if self.ascended is not Ascended.LOGIT:
            raise ValueError("the sum is one of logits, ln g_t, and ln p0; set ascended to 'logit'")
        if self.keep_every != 1:
            raise ValueError("the sum over all stages needs all classifiers; set keep_every to 1")
        return self

    @property
    def design(self) -> Design:
        """The classifier's part of the choices."""
        return Design(self.filters, self.architecture, self.output, self.normalisation, self.norm_momentum)

    @property
    def reading(self) -> Reading:
        """How the sampler reads a canvas."""
        side = canvas_length(self.canvas_side, self.canvas)
        return Reading(self.overlap, self.canvas, self.ascended, self.patches, side**2)

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
            stop=self.stop,
            together=self.together,
        )


FAST = CascadeConfig()
"""The best recipe of minutes on a processor; the defaults of every field."""

FAST_0 = CascadeConfig(
    architecture=Architecture.UNPADDED,
    output=Output.LOGIT,
    normalisation=Normalisation.RUNNING,
    filters=32,
    norm_momentum=0.5,
    norm_batches=1,
    stretch=1.0,
    crop_side=126,
    crops=6,
    data_noise=0.0,
    final_data_noise_share=1.0,
    classifier_start=Start.WARM,
    classifier_steps=40,
    classifier_least_steps=5,
    optimiser=Optimiser.ADAM,
    classifier_rate=5e-4,
    classifier_momentum=0.5,
    loss_target=0.005,
    loss_check_steps=1,
    loss_check_batches=0,
    first_negatives=FirstNegatives.MATCHED,
    canvas=Canvas.TORUS,
    canvases=6,
    canvas_side=128,
    history_stages=24,
    history_decay=0.5,
    fresh_share=0.0,
    update=Update.ADAM,
    directions=Directions.PRINCIPAL_COLOURS,
    ascended=Ascended.LOGIT,
    scope=Scope.STAGE,
    overlap=Overlap.DENSE,
    patches=10,
    step_size=0.06,
    final_step_share=0.1,
    temperature=0.5,
    momentum=0.5,
    max_steps=40,
    stop=Stop.LOGIT,
    threshold=0.0,
    together=Together.IMAGE,
    sampler_batch=16,
    keep_every=1,
    max_stages=200,
    no_progress_stages=0,
)
"""The first fast recipe. It stays as it is, a yardstick for what ``fast`` becomes."""

PAPER = CascadeConfig(
    architecture=Architecture.UNPADDED,
    output=Output.LOGIT,
    normalisation=Normalisation.RECALIBRATED,
    filters=32,
    norm_momentum=0.5,
    norm_batches=6,
    stretch=1.0,
    crop_side=126,
    crops=4,
    data_noise=0.0,
    final_data_noise_share=0.1,
    classifier_start=Start.WARM,
    classifier_steps=40,
    classifier_least_steps=5,
    optimiser=Optimiser.ADAM,
    classifier_rate=0.0005,
    classifier_momentum=0.5,
    loss_target=0.03,
    loss_check_steps=1,
    loss_check_batches=0,
    first_negatives=FirstNegatives.GAUSSIAN,
    canvas=Canvas.TORUS,
    canvases=12,
    canvas_side=128,
    history_stages=24,
    history_decay=0.5,
    fresh_share=0.0,
    update=Update.LANGEVIN,
    directions=Directions.PIXELS,
    ascended=Ascended.LOGIT,
    scope=Scope.STAGE,
    overlap=Overlap.DENSE,
    patches=10,
    step_size=2.0,
    final_step_share=1.0,
    temperature=0.0001,
    momentum=0.5,
    max_steps=100,
    stop=Stop.LOGIT,
    threshold=0.0,
    together=Together.IMAGE,
    sampler_batch=16,
    keep_every=1,
    max_stages=400,
    no_progress_stages=0,
)
"""What the paper says, where it says something: one logit, Langevin updates with noise along the gradient of ln g_t
alone, the decision boundary, averaging where windows overlap, a Gaussian p0. ε and T, which it does not name, cannot be
told from the best of a grid (one seed). All else that it leaves open is as in ``fast`` when this
was written, the network included, but without data noise. Written out, so that what becomes of ``fast`` does not change
it."""

AUTHORS = CascadeConfig(
    architecture=Architecture.PADDED,
    output=Output.SOFTMAX,
    normalisation=Normalisation.RUNNING,
    filters=64,
    norm_momentum=0.1,
    norm_batches=1,
    stretch=1.25,
    crop_side=64,
    crops=500,
    data_noise=0.0,
    final_data_noise_share=1.0,
    classifier_start=Start.WARM,
    classifier_steps=900,
    classifier_least_steps=150,
    optimiser=Optimiser.SGD,
    classifier_rate=0.01,
    classifier_momentum=0.0,
    loss_target=0.005,
    loss_check_steps=150,
    loss_check_batches=10,
    first_negatives=FirstNegatives.GAUSSIAN,
    canvas=Canvas.EXPANDED,
    canvases=200,
    canvas_side=256,
    history_stages=12,
    history_decay=0.5,
    fresh_share=0.0,
    update=Update.ADAM,
    directions=Directions.PIXELS,
    ascended=Ascended.LOG_SIGMOID,
    scope=Scope.STAGE,
    overlap=Overlap.RANDOM_PATCHES,
    patches=10,
    step_size=0.01,
    final_step_share=1.0,
    temperature=0.0,
    momentum=0.5,
    max_steps=500,
    stop=Stop.LOSS,
    threshold=0.62,
    together=Together.BATCH,
    sampler_batch=100,
    keep_every=1,
    max_stages=400,
    no_progress_stages=3,
)
"""The authors' texture code (jlazarow/inn at 09e8fe7, experiments/iccv/learn-texture.py), with its published counts.
They ended a training by hand when they saw no more progress; here three stages without any do."""

PRESETS: dict[str, CascadeConfig] = {"fast": FAST, "fast-0": FAST_0, "paper": PAPER, "authors": AUTHORS}

COUNTS = ("canvases", "crops", "classifier_steps", "classifier_least_steps", "loss_check_steps", "loss_check_batches")
"""What ``scale`` reduces: how much a classifier sees and how long it learns. The sampler keeps its steps, without which
its rate would lead nowhere."""


def configure(settings: Mapping[str, Any]) -> tuple[str, float, CascadeConfig]:
    """Return the preset, its scale and the configuration that settings name.

    Parameters
    ----------
    settings : Mapping[str, Any]
        ``preset`` (default ``fast``), ``scale`` (default 1), a factor in (0, 1] of the preset's :data:`COUNTS`, and
        fields of :class:`CascadeConfig` that then win over the preset's.

    Raises
    ------
    InputError
        On an unknown preset or field, or a value out of range.
    """
    changes = dict(settings)
    name, scale = changes.pop("preset", "fast"), changes.pop("scale", 1.0)
    if not isinstance(name, str) or name not in PRESETS:
        raise InputError(f"inng has no preset {name!r}; {did_you_mean(str(name), PRESETS)}")
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale <= 1:
        raise InputError(f"the setting 'scale' of inng must be a number above 0 and at most 1, not {scale!r}.")
    fields = PRESETS[name].model_dump()
    scaled = {count: max(1, round(fields[count] * scale)) for count in COUNTS if fields[count] > 0}
    return name, float(scale), parse_settings(CascadeConfig, fields | scaled | changes, "inng")
