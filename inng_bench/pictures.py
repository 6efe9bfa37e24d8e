"""Many pictures to learn from."""

import mmap
from collections.abc import Callable
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
    """The samples x_i of S+, as the paper states the method: whole pictures of one size.

    Attributes
    ----------
    pictures : numpy.ndarray
        uint8 (N, H, W, 3), RGB; it may be a map of a file, of which only what is drawn is read.
    """

    pictures: Pixels

    def __len__(self) -> int:
        return len(self.pictures)

    def draw(self, count: int, side: int, generator: torch.Generator) -> Tensor:
        """Draw pictures uniformly, with replacement.

        Parameters
        ----------
        count, side : int
            Number of pictures and their side in pixels, which is the set's.
        generator : torch.Generator
            On the CPU.

        Returns
        -------
        Tensor
            float32 (count, 3, side, side) in [-1, 1].
        """
        if self.pictures.shape[1:3] != (side, side):
            raise ValueError(f"the pictures of the set do not have {side} px a side")
        chosen = torch.randint(len(self), (count,), generator=generator)
        drawn = as_tensor(self.pictures[chosen.numpy()])
        _release(self.pictures)
        return drawn


def as_tensor(pictures: Pixels) -> Tensor:
    """Turn pictures, uint8 (N, H, W, 3), into float32 (N, 3, H, W) in [-1, 1]."""
    levels = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2)  # a copy: a map of a file may not be written to
    _release(pictures)
    return levels.float().div_(127.5).sub_(1).contiguous()


def _release(pictures: Pixels) -> None:
    """Give back the memory of all that was read of a map of a file; it is read again when it is needed."""
    if isinstance(pictures, np.memmap) and pictures.mode == "r" and hasattr(mmap, "MADV_DONTNEED"):
        mapped: mmap.mmap | None = getattr(pictures, "_mmap", None)
        if mapped is not None:
            mapped.madvise(mmap.MADV_DONTNEED)
