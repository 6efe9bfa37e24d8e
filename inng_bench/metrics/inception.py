"""``patch_fid_inception`` and ``patch_kid_inception``: on torch-fidelity's Inception, where the user has the weights.

The library's own loader unpickles whatever a file holds. Here the file is checked by its hash and read as tensors
alone; what the library then loads is a copy of these tensors in memory.
"""

import io
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from inng_bench.metrics import crops, fidelity
from inng_bench.metrics.catalogue import INCEPTION_CROP, INCEPTION_FID_CROPS, INCEPTION_KID_CROPS
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.local_weights import INCEPTION

FID_LAYER, FID_WIDTH = "64", 64
KID_LAYER = "2048"

CROPS_PER_DIMENSION = 16
"""With fewer, the bias of a Fréchet distance is of the size of what it measures."""

_BATCH = 16


def patch_fid_inception(comparison: Comparison) -> Outcome:
    """Return the Fréchet distance of the features behind the first pooling."""
    refuse_too_few(INCEPTION_FID_CROPS, FID_WIDTH)
    found, wanted = (pictures.derive(_first_pool) for pictures in (comparison.samples, comparison.reference))
    return Outcome(fidelity.frechet_distance(found, wanted), INCEPTION_FID_CROPS, INCEPTION_CROP, note=_note())


def patch_kid_inception(comparison: Comparison) -> Outcome:
    """Return the kernel distance of the last features."""
    found, wanted = (pictures.derive(_last_pool) for pictures in (comparison.samples, comparison.reference))
    distance = fidelity.kernel_distance(found, wanted, seed=comparison.seed)
    return Outcome(distance, INCEPTION_KID_CROPS, INCEPTION_CROP, note=_note())


def refuse_too_few(crops_compared: int, dimension: int) -> None:
    """Refuse a Fréchet distance that would tell of its own bias.

    Raises
    ------
    ValueError
        With fewer than :data:`CROPS_PER_DIMENSION` crops a dimension.
    """
    if crops_compared < CROPS_PER_DIMENSION * dimension:
        raise ValueError(
            f"{crops_compared} crops are too few for {dimension} dimensions; "
            f"take {CROPS_PER_DIMENSION * dimension} or a narrower layer"
        )


@cache
def inception(layer: str) -> Any:
    """Return torch-fidelity's extractor of one layer with the user's weights."""
    stream = io.BytesIO()
    torch.save(INCEPTION.read(), stream)
    stream.seek(0)
    return FeatureExtractorInceptionV3("inception-v3-compat", [layer], feature_extractor_weights_path=stream)


def _first_pool(pictures: Pictures) -> Tensor:
    return _features(pictures, FID_LAYER, INCEPTION_FID_CROPS)


def _last_pool(pictures: Pictures) -> Tensor:
    return _features(pictures, KID_LAYER, INCEPTION_KID_CROPS)


def _features(pictures: Pictures, layer: str, count: int) -> Tensor:
    """Return float64 (count, d)."""
    pixels = crops.cut(pictures.pixels, pictures.places(count, INCEPTION_CROP), INCEPTION_CROP)
    with torch.inference_mode():
        batches = torch.split(torch.from_numpy(pixels).permute(0, 3, 1, 2), _BATCH)
        return torch.cat([inception(layer)(batch)[0] for batch in batches]).double()


def _note() -> str:
    return f"weights of SHA-256 {INCEPTION.expected_sha256}"
