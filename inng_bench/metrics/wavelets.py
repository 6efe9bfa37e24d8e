"""Oriented wavelets of crops: how much of each scale, direction and colour a crop has, and how sparsely.

Nothing here is trained. A fixed bank of quadrature pairs (Gabor filters, whose modulus is a local energy) looks at
three colour axes of a picture on three scales. A crop is described by the logarithm of the energy of each band, by how
sparse it is, and by its mean colour. Random phase keeps the energies and fills what was sparse; blur, noise and blocks
move energy between scales and directions.
"""

import math
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from inng_bench.metrics.crops import Pixels

SCALES = 3
"""Octaves: at the last a filter spans 28 px, so that a crop of 48 px holds 36 answers."""

ORIENTATIONS = 4

SIDE, WAVELENGTH, WIDTH = 7, 4.0, 1.5
"""Of a filter in pixels of its scale: its side, the wavelength it answers to most, and the deviation of its window."""

NOISE = 2 / 255
"""Amplitude below which a band counts as silent: two grey levels, about what JPEG and rounding leave."""

SPARSITY_WEIGHT, COLOUR_WEIGHT = 4.0, 6.0
"""Factors that give sparsities and mean colours about the spread of the log energies, over crops of photographs."""

BANDS = 3 * ORIENTATIONS
"""Of one scale."""

DIMENSION = 3 + 2 * BANDS * SCALES

_AXES = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
_AXES /= torch.linalg.norm(_AXES, dim=1, keepdim=True)


def describe(pixels: Pixels, places: NDArray[np.int64], side: int) -> Tensor:
    """Describe square crops of pictures.

    Parameters
    ----------
    pixels : Pixels
        uint8 (N, H, W, 3), at least as large as a crop.
    places : NDArray[np.int64]
        (n, 3): picture, top and left of each crop.
    side : int
        Of a crop in pixels, a multiple of 4 from 28.

    Returns
    -------
    Tensor
        float64 (n, DIMENSION).
    """
    x = colour_axes(pixels)
    where = torch.from_numpy(places)
    parts = [COLOUR_WEIGHT * crop_means(x, where, side)]
    for scale in range(SCALES):
        moduli = band_moduli(x)
        inner = where.clone()
        inner[:, 1:] //= 2**scale
        inside = side // 2**scale - SIDE + 1
        mean = crop_means(moduli, inner, inside)
        root = crop_means(moduli.square(), inner, inside).clamp(min=0).sqrt()
        parts += [torch.log(root + NOISE), SPARSITY_WEIGHT * (mean + NOISE) / (root + NOISE)]
        x = functional.avg_pool2d(x, 2)
    return torch.cat(parts, 1)


def colour_axes(pixels: Pixels) -> Tensor:
    """Return brightness, red against blue, and green against both, float32 (N, 3, H, W): a rotation of [-1/2, 1/2]³."""
    levels = torch.tensor(pixels).permute(0, 3, 1, 2).to(torch.float32) / 255 - 0.5
    return torch.einsum("ac,nchw->nahw", _AXES, levels)


def band_moduli(x: Tensor) -> Tensor:
    """Return the local amplitude of each band.

    Parameters
    ----------
    x : Tensor
        float32 (N, 3, H, W).

    Returns
    -------
    Tensor
        float32 (N, BANDS, H - SIDE + 1, W - SIDE + 1), directions of one colour axis after another: no border is seen.
    """
    answers = functional.conv2d(x.flatten(0, 1)[:, None], wavelets())
    even, odd = answers[:, ::2], answers[:, 1::2]
    moduli = (even.square() + odd.square()).sqrt()
    return moduli.reshape(len(x), -1, *moduli.shape[2:])


@cache
def wavelets() -> Tensor:
    """Return the bank, float32 (2 ORIENTATIONS, 1, SIDE, SIDE): each direction's even and odd filter, of norm 1.

    All have mean zero, so that brightness is not mistaken for structure.
    """
    steps = torch.arange(SIDE, dtype=torch.float64) - SIDE // 2
    down, right = torch.meshgrid(steps, steps, indexing="ij")
    window = torch.exp(-(down**2 + right**2) / (2 * WIDTH**2))
    filters = []
    for number in range(ORIENTATIONS):
        angle = math.pi * number / ORIENTATIONS
        phase = 2 * math.pi / WAVELENGTH * (right * math.cos(angle) + down * math.sin(angle))
        even, odd = window * torch.cos(phase), window * torch.sin(phase)
        even -= window * (even.sum() / window.sum())
        filters += [even / torch.linalg.norm(even), odd / torch.linalg.norm(odd)]
    return torch.stack(filters)[:, None].to(torch.float32)


def crop_means(x: Tensor, places: Tensor, side: int) -> Tensor:
    """Return the mean of each channel over square crops.

    Parameters
    ----------
    x : Tensor
        (N, C, H, W).
    places : Tensor
        int64 (n, 3): picture, top and left of each crop.
    side : int
        Of a crop in pixels.

    Returns
    -------
    Tensor
        float64 (n, C), by sums over all that lies above and to the left.
    """
    sums = functional.pad(x.double().cumsum(-1).cumsum(-2), (1, 0, 1, 0))
    image, top, left = places.T
    bottom, right = top + side, left + side
    total = (
        sums[image, :, bottom, right]
        - sums[image, :, top, right]
        - sums[image, :, bottom, left]
        + sums[image, :, top, left]
    )
    return total / side**2
