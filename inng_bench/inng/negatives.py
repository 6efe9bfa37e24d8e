"""Pseudo-negatives: the samples of earlier stages that a classifier is trained against.

"Keep some earlier pseudo-negatives, it stabilises training" (paper, practice note 2). The law by which the ages are
drawn is the authors': the newest stage has half of the weight, the one before a quarter, and so on.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def draw_negatives(
    history: Sequence[Tensor], count: int, side: int, decay: float, generator: torch.Generator, *, wraps: bool = True
) -> Tensor:
    """Cut crops from stages drawn by age and from canvases and positions drawn uniformly.

    Parameters
    ----------
    history : Sequence[Tensor]
        The canvases of each stage, float16 (N, 3, H, W) in [-1, 1], the newest last.
    count, side : int
        Number of crops and their side in pixels.
    decay : float
        Weight of a stage relative to the next newer one, in [0, 1]: 0 keeps to the newest, ½ is the authors' geometric
        law, 1 is uniform.
    generator : torch.Generator
        On the CPU.
    wraps : bool
        Whether crops reach over the border of a canvas to its other side.

    Returns
    -------
    Tensor
        float32 (count, 3, side, side).
    """
    ages = torch.arange(len(history), dtype=torch.float64)
    drawn = torch.multinomial(decay**ages, count, replacement=True, generator=generator)
    return torch.cat([_crop(history[-1 - age], side, generator, wraps) for age in drawn.tolist()]).float()


def _crop(canvases: Tensor, side: int, generator: torch.Generator, wraps: bool) -> Tensor:
    count, _, height, width = canvases.shape
    beyond = 0 if wraps else side - 1
    bounds = (count, height - beyond, width - beyond)
    number, top, left = (int(torch.randint(bound, (), generator=generator)) for bound in bounds)
    rows = (torch.arange(side, device=canvases.device) + top) % height
    columns = (torch.arange(side, device=canvases.device) + left) % width
    return canvases[number : number + 1, :, rows[:, None], columns]
