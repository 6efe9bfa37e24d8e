"""DCGAN, the competitor of the paper: it draws 64 px tiles and nothing larger.

Transposed convolutions 4×4 of stride 2, batch normalisation, ReLU and tanh in the generator, leaky ReLU in the
discriminator, Adam with β1 0.5, weights N(0, 0.02), one generator step a discriminator step; trained on random 64 px
patches of the window.

References
----------
A. Radford, L. Metz, S. Chintala, "Unsupervised representation learning with deep convolutional generative adversarial
networks", ICLR 2016, arXiv 1511.06434.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from inng_bench.contract import Execution, Snapshot, Training, parse_settings, split_preset
from inng_bench.errors import InputError
from inng_bench.pictures import TrainingPictures
from inng_bench.pixels import Palette, random_crops
from inng_bench.seeds import derive_seed, torch_generator
from inng_bench.weights import initialised

from .adversarial import AdversarialConfig, Adversaries, update_flops
from .base import Course, NetworkMethod, equal_steps, weights_of
from .moments import TILE, TILES, Watch, looking_flops

LEAK = 0.2


class DCGANConfig(AdversarialConfig):
    """Choices of a DCGAN; the defaults are the preset ``best``."""

    latent: int = Field(100, ge=1, description="Dimension of z, uniform in (-1, 1).")
    generator_filters: int = Field(24, ge=1, description="Channels of the generator's last hidden layer.")
    discriminator_filters: int = Field(24, ge=1, description="Channels of the discriminator's first layer.")
    resized_layers: int = Field(
        0,
        ge=0,
        le=4,
        description="Last layers that enlarge by nearest neighbours and a 3×3 convolution; others transposed.",
    )
    local_verdicts: bool = Field(
        True, description="Judge each of the discriminator's last 4×4 places by itself, in place of the whole picture."
    )
    best_moment: bool = Field(False, description="End with the weights whose tiles were nearest to the train window.")
    palette: bool = Field(True, description="Move the samples' colours to the nearest ones of the window's plane.")
    intervals: int = Field(20, ge=1, description="Reports of a training at the most.")
    picture_side: int | None = Field(None, ge=8, le=128, description="Side of a set's pictures; None learns a texture.")

    @property
    def side(self) -> int:
        """Side in pixels of what is drawn."""
        return TILE if self.picture_side is None else self.picture_side


BEST = DCGANConfig()
"""The recipe that was best on tuning textures, for budgets of minutes. The suite ``tuning`` stores trials of some of
its choices; others were tried before, and those trials are not stored."""

RADFORD = DCGANConfig(
    generator_filters=64,
    discriminator_filters=64,
    local_verdicts=False,
    rate=2e-4,
    average_decay=0.0,
    palette=False,
)
"""As published, with the kernels and the 64 filters of the Torch ports of the authors' code, but for the batch: 128
patches a step would leave a budget of a few TFLOP not ten steps."""

SETS = DCGANConfig(
    generator_filters=16,
    discriminator_filters=16,
    local_verdicts=False,
    palette=False,
    batch=32,
    gradient_penalty=1.0,
)
"""For sets of pictures: the discriminator judges whole pictures, as published, and sees more of them a step. Its size
and the penalty were chosen on ``faces`` by six trials."""

PRESETS: dict[str, DCGANConfig] = {"best": BEST, "radford": RADFORD, "sets": SETS}


def configure(settings: Mapping[str, Any]) -> tuple[str, DCGANConfig]:
    """Return the preset and the configuration that settings name, whose fields win over its.

    The default preset is ``best``, and of a set, whose settings have a ``picture_side``, ``sets``.
    """
    default = "best" if settings.get("picture_side") is None else "sets"
    name, fields, changes = split_preset(settings, PRESETS, default, "dcgan")
    return name, parse_settings(DCGANConfig, fields | changes, "dcgan")


LARGEST_START = 7
"""Largest side in pixels that the generator begins with: 4 for pictures of 8, 16, 32 and 64 px, 7 for 28 px."""


def doublings(side: int) -> tuple[int, int]:
    """Return the side that a generator begins with, and how often it doubles that."""
    count = 0
    while side > LARGEST_START and side % 2 == 0:
        side, count = side // 2, count + 1
    if side > LARGEST_START:
        raise InputError(
            f"dcgan draws pictures whose side is up to {LARGEST_START} px times a power of 2, such as 64; this one has "
            f"{side} px times {2**count}."
        )
    return side, count


class Generator(nn.Module):
    """z (N, latent) to pictures (N, 3, side, side) in [-1, 1]; side is 64 for textures."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        start, count = doublings(config.side)
        filters = config.generator_filters * 2**count
        layers: list[nn.Module] = [nn.ConvTranspose2d(config.latent, filters // 2, start, 1, 0, bias=False)]
        for left in range(count, 0, -1):  # of 64 px: (8 f, 4, 4), (4 f, 8, 8), (2 f, 16, 16), (f, 32, 32), (3, 64, 64)
            filters //= 2
            outputs = filters // 2 if left > 1 else 3
            resize = config.resized_layers >= left
            layers += [*_normalised(filters), *_doubled(filters, outputs, resize=resize, bias=left == 1)]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, latent: Tensor) -> Tensor:
        """Draw one picture a row of ``latent``."""
        return self.layers(latent[:, :, None, None])  # type: ignore[no-any-return]


class Discriminator(nn.Module):
    """Pictures (N, 3, 64, 64) to logits (N, 1) of the whole or (N, 16) of parts of 46 px, positive for real.

    Of a set they have the set's side.
    """

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        start, count = doublings(config.side)
        filters = config.discriminator_filters
        layers: list[nn.Module] = [nn.Conv2d(3, filters, 4, 2, 1), nn.LeakyReLU(LEAK, inplace=True)]
        for _ in range(count - 1):  # of 64 px: (f, 32, 32), (2 f, 16, 16), (4 f, 8, 8), (8 f, 4, 4)
            layers += [nn.Conv2d(filters, filters * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(filters * 2)]
            layers += [nn.LeakyReLU(LEAK, inplace=True)]
            filters *= 2
        head = nn.Conv2d(filters, 1, 1 if config.local_verdicts else start)  # of 64 px (1, 4, 4) or (1, 1, 1)
        self.layers = nn.Sequential(*layers, head)

    def forward(self, pictures: Tensor) -> Tensor:
        """Judge each picture or part."""
        return self.layers(pictures).flatten(1)  # type: ignore[no-any-return]


def _normalised(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU(inplace=True)


def _doubled(inputs: int, outputs: int, *, resize: bool, bias: bool = False) -> tuple[nn.Module, ...]:
    """Return layers that double height and width."""
    if resize:
        return nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, 1, 1, bias=bias)
    return (nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias),)


def new_generator(config: DCGANConfig, random: torch.Generator) -> Generator:
    """Return a generator with random weights, in the memory layout of its training, so that it draws the same bytes."""
    return initialised(lambda: Generator(config), random).to(memory_format=torch.channels_last)


def new_discriminator(config: DCGANConfig, random: torch.Generator) -> Discriminator:
    """Return a discriminator with random weights."""
    return initialised(lambda: Discriminator(config), random).to(memory_format=torch.channels_last)


def draw_latent(count: int, config: DCGANConfig, generator: torch.Generator) -> Tensor:
    """Draw z, uniform in (-1, 1), (count, latent)."""
    return torch.rand((count, config.latent), generator=generator) * 2 - 1


class Trainer(Adversaries[Generator]):
    """The two networks, trained on patches of a window or on whole pictures, and what watches them."""

    def __init__(self, window: Tensor | TrainingPictures, config: DCGANConfig, execution: Execution, seed: int) -> None:
        random = torch_generator(seed)
        networks = new_generator(config, random), new_discriminator(config, random)
        super().__init__(*networks, window, config, execution, random, step_flops(config))
        self._config, self.palette = config, None
        if config.palette and isinstance(window, Tensor):
            self.palette = Palette.of(window)
        watching = torch_generator(derive_seed(seed=seed, purpose="watch"))
        latent = draw_latent(TILES, config, watching).to(execution.device)
        self.watch = Watch(window, self.averaged, latent, watching, best=config.best_moment, side=config.side)

    def step(self, number: int, share: float) -> dict[str, float]:
        """Draw a batch and make one :meth:`update`."""
        real = random_crops(self._window, self._config.batch, self._config.side, self._random)
        real = real.to(self._execution.device)  # of a set it is drawn elsewhere
        latent = draw_latent(self._config.batch, self._config, self._random).to(self._execution.device)
        return self.update(number, share, real, latent)

    def look(self) -> tuple[dict[str, float], Tensor]:
        """Look at what the averaged generator draws."""
        values, tiles = self.watch.look()
        return values, tiles[:4]

    def course(self, budget: float) -> Course:
        """Say how many steps a budget pays for beside the looks that choose the best moment."""
        looks = looks_flops(self._config, self._config.intervals)
        return equal_steps(budget - looks, self._price, self._config.intervals)

    def spent(self, steps: int) -> float:
        """Return the counted operations of steps and looks."""
        return super().spent(steps) + looks_flops(self._config, len(self.watch.diversity))

    def snapshot(self) -> Snapshot:
        """Return all that changes from step to step."""
        trained, seen = super().snapshot(), self.watch.snapshot()
        return Snapshot({**trained.tensors, **seen.tensors}, seen.values)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot`."""
        super().restore(snapshot)
        self.watch.restore(snapshot)


def _on_meta(config: DCGANConfig) -> tuple[Generator, Discriminator]:
    """Return networks that compute nothing, for counting."""
    with torch.device("meta"):
        return Generator(config), Discriminator(config)


@cache
def step_flops(config: DCGANConfig) -> float:
    """Count the floating-point operations of a step of both networks."""
    return update_flops(*_on_meta(config), config, torch.empty((config.batch, config.latent), device="meta"))


def looks_flops(config: DCGANConfig, looks: int) -> float:
    """Count the floating-point operations of looks; those that decide nothing are not the method's."""
    if not config.best_moment:
        return 0.0
    return looking_flops(_on_meta(config)[0], torch.empty((TILES, config.latent), device="meta"), looks)


class DCGAN(NetworkMethod):
    """A DCGAN.

    Settings are ``preset`` (a name of :data:`PRESETS`) and any field of :class:`DCGANConfig`, which then wins over it.
    """

    name: ClassVar[str] = "dcgan"
    learns_several: ClassVar[bool] = True
    trainer = Trainer
    train_on = NetworkMethod.train

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        self._preset, self._config = configure(settings)
        self._execution = execution
        self._network = new_generator(self._config, torch_generator(0)).to(execution.device)
        self._palette = Palette(torch.zeros(3), torch.zeros(3, 3)) if self._config.palette else None

    def configuration(self) -> dict[str, Any]:
        """Return the preset's name and every field of the configuration."""
        return {"preset": self._preset, **super().configuration()}

    def supports(self, size: tuple[int, int]) -> bool:
        """Only the trained size; a larger picture would be a mosaic."""
        return size == (self._config.side, self._config.side)

    def _end(self, trainer: Trainer, flops: float) -> Training:
        self._network, self._palette = trainer.watch.kept, trainer.palette
        return Training(flops, trainer.watch.warnings())

    def snapshot_bytes(self, budget: float) -> float:
        """Count both networks with their Adams, and the generator's average and best moment."""
        del budget
        generator, discriminator = map(weights_of, _on_meta(self._config))
        return 4.0 * ((5 if self._config.best_moment else 4) * generator + 3 * discriminator)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw tiles; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"DCGAN draws {self._config.side} px tiles, not {size}"
        latent = draw_latent(count, self._config, generator).to(self._execution.device)
        self._network.eval()
        with torch.no_grad():
            # In small batches, so that thousands of tiles do not need gigabytes.
            tiles = [self._network(part) for part in torch.split(latent, 64)]
        drawn = torch.cat(tiles).float().cpu()
        return (drawn if self._palette is None else self._palette.within(drawn)).clamp(-1, 1)
