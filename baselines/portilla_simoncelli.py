"""Portilla and Simoncelli's textures: noise that is moved until it has the window's statistics; nothing is trained.

The statistics are the 710 of the paper's section 2 (four scales, four orientations, neighbourhoods of 7 px) as
plenoptic has them: marginal moments, autocorrelations of partially reconstructed bands and of magnitudes, correlations
of magnitudes across orientations and scales, and of phases across scales. In place of the paper's projections (section
3) L-BFGS minimises the sum of squared differences, as in plenoptic's example.

The statistics know no colour. A picture is taken apart into the principal components of the window's colours, each of
unit variance, and each component gets the statistics of the window's; components that are rounding alone are left out.
So colours are uncorrelated as the window's are and nothing else ties them: edges of one component may lie where the
others have none. The authors' own colour version, which the paper does not describe, ties them by more statistics.

Only convolutions and matrix products count as operations; the Fourier transforms, which take most of the time, do not.

References
----------
J. Portilla, E. P. Simoncelli, "A parametric texture model based on joint statistics of complex wavelet coefficients",
Int. J. Computer Vision 40(1), 2000, https://doi.org/10.1023/A:1026553619983
"""

from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from inng_bench.errors import InputError
from inng_bench.metrics.portilla_simoncelli import NEIGHBOURHOOD, ORIENTATIONS, SCALES, find_plenoptic
from inng_bench.random_phase import periodic_component

from .base import Choices, ClosedForm, descend

SHORTEST_SIDE = 128
"""Of a canvas in pixels: the coarsest of the bands must hold a neighbourhood."""

STEP = 2**SCALES
"""Sides of a canvas are multiples of it, since each scale halves them."""

LEAST_DEVIATION = 0.02
"""Components of a smaller standard deviation, as a share of the first's, are left out."""

HIGHPASS_WEIGHT = 100.0
"""Of the variance of the finest band, which is small, as plenoptic's own loss has it."""


class PortillaSimoncelliConfig(Choices):
    """Choices of the descent; the defaults fit four pictures of 256 px into four minutes of one core."""

    evaluations: int = Field(110, ge=1, description="Of the statistics of a picture and of their gradient.")


class PortillaSimoncelli(ClosedForm):
    """Pictures with the joint statistics of the window's wavelet coefficients."""

    name: ClassVar[str] = "portilla-simoncelli"
    statistics: ClassVar[frozenset[str]] = frozenset({"mean", "mixing", "wanted"})
    optimises: ClassVar[tuple[str, ...]] = ("portilla_simoncelli", "spectrum")
    choices = PortillaSimoncelliConfig
    _config: PortillaSimoncelliConfig

    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        if min(window.shape[1:]) < SHORTEST_SIDE:
            height, width = window.shape[1:]
            raise InputError(
                f"{self.name} needs a window of at least {SHORTEST_SIDE} px on each side, not {height}×{width}."
            )
        height, width = (side // STEP * STEP for side in window.shape[1:])
        # The statistics are those of a torus; the window's borders are made to meet.
        window = periodic_component(window[:, :height, :width])
        mean, mixing = principal_components(window)
        components = torch.linalg.pinv(mixing) @ (window.flatten(1) - mean[:, None])
        pictures = components.reshape(-1, 1, height, width).float()
        with torch.no_grad():
            return {"mean": mean, "mixing": mixing, "wanted": model_of((height, width))(pictures)[:, 0]}

    def tiles(self, size: tuple[int, int]) -> bool:
        """Whether the canvas, which is a torus, is not larger than the picture."""
        return self.supports(size) and _canvas(size) == size

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        mean, mixing, wanted = (self._statistic(name).float() for name in ("mean", "mixing", "wanted"))
        canvas = _canvas(size)
        model = model_of(canvas)
        weights = _weights(model, wanted)
        pictures = []

        def loss_at(components: Tensor) -> Tensor:
            loss: Tensor = (weights * (model(components)[:, 0] - wanted)).square().sum()
            return loss

        for _ in range(count):
            noise = torch.randn((mixing.shape[1], 1, *canvas), generator=generator)
            components = descend(noise, loss_at, self._config.evaluations)
            picture = mean[:, None, None] + torch.einsum("cj,jhw->chw", mixing, components[:, 0])
            pictures.append(picture[:, : size[0], : size[1]].clamp(-1, 1))
        return torch.stack(pictures)


def principal_components(window: Tensor) -> tuple[Tensor, Tensor]:
    """Return the colour mean (3,) of a window (3, H, W) and the principal axes of its colours.

    The axes (3, k) have the standard deviations of the components as lengths, the longest first.
    """
    colours = window.flatten(1)
    variances, axes = torch.linalg.eigh(torch.cov(colours))
    deviations = variances.clamp_min(0).sqrt().flip(0)
    kept = int((deviations > LEAST_DEVIATION * deviations[0]).sum())
    return colours.mean(1), axes.flip(1)[:, :kept] * deviations[:kept]


def model_of(size: tuple[int, int]) -> Any:
    """Return plenoptic's model for pictures of a size, multiples of 16 px."""
    models = find_plenoptic().models
    state = np.random.get_state()  # noqa: NPY002 (plenoptic draws a picture from it, to learn the bands' sizes)
    try:
        return models.PortillaSimoncelli(size, SCALES, ORIENTATIONS, spatial_corr_width=NEIGHBOURHOOD)
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _weights(model: Any, wanted: Tensor) -> Tensor:
    """Return the weight of each statistic; the extremes, which have no useful gradient, have none."""
    weights = model.convert_to_dict(torch.ones_like(wanted[:1, None]))
    weights["pixel_statistics"][..., -2:] = 0.0
    weights["var_highpass_residual"] *= HIGHPASS_WEIGHT
    tensor: Tensor = model.convert_to_tensor(weights)[0]
    return tensor


def _canvas(size: tuple[int, int]) -> tuple[int, int]:
    height, width = (max(SHORTEST_SIDE, -(-side // STEP) * STEP) for side in size)
    return height, width
