"""``patch_fid`` and ``patch_kid``: distances of two sets of crops, each a point among the network's features."""

from inng_bench.metrics import fidelity
from inng_bench.metrics.catalogue import CROP, CROPS
from inng_bench.metrics.comparison import Comparison, Outcome
from inng_bench.metrics.gram import average
from inng_bench.metrics.lite_features import features


def patch_fid(comparison: Comparison) -> Outcome:
    """Return the mean over taps of the Fréchet distance per dimension."""
    found, wanted = comparison.samples.derive(features), comparison.reference.derive(features)
    parts = {
        layer: fidelity.frechet_distance(found[layer], wanted[layer]) / width for layer, width in fidelity.TAPS.items()
    }
    return Outcome(average(parts), CROPS, CROP, parts)


def patch_kid(comparison: Comparison) -> Outcome:
    """Return the kernel distance of the head's features."""
    found, wanted = (
        pictures.derive(features)[fidelity.HEAD_LAYER] for pictures in (comparison.samples, comparison.reference)
    )
    return Outcome(fidelity.kernel_distance(found, wanted, seed=comparison.seed), CROPS, CROP)
