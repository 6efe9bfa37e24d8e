"""PSGAN: a convolutional generator of a field of noise and plane waves, trained on patches; it draws any size.

The latent field has three parts (section 2, equations 1 to 4 of the paper): independent uniform noise in every cell, a
global part, and periodic channels sin(k·x + φ) of the cells' places x with learnt wave vectors k and random phases φ.
For a single texture there is nothing global, and the wave vectors are weights of their own. A cell is 16 pixels.

What differs from the paper: layers enlarge by nearest neighbours and a 3×3 convolution, which leaves no checkerboard;
no layer pads, so that all pixels are made alike and a picture is cut from the middle of a larger field at a random
origin; features are normalised over the channels of each place (T. Karras et al., 2018, arXiv 1710.10196, section 4.2),
not over a batch, whose running statistics are not those of averaged weights; the discriminator is that of the suite's
DCGAN with local verdicts; samples come from an average of the weights.

References
----------
U. Bergmann, N. Jetchev, R. Vollgraf, "Learning texture manifolds with the Periodic Spatial GAN", ICML 2017,
arXiv 1705.06566. Without periodic channels it is the Spatial GAN, N. Jetchev et al., 2016, arXiv 1611.08207. Resized
convolutions: A. Odena et al., 2016, https://doi.org/10.23915/distill.00003
"""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from inng_bench.contract import Execution
from inng_bench.pixels import colour_statistics, random_crops
from inng_bench.seeds import derive_seed, torch_generator
from inng_bench.weights import initialised

from .adversarial import AdversarialConfig, Adversaries, update_flops
from .base import NetworkMethod, require_fit, weights_of
from .dcgan import LEAK, DCGANConfig, Discriminator

CELL = 16
"""Pixels of a latent cell."""

REACH = 62
"""Pixels that the layers, which pad nothing, take away from a field's 16 pixels a cell."""

SPREAD = 3.0
"""Standard deviations of a colour component that the generator can reach, with a palette."""


class PSGANConfig(AdversarialConfig):
    """Choices of a PSGAN; the defaults were the best of few trials on tuning textures at 1 TFLOP."""

    filters: int = Field(16, ge=1, description="Channels of both networks' layers at half the picture's size.")
    local: int = Field(20, ge=1, description="Noise channels of the latent field.")
    periodic: int = Field(4, ge=0, description="Plane waves of the latent field.")
    crop: int = Field(64, ge=64, description="Side of a training patch in pixels.")
    batch: int = Field(2, ge=2, description="Real patches, and as many generated ones, of a step.")
    palette: bool = Field(
        True,
        description="Draw in the window's principal colours, as INNg's first noise is, in place of red, green, blue.",
    )


class Latent(NamedTuple):
    """What a batch of pictures is drawn from: noise (N, local, L, M), phases (N, periodic), origin within a cell."""

    noise: Tensor
    phases: Tensor
    origin: tuple[int, int]
    size: tuple[int, int]


class Generator(nn.Module):
    """A latent field to pictures (N, 3, H, W); with a palette they may leave [-1, 1]."""

    mean: Tensor
    colours: Tensor

    def __init__(self, config: PSGANConfig) -> None:
        super().__init__()
        filters = config.filters
        self.waves = nn.Parameter(torch.empty(config.periodic, 2))
        """Wave vectors in radians a cell."""
        self.register_buffer("mean", torch.empty(3))
        self.register_buffer("colours", torch.empty(3, 3))
        self.layers = nn.Sequential(
            nn.Conv2d(config.local + config.periodic, filters * 8, 3, bias=False),
            Evened(),
            *_doubled(filters * 8, filters * 4),
            Evened(),
            *_doubled(filters * 4, filters * 2),
            Evened(),
            *_doubled(filters * 2, filters),
            Evened(),
            *_doubled(filters, 3, bias=True),
            nn.Tanh(),
        )

    def forward(self, latent: Latent) -> Tensor:
        """Draw the pictures."""
        rows, columns = (torch.arange(side, device=self.waves.device) for side in latent.noise.shape[2:])
        places = self.waves[:, 0, None, None] * rows[:, None] + self.waves[:, 1, None, None] * columns
        waves = torch.sin(places + latent.phases[:, :, None, None])
        drawn = self.layers(torch.cat([latent.noise, waves], 1).contiguous(memory_format=torch.channels_last))
        (top, left), (height, width) = latent.origin, latent.size
        drawn = drawn[:, :, top : top + height, left : left + width]
        return torch.einsum("ij,njhw->nihw", self.colours, drawn) + self.mean[:, None, None]


def new_generator(config: PSGANConfig, random: torch.Generator) -> Generator:
    """Return a generator with random weights and wave vectors of two to ten cells."""
    generator = initialised(lambda: Generator(config), random).to(memory_format=torch.channels_last)
    lengths = 2 * math.pi / (2 + 8 * torch.rand(config.periodic, generator=random))
    angles = math.pi * torch.rand(config.periodic, generator=random)
    with torch.no_grad():
        generator.waves.copy_(torch.stack([lengths * angles.cos(), lengths * angles.sin()], 1))
        generator.mean.zero_()
        generator.colours.copy_(torch.eye(3))
    return generator


