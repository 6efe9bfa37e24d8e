"""Every choice of the method as a field of one frozen configuration, and the named sets of choices."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inng_bench.contract import parse_settings, split_preset
from inng_bench.errors import InputError
from inng_bench.inng.network import GEOMETRIES, Architecture, Design, Output

MARGIN = 32
"""Pixels a side that a canvas has beyond the picture where windows do not wrap (authors' code)."""


class Recipe(BaseModel):
    """Choices of INNg; numbers in brackets are rows of the fidelity table in the documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # The classifier
    architecture: Architecture = Field("unpadded", description="4×4 unpadded, or 5×5 zero-padded convolutions.")
    output: Output = Field("logit", description="One logit, or the difference of two classes (1).")
    filters: int = Field(16, ge=1, description="Channels of the first convolution.")
    balanced: bool = Field(
        True, description="Whether the four phases of the stride have equal sums in every kernel; against speckle."
    )
    normalisation: Literal["recalibrated", "running"] = Field(
        "recalibrated",
        description="Statistics that normalise while samples are drawn: averages over batches that are evaluated once "
        "the stage's weights are final, or running averages, some steps behind the weights (9).",
    )

    # Its training
    stretch: float = Field(1.0, ge=1, le=4, description="Factor by which the window is enlarged, nearest neighbour.")
    crop_side: int = Field(126, ge=8, description="Side of a training crop in pixels: 126 holds 5 × 5 windows.")
    crops: int = Field(4, ge=1, description="Real crops of a classifier step, and as many pseudo-negative ones.")
    classifier_steps: int = Field(40, ge=1, description="Steps of a stage at the most.")
    classifier_least_steps: int = Field(5, ge=1, description="Steps of a stage at the least.")
    optimiser: Literal["adam", "sgd"] = Field("adam", description="Of a classifier; Adam's β1 is 0.5.")
    classifier_rate: float = Field(5e-4, gt=0, description="Its learning rate.")
    loss_target: float = Field(0.1, ge=0, description="Loss below which a stage's training ends.")
    loss_check_steps: int = Field(1, ge=1, description="Steps between two looks at the loss.")
    loss_check_batches: int = Field(
        0, ge=0, description="Fresh batches in evaluation mode that a look averages; 0 takes the training step's loss."
    )

    # Pseudo-negatives
    first_negatives: Literal["gaussian", "matched", "random-phase"] = Field(
        "random-phase",
        description="p0: independent N(0, 0.3²) pixels; such with the mean and covariance of the window's colours; "
        "random phase noise with its spectrum (10).",
    )
    canvases: int = Field(12, ge=1, description="Canvases that are trained along with the cascade.")
    canvas_side: int = Field(128, ge=8, description="Their side in pixels.")
    history_stages: int = Field(24, ge=1, description="Stages of pseudo-negatives that are kept; 1 is none (7).")
    history_decay: float = Field(
        0.5, ge=0, le=1, description="Weight of a stage relative to the next newer one: 0 newest only, 1 uniform (7)."
    )

    # The sampler
    update: Literal["langevin", "adam", "image-adam"] = Field(
        "adam",
        description="½ε · gradient + N(0, εT) noise; Adam at the rate ε plus N(0, ε²T) noise; the same with one second "
        "moment an image instead of one a pixel (4).",
    )
    directions: Literal["pixels", "principal-colours", "spectrum"] = Field(
        "spectrum",
        description="Steps along pixels, in units of the texture's principal colours, or of its spectrum as well.",
    )
    ascended: Literal["logit", "log-sigmoid"] = Field("logit", description="ln g_t, or ln of the sigmoid of it (2).")
    windows: Literal["dense", "patches", "whole"] = Field(
        "dense",
        description="What a step reads: all windows of a grid on a torus, random patches of a canvas with a margin "
        "that is cut off at the end (6), or the whole picture, of a set of pictures.",
    )
    patches: int = Field(10, ge=1, description="Random patches of a step on a training canvas; as many for its area.")
    step_size: float = Field(0.04, gt=0, description="ε of Langevin or Adam's rate, in the units of ``directions``.")
    aimed_steps: float = Field(
        6.0,
        ge=0,
        description="Steps a stage that the step size is steered to, from stage to stage, never above ``step_size``; 0 "
        "leaves it alone.",
    )
    final_step_share: float = Field(
        0.1, gt=0, le=1, description="Share of the step size that is left after ``max_steps``; it falls geometrically."
    )
    temperature: float = Field(0.5, ge=0, description="T of the sampler's noise; 0 is none (3).")
    max_steps: int = Field(20, ge=1, description="Sampler steps of a stage at the most.")
    stop: Literal["boundary", "batch-loss"] = Field(
        "boundary",
        description="Each image by itself, once its mean logit is at least the threshold; or all together, once their "
        "mean cross-entropy to the label +1 is at most the threshold (5).",
    )
    threshold: float = Field(0.0, description="Where that is; 0 is the decision boundary of a logit.")

    # The cascade
    keep_every: int = Field(
        1, ge=0, description="b: one classifier of b is kept (8); 1 is the cascade, 0 keeps the last one alone."
    )
    max_stages: int = Field(400, ge=1, description="Stages at the most; the budget usually ends a training earlier.")
    no_progress_stages: int = Field(
        0,
        ge=0,
        description="Stages in a row without progress that end a training; 0 goes on until the budget is spent.",
    )

    @model_validator(mode="after")
    def _choices_go_together(self) -> Self:
        if self.windows == "whole":
            return self._whole_pictures_go_together()
        if self.crop_side < (least := GEOMETRIES["unpadded"].window):
            raise ValueError(f"a window of the classifier does not fit into a crop; set crop_side to {least} or more")
        if self.canvas_side < 64 or self.canvas_side % 16:
            raise ValueError(
                "the grid of windows does not fit the canvases; set canvas_side to a multiple of 16 from 64"
            )
        padded = self.architecture == "padded"
        if padded and self.windows == "dense":
            raise ValueError("padded classifiers see other borders in a dense pass; set windows to 'patches'")
        if padded and self.crop_side != GEOMETRIES[self.architecture].window:
            raise ValueError("a padded classifier takes crops of one window; set crop_side to 64")
        if padded and self.balanced:
            raise ValueError("kernels of five taps have no equal phases; set balanced to false")
        if self.windows == "patches" and self.crop_side > self.canvas_length(self.canvas_side):
            raise ValueError("crops are larger than the canvases; lower crop_side or raise canvas_side")
        if self.stop == "batch-loss" and self.threshold <= 0:
            raise ValueError("a cross-entropy is always above 0; set threshold, such as 0.62")
        if self.directions == "spectrum" and self.first_negatives != "random-phase":
            raise ValueError(
                "steps in units of the spectrum cannot take away what a p0 of independent pixels has at short "
                "wavelengths; set directions to 'principal-colours', or first_negatives to 'random-phase'"
            )
        return self

    def _whole_pictures_go_together(self) -> Self:
        if self.architecture != "padded" or self.balanced:
            raise ValueError("whole pictures have no torus; set architecture to 'padded' and balanced to false")
        if self.first_negatives != "gaussian" or self.directions != "pixels" or self.stretch != 1:
            raise ValueError(
                "of a set no spectrum is measured; set first_negatives to 'gaussian', directions to 'pixels' and "
                "stretch to 1"
            )
        if self.crop_side != self.canvas_side:
            raise ValueError("a canvas is one picture of the set; set crop_side to the canvas_side")
        return self

    @property
    def design(self) -> Design:
        """The network of a classifier."""
        side = self.canvas_side if self.windows == "whole" else None
        return Design(self.filters, self.architecture, self.output, self.balanced, side)

    @property
    def window(self) -> int:
        """Side in pixels of what a classifier sees at once."""
        return self.canvas_side if self.windows == "whole" else self.design.geometry.window

    @property
    def margin(self) -> int:
        """Pixels a side of a canvas that are no part of the picture."""
        return MARGIN if self.windows == "patches" else 0

    def canvas_length(self, length: int) -> int:
        """Return the length of a canvas that holds so many pixels of picture."""
        return length + 2 * self.margin


FAST = Recipe()
"""The best recipe of minutes on a processor; the defaults of every field."""

PAPER = Recipe(
    architecture="unpadded",
    output="logit",
    filters=16,
    balanced=True,
    normalisation="recalibrated",
    stretch=1.0,
    crop_side=126,
    crops=2,
    classifier_steps=40,
    classifier_least_steps=5,
    optimiser="adam",
    classifier_rate=0.0005,
    loss_target=0.03,
    loss_check_steps=1,
    loss_check_batches=0,
    first_negatives="gaussian",
    canvases=4,
    canvas_side=128,
    history_stages=24,
    history_decay=0.5,
    update="image-adam",
    directions="pixels",
    ascended="logit",
    windows="dense",
    patches=10,
    step_size=0.01,
    aimed_steps=6.0,
    final_step_share=0.1,
    temperature=0.0,
    max_steps=60,
    stop="boundary",
    threshold=0.0,
    keep_every=1,
    max_stages=400,
    no_progress_stages=0,
)
"""What paper and authors' code say, where they say something: one logit, steps along the gradient of ln g_t alone,
each image until its decision boundary, averaging where windows overlap, p0 = U(x), and of the window nothing but the
pixels that the classifier sees. As in the authors' code the steps are Adam's and without noise; with one second moment
an image, since one a pixel draws speckle. All else that both leave open is chosen on the tuning textures."""

AUTHORS = Recipe(
    architecture="padded",
    output="softmax",
    filters=64,
    balanced=False,
    normalisation="running",
    stretch=1.25,
    crop_side=64,
    crops=500,
    classifier_steps=900,
    classifier_least_steps=150,
    optimiser="sgd",
    classifier_rate=0.01,
    loss_target=0.005,
    loss_check_steps=150,
    loss_check_batches=10,
    first_negatives="gaussian",
    canvases=200,
    canvas_side=256,
    history_stages=12,
    history_decay=0.5,
    update="adam",
    directions="pixels",
    ascended="log-sigmoid",
    windows="patches",
    patches=10,
    step_size=0.01,
    aimed_steps=0.0,
    final_step_share=1.0,
    temperature=0.0,
    max_steps=500,
    stop="batch-loss",
    threshold=0.62,
    keep_every=1,
    max_stages=400,
    no_progress_stages=3,
)
"""The authors' texture code (jlazarow/inn at 09e8fe7, experiments/iccv/learn-texture.py), with its published counts.
They ended a training by hand when they saw no more progress; here three stages without any do."""

SETS = Recipe(
    architecture="padded",
    output="logit",
    filters=16,
    balanced=False,
    normalisation="recalibrated",
    stretch=1.0,
    crop_side=64,
    crops=16,
    classifier_steps=20,
    classifier_least_steps=3,
    optimiser="adam",
    classifier_rate=0.0005,
    loss_target=0.1,
    loss_check_steps=1,
    loss_check_batches=0,
    first_negatives="gaussian",
    canvases=128,
    canvas_side=64,
    history_stages=24,
    history_decay=0.5,
    update="image-adam",
    directions="pixels",
    ascended="logit",
    windows="whole",
    patches=1,
    step_size=0.05,
    aimed_steps=6.0,
    final_step_share=0.1,
    temperature=0.0,
    max_steps=30,
    stop="boundary",
    threshold=0.0,
    keep_every=1,
    max_stages=400,
    no_progress_stages=0,
)
"""Sets of pictures by the paper's rules: the authors' network of whole pictures, sized by them; p0 = U(x); each picture
climbs ln g_t until its decision boundary. Counts and steps were chosen on ``faces`` by thirteen trials."""

PRESETS: dict[str, Recipe] = {"fast": FAST, "paper": PAPER, "authors": AUTHORS, "sets": SETS}

COUNTS = ("canvases", "crops", "classifier_steps", "classifier_least_steps", "loss_check_steps", "loss_check_batches")
"""What ``scale`` reduces: how much a classifier sees and how long it learns. The sampler keeps its steps, without which
its rate would lead nowhere."""


SIDES = range(8, 129)
"""Sides in pixels of the pictures of a set, of which a classifier reads each at once."""


def configure(settings: Mapping[str, Any]) -> tuple[str, float, Recipe]:
    """Return the preset, its scale and the recipe that settings name.

    Parameters
    ----------
    settings : Mapping[str, Any]
        ``preset`` (default ``fast``), ``scale`` (default 1), a factor in (0, 1] of the preset's :data:`COUNTS`,
        ``picture_side`` of a set, whose default preset is ``sets``, and fields of :class:`Recipe` that then win over
        the preset's.

    Raises
    ------
    InputError
        On an unknown preset or field, or a value out of range.
    """
    settings = dict(settings)
    side = settings.pop("picture_side", None)
    if side is not None:
        if side not in SIDES:
            raise InputError(f"inng learns sets of pictures of {SIDES[0]} to {SIDES[-1]} px a side, not of {side!r}.")
        settings = {"preset": "sets", "canvas_side": side, "crop_side": side} | settings
    name, fields, changes = split_preset(settings, PRESETS, "fast", "inng")
    scale = changes.pop("scale", 1.0)
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale <= 1:
        raise InputError(f"the setting 'scale' of inng must be a number above 0 and at most 1, not {scale!r}.")
    scaled = {count: max(1, round(fields[count] * scale)) for count in COUNTS if fields[count] > 0}
    return name, float(scale), parse_settings(Recipe, fields | scaled | changes, "inng")
