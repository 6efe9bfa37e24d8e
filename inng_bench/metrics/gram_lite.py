"""``gram`` and ``gram_far``: Gram distances on the taps of EfficientNet-Lite0, near and from afar."""

import numpy as np
from torch import Tensor

from inng_bench.metrics import crops, fidelity
from inng_bench.metrics.catalogue import CROP, CROPS, FAR_CROPS
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.gram import average, gram_distances, gram_matrix
from inng_bench.metrics.lite_features import features


def gram(comparison: Comparison) -> Outcome:
    """Return the mean over taps of the relative distance of Gram matrices."""
    found = gram_distances(comparison, _matrices)
    return Outcome(average(found), CROPS, CROP, found)


def gram_far(comparison: Comparison) -> Outcome:
    """Return the same of pictures scaled down, mean over the two scales."""
    found = gram_distances(comparison, _far_matrices)
    parts = {
        f"1/{factor}": average({tap: value for (scale, tap), value in found.items() if scale == factor})
        for factor in FAR_CROPS
    }
    return Outcome(average(parts), sum(FAR_CROPS.values()), CROP, parts)


def scaled_down(pixels: Pixels, factor: int) -> Pixels:
    """Return pictures (N, H, W, 3) whose pixels are the rounded means of factor x factor pixels; a rest is cut off."""
    count, height, width = (side // step for side, step in zip(pixels.shape[:3], (1, factor, factor), strict=True))
    whole = pixels[:, : height * factor, : width * factor].reshape(count, height, factor, width, factor, 3)
    return np.asarray(np.rint(whole.mean((2, 4)))).astype(np.uint8)


def _matrices(pictures: Pictures) -> dict[str, Tensor]:
    return _by_tap(pictures.derive(features))


def _far_matrices(pictures: Pictures) -> dict[tuple[int, str], Tensor]:
    found: dict[tuple[int, str], Tensor] = {}
    for factor, count in FAR_CROPS.items():
        far = scaled_down(pictures.pixels, factor)
        places = crops.grid(count, len(far), far.shape[1:3], CROP)
        extracted = fidelity.extract(crops.cut(far, places, CROP), tuple(fidelity.GRAMS))
        found |= {(factor, tap): matrix for tap, matrix in _by_tap(extracted).items()}
    return found


def _by_tap(found: fidelity.Features) -> dict[str, Tensor]:
    return {f"tap_{width}": gram_matrix(found[layer]) for layer, width in fidelity.GRAMS.items()}
