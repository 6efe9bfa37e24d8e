"""PSGAN: a convolutional generator of a field of noise and plane waves, trained on patches; it draws any size.

The latent field has three parts (section 2, equations 1 to 4 of the paper): independent uniform noise in every cell, a
global part, and periodic channels sin(k·x + φ) of the cells' places x with learnt wave vectors k and random phases φ.
For a single texture there is nothing global, and the wave vectors are weights of their own. A cell is 16 pixels.

What differs from the paper: layers enlarge by nearest neighbours and a 3×3 convolution, which leaves no checkerboard;
no layer pads, so that all pixels are made alike and a picture is cut from the middle of a larger field at a random
origin; the discriminator is the suite's DCGAN's with local verdicts; samples come from an average of the weights.

References
----------
U. Bergmann, N. Jetchev, R. Vollgraf, "Learning texture manifolds with the Periodic Spatial GAN", ICML 2017,
arXiv 1705.06566. Without periodic channels it is the Spatial GAN, N. Jetchev et al., 2016, arXiv 1611.08207. Resized
convolutions: A. Odena et al., 2016, https://doi.org/10.23915/distill.00003
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from inng_bench.contract import (
    NO_CHECKPOINT,
    Checkpoint,
    Events,
    Execution,
    Method,
    Training,
    ignore_events,
    parse_settings,
)
from inng_bench.errors import InputError
from inng_bench.pixels import Palette, random_crops
from inng_bench.seeds import derive_seed, torch_generator
from inng_bench.weights import initialised

from .adversarial import AdversarialConfig, Adversaries, update_flops
from .dcgan.networks import Discriminator
from .dcgan.presets import DCGANConfig
from .steps import take_steps

CELL = 16
"""Pixels of a latent cell."""

REACH = 62
"""Pixels that the layers, which pad nothing, take away from a field's 16 pixels a cell."""

REPORTS = 10
SHORTEST_SIDE = 16


class PSGANConfig(AdversarialConfig):
    """Choices of a PSGAN; the defaults were best on tuning textures at 1 TFLOP."""

    filters: int = Field(24, ge=1, description="Channels of both networks' layers at half the picture's size.")
    local: int = Field(20, ge=1, description="Noise channels of the latent field.")
    periodic: int = Field(4, ge=0, description="Plane waves of the latent field.")
    crop: int = Field(80, ge=64, description="Side of a training patch in pixels.")
    batch: int = Field(4, ge=2, description="Real patches, and as many generated ones, of a step.")
    palette: bool = Field(True, description="Move the samples' colours to the nearest ones of the window's plane.")


class Latent(NamedTuple):
    """What a batch of pictures is drawn from: noise (N, local, L, M), phases (N, periodic), origin within a cell."""

    noise: Tensor
    phases: Tensor
    origin: tuple[int, int]
    size: tuple[int, int]


class Generator(nn.Module):
    """A latent field to pictures (N, 3, H, W) in [-1, 1]."""

    def __init__(self, config: PSGANConfig) -> None:
        super().__init__()
        filters = config.filters
        self.waves = nn.Parameter(torch.empty(config.periodic, 2))
        """Wave vectors in radians a cell."""
        self.layers = nn.Sequential(
            nn.Conv2d(config.local + config.periodic, filters * 8, 3, bias=False),
            *_normalised(filters * 8),
            *_doubled(filters * 8, filters * 4),
            *_normalised(filters * 4),
            *_doubled(filters * 4, filters * 2),
            *_normalised(filters * 2),
            *_doubled(filters * 2, filters),
            *_normalised(filters),
            *_doubled(filters, 3, bias=True),
            nn.Tanh(),
        )

    def forward(self, latent: Latent) -> Tensor:
        """Draw the pictures."""
        rows, columns = (torch.arange(side, device=self.waves.device) for side in latent.noise.shape[2:])
        places = self.waves[:, 0, None, None] * rows[:, None] + self.waves[:, 1, None, None] * columns
        waves = torch.sin(places + latent.phases[:, :, None, None])
        pictures = self.layers(torch.cat([latent.noise, waves], 1).contiguous(memory_format=torch.channels_last))
        (top, left), (height, width) = latent.origin, latent.size
        return pictures[:, :, top : top + height, left : left + width]  # type: ignore[no-any-return]


def new_generator(config: PSGANConfig, random: torch.Generator) -> Generator:
    """Return a generator with random weights and wave vectors of two to ten cells."""
    generator = initialised(lambda: Generator(config), random).to(memory_format=torch.channels_last)
    lengths = 2 * math.pi / (2 + 8 * torch.rand(config.periodic, generator=random))
    angles = math.pi * torch.rand(config.periodic, generator=random)
    with torch.no_grad():
        generator.waves.copy_(torch.stack([lengths * angles.cos(), lengths * angles.sin()], 1))
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


