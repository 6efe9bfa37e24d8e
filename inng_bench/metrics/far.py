"""``gram_far`` and ``patch_fid_far``: the network's distances on pictures scaled down, where a crop holds layout.

A crop of 48 px of a picture scaled down by 2 or 4 sees 96 or 192 px: whole bricks and how they lie, which no crop at
full size holds.
"""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from inng_bench.metrics import crops, fidelity
from inng_bench.metrics.catalogue import CROP, FAR_CROPS
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.gram import average, gram_distances, gram_matrix

_Layer = tuple[int, str]
"""Factor and layer."""


def gram_far(comparison: Comparison) -> Outcome:
    """Return the mean over scales and taps of the relative distance of Gram matrices."""
    return _outcome(gram_distances(comparison, _matrices))


def patch_fid_far(comparison: Comparison) -> Outcome:
    """Return the mean over scales and taps of the Fréchet distance per dimension."""
    found, wanted = (pictures.derive(_features) for pictures in (comparison.samples, comparison.reference))
    return _outcome(
        {
            (factor, layer): fidelity.frechet_distance(found[factor][layer], wanted[factor][layer]) / width
            for factor in FAR_CROPS
            for layer, width in fidelity.TAPS.items()
        }
    )


def scaled_down(pixels: Pixels, factor: int) -> Pixels:
    """Return pictures (N, H, W, 3) whose pixels are the rounded means of factor x factor pixels; a rest is cut off."""
    count, height, width = (side // step for side, step in zip(pixels.shape[:3], (1, factor, factor), strict=True))
    whole = pixels[:, : height * factor, : width * factor].reshape(count, height, factor, width, factor, 3)
    return np.asarray(np.rint(whole.mean((2, 4)))).astype(np.uint8)


def _outcome(distances: Mapping[_Layer, float]) -> Outcome:
    parts = {
        f"1/{factor}": average({layer: value for layer, value in distances.items() if layer[0] == factor})
        for factor in FAR_CROPS
    }
    return Outcome(average(parts), sum(FAR_CROPS.values()), CROP, parts)


def _features(pictures: Pictures) -> dict[int, fidelity.Features]:
    found = {}
    for factor, count in FAR_CROPS.items():
        far = scaled_down(pictures.pixels, factor)
        places = crops.grid(count, len(far), far.shape[1:3], CROP)
        found[factor] = fidelity.extract(crops.cut(far, places, CROP), (*fidelity.TAPS, *fidelity.GRAMS))
    return found


def _matrices(pictures: Pictures) -> dict[_Layer, Tensor]:
    found = pictures.derive(_features)
    return {(factor, layer): gram_matrix(found[factor][layer]) for factor in FAR_CROPS for layer in fidelity.GRAMS}
