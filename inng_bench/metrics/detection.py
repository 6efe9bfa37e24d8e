"""What a density detects: real windows against those of pictures that share some statistics with them.

A model that is a density should hold texture that it has not seen for likelier than its foils: independent pixels of
the same colours, noise of the same spectrum, the texture cut into blocks and shuffled, and another texture in the same
colours. Each is rounded to 8 bits, as the texture is, so that no classifier wins by the last bit; noise may go beyond
the colours of a picture, since a model could tell it by being clipped. Asked are what the model has learnt, relative to
the noise that it begins with, its whole density, and how typical of the texture it holds a window.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inng_bench.contract import Density
from inng_bench.metrics.typicality import TypicalWindows, parts_of
from inng_bench.pixels import colour_statistics, gaussian_pixels
from inng_bench.random_phase import random_phase_field, texton_of
from inng_bench.records.schema import Against, Detection

BLOCK = 32
"""Side in pixels of a shuffled block: half a window of INNg's classifiers."""


def detect(
    density: Density, train: Tensor, real: Tensor, other: Tensor, against: Against, generator: torch.Generator
) -> tuple[Detection, ...]:
    """Return for each foil the areas under the ROC curves of a model's log ratio, log density and typicality.

    Parameters
    ----------
    density : Density
        The model.
    train : Tensor
        The window that it was trained on, float32 (3, H, W) in [-1, 1], or several, (N, 3, H, W), which say what is
        typical.
    real : Tensor
        A window of the texture, float32 (3, H, W) in [-1, 1].
    other : Tensor
        A window of another texture, float32 (3, H, W) in [-1, 1].
    against : Against
        Which window ``real`` is.
    generator : torch.Generator
        Of the foils, on the CPU.
    """
    windows = train.reshape(-1, *train.shape[-3:])
    typical = TypicalWindows.of(torch.cat([_finite_parts(density, window) for window in windows], 1))
    scores = _scores(typical, _finite_parts(density, real))
    found = []
    for name, foil in make_foils(real, other, generator).items():
        foil_scores = _scores(typical, _finite_parts(density, foil))
        ratio, whole, typicality = (area_under_curve(*pair) for pair in zip(scores, foil_scores, strict=True))
        found.append(
            Detection(
                foil=name,
                against=against,
                auc=ratio,
                whole_auc=whole,
                typical_auc=typicality,
                windows=scores.shape[1],
            )
        )
    return tuple(found)


def make_foils(real: Tensor, other: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """Return the foils of a window (3, H, W) by name, float32 (3, height, width) with levels of 8 bits."""
    size = (real.shape[1], real.shape[2])
    mean, texton = texton_of(real.double())
    foils = {
        "noise": gaussian_pixels(*colour_statistics(real), 1, size, generator)[0],
        "random-phase": random_phase_field(mean, texton, 1, size, generator)[0],
        "shuffled": shuffled(real, generator),
        "other-texture": recoloured(other, real),
    }
    return {name: _as_8_bits(foil) for name, foil in foils.items()}


def shuffled(picture: Tensor, generator: torch.Generator, block: int = BLOCK) -> Tensor:
    """Cut a picture (3, H, W) into blocks and lay them in random order; what is no whole block is left out."""
    rows, columns = (length // block for length in picture.shape[1:])
    whole = picture[:, : rows * block, : columns * block].reshape(3, rows, block, columns, block)
    blocks = whole.permute(1, 3, 0, 2, 4).flatten(0, 1)
    mixed = blocks[torch.randperm(len(blocks), generator=generator)].reshape(rows, columns, 3, block, block)
    return mixed.permute(2, 0, 3, 1, 4).reshape(3, rows * block, columns * block)


def recoloured(picture: Tensor, like: Tensor) -> Tensor:
    """Give a picture (3, H, W) the colour mean and, as far as its own colours vary, the covariance of another."""
    (mean, factor), (wanted_mean, wanted_factor) = colour_statistics(picture), colour_statistics(like)
    mixing = wanted_factor @ torch.linalg.pinv(factor.double(), rtol=1e-3).float()
    moved = torch.einsum("ij,jhw->ihw", mixing, picture - mean[:, None, None])
    return (moved + wanted_mean[:, None, None]).clamp(-1, 1)


def area_under_curve(real: NDArray[np.float64], foil: NDArray[np.float64]) -> float:
    """Return the chance that a real score exceeds one of the foil, ties counting half: Mann-Whitney's U over n·m."""
    ordered = np.sort(foil)
    below, up_to = np.searchsorted(ordered, real, "left"), np.searchsorted(ordered, real, "right")
    return float(below.sum() + up_to.sum()) / 2 / (len(real) * len(foil))


def _finite_parts(density: Density, picture: Tensor) -> Tensor:
    parts = parts_of(density, picture)
    if not bool(parts.isfinite().all()):
        raise ValueError("the model's log density is not finite")
    return parts


def _scores(typical: TypicalWindows, parts: Tensor) -> NDArray[np.float64]:
    """Return log ratio, log density and log typicality of each window, (3, windows)."""
    judged = torch.stack([parts[0], parts.sum(0), typical.log_typicality(parts)])
    scores: NDArray[np.float64] = judged.flatten(1).numpy()
    return scores


def _as_8_bits(picture: Tensor) -> Tensor:
    return ((picture + 1) * 127.5).round() / 127.5 - 1