class PSGAN(Method):
    """A PSGAN; settings are the fields of :class:`PSGANConfig`."""

    name: ClassVar[str] = "psgan"

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        self._config = parse_settings(PSGANConfig, settings, self.name)
        self._execution = execution
        self._generator = new_generator(self._config, torch_generator(0)).to(execution.device)
        self._palette = Palette(torch.zeros(3), torch.zeros(3, 3))

    def configuration(self) -> dict[str, Any]:
        """Return every field of the configuration."""
        return self._config.model_dump(mode="json")

    def supports(self, size: tuple[int, int]) -> bool:
        """Say whether both sides are at least 16 px."""
        return min(size) >= SHORTEST_SIDE

    def train(
        self,
        window: Tensor,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        """Train until the budget is spent; see :meth:`inng_bench.contract.Method.train`."""
        config = self._config
        if min(window.shape[1:]) < config.crop:
            height, width = window.shape[1:]
            raise InputError(
                f"a crop of {config.crop} px does not fit into a window of {height}×{width} px; give psgan a "
                "smaller one."
            )
        trainer = Trainer(window, config, self._execution, seed)
        steps = max(1, round(budget / step_flops(config)))
        take_steps(trainer, steps, REPORTS, events, checkpoint)
        self._generator = trainer.averaged
        self._palette = Palette.of(window)
        return Training(trainer.spent(steps))

    def snapshot_bytes(self, budget: float) -> float:
        """Count both networks with their Adams, and the generator's average."""
        del budget
        with torch.device("meta"):
            networks = Generator(self._config), Discriminator(_judge(self._config))
        generator, discriminator = (sum(weight.numel() for weight in network.parameters()) for network in networks)
        return 4.0 * (4 * generator + 3 * discriminator)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"psgan draws nothing of {size}"
        latents = [_to(draw_latent(1, size, self._config, generator), self._execution) for _ in range(count)]
        drawn = torch.cat([_draw(self._generator, latent) for latent in latents])
        return (self._palette.within(drawn) if self._config.palette else drawn).clamp(-1, 1)

    def state(self) -> dict[str, Tensor]:
        """Return the generator's weights and running statistics, and the palette."""
        weights = {name: tensor.detach().cpu() for name, tensor in self._generator.state_dict().items()}
        return weights | {"palette.mean": self._palette.mean, "palette.factor": self._palette.factor}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over a :meth:`state`."""
        weights = dict(state)
        try:
            self._palette = Palette(weights.pop("palette.mean"), weights.pop("palette.factor"))
            self._generator.load_state_dict(weights)
        except (KeyError, RuntimeError) as error:
            raise InputError(
                "the stored PSGAN lacks weights or has others than its settings; train it again."
            ) from error


class Trainer(Adversaries[Generator]):
    """The two networks, trained on crops of a window."""

    def __init__(self, window: Tensor, config: PSGANConfig, execution: Execution, seed: int) -> None:
        random = torch_generator(seed)
        super().__init__(new_generator(config, random), _new_discriminator(config, random), config, execution, random)
        self._config, self._size = config, (config.crop, config.crop)
        self._window = window.to(execution.device)
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

    def spent(self, steps: int) -> float:
        """Return the counted operations of steps; looks decide nothing and are not the method's."""
        return steps * step_flops(self._config)


def step_flops(config: PSGANConfig) -> float:
    """Count the floating-point operations of a step of both networks."""
    with torch.device("meta"):
        generator, discriminator = Generator(config), Discriminator(_judge(config))
        cells = cells_of((config.crop, config.crop))
        noise = torch.empty((config.batch, config.local, *cells))
        phases = torch.empty((config.batch, config.periodic))
    latent = Latent(noise, phases, (0, 0), (config.crop, config.crop))
    return update_flops(generator, discriminator, config, latent)


def _judge(config: PSGANConfig) -> DCGANConfig:
    """Return the configuration of the discriminator."""
    return DCGANConfig(discriminator_filters=config.filters, local_verdicts=True)


def _new_discriminator(config: PSGANConfig, random: torch.Generator) -> Discriminator:
    network = initialised(lambda: Discriminator(_judge(config)), random)
    return network.to(memory_format=torch.channels_last)


def _normalised(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU(inplace=True)


def _doubled(inputs: int, outputs: int, *, bias: bool = False) -> tuple[nn.Module, nn.Module]:
    return nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, bias=bias)


def _to(latent: Latent, execution: Execution) -> Latent:
    return latent._replace(noise=latent.noise.to(execution.device), phases=latent.phases.to(execution.device))


@torch.no_grad()
def _draw(generator: Generator, latent: Latent) -> Tensor:
    """Draw with the running statistics, float32 on the CPU."""
    generator.eval()
    pictures: Tensor = generator(latent).float().cpu()
    return pictures.contiguous()
