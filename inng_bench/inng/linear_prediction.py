"""ln p of stationary Gaussian noise, pixel after pixel: each given those before it, which predict it linearly.

The chain rule over pixels in reading order is exact. That only those up to :data:`REACH` px away are taken to matter
makes the noise a one-sided autoregression in the plane [1]_, whose density is a small convolution.

References
----------
.. [1] P. Whittle, "On stationary processes in the plane", Biometrika 41(3/4), 1954,
   https://doi.org/10.1093/biomet/41.3-4.434
"""

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from inng_bench.pixels import ROUNDING

REACH = 4
"""Pixels."""


@dataclass(frozen=True)
class LinearPrediction:
    """What each pixel has that those before it do not tell.

    Attributes
    ----------
    mean : Tensor
        float64 (3,), in [-1, 1].
    filters : Tensor
        float64 (3, 3, reach + 1, 2 · reach + 1). They read a pixel, at the middle of the last row, and those before it;
        noise less its mean becomes independent standard normal numbers, or zeros for each mixture of colours that
        varies less than rounding to 8 bits makes it.
    absent : Tensor
        float64 (3, 3). It reads a pixel and makes standard normal numbers of those mixtures, as if they varied by
        rounding alone, and zeros of the others.
    """

    mean: Tensor
    filters: Tensor
    absent: Tensor

    @classmethod
    def of_pixels(cls, mean: Tensor, covariance: Tensor) -> "LinearPrediction":
        """Take pixels as independent, of a mean (3,) and a covariance (3, 3)."""
        covariance = covariance.double()
        whitening, absent = _whitening(covariance, covariance)
        return cls(mean.double(), whitening[:, :, None, None], absent)

    @classmethod
    def of_texton(cls, mean: Tensor, texton: Tensor, reach: int = REACH) -> "LinearPrediction":
        """Take pixels as noise of a mean (3,) with the spectrum of a texton (3, H, W), rounded to 8 bits.

        The autocovariance of its random phase noise on a torus of the texton's size is the texton's own, and nearly so
        on a larger one; see :mod:`inng_bench.random_phase`.
        """
        covariance = _autocovariance(texton.double())
        before = torch.tensor(
            [place for place in product(range(-reach, 1), range(-reach, reach + 1)) if place < (0, 0)]
        )
        weights, unexplained = _best_prediction(covariance, before)
        filters = torch.zeros((3, 3, reach + 1, 2 * reach + 1), dtype=torch.float64)
        filters[:, :, reach, reach] = torch.eye(3, dtype=torch.float64)
        rows, columns = (before + reach).T
        filters[:, :, rows, columns] = -weights
        whitening, absent = _whitening(unexplained, covariance[:, :, 0, 0])
        return cls(mean.double(), torch.einsum("ij,jkhw->ikhw", whitening, filters), absent)

    @property
    def reach(self) -> int:
        """Pixels above, to the left and to the right that predict one."""
        return self.filters.shape[2] - 1

    def log_density(self, pictures: Tensor, window: int, step: int) -> Tensor:
        """Return the terms of ln p that belong to the inner pixels of every window of pictures, up to a constant.

        Its border of :attr:`reach` px above, to the left and to the right only predicts, and has no terms itself.

        Parameters
        ----------
        pictures : Tensor
            float32 (N, 3, H, W) in [-1, 1], at least a window large; they do not wrap.
        window, step : int
            Side of a window, and pixels from one to the next.

        Returns
        -------
        Tensor
            float32 (N, rows, columns).
        """
        centred = self._centred(pictures)
        unexplained = F.conv2d(centred, self.filters.to(pictures))
        predicted = centred[:, :, self.reach :, self.reach : centred.shape[3] - self.reach]
        absent = torch.einsum("ij,njhw->nihw", self.absent.to(pictures), predicted)
        inside = (window - self.reach, window - 2 * self.reach)
        squares = (unexplained.square() + absent.square()).sum(1, keepdim=True)
        return F.avg_pool2d(squares, inside, step)[:, 0] * (-inside[0] * inside[1] / 2)

    def _centred(self, pictures: Tensor) -> Tensor:
        return pictures - self.mean.to(pictures)[:, None, None]


def _autocovariance(texton: Tensor) -> Tensor:
    """Return E x_a(p) x_b(p + d), (3, 3, H, W) with d modulo the size, of the noise of a texton of zero mean."""
    spectrum = torch.fft.fft2(texton)
    cross = torch.einsum("ahw,bhw->abhw", spectrum.conj(), spectrum) / texton[0].numel()
    covariance: Tensor = torch.fft.ifft2(cross).real
    return covariance


def _best_prediction(covariance: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights (3, 3, n) of pixels at places (n, 2) around another, and the covariance that they leave."""
    among = _blocks(covariance, places[None] - places[:, None])
    among += ROUNDING * torch.eye(len(among), dtype=torch.float64)
    with_pixel = _blocks(covariance, -places[:, None])
    weights = torch.linalg.solve(among, with_pixel)
    unexplained = covariance[:, :, 0, 0] + ROUNDING * torch.eye(3, dtype=torch.float64) - with_pixel.T @ weights
    return weights.reshape(len(places), 3, 3).permute(2, 1, 0), unexplained


def _blocks(covariance: Tensor, offsets: Tensor) -> Tensor:
    """Return the matrix (3 n, 3 m) of the covariances at offsets (n, m, 2)."""
    rows, columns = (offsets[..., axis] % covariance.shape[2 + axis] for axis in (0, 1))
    chosen: Tensor = covariance[:, :, rows, columns]
    return chosen.permute(2, 0, 3, 1).reshape(3 * len(offsets), -1)


def _whitening(covariance: Tensor, colours: Tensor) -> tuple[Tensor, Tensor]:
    """Return M (3, 3) with M C Mᵀ = 1 within the mixtures of colours that vary, and one for the others, by rounding."""
    values, vectors = torch.linalg.eigh(colours)
    varies = values > ROUNDING
    varying, constant = vectors[:, varies], vectors[:, ~varies]
    factor = torch.linalg.cholesky(varying.T @ covariance @ varying)
    whitening, absent = torch.zeros_like(colours), torch.zeros_like(colours)
    whitening[: varying.shape[1]] = torch.linalg.solve_triangular(factor, varying.T, upper=False)
    absent[varying.shape[1] :] = constant.T / ROUNDING**0.5
    return whitening, absent
