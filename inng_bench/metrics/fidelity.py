"""Features of crops, and two distances of sets of them: Fréchet's, and the kernel distance by torch-fidelity.

The features of a crop are the spatial means of the taps, standardised (``tap_16`` to ``tap_112``), those of the head
(``head``), and the crop's Gram matrices (``gram_16`` to ``gram_112``, upper triangles). All come from one pass.

https://github.com/toshas/torch-fidelity
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

from inng_bench.metrics.features import TAP_BLOCKS, feature_network
from inng_bench.metrics.gram import gram_triangle
from inng_bench.metrics.standardisation import Standardisation, read_standardisation

TAPS = {f"tap_{width}": width for width in TAP_BLOCKS}
GRAMS = {f"gram_{width}": width for width in TAP_BLOCKS}
HEAD_LAYER = "head"
LAYERS = (*TAPS, HEAD_LAYER, *GRAMS)

BATCH = 64

Features = Mapping[str, Tensor]
"""Per layer, one row for each crop, (n, dimension)."""


def extract(crops: NDArray[np.uint8], layers: tuple[str, ...], batch: int = BATCH) -> Features:
    """Compute layers of crops, all in one pass.

    Parameters
    ----------
    crops : NDArray[np.uint8]
        (n, side, side, 3).
    layers : tuple[str, ...]
        Any of :data:`LAYERS`.
    batch : int
        Crops at a time; changes time and memory, and the result by round-off only.

    Returns
    -------
    Features
        Means in float64, and Gram matrices in float32.
    """
    parts = [_layers(part, layers) for part in torch.split(torch.from_numpy(crops).permute(0, 3, 1, 2), batch)]
    return {layer: torch.cat([part[layer] for part in parts]) for layer in layers}


def _layers(crops: Tensor, layers: tuple[str, ...]) -> Features:
    with torch.inference_mode():
        taps, head = feature_network()(crops, head=HEAD_LAYER in layers)
        return {layer: _layer(layer, taps, head) for layer in layers}


def _layer(layer: str, taps: Mapping[int, Tensor], head: Tensor | None) -> Tensor:
    if layer in TAPS:
        return _standardise(taps[TAPS[layer]].mean((2, 3), dtype=torch.float64), read_standardisation()[layer])
    if layer in GRAMS:
        return gram_triangle(taps[GRAMS[layer]])
    assert head is not None
    return head.mean((2, 3), dtype=torch.float64)


def frechet_distance(samples: Tensor, reference: Tensor) -> float:
    """Return the Fréchet distance of two sets of features, (n, d) each.

    The trace of (Σ₁Σ₂)^½ is the nuclear norm of R₁R₂ᵀ, where Σ = RᵀR: ten times as fast as torch-fidelity's eigenvalues
    of a product, equal to them, and without their imaginary parts and negative distances.

    Raises
    ------
    ValueError
        When there are fewer than two rows, which have no covariance.
    """
    if min(len(samples), len(reference)) < 2:
        raise ValueError("a Fréchet distance needs at least two crops on either side")
    (mean, root), (other_mean, other_root) = _moments(samples), _moments(reference)
    shared = torch.linalg.svdvals(root @ other_root.T).sum()
    return float((mean - other_mean).square().sum() + root.square().sum() + other_root.square().sum() - 2 * shared)


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean of features and a triangular root of their covariance."""
    mean = features.mean(0, dtype=torch.float64)
    return mean, torch.linalg.qr((features - mean) / (len(features) - 1) ** 0.5, mode="r").R


def kernel_distance(samples: Tensor, reference: Tensor, *, seed: int) -> float:
    """Return the unbiased squared MMD with kernel (x·y/d + 1)³ of two sets of features, (n, d) each, by torch-fidelity.

    One subset of all n crops: the mean that the usual random subsets estimate, without their scatter. The seed only
    orders the crops, and so changes nothing but round-off. Bińkowski et al., https://arxiv.org/abs/1801.01401.
    """
    found = kid_features_to_metric(
        samples,
        reference,
        kid_kernel="poly",
        kid_kernel_poly_degree=3,
        kid_kernel_poly_gamma=None,
        kid_kernel_poly_coef0=1,
        kid_subsets=1,
        kid_subset_size=min(len(samples), len(reference)),
        rng_seed=seed % 2**32,
        verbose=False,
    )
    return float(found[KEY_METRIC_KID_MEAN])


def _standardise(means: Tensor, scale: Standardisation) -> Tensor:
    mean, std = (torch.tensor(values, dtype=torch.float64) for values in (scale.mean, scale.std))
    return (means - mean) / std
