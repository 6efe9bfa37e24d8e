"""``patch_fid`` and ``patch_kid``: distances of two sets of crops, each a point among the network's features."""

from inng_bench.metrics import fidelity
from inng_bench.metrics.catalogue import CROP, CROPS
from inng_bench.metrics.comparison import Comparison, Outcome
from inng_bench.metrics.gram import average
from inng_bench.metrics.lite_features import features, features_by_group


def patch_fid(comparison: Comparison) -> Outcome:
    """Return the mean over taps of the Fréchet distance per dimension."""
    wanted = comparison.reference.derive(features)
    parts = _frechet(comparison.samples.derive(features), wanted)
    alone = tuple(average(_frechet(group, wanted)) for group in features_by_group(comparison))
    return Outcome(average(parts), CROPS, CROP, parts, alone)


def patch_kid(comparison: Comparison) -> Outcome:
    """Return the kernel distance of the head's features.

    A group of pictures is compared with as many of the window's crops as it has, the same ones for every group.
    """
    wanted = comparison.reference.derive(features)[fidelity.HEAD_LAYER]

    def distance(found: fidelity.Features) -> float:
        return fidelity.kernel_distance(found[fidelity.HEAD_LAYER], wanted, seed=comparison.seed)

    alone = tuple(distance(group) for group in features_by_group(comparison))
    return Outcome(distance(comparison.samples.derive(features)), CROPS, CROP, {}, alone)


def _frechet(samples: fidelity.Features, wanted: fidelity.Features) -> dict[str, float]:
    return {
        layer: fidelity.frechet_distance(samples[layer], wanted[layer]) / width
        for layer, width in fidelity.TAPS.items()
    }
