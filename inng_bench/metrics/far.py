"""``gram_far`` and ``patch_fid_far``: the network's distances on pictures scaled down, where a crop holds layout.

A crop of 48 px of a picture scaled down by 4 sees 192 px: whole bricks and how they lie, which no crop at full size
holds, and nothing of the fine detail that decides the distances at full size.
"""

import numpy as np
from torch import Tensor

from inng_bench.metrics import crops, fidelity
from inng_bench.metrics.catalogue import CROP, FAR_CROPS, FAR_SCALE
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.gram import average, gram_distances
from inng_bench.metrics.gram_lite import gram_matrices
from inng_bench.metrics.patch_distances import frechet_distances


def gram_far(comparison: Comparison) -> Outcome:
    """Return the mean over taps of the relative distance of Gram matrices."""
    found = gram_distances(comparison, _matrices)
    return Outcome(average(found), FAR_CROPS, CROP, found)


def patch_fid_far(comparison: Comparison) -> Outcome:
    """Return the mean over taps of the Fréchet distance per dimension."""
    found, wanted = (pictures.derive(_features) for pictures in (comparison.samples, comparison.reference))
    parts = frechet_distances(found, wanted)
    return Outcome(average(parts), FAR_CROPS, CROP, parts)


def scaled_down(pixels: Pixels, factor: int) -> Pixels:
    """Return pictures (N, H, W, 3) whose pixels are the rounded means of factor x factor pixels; a rest is cut off."""
    count, height, width = (side // step for side, step in zip(pixels.shape[:3], (1, factor, factor), strict=True))
    whole = pixels[:, : height * factor, : width * factor].reshape(count, height, factor, width, factor, 3)
    return np.asarray(np.rint(whole.mean((2, 4)))).astype(np.uint8)


def _features(pictures: Pictures) -> fidelity.Features:
    far = scaled_down(pictures.pixels, FAR_SCALE)
    places = crops.grid(FAR_CROPS, len(far), far.shape[1:3], CROP)
    return fidelity.extract(crops.cut(far, places, CROP), (*fidelity.TAPS, *fidelity.GRAMS))


def _matrices(pictures: Pictures) -> dict[str, Tensor]:
    return gram_matrices(pictures.derive(_features))
