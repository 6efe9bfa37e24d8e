"""GPDM: a picture whose patches are distributed as those of the window, by descent on its pixels; nothing is trained.

The distance between two distributions of patches is the sliced Wasserstein distance: the mean over random projections
of the distance W1 between the projected patches, which in one dimension is the mean difference of what is sorted.
Patches are projected by a convolution with random filters, which are drawn anew at each step. A canvas of noise as
small as a few patches is brought near the window at the same scale, enlarged, and so on up to the full size.

What differs from the published code: canvases are tori, so that no border has fewer patches; patches lie ``stride``
pixels apart from an origin that is drawn at each step; a level has fewer steps, and there are fewer levels.

Only convolutions count as operations; sorting, which takes most of the time, has none.

References
----------
A. Elnekave, Y. Weiss, "Generating natural images with direct patch distributions matching", ECCV 2022, section 3 and
algorithm 1, https://arxiv.org/abs/2203.11862
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from .base import Choices, ClosedForm, require_fit
from .transport import directions, in_order, partners


class GPDMConfig(Choices):
    """Choices of GPDM; the defaults fit four pictures of 256 px into four minutes of one core."""

    patch: int = Field(7, ge=2, description="Side of a patch in pixels.")
    projections: int = Field(64, ge=1, description="Random directions of a step.")
    stride: int = Field(2, ge=1, description="Pixels between patches of a step.")
    coarse_side: int = Field(20, ge=8, description="Shorter side of the window at the coarsest level, in pixels.")
    factor: float = Field(0.7, gt=0, lt=1, description="Size of a level as a share of the next finer one's.")
    steps: int = Field(120, ge=1, description="Of a level.")
    rate: float = Field(0.03, gt=0, description="Adam's learning rate at the first step of a level.")
    final_rate_share: float = Field(0.1, ge=0, le=1, description="Share of the rate at a level's last step.")
    noise: float = Field(1.0, ge=0, description="Standard deviation of the first canvas about the window's mean.")


class GPDM(ClosedForm):
    """Pictures of the window's patches, level by level."""

    name: ClassVar[str] = "gpdm"
    statistics: ClassVar[frozenset[str]] = frozenset({"window"})
    choices = GPDMConfig
    _config: GPDMConfig

    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        require_fit(window, self._config.coarse_side, "coarse_side")
        return {"window": window}

    def tiles(self, size: tuple[int, int]) -> bool:
        """Every canvas is a torus."""
        return self.supports(size)

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        window = self._statistic("window").float()[None]
        scales = self._scales(min(window.shape[2:]))
        noise = torch.randn((count, 3, *_scaled(size, scales[0])), generator=generator)
        canvases = window.mean((2, 3), keepdim=True) + self._config.noise * noise
        for scale in scales:
            reference = resized(window, _scaled(tuple(window.shape[2:]), scale))
            canvases = self._match(enlarged(canvases, _scaled(size, scale)), reference, generator)
        return canvases

    def _scales(self, side: int) -> list[float]:
        """Return the levels' sizes as shares of the full one, the coarsest first."""
        scales = [1.0]
        while scales[0] * self._config.factor * side >= self._config.coarse_side:
            scales.insert(0, scales[0] * self._config.factor)
        return scales

    def _match(self, canvases: Tensor, reference: Tensor, generator: torch.Generator) -> Tensor:
        """Move the pixels of canvases (N, 3, H, W) until their patches are distributed as those of a reference."""
        config = self._config
        canvases = canvases.clone().requires_grad_()
        adam = torch.optim.Adam([canvases], config.rate)
        for step in range(config.steps):
            adam.param_groups[0]["lr"] = config.rate * (1 - step / config.steps * (1 - config.final_rate_share))
            filters = directions(config.projections, (3, config.patch, config.patch), generator)
            top, left = torch.randint(config.stride, (2,), generator=generator).tolist()
            wanted = in_order(F.conv2d(reference[:, :, top:, left:], filters, stride=config.stride).flatten(2)[0])
            adam.zero_grad()
            with torch.enable_grad():
                padded = F.pad(canvases, (0, config.patch - 1, 0, config.patch - 1), "circular")
                found = F.conv2d(padded[:, :, top:, left:], filters, stride=config.stride).flatten(2)
                (found - partners(found, wanted)).abs().mean(2).sum().backward()  # type: ignore[no-untyped-call]
            adam.step()
        return canvases.detach().clamp_(-1, 1)


def enlarged(canvases: Tensor, size: tuple[int, int]) -> Tensor:
    """Return tori (N, 3, H, W) of another height and width, by cubic interpolation across their borders too."""
    padded = F.pad(canvases, (2, 2, 2, 2), "circular")
    rows, columns = (
        ((torch.arange(new) + 0.5) * old / new + 1.5) * 2 / (old + 3) - 1
        for new, old in zip(size, canvases.shape[2:], strict=True)
    )
    places = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1).expand(len(canvases), -1, -1, -1)
    return F.grid_sample(padded, places, mode="bicubic", align_corners=True)


def resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Return pictures (N, 3, H, W) of another height and width, smoothed before they are made smaller."""
    if tuple(pictures.shape[2:]) == size:
        return pictures
    return F.interpolate(pictures, size=size, mode="bicubic", antialias=True, align_corners=False)


def _scaled(size: tuple[int, ...], scale: float) -> tuple[int, int]:
    height, width = (max(1, round(scale * side)) for side in size)
    return height, width
