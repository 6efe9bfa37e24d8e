"""Pixels to tensors and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """Turn a picture into what methods are trained on.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 (H, W, 3), RGB.

    Returns
    -------
    Tensor
        float32 (3, H, W); 0 becomes -1 and 255 becomes 1.

    Examples
    --------
    >>> grey = np.full((2, 4, 3), 255, np.uint8)
    >>> to_tensor(grey).shape, float(to_tensor(grey).max())
    (torch.Size([3, 2, 4]), 1.0)
    """
    import torch  # here, so that listing the textures stays fast

    channels_first = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32)
    return torch.from_numpy(channels_first / np.float32(127.5) - np.float32(1.0))


def to_pixels(pictures: Tensor) -> NDArray[np.uint8]:
    """Turn pictures of a method into pixels, rounded and clipped.

    Parameters
    ----------
    pictures : Tensor
        Floating point (N, 3, H, W) in [-1, 1]; values beyond are clipped.

    Returns
    -------
    numpy.ndarray
        uint8 (N, H, W, 3), RGB.

    Raises
    ------
    ValueError
        When a value is not finite: such a picture must not pass for a grey one.

    Examples
    --------
    >>> import torch
    >>> to_pixels(torch.tensor([-1.0, 0.0, 2.0]).reshape(1, 3, 1, 1)).tolist()
    [[[[0, 128, 255]]]]
    """
    if not bool(pictures.isfinite().all()):
        raise ValueError("the pictures hold values that are not finite")
    levels = (pictures.detach().cpu().float() * 127.5 + 127.5).round().clamp(0.0, 255.0)
    return np.ascontiguousarray(levels.permute(0, 2, 3, 1).numpy().astype(np.uint8))
