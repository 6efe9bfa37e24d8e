"""A diffusion model of one texture: a small denoiser that sees little of a picture, trained on crops.

Noise of standard deviation σ is added to the window's pixels, x = y + σn, and a network learns the mean of y given x
and σ, preconditioned and weighted as in table 1 and equations 7 and 8 of the first paper. A picture is drawn from
noise alone by Heun's method through falling levels of noise (algorithm 1, levels of equation 5).

That one picture is enough to learn from rests on a small receptive field, as in the two others: the denoiser has no
attention and no normalisation over places, so that it sees 94 pixels and learns windows, not the picture. It
pads by wrapping around: canvases at sampling are tori, and the rim of a training crop does not count in the loss.

References
----------
T. Karras, M. Aittala, T. Aila, S. Laine, "Elucidating the design space of diffusion-based generative models", NeurIPS
2022, arXiv 2206.00364. V. Kulikov et al., "SinDDM: a single image denoising diffusion model", ICML 2023, arXiv
2211.16582. Y. Nikankin, N. Haim, M. Irani, "SinFusion: training diffusion models on a single image or video", ICML
2023, arXiv 2211.11743.
"""

import copy
import math
from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.contract import Execution, Training
from inng_bench.pixels import Palette, random_crops
from inng_bench.seeds import derive_seed, torch_generator
from inng_bench.weights import average_into

from .base import Choices, NetworkMethod, Resumable, require_fit, weights_of

STEP = 8
"""Sides of a canvas are multiples of it: the coarsest features are so many pixels apart."""

FREQUENCIES = 8
"""Sines and cosines of the level of noise that the network sees."""

LARGEST_NOISE, LEAST_NOISE = 20.0, 0.01
CURVATURE = 7.0
"""ρ of equation 5: how much closer the levels of noise lie where there is little."""

Denoiser = Callable[[Tensor, float], Tensor]


class DiffusionConfig(Choices):
    """Choices of a diffusion model; the defaults were the best of few trials on tuning textures."""

    channels: int = Field(12, ge=1, description="At half the picture's size; twice as many at each halving.")
    batch: int = Field(1, ge=1, description="Crops of a step.")
    crop: int = Field(96, ge=64, multiple_of=STEP, description="Side of a crop in pixels.")
    rim: int = Field(16, ge=0, le=24, description="Pixels of a crop's border that do not count in the loss.")
    rate: float = Field(1e-3, gt=0, description="Adam's learning rate at the first step.")
    final_rate_share: float = Field(0.1, ge=0, le=1, description="Share of it that is left at the end; falls linearly.")
    average_decay: float = Field(0.97, ge=0, lt=1, description="Decay of the weight average; 0 is none.")
    noise_mean: float = Field(-1.2, description="Mean of ln σ in training.")
    noise_deviation: float = Field(1.2, gt=0, description="Standard deviation of ln σ in training.")
    levels: int = Field(30, ge=2, description="Levels of noise that a sample goes through.")


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="circular")


