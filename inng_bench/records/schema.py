"""The record of one run: texture × method × seed.

Nothing here imports torch, so that reports start at once.
"""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 7
"""A change of it needs a function in :mod:`inng_bench.records.migrations` and a golden file."""

COPYING_ROWS = ("mirror", "quilting")
"""Implementations that copy the train window: they are near the texture for a reason that is no model's merit."""


SETS = ("set", "own set")
"""Kinds of what is learnt that are no texture but many pictures."""

STRIPS = (*SETS, "photographs")
"""Kinds whose train window is a strip: squares of one size, one below the other."""


class Status(StrEnum):
    """How a run ended."""

    OK = "ok"
    FAILED = "failed"


class Against(StrEnum):
    """Which windows of the texture the samples were compared with."""

    HELD_OUT = "held-out"
    TRAIN = "train"
    HALVES = "halves"
    """The halves of the train window, of a picture too small for held-out windows."""


class _Closed(BaseModel):
    """Immutable, strict, no unknown fields, no NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Window(_Closed):
    """A rectangle of the scaled texture, in pixels."""

    top: int
    left: int
    height: int
    width: int
    sha256: str = Field(description="Hash of its uint8 RGB pixels, row-major.")


class TextureFacts(_Closed):
    """Where a texture comes from and how it was cut."""

    name: str
    kind: str = Field(description="natural, procedural, paper, own or photographs; set or own set of pictures.")
    role: str = Field(description="tuning, test, control or none: what the figures may be used for.")
    licence: str
    source: str
    scale: float = Field(description="Factor by which the picture was resized before cutting.")
    train: Window
    held_out: tuple[Window, ...] = Field(description="None of a picture too small for more than one window.")

    @property
    def is_set(self) -> bool:
        """Whether it is a set of pictures, all windows of which are strips: one picture below the other."""
        return self.kind in SETS

    @property
    def is_strip(self) -> bool:
        """Whether the train window is a strip, of a set or of several photographs."""
        return self.kind in STRIPS

    @property
    def hashes(self) -> tuple[str, ...]:
        """What tells the pixels from others of the same name: a painter or a cut may have changed."""
        return self.train.sha256, *(window.sha256 for window in self.held_out)


class Measurement(_Closed):
    """One figure of one metric.

    Attributes
    ----------
    value : float or None
        None where the metric does not apply; ``note`` then says why.
    per_image : tuple[float, ...]
        The mean over windows of each piece of the samples; of the row ``real`` that of each window with the others.
    low, high : float or None
        Of the row ``real`` the 95% interval of the value over windows; None of any other row.
    """

    metric: str
    version: int
    against: Against
    value: float | None
    n: int = Field(description="Number of crops on either side of one pair.")
    images: int = Field(description="Number of pictures they were cut from.")
    disjoint_crops: int = Field(description="How many of the crops fit into the pictures without overlap.")
    pairs: int = Field(default=1, description="Pairs of a piece and a window that the value is the mean of.")
    low: float | None = None
    high: float | None = None
    per_image: tuple[float, ...] = ()
    parts: dict[str, float] = Field(default_factory=dict, description="Components, such as one value per tap.")
    seconds: float = Field(default=0.0, description="Time of the measurement, shared features included once.")
    note: str = ""


class CurvePoint(_Closed):
    """One report of a training."""

    step: int
    flops: float
    values: dict[str, float]


class ModelFacts(_Closed):
    """Size of a model, and what drawing from it takes."""

    numbers: int = Field(description="Numbers in the state that sampling needs: weights, statistics, thresholds.")
    bytes: int = Field(description="Size of the stored weights.")
    sample_flops: float | None = Field(description="Counted operations of drawing one sample; None where not known.")


class Detection(_Closed):
    """How well the log density of a model tells windows of real texture from those of a foil."""

    foil: str = Field(description="noise, random-phase, shuffled or other-texture.")
    against: Against = Field(description="Where the real windows come from.")
    auc: float = Field(description="Chance that a real window has the higher log ratio than one of the foil.")
    whole_auc: float | None = Field(description="The same of the whole log density; None where not known.")
    typical_auc: float | None = Field(
        description="The same of how near a window is to those that were trained on in both parts of the log density; "
        "None where not known."
    )
    windows: int = Field(description="Number of real windows; they overlap.")


class ChainFigure(_Closed):
    """A metric of the samples that trained along, and of as large an area of fresh ones."""

    metric: str
    version: int
    against: Against
    fresh: float
    chain: float
    images: int = Field(description="Number of pictures on either side.")
    side: int = Field(description="Their side in pixels.")


class Throughput(_Closed):
    """Speed of a sampler, timed alone on the machine."""

    update: str
    height: int
    width: int
    batch: int
    filters: int
    precision: str
    threads: int
    rounds: int = Field(description="Timed repetitions behind the median.")
    gradient_evaluations_per_second: float
    image_steps_per_second: float
    quartiles: tuple[float, float] = Field(description="Lower and upper quartile of image_steps_per_second.")
    flops_per_image_step: float
    share_of_ceiling: float = Field(
        description="Counted FLOP/s over those of the best of a matrix product, a 1×1 and, in newer records, a 3×3 "
        "convolution, same precision."
    )

    @property
    def setting(self) -> tuple[object, ...]:
        """What two speeds must share to be compared."""
        return self.update, self.precision, self.threads, self.height, self.width, self.batch, self.filters


class Provenance(_Closed):
    """What a reader needs to run the same again; no user, host or path names."""

    git_sha: str | None
    git_dirty: bool | None
    source_sha256: str | None = Field(default=None, description="Hash of the package's source, None where not known.")
    package_version: str
    python: str
    platform: str
    versions: dict[str, str]
    cpu: str
    cores: int
    cpu_quota: float | None = Field(description="Cores that the cgroup allows, None where there is no limit.")
    memory_gib: float
    threads: int
    device: str
    precision: str = Field(description="Resolved: float32 or bfloat16.")
    libraries: dict[str, str] = Field(default_factory=dict, description="What multiplies: BLAS, oneDNN, instructions.")
    environment: dict[str, str] = Field(default_factory=dict, description="Variables of a short list that are set.")


class Limits(_Closed):
    """What one process of a run might take; None is no limit."""

    minutes: float | None = None
    memory_gib: float | None = Field(default=None, description="Resident memory of the process and its children.")


NO_LIMITS = Limits()


DETECTION = "detection"
"""What a :class:`Remeasurement` calls what the model's density detects; ``density`` is a metric."""


