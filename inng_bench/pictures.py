"""Many pictures to learn from: a set of whole ones, or several pieces of one texture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Pixels = NDArray[np.uint8]

DrawReal = Callable[[int, int, torch.Generator], Tensor]
"""Maps number, side in pixels and generator to real crops, or whole pictures, float32 (N, 3, side, side) in [-1, 1]."""


@dataclass(frozen=True, eq=False)
class TrainingPictures:
    """The samples x_i of S+, as the paper states the method.

    Attributes
    ----------
    pictures : Sequence[numpy.ndarray] or numpy.ndarray
        uint8 (H, W, 3), RGB. Of a set one array (N, H, W, 3), which may be a map of a file: only what is drawn is read.
    whole : bool
        Whether each is one sample, as in a set. Otherwise each is a piece of one texture, of which a part at any
        position is a sample.
    """

    pictures: Sequence[Pixels] | Pixels
    whole: bool = True

    def __len__(self) -> int:
        return len(self.pictures)

    def draw(self, count: int, side: int, generator: torch.Generator) -> Tensor:
        """Draw samples uniformly, with replacement.

        Parameters
        ----------
        count, side : int
            Number of samples and their side in pixels; of a set that of its pictures.
        generator : torch.Generator
            On the CPU.

        Returns
        -------
        Tensor
            float32 (count, 3, side, side) in [-1, 1].
        """
        if self.whole:
            return as_tensor(
                [self.pictures[i] for i in torch.randint(len(self), (count,), generator=generator).tolist()]
            )
        positions = [(picture.shape[0] - side + 1) * (picture.shape[1] - side + 1) for picture in self.pictures]
        if min(positions) < 1:
            raise ValueError(f"a picture is smaller than a sample of {side} px")
        weights = torch.tensor(positions, dtype=torch.float64)
        chosen = torch.multinomial(weights, count, replacement=True, generator=generator).tolist()
        return as_tensor([_part(self.pictures[i], side, generator) for i in chosen])


def as_tensor(pictures: Sequence[Pixels] | Pixels) -> Tensor:
    """Turn pictures of one size, uint8 (H, W, 3) each, into float32 (N, 3, H, W) in [-1, 1]."""
    levels = torch.from_numpy(np.stack(list(pictures))).permute(0, 3, 1, 2)
    return levels.float().div_(127.5).sub_(1).contiguous()


def _part(picture: Pixels, side: int, generator: torch.Generator) -> Pixels:
    top, left = (int(torch.randint(length - side + 1, (), generator=generator)) for length in picture.shape[:2])
    return picture[top : top + side, left : left + side]