class Network(nn.Module):
    """Scaled noisy pictures (N, 3, H, W) and ln σ / 4 (N,) to what :func:`denoise` makes the clean ones of."""

    frequencies: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide, middle, narrow = channels, 2 * channels, 4 * channels
        self.register_buffer("frequencies", 2.0 ** torch.arange(FREQUENCIES // 2) * math.pi / 2, persistent=False)
        self.first = _convolution(12, wide)
        self.down = nn.ModuleList([Block(wide), Block(middle), Block(narrow)])
        self.narrower = nn.ModuleList([nn.Conv2d(wide, middle, 1), nn.Conv2d(middle, narrow, 1)])
        self.up = nn.ModuleList([Block(middle), Block(wide)])
        self.wider = nn.ModuleList([nn.Conv2d(narrow, middle, 1), nn.Conv2d(middle, wide, 1)])
        self.last = _convolution(wide, 12)

    def forward(self, pictures: Tensor, level: Tensor) -> Tensor:
        """Sides must be multiples of 8 px."""
        angles = level[:, None] * self.frequencies
        told = torch.cat([angles.sin(), angles.cos()], 1)
        features = self.down[0](self.first(F.pixel_unshuffle(pictures, 2)), told)
        passed = []
        for narrower, block in zip(self.narrower, self.down[1:], strict=True):
            passed.append(features)
            features = block(narrower(F.avg_pool2d(features, 2)), told)
        for wider, block in zip(self.wider, self.up, strict=True):
            features = block(F.interpolate(wider(features), scale_factor=2.0) + passed.pop(), told)
        return F.pixel_shuffle(self.last(features), 2)


class Block(nn.Module):
    """Two convolutions beside the identity; the level of noise scales and shifts what is between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before = _convolution(channels, channels)
        self.told = nn.Linear(FREQUENCIES, 2 * channels)
        self.after = _convolution(channels, channels)

    def forward(self, features: Tensor, told: Tensor) -> Tensor:
        """Return features of the same shape."""
        scale, shift = self.told(told)[:, :, None, None].chunk(2, 1)
        # Normalised over the channels of each place: over places it would see the whole picture.
        inner = features / (features.square().mean(1, keepdim=True) + 1e-4).sqrt()
        inner = self.before(F.silu(inner)) * (1 + scale) + shift
        outer: Tensor = self.after(F.silu(inner))
        return features + outer


def new_network(config: DiffusionConfig, random: torch.Generator) -> Network:
    """Return a network with random weights, of He's variance; blocks begin as the identity, and the last layer at 0."""
    with torch.device("meta"):
        network = Network(config.channels)
    network.to_empty(device="cpu")
    network.frequencies = 2.0 ** torch.arange(FREQUENCIES // 2) * math.pi / 2
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            begins_at_zero = name == "last" or name.endswith("after")
            deviation = 0.0 if begins_at_zero else math.sqrt(2.0 / module.weight[0].numel())
            nn.init.normal_(module.weight, 0.0, deviation, generator=random)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return network.to(memory_format=torch.channels_last)


def diffuse(clean: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """Return x = y + σn for pictures (N, 3, H, W), unit noise of the same shape and levels (N,)."""
    return clean + sigma[:, None, None, None] * noise


def denoise(network: nn.Module, noisy: Tensor, sigma: Tensor, deviation: float) -> Tensor:
    """Estimate clean pictures: equation 7, with the functions of σ of table 1.

    Parameters
    ----------
    network : nn.Module
        As :class:`Network`.
    noisy : Tensor
        float32 (N, 3, H, W), less the window's mean.
    sigma : Tensor
        Levels of noise (N,).
    deviation : float
        Standard deviation of the clean pixels. A network that gives 0 is the best denoiser of independent ones.
    """
    total = (sigma.square() + deviation**2)[:, None, None, None]
    skip = deviation**2 / total
    scale = sigma[:, None, None, None] * deviation / total.sqrt()
    layout = (noisy / total.sqrt()).contiguous(memory_format=torch.channels_last)
    found: Tensor = network(layout, sigma.log() / 4)
    return skip * noisy + scale * found


def noise_levels(count: int) -> list[float]:
    """Return falling levels of noise, equation 5, and 0 after them."""
    high, low = LARGEST_NOISE ** (1 / CURVATURE), LEAST_NOISE ** (1 / CURVATURE)
    return [(high + index / (count - 1) * (low - high)) ** CURVATURE for index in range(count)] + [0.0]


def draw(denoiser: Denoiser, noise: Tensor, levels: list[float]) -> Tensor:
    """Go from unit noise through levels of noise by Heun's method, algorithm 1 of Karras et al."""
    pictures = levels[0] * noise
    for sigma, following in pairwise(levels):
        slope = (pictures - denoiser(pictures, sigma)) / sigma
        moved = pictures + (following - sigma) * slope
        if following > 0:
            slope = (slope + (moved - denoiser(moved, following)) / following) / 2
            moved = pictures + (following - sigma) * slope
        pictures = moved
    return pictures


@torch.no_grad()
def sample(
    network: Network,
    palette: Palette,
    size: tuple[int, int],
    levels: int,
    execution: Execution,
    generator: torch.Generator,
) -> Tensor:
    """Draw one picture, float32 (1, 3, height, width) in [-1, 1] on the CPU."""
    canvas = [-(-side // STEP) * STEP for side in size]
    noise = torch.randn((1, 3, *canvas), generator=generator).to(execution.device)

    def denoiser(noisy: Tensor, sigma: float) -> Tensor:
        return denoise(network, noisy, torch.full((1,), sigma, device=noisy.device), deviation_of(palette))

    drawn = draw(denoiser, noise, noise_levels(levels)).cpu() + palette.mean[:, None, None]
    return palette.within(drawn[:, :, : size[0], : size[1]]).clamp(-1, 1)


def deviation_of(palette: Palette) -> float:
    """Return the standard deviation of a window's pixels, channels taken together."""
    return max(1e-3, float((palette.factor.square().sum() / 3).sqrt()))


class Trainer(Resumable):
    """The denoiser, its optimiser and the average of its weights."""

    def __init__(self, window: Tensor, config: DiffusionConfig, execution: Execution, seed: int) -> None:
        require_fit(window, config.crop, "crop")
        self._config, self._execution, self._random = config, execution, torch_generator(seed)
        self._price = step_flops(config)
        self.palette = Palette.of(window)
        self._window = (window - self.palette.mean[:, None, None]).to(execution.device)
        self._network = new_network(config, self._random).to(execution.device)
        self._adam = torch.optim.Adam(self._network.parameters(), config.rate, fused=True)
        self._watch = derive_seed(seed=seed, purpose="watch")
        self.averaged = copy.deepcopy(self._network)
        self._parts = {"network": self._network, "averaged": self.averaged, "adam": self._adam}

    def step(self, number: int, share: float) -> dict[str, float]:
        """Take a step on some crops, each with noise of its own level."""
        config = self._config
        self._adam.param_groups[0]["lr"] = config.rate * (1 - share * (1 - config.final_rate_share))
        clean = random_crops(self._window, config.batch, config.crop, self._random)
        noise = torch.randn(clean.shape, generator=self._random).to(clean.device)
        drawn = torch.randn(config.batch, generator=self._random).to(clean.device)
        sigma = (config.noise_mean + config.noise_deviation * drawn).exp()
        self._adam.zero_grad(set_to_none=True)
        loss = denoising_loss(self._network, clean, noise, sigma, deviation_of(self.palette), config.rim)
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam.step()
        average_into(self.averaged, self._network, min(config.average_decay, number / (number + 9)))
        value = loss.item()
        if not math.isfinite(value):
            raise FloatingPointError("the loss of the diffusion model is not a number; lower rate")
        return {"loss": value}

    def look(self) -> tuple[dict[str, float], Tensor]:
        """Draw a picture as large as a crop, in few levels."""
        size = (self._config.crop, self._config.crop)
        levels = min(10, self._config.levels)
        return {}, sample(self.averaged, self.palette, size, levels, self._execution, torch_generator(self._watch))


def denoising_loss(
    network: nn.Module, clean: Tensor, noise: Tensor, sigma: Tensor, deviation: float, rim: int
) -> Tensor:
    """Return the denoiser's mean squared error, weighted so that the network's own is the same at all levels."""
    estimate = denoise(network, diffuse(clean, noise, sigma), sigma, deviation)
    weight = (sigma.square() + deviation**2) / (sigma * deviation).square()
    side = clean.shape[2]
    errors = (estimate - clean)[:, :, rim : side - rim, rim : side - rim].square().mean((1, 2, 3))
    return (weight * errors).mean()


@cache
def step_flops(config: DiffusionConfig) -> float:
    """Count the floating-point operations of a step."""
    with torch.device("meta"):
        network = Network(config.channels)
        clean = torch.empty((config.batch, 3, config.crop, config.crop))
        sigma = torch.ones(config.batch)
    with FlopCounterMode(display=False) as counter:
        denoising_loss(network, clean, clean, sigma, 1.0, config.rim).backward()  # type: ignore[no-untyped-call]
    return float(counter.get_total_flops())


class Diffusion(NetworkMethod):
    """A diffusion model; settings are the fields of :class:`DiffusionConfig`."""

    name: ClassVar[str] = "diffusion"
    learns_several: ClassVar[bool] = True
    choices, trainer = DiffusionConfig, Trainer
    _network: Network
    _palette: Palette

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        super().__init__(settings, execution)
        self._network = new_network(self._config, torch_generator(0)).to(execution.device)
        self._palette = Palette(torch.zeros(3), torch.eye(3))

    def tiles(self, size: tuple[int, int]) -> bool:
        """Say whether both sides are multiples of 8 px, as those of the canvas are, which is a torus."""
        return self.supports(size) and all(side % STEP == 0 for side in size)

    def _end(self, trainer: Trainer, flops: float) -> Training:
        self._palette = trainer.palette
        return super()._end(trainer, flops)

    def snapshot_bytes(self, budget: float) -> float:
        """Count the network, its average and its Adam."""
        del budget
        return 16.0 * weights_of(self._network)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        assert self.supports(size), f"diffusion draws nothing of {size}"
        settings = self._config.levels, self._execution, generator
        return torch.cat([sample(self._network, self._palette, size, *settings) for _ in range(count)])