def draw_latent(count: int, size: tuple[int, int], config: PSGANConfig, random: torch.Generator) -> Latent:
    """Draw what pictures of a size are made from: noise uniform in (-1, 1), phases in (0, 2π), an origin in a cell."""
    cells = cells_of(size)
    noise = torch.rand((count, config.local, *cells), generator=random) * 2 - 1
    phases = 2 * math.pi * torch.rand((count, config.periodic), generator=random)
    top, left = torch.randint(CELL, (2,), generator=random).tolist()
    return Latent(noise, phases, (top, left), size)


def cells_of(size: tuple[int, int]) -> tuple[int, int]:
    """Return the rows and columns of cells that a picture needs whatever its origin."""
    rows, columns = (-(-(side + CELL - 1 + REACH) // CELL) for side in size)
    return rows, columns


class Trainer(Adversaries[Generator]):
    """The two networks, trained on crops of a window."""

    def __init__(self, window: Tensor, config: PSGANConfig, execution: Execution, seed: int) -> None:
        require_fit(window, config.crop, "crop")
        random = torch_generator(seed)
        generator = new_generator(config, random)
        if config.palette:
            mean, factor = colour_statistics(window)
            generator.mean.copy_(mean)
            generator.colours.copy_(SPREAD * factor)
        networks = generator, _new_discriminator(config, random)
        super().__init__(*networks, window, config, execution, random, step_flops(config))
        self._config, self._size = config, (config.crop, config.crop)
        watch = torch_generator(derive_seed(seed=seed, purpose="watch"))
        self._seen = _to(draw_latent(4, self._size, config, watch), execution)

    def step(self, number: int, share: float) -> dict[str, float]:
        """Draw a batch and make one :meth:`update`."""
        real = random_crops(self._window, self._config.batch, self._config.crop, self._random)
        latent = draw_latent(self._config.batch, self._size, self._config, self._random)
        return self.update(number, share, real, _to(latent, self._execution))

    def look(self) -> tuple[dict[str, float], Tensor]:
        """Draw some pictures, from latent fields that stay the same."""
        return {}, _draw(self.averaged, self._seen)


@cache
def step_flops(config: PSGANConfig) -> float:
    """Count the floating-point operations of a step of both networks."""
    with torch.device("meta"):
        noise = torch.empty((config.batch, config.local, *cells_of((config.crop, config.crop))))
        phases = torch.empty((config.batch, config.periodic))
    return update_flops(*_on_meta(config), config, Latent(noise, phases, (0, 0), (config.crop, config.crop)))


def _on_meta(config: PSGANConfig) -> tuple[Generator, Discriminator]:
    """Return networks that compute nothing, for counting."""
    with torch.device("meta"):
        return Generator(config), Discriminator(_judge(config))


def _judge(config: PSGANConfig) -> DCGANConfig:
    """Return the configuration of the discriminator."""
    return DCGANConfig(discriminator_filters=config.filters, local_verdicts=True)


def _new_discriminator(config: PSGANConfig, random: torch.Generator) -> Discriminator:
    network = initialised(lambda: Discriminator(_judge(config)), random)
    return network.to(memory_format=torch.channels_last)


class Evened(nn.Module):
    """Leaky rectified features of unit mean square over the channels of each place."""

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        evened = features * (features.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        return F.leaky_relu(evened, LEAK)


def _doubled(inputs: int, outputs: int, *, bias: bool = False) -> tuple[nn.Module, nn.Module]:
    return nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, bias=bias)


def _to(latent: Latent, execution: Execution) -> Latent:
    return latent._replace(noise=latent.noise.to(execution.device), phases=latent.phases.to(execution.device))


@torch.no_grad()
def _draw(generator: nn.Module, latent: Latent) -> Tensor:
    """Draw, float32 on the CPU."""
    pictures: Tensor = generator(latent).float().cpu()
    return pictures.clamp(-1, 1).contiguous()


class PSGAN(NetworkMethod):
    """A PSGAN; settings are the fields of :class:`PSGANConfig`."""

    name: ClassVar[str] = "psgan"
    learns_several: ClassVar[bool] = True
    choices, trainer = PSGANConfig, Trainer

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        super().__init__(settings, execution)
        self._network = new_generator(self._config, torch_generator(0)).to(execution.device)

    def snapshot_bytes(self, budget: float) -> float:
        """Count both networks with their Adams, and the generator's average."""
        del budget
        generator, discriminator = map(weights_of, _on_meta(self._config))
        return 4.0 * (4 * generator + 3 * discriminator)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"psgan draws nothing of {size}"
        latents = [_to(draw_latent(1, size, self._config, generator), self._execution) for _ in range(count)]
        return torch.cat([_draw(self._network, latent) for latent in latents])
