"""The one adapter to torch-fidelity: our feature extractor, registered, and its kernel distance; a faster Fréchet's.

https://github.com/toshas/torch-fidelity. Everything that has sharp edges there is settled here: every argument is
given and its name checked (unknown names are ignored by the library), nothing is cached on disk, nothing goes to a
GPU, and the extractor's name holds the hash of its weights and its version.

The features of a crop are the spatial means of the taps, standardised (``tap_16`` to ``tap_112``), those of the head
(``head``), and the crop's Gram matrices (``gram_16`` to ``gram_112``, upper triangles). All come from one pass.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_fidelity import FeatureExtractorBase, register_feature_extractor
from torch_fidelity.defaults import DEFAULTS
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY
from torch_fidelity.utils import create_feature_extractor

from inng_bench.metrics.catalogue import BY_NAME
from inng_bench.metrics.features import TAP_BLOCKS, WEIGHTS_SHA256, feature_network
from inng_bench.metrics.gram import gram_triangle
from inng_bench.metrics.standardisation import Standardisation, read_standardisation

EXTRACTOR = f"inng-bench-efficientnet-lite0-{WEIGHTS_SHA256[:16]}-v{BY_NAME['patch_fid'].version}"

TAPS = {f"tap_{width}": width for width in TAP_BLOCKS}
GRAMS = {f"gram_{width}": width for width in TAP_BLOCKS}
HEAD_LAYER = "head"
LAYERS = (*TAPS, HEAD_LAYER, *GRAMS)

BATCH = 64

_SETTINGS: dict[str, Any] = {
    "feature_extractor": EXTRACTOR,
    "feature_extractor_compile": False,
    "feature_extractor_weights_path": None,
    "batch_size": BATCH,
    "cuda": False,
    "cache": False,
    "verbose": False,
    "save_cpu_ram": True,
    "samples_shuffle": False,
    "datasets_download": False,
    "kid_kernel": "poly",
    "kid_kernel_poly_degree": 3,
    "kid_kernel_poly_gamma": None,
    "kid_kernel_poly_coef0": 1,
    "kid_subsets": 1,
}

Features = Mapping[str, Tensor]
"""Per layer, one row for each crop, (n, dimension)."""


def settings(**overrides: Any) -> dict[str, Any]:
    """Return the arguments of every call of torch-fidelity.

    Raises
    ------
    TypeError
        When torch-fidelity has no argument of that name.
    """
    arguments = {**_SETTINGS, **overrides}
    unknown = sorted(set(arguments) - set(DEFAULTS))
    if unknown:
        raise TypeError(f"torch-fidelity has no argument {', '.join(unknown)}")
    return arguments


class LiteFeatureExtractor(FeatureExtractorBase):  # type: ignore[misc]
    """EfficientNet-Lite0 in the shape that torch-fidelity asks for.

    Parameters
    ----------
    name : str
        The registered name.
    features_list : list[str]
        Any of :data:`LAYERS`.
    **kwargs
        Further arguments of torch-fidelity, of no meaning here.
    """

    def __init__(self, name: str, features_list: list[str], **kwargs: Any) -> None:  # noqa: ARG002
        super().__init__(name, features_list)
        self.network = feature_network()
        self.standardisation = read_standardisation()

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        """Return all layers."""
        return LAYERS

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        """Return the layer of a metric that is asked for without one."""
        return {"fid": "tap_112", "kid": HEAD_LAYER}[metric]

    @staticmethod
    def can_be_compiled() -> bool:
        """Refuse: compiled features would differ."""
        return False

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """Compute the requested layers.

        Parameters
        ----------
        input : Tensor
            uint8 (N, 3, H, W).

        Returns
        -------
        tuple[Tensor, ...]
            (N, dimension) each: means in float64, so that the library's sums are, and Gram matrices in float32.
        """
        with torch.inference_mode():
            taps, head = self.network(input, head=HEAD_LAYER in self.features_list)
            return tuple(self._layer(layer, taps, head) for layer in self.features_list)

    def _layer(self, layer: str, taps: Mapping[int, Tensor], head: Tensor | None) -> Tensor:
        if layer in TAPS:
            return _standardise(taps[TAPS[layer]].mean((2, 3), dtype=torch.float64), self.standardisation[layer])
        if layer in GRAMS:
            return gram_triangle(taps[GRAMS[layer]])
        assert head is not None
        return head.mean((2, 3), dtype=torch.float64)


def extract(crops: NDArray[np.uint8], layers: tuple[str, ...], batch: int = BATCH) -> Features:
    """Compute the layers of crops through the registered extractor, all in one pass.

    Parameters
    ----------
    crops : NDArray[np.uint8]
        (n, side, side, 3).
    layers : tuple[str, ...]
        Any of :data:`LAYERS`.
    batch : int
        Crops at a time; changes time and memory, and the result by round-off only.
    """
    _register()
    arguments = settings()
    name = arguments.pop("feature_extractor")
    extractor = create_feature_extractor(name, list(layers), **arguments)
    # Not the library's loader: it draws from the global random generator and copies crop by crop.
    batches = torch.split(torch.from_numpy(crops).permute(0, 3, 1, 2), batch)
    parts = [extractor.convert_features_tuple_to_dict(extractor(part)) for part in batches]
    return {layer: torch.cat([part[layer] for part in parts]) for layer in layers}


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
    arguments = settings(kid_subset_size=min(len(samples), len(reference)), rng_seed=seed % 2**32)
    return float(kid_features_to_metric(samples, reference, **arguments)[KEY_METRIC_KID_MEAN])


def _register() -> None:
    if EXTRACTOR not in FEATURE_EXTRACTORS_REGISTRY:
        register_feature_extractor(EXTRACTOR, LiteFeatureExtractor)


def _standardise(means: Tensor, scale: Standardisation) -> Tensor:
    mean, std = (torch.tensor(values, dtype=torch.float64) for values in (scale.mean, scale.std))
    return (means - mean) / std
