"""The factor A of x = A·u: a step moves u, in which all colours and short wavelengths of a texture weigh alike.

The paper's update in u is a Langevin update of x that is preconditioned by AAᵀ: it has the same stationary density, and
its noise never leaves the colours that the texture has, nor its spectrum at short wavelengths. The gradient of strided
convolutions is strongest at the periods of the strides; in u it moves them no farther than the texture has of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inng_bench.pixels import ROUNDING
from inng_bench.random_phase import periodic_component

LONGEST = 16
"""Pixels; longer waves are moved as if they had the amplitude of this one. Without a bound nearly all of a step goes
into waves of which a classifier's window, 62 px wide, holds hardly one."""

BANDS = 12
"""Of wavelengths, equally wide in their logarithm, from :data:`LONGEST` to the shortest that pixels have, √2."""

_EDGES = np.geomspace(1 / LONGEST, np.sqrt(0.5), BANDS + 1)
"""Cycles per pixel."""


@dataclass(frozen=True)
class Factor:
    """A on canvases of one size.

    Attributes
    ----------
    colours : Tensor or None
        (3, 3), its part for the channels of a pixel; None leaves them alone.
    response : Tensor or None
        (H, W // 2 + 1), its part for the frequencies, which is symmetric; None is 1 everywhere.
    """

    colours: Tensor | None
    response: Tensor | None

    def coordinates(self, gradient: Tensor) -> Tensor:
        """Return Aᵀ·gradient: the gradient with respect to u, both (N, 3, H, W)."""
        filtered = self._filtered(gradient)
        return filtered if self.colours is None else _mixed(self.colours.T, filtered)

    def moved(self, canvases: Tensor, move: Tensor) -> Tensor:
        """Return canvases + A·move of a move of u, all (N, 3, H, W)."""
        filtered = self._filtered(move)
        if self.colours is None:
            return canvases + filtered
        pixels = filtered.flatten(2)
        matrices = self.colours.expand(len(move), 3, 3)
        return torch.baddbmm(canvases.flatten(2), matrices, pixels).view_as(canvases)

    def _filtered(self, pictures: Tensor) -> Tensor:
        if self.response is None:
            return pictures
        size = (pictures.shape[2], pictures.shape[3])
        filtered: Tensor = torch.fft.irfft2(torch.fft.rfft2(pictures).mul_(self.response), s=size)
        return filtered


@dataclass(frozen=True)
class Preconditioner:
    """A as a few statistics of a texture.

    Attributes
    ----------
    colours : Tensor
        float32 (3, 3); times its transpose it is the covariance of a pixel's colours; or the identity.
    amplitudes : Tensor or None
        float32 (:data:`BANDS`,), root mean square of the texture's Fourier coefficients in each band of wavelengths,
        the longest first; None takes all as alike.
    """

    colours: Tensor
    amplitudes: Tensor | None = None

    @classmethod
    def of(cls, directions: str, window: Tensor, colours: Tensor) -> "Preconditioner":
        """Measure one window or several, float32 on the CPU, whose colours' covariance has a factor already."""
        if directions == "pixels":
            return cls(torch.eye(3))
        return cls(colours, band_amplitudes(window) if directions == "spectrum" else None)

    def on(self, canvases: Tensor) -> Factor:
        """Return the factor for canvases (N, 3, H, W), where and in the data type in which they are.

        Its mean square over the frequencies is that of the colours: a unit of white noise in u has the texture's
        variance in x.
        """
        response = None
        if self.amplitudes is not None:
            response = _response(self.amplitudes, (canvases.shape[2], canvases.shape[3])).to(canvases)
        colours = None if torch.equal(self.colours, torch.eye(3)) else self.colours.to(canvases)
        return Factor(colours, response)

    def state(self) -> dict[str, Tensor]:
        """Return the statistics by name."""
        state = {"steps.colours": self.colours}
        return state if self.amplitudes is None else state | {"steps.amplitudes": self.amplitudes}

    @classmethod
    def restore(cls, state: Mapping[str, Tensor], directions: str) -> "Preconditioner":
        """Take over a :meth:`state`; a missing name raises KeyError."""
        amplitudes = state["steps.amplitudes"] if directions == "spectrum" else None
        return cls(state["steps.colours"], amplitudes)


def band_amplitudes(window: Tensor) -> Tensor:
    """Return the amplitudes of a texture by wavelength, over all directions and the three channels.

    Parameters
    ----------
    window : Tensor
        (3, H, W) in [-1, 1], on the CPU, from 62 px a side; its periodic component is measured. Of several,
        (N, 3, H, W), the powers are averaged.

    Returns
    -------
    Tensor
        float32 (:data:`BANDS`,), the longest wavelengths first; only their ratios matter.
    """
    if window.ndim == 4:
        return torch.stack([band_amplitudes(one) for one in window]).square().mean(0).sqrt()
    periodic = periodic_component(window.double())
    spectrum = torch.fft.fft2(periodic).abs().square().mean(0) / periodic[0].numel()
    frequencies = _frequencies(*(np.fft.fftfreq(length) for length in window.shape[1:]))
    band = np.digitize(frequencies, _EDGES).ravel()
    inside = (band >= 1) & (band <= BANDS)
    power = np.bincount(band[inside] - 1, spectrum.numpy().ravel()[inside], BANDS)
    mean = power / np.bincount(band[inside] - 1, minlength=BANDS)
    return torch.from_numpy(np.sqrt(mean + ROUNDING)).float()


def _response(amplitudes: Tensor, size: tuple[int, int]) -> Tensor:
    """Interpolate amplitudes between the bands' middles, both in logarithms, at the half spectrum of a size."""
    frequencies = _frequencies(np.fft.fftfreq(size[0]), np.fft.rfftfreq(size[1]))
    middles = np.sqrt(_EDGES[:-1] * _EDGES[1:])
    bounded = np.clip(frequencies, middles[0], middles[-1])
    response = np.exp(np.interp(np.log(bounded), np.log(middles), np.log(amplitudes.double().cpu().numpy())))
    # All columns but the first and, of an even width, the last stand for two of the whole spectrum.
    twice = np.where((np.arange(response.shape[1]) % (size[1] / 2)) == 0, 1.0, 2.0)
    return torch.from_numpy(response / np.sqrt((response**2 * twice).sum() / (size[0] * size[1])))


def _frequencies(down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return cycles per pixel in any direction."""
    return np.asarray(np.hypot(down[:, np.newaxis], right))


def _mixed(matrix: Tensor, pictures: Tensor) -> Tensor:
    """Multiply each pixel's three channels by a (3, 3) matrix."""
    return torch.bmm(matrix.expand(len(pictures), 3, 3), pictures.flatten(2)).view_as(pictures)
