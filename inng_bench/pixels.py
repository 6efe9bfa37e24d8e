"""What methods take from a window: random crops and its colours."""

from dataclasses import dataclass

import torch
from torch import Tensor

from inng_bench.pictures import TrainingPictures

ROUNDING = (2 / 255) ** 2 / 12
"""Variance of rounding to 8 bits in units of [-1, 1]: every picture has it, a flat one too."""


def random_crops(picture: Tensor | TrainingPictures, count: int, side: int, generator: torch.Generator) -> Tensor:
    """Cut crops at uniform positions from windows that do not wrap; or draw whole pictures of a set.

    Parameters
    ----------
    picture : Tensor or TrainingPictures
        float32 (3, H, W) with H and W at least ``side``, or (N, 3, H, W) of several windows, each as likely; or
        pictures of a set, which are drawn on the CPU.
    count, side : int
        Number of crops and their side in pixels.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor
        float32 (count, 3, side, side).
    """
    if isinstance(picture, TrainingPictures):
        return picture.draw(count, side, generator)
    windows = picture.reshape(-1, *picture.shape[-3:])
    height, width = picture.shape[-2:]
    which = torch.randint(len(windows), (count,), generator=generator).tolist() if len(windows) > 1 else [0] * count
    tops = torch.randint(height - side + 1, (count,), generator=generator).tolist()
    lefts = torch.randint(width - side + 1, (count,), generator=generator).tolist()
    places = zip(which, tops, lefts, strict=True)
    return torch.stack([windows[number, :, y : y + side, x : x + side] for number, y, x in places])


def colour_statistics(window: Tensor) -> tuple[Tensor, Tensor]:
    """Return the colour mean (3,) of a window and a factor (3, 3) that times its transpose is its colour covariance.

    The window is (3, H, W); of several, (N, 3, H, W), the pixels of all count alike.
    """
    pixels = window.movedim(-3, 0).flatten(1).double()
    eigenvalues, vectors = torch.linalg.eigh(torch.cov(pixels))
    factor = vectors * eigenvalues.clamp_min(0).sqrt()
    return pixels.mean(1).float(), factor.float()


def coloured_noise(
    mean: Tensor, factor: Tensor, count: int, size: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """Draw p0: independent Gaussian pixels with a given colour mean and covariance, clipped to [-1, 1].

    Parameters and result are those of :func:`gaussian_pixels`.
    """
    return gaussian_pixels(mean, factor, count, size, generator).clamp_(-1, 1)


def gaussian_pixels(
    mean: Tensor, factor: Tensor, count: int, size: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """Draw independent Gaussian pixels, which may be beyond the range of a picture.

    Parameters
    ----------
    mean, factor : Tensor
        As from :func:`colour_statistics`.
    count : int
        Number of canvases.
    size : tuple[int, int]
        Height and width.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor
        (count, 3, height, width) in the data type of ``mean``.
    """
    white = torch.randn((count, 3, *size), generator=generator, dtype=mean.dtype)
    return torch.einsum("ij,njhw->nihw", factor, white) + mean[:, None, None]


@dataclass(frozen=True)
class Palette:
    """The colours of a texture: its mean and a factor of their covariance.

    A grey texture has a factor of rank one. Steps along it never change a colour that the texture does not have, so
    that whatever the sampler begins at has to be brought :meth:`within` the palette first.
    """

    mean: Tensor
    factor: Tensor

    @classmethod
    def of(cls, window: Tensor) -> "Palette":
        """Measure one window or several, see :func:`colour_statistics`."""
        return cls(*colour_statistics(window))

    @property
    def projection(self) -> Tensor:
        """The orthogonal projection (3, 3), float32, onto the span of the factor."""
        factor = self.factor.double()
        projection: Tensor = factor @ torch.linalg.pinv(factor, rtol=1e-3)
        return projection.float()

    def within(self, pictures: Tensor) -> Tensor:
        """Return pictures (N, 3, H, W) with each colour moved to the nearest one of the palette's plane."""
        mean = self.mean.to(pictures)[:, None, None]
        return mean + torch.einsum("ij,njhw->nihw", self.projection.to(pictures), pictures - mean)
