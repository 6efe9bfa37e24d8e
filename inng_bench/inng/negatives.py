"""Pseudo-negatives: the samples of earlier stages that a classifier is trained against.

"Keep some earlier pseudo-negatives, it stabilises training" (paper, practice note 2). The law by which the ages are
drawn is the authors': the newest stage has half of the weight, the one before a quarter, and so on.
"""

from collections import deque

import torch
from torch import Tensor


class PseudoNegatives:
    """Toroidal canvases of the current and of earlier stages.

    Memory: ``capacity`` stages of N canvases in float16, that is ``capacity · N · 3 · H · W · 2`` bytes (38 MB for 24
    stages of four 256² canvases).

    Parameters
    ----------
    capacity : int
        How many stages are kept.
    decay : float
        Weight of a stage relative to the next newer one, in [0, 1]; 0 keeps to the newest, 1 is uniform.
    """

    def __init__(self, capacity: int, decay: float) -> None:
        self._stages: deque[Tensor] = deque(maxlen=capacity)
        self._decay = decay

    def __len__(self) -> int:
        return len(self._stages)

    def append(self, canvases: Tensor) -> None:
        """Add the canvases of the newest stage, float32 (N, 3, H, W) in [-1, 1]."""
        self._stages.append(canvases.to(torch.float16))

    def draw(self, count: int, side: int, generator: torch.Generator) -> Tensor:
        """Cut crops from stages drawn by age and from canvases and positions drawn uniformly.

        Parameters
        ----------
        count : int
            Number of crops.
        side : int
            Side of a crop in pixels; crops wrap around the canvas.
        generator : torch.Generator
            On the CPU.

        Returns
        -------
        Tensor
            float32 (count, 3, side, side).
        """
        ages = torch.arange(len(self._stages), dtype=torch.float64)
        drawn = torch.multinomial(self._decay**ages, count, replacement=True, generator=generator)
        newest_first = tuple(reversed(self._stages))
        return torch.cat([_wrapped_crop(newest_first[age], side, generator) for age in drawn.tolist()]).float()


def _wrapped_crop(canvases: Tensor, side: int, generator: torch.Generator) -> Tensor:
    count, _, height, width = canvases.shape
    number, top, left = (int(torch.randint(bound, (), generator=generator)) for bound in (count, height, width))
    rows = (torch.arange(side, device=canvases.device) + top) % height
    columns = (torch.arange(side, device=canvases.device) + left) % width
    return canvases[number : number + 1, :, rows[:, None], columns]


def random_crops(picture: Tensor, count: int, side: int, generator: torch.Generator) -> Tensor:
    """Cut crops at uniform positions from a picture that does not wrap.

    Parameters
    ----------
    picture : Tensor
        float32 (3, H, W) with H and W at least ``side``.
    count, side : int
        Number of crops and their side in pixels.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor
        float32 (count, 3, side, side).
    """
    height, width = picture.shape[1:]
    tops = torch.randint(height - side + 1, (count,), generator=generator).tolist()
    lefts = torch.randint(width - side + 1, (count,), generator=generator).tolist()
    return torch.stack([picture[:, y : y + side, x : x + side] for y, x in zip(tops, lefts, strict=True)])


def colour_statistics(window: Tensor) -> tuple[Tensor, Tensor]:
    """Return the colour mean (3,) of a window and a factor (3, 3) whose square is its colour covariance."""
    pixels = window.flatten(1).double()
    eigenvalues, vectors = torch.linalg.eigh(torch.cov(pixels))
    factor = vectors * eigenvalues.clamp_min(0).sqrt()
    return pixels.mean(1).float(), factor.float()


def coloured_noise(
    mean: Tensor, factor: Tensor, count: int, size: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """Draw p0: independent Gaussian pixels with a given colour mean and covariance.

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
        float32 (count, 3, height, width), clipped to [-1, 1].
    """
    white = torch.randn((count, 3, *size), generator=generator)
    return (torch.einsum("ij,njhw->nihw", factor, white) + mean[:, None, None]).clamp_(-1, 1)
