"""What a method is: the only thing that methods share.

A method is trained on a window of one texture, or on several, under a budget of counted floating-point operations, and
then draws pictures from fresh noise. It knows nothing of suites, metrics or records. Methods are found through the
entry-point group ``inng_bench.methods``; :func:`inng_bench.testing.check_method` tests the contract.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar, runtime_checkable

import safetensors.torch
import torch
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from torch import Tensor

from inng_bench.errors import InputError
from inng_bench.files import write_atomically
from inng_bench.hashes import sealed, unsealed
from inng_bench.pictures import TrainingPictures
from inng_bench.suggest import did_you_mean

MODEL_FORMAT = 2
"""Version 1 had neither the hash of the weights nor a checksum."""

Configuration = TypeVar("Configuration", bound=BaseModel)


class Precision(StrEnum):
    """Arithmetic of the convolutions; weights and statistics are kept in float32."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True)
class Execution:
    """Where and how a method computes.

    Attributes
    ----------
    device : torch.device
        The device of all tensors.
    precision : Precision
        Resolved, never :attr:`Precision.AUTO`.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: Precision = Precision.FLOAT32

    @property
    def dtype(self) -> torch.dtype:
        """The data type of the convolutions."""
        return torch.bfloat16 if self.precision is Precision.BFLOAT16 else torch.float32


@dataclass(frozen=True)
class Progress:
    """One report of a training.

    Attributes
    ----------
    step : int
        Counts the reports of this training from 1: a stage of INNg, an interval of a GAN.
    flops : float
        Counted floating-point operations so far.
    fraction : float
        Share of the budget that is used, in [0, 1].
    values : Mapping[str, float]
        Losses, step counts and the like, by name; one point of each of the record's curves.
    pictures : Tensor or None
        A few pictures of this moment, float32 (N, 3, H, W) in [-1, 1], or None.
    """

    step: int
    flops: float
    fraction: float
    values: Mapping[str, float]
    pictures: Tensor | None = None


Events = Callable[[Progress], None]


def ignore_events(progress: Progress) -> None:
    """Ignore all events."""


@dataclass(frozen=True)
class Training:
    """The outcome of a training.

    Attributes
    ----------
    flops : float
        Counted floating-point operations of the whole training, sampling of negatives included.
    warnings : tuple[str, ...]
        Sentences that a reader of the results must know, such as about a collapse.
    chain : Tensor or None
        The samples that the training itself used, as they are at its end, float32 (N, 3, H, W) in [-1, 1]; None if
        there are none. They show whether samples from new noise are as good.
    """

    flops: float
    warnings: tuple[str, ...] = ()
    chain: Tensor | None = None


@dataclass(frozen=True)
class Snapshot:
    """Everything that a training needs to continue as if it had never stopped.

    Attributes
    ----------
    tensors : Mapping[str, Tensor]
        Weights, optimisers, buffers, canvases and the states of the generators, by name, on any device.
    values : Mapping[str, Any]
        Counters and histories, plain JSON.
    """

    tensors: Mapping[str, Tensor]
    values: Mapping[str, Any]


class Checkpoint:
    """Stores the snapshots of a training and returns the last one; this base class stores nothing.

    A method calls :meth:`load` once, before it starts, and :meth:`offer` at every point from which it could continue,
    for example after each step. Events before an offer are stored with the snapshot. A training that continues from
    it must not report them again.
    """

    def load(self) -> Snapshot | None:
        """Return the snapshot from which to continue, with tensors on the CPU, or None to start from the beginning."""
        return None

    def offer(self, take: Callable[[], Snapshot]) -> None:
        """Store a snapshot of this moment if it is time for one.

        Parameters
        ----------
        take : Callable[[], Snapshot]
            Makes the snapshot. It is called only when a snapshot is due, so that all snapshots take less than 3 % of
            the training time. The tensors are written before this method returns, so they need not be copied.
        """


NO_CHECKPOINT = Checkpoint()


class Method(ABC):
    """A generative model of one texture.

    Parameters
    ----------
    settings : Mapping[str, Any]
        Values that differ from the method's defaults; an unknown key raises :class:`inng_bench.errors.InputError`.
    execution : Execution
        Device and precision.
    """

    name: ClassVar[str]

    optimises: ClassVar[tuple[str, ...]] = ()
    """Names of the metrics that the method optimises, exactly or nearly. Its figures of these metrics are marked and
    not compared."""

    pretrained: ClassVar[str] = ""
    """On what, beside the window, a network of the method was trained; the report says so."""

    learns_several: ClassVar[bool] = False
    """Whether it learns several windows together, of several photographs of one material; if not, it gets the first."""

    @abstractmethod
    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None: ...

    @abstractmethod
    def configuration(self) -> dict[str, Any]:
        """Return every setting, defaults included, as plain JSON values."""

    @abstractmethod
    def train(
        self,
        window: Tensor,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        """Learn one texture.

        Parameters
        ----------
        window : Tensor
            The picture, float32 (3, H, W) in [-1, 1], on the CPU; of a method that :attr:`learns_several` it may be
            several of one size, (N, 3, H, W).
        seed : int
            Determines every random choice of the training.
        budget : float
            Counted floating-point operations that may be spent.
        events : Events
            Called with a :class:`Progress` from time to time.
        checkpoint : Checkpoint
            Makes it possible to continue after an interruption, with the same bytes as without one. A method that
            trains for seconds may ignore it and always start from the beginning.
        """

    def snapshot_bytes(self, budget: float) -> float:
        """Estimate the size of the last snapshot of a training under a budget; 0 where none is offered."""
        del budget
        return 0.0

    @abstractmethod
    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures from fresh noise.

        Parameters
        ----------
        count : int
            How many.
        size : tuple[int, int]
            Height and width in pixels; :meth:`supports` says which are possible.
        generator : torch.Generator
            A CPU generator, the only source of randomness.

        Returns
        -------
        Tensor
            float32 (count, 3, height, width) in [-1, 1], on the CPU.
        """

    @abstractmethod
    def supports(self, size: tuple[int, int]) -> bool:
        """Say whether :meth:`sample` can draw pictures of this height and width."""

    def tiles(self, size: tuple[int, int]) -> bool:
        """Say whether pictures of this height and width tile, because their opposite borders match."""
        del size
        return False

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return everything that sampling needs, as CPU tensors by name."""

    @abstractmethod
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Restore a :meth:`state`; afterwards, sampling gives the same pictures as the method that returned it."""

    def save(self, folder: Path) -> None:
        """Write ``model.safetensors`` and ``model.json`` into a folder."""
        weights = safetensors.torch.save({name: tensor.contiguous() for name, tensor in self.state().items()})
        description = {
            "format": MODEL_FORMAT,
            "method": self.name,
            "settings": self.configuration(),
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
        }
        write_atomically(folder / "model.safetensors", weights)
        write_atomically(folder / "model.json", json.dumps(sealed(description), indent=2).encode())

    @classmethod
    def load(cls, folder: Path, execution: Execution) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            When a file is missing, damaged, of another format or of another method.
        """
        description = read_model_description(folder)
        if description["method"] != cls.name:
            raise InputError(f"{folder} holds a model of {description['method']!r}, not of {cls.name!r}.")
        method = cls(description["settings"], execution)
        if method.configuration() != description["settings"]:  # a default would stand in for a setting it lacks
            raise InputError(f"{folder} holds a model with the settings of another version; train it again.")
        path = folder / "model.safetensors"
        try:
            content = path.read_bytes()
            found = hashlib.sha256(content).hexdigest()
            if description.get("weights_sha256", found) != found:
                raise InputError(f"{path} is damaged: its hash is not the one in model.json; train the model again.")
            tensors = safetensors.torch.load(content)
        except (OSError, SafetensorError) as error:
            raise InputError(f"{path} cannot be read ({error}); train the model again.") from error
        method.restore(tensors)
        return method


@runtime_checkable
class LearnsPictures(Protocol):
    """A method that learns sets of pictures, not one window alone.

    It knows beforehand how large the pictures of a set are: the setting ``picture_side``, which its configuration
    keeps, is their side in pixels. Then it draws pictures of that side alone.
    """

    def train_on(
        self,
        pictures: TrainingPictures,
        /,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        """Learn a set; see :meth:`Method.train`."""


@runtime_checkable
class Density(Protocol):
    """A method whose model also gives a density: how likely the windows of a picture are."""

    @property
    def window(self) -> int:
        """Side in pixels of a window."""

    @property
    def window_step(self) -> int:
        """Pixels from one window to the next."""

    def log_ratio(self, pictures: Tensor) -> Tensor:
        """Return the log density of each window of pictures minus :meth:`log_prior`.

        Parameters
        ----------
        pictures : Tensor
            float32 (N, 3, H, W) in [-1, 1]; noise may exceed this range.

        Returns
        -------
        Tensor
            float32 (N, rows, columns) on the CPU; entry (i, j) belongs to the window whose corner is (i, j) steps from
            that of the picture.

        Raises
        ------
        InputError
            When the pictures are too small, or the settings allow no density.
        """

    def log_prior(self, pictures: Tensor) -> Tensor:
        """Return the log density of the noise that the model starts from, up to a constant; zeros if it has none."""


@runtime_checkable
class Staged(Protocol):
    """A method that draws in stages; their number depends on the training."""

    @property
    def stages(self) -> Sized:
        """The stages in their order, empty before a training."""


@runtime_checkable
class StartsFromPicture(Staged, Protocol):
    """A method whose sampler can start from a picture instead of noise."""

    def continue_from(self, pictures: Tensor, *, stage: int, generator: torch.Generator) -> Tensor:
        """Apply a stage and all later ones to pictures (N, 3, H, W) in [-1, 1] of a supported size.

        Parameters
        ----------
        pictures : Tensor
            The pictures from which the sampler starts.
        stage : int
            The first stage, from 1.
        generator : torch.Generator
            On the CPU.
        """


@runtime_checkable
class CountsMemory(Protocol):
    """A method that can estimate the memory that drawing needs."""

    def drawing_bytes(self, size: tuple[int, int]) -> int:
        """Estimate the additional memory for drawing one picture of a height and width, in bytes."""


@dataclass(frozen=True)
class SamplerRound:
    """A fixed piece of work of a sampler, which can be timed.

    Attributes
    ----------
    run : Callable[[], object]
        Does it.
    update : str
        The name of the sampler's update.
    filters : int
        Width of the network.
    steps, evaluations : int
        How many steps the work takes with each picture, and how many gradients of each it evaluates.
    flops : float
        Counted operations of one evaluation of one picture.
    """

    run: Callable[[], object]
    update: str
    filters: int
    steps: int
    evaluations: int
    flops: float


@runtime_checkable
class TimedSampler(Protocol):
    """A method whose sampler is timed after its runs."""

    def sampler_round(self, count: int, size: tuple[int, int]) -> SamplerRound:
        """Return the work of a few steps on so many pictures of a height and width."""


def density_of(method: Method) -> Density | None:
    """Return a method as a density; None if it is not one.

    Raises
    ------
    InputError
        When it has ``log_ratio`` but not the rest of :class:`Density`.
    """
    if isinstance(method, Density):
        return method
    members = ("window", "window_step", "log_ratio", "log_prior")
    lacking = [name for name in members if getattr(method, name, None) is None]
    if "log_ratio" in lacking:
        return None
    raise InputError(f"{method.name} has log_ratio but not {', '.join(lacking)}, so it is not a density.")


def read_model_description(folder: Path) -> dict[str, Any]:
    """Return format, method name and settings of a stored model, and from format 2 on the hash of its weights."""
    path = folder / "model.json"
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        found = description["format"]
        if found == MODEL_FORMAT:
            description = unsealed(description)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as a model description ({error}); train the model again.") from error
    keys = {"format", "method", "settings"} | ({"weights_sha256"} if found == MODEL_FORMAT else set())
    if found not in (1, MODEL_FORMAT) or description.keys() != keys:
        raise InputError(f"{path} is not a model description of format {MODEL_FORMAT}; train the model again.")
    if not (isinstance(description["method"], str) and isinstance(description["settings"], dict)):
        raise InputError(f"{path} is not a model description of format {MODEL_FORMAT}; train the model again.")
    return dict(description)


def split_preset(
    settings: Mapping[str, Any], presets: Mapping[str, BaseModel], default: str, method: str
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the name of the preset that settings name, its fields, and the other settings.

    Raises
    ------
    InputError
        On an unknown preset, with the nearest right one.
    """
    changes = dict(settings)
    name = changes.pop("preset", default)
    if not isinstance(name, str) or name not in presets:
        raise InputError(f"{method} has no preset {name!r}; {did_you_mean(str(name), presets)}")
    return name, presets[name].model_dump(), changes


def parse_settings(model: type[Configuration], settings: Mapping[str, Any], method: str) -> Configuration:
    """Check a method's settings against its configuration.

    Raises
    ------
    InputError
        On an unknown key, with the nearest right one, or a value out of range.
    """
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise InputError(f"{method} has no setting {key!r}; {did_you_mean(key, model.model_fields)}") from error
        if not first["loc"]:
            raise InputError(f"the settings of {method} do not go together: {first['ctx']['error']}.") from error
        raise InputError(f"the setting {key!r} of {method} is wrong: {first['msg']}.") from error