class Remeasurement(_Closed):
    """Figures that were measured after their run, on its stored samples or of its stored model."""

    metrics: tuple[str, ...] = Field(description="Their names; detection stands for what the model's density detects.")
    started: str = Field(description="UTC, ISO 8601.")
    seconds: float
    provenance: Provenance = Field(description="Of the code and machine that measured.")


class Record(_Closed):
    """One run, whole."""

    schema_version: int = SCHEMA_VERSION
    suite: str
    suite_hash: str
    texture: TextureFacts
    method: str = Field(description="The row's label in the suite, such as inng or dcgan-10x.")
    implementation: str = Field(description="Entry-point name of the method, or 'real'.")
    settings: dict[str, Any]
    config_hash: str
    replicate: int = Field(description="Number of the seed within the suite, from 0.")
    seeds: dict[str, int] = Field(description="Derived seeds by purpose.")
    budget_flops: float
    limits: Limits = NO_LIMITS
    status: Status
    error: str = ""
    started: str = Field(description="UTC, ISO 8601.")
    flops: float = Field(default=0.0, description="Counted training FLOPs that were spent.")
    warnings: tuple[str, ...] = ()
    seconds: dict[str, float] = Field(default_factory=dict, description="Wall time per phase.")
    peak_memory_mib: float = 0.0
    sample_size: tuple[int, int] | None = None
    samples: int = 0
    measurements: tuple[Measurement, ...] = ()
    remeasured: tuple[Remeasurement, ...] = Field(default=(), description="Figures not from the run itself.")
    curve: tuple[CurvePoint, ...] = ()
    model: ModelFacts | None = None
    detection: tuple[Detection, ...] = ()
    chain: tuple[ChainFigure, ...] = ()
    throughput: Throughput | None = None
    artefacts: dict[str, str] = Field(default_factory=dict, description="Files by role, relative to the record.")
    hashes: dict[str, str] = Field(default_factory=dict, description="SHA-256 of feature weights and artefacts.")
    provenance: Provenance

    @property
    def row(self) -> tuple[str, str]:
        """Texture and row label."""
        return self.texture.name, self.method

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells the run from the others of its suite: texture, row label and number of the seed."""
        return *self.row, self.replicate

    @property
    def title(self) -> str:
        """The run in one phrase."""
        return f"{self.texture.name} · {self.method} · seed {self.replicate}"
