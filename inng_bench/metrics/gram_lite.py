"""``gram`` and ``gram_128``: Gram distances on the taps of EfficientNet-Lite0."""

from inng_bench.metrics import fidelity
from inng_bench.metrics.catalogue import CROP, CROPS, WIDE_CROP, WIDE_CROPS
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.gram import gram_distances
from inng_bench.metrics.lite_features import features, wide_features


def gram(comparison: Comparison) -> Outcome:
    """Measure on the small crops."""
    found = gram_distances(comparison, _triangles, count=CROPS, crop=CROP)
    return Outcome(found.value, CROPS, CROP, found.layers, found.per_image)


def gram_128(comparison: Comparison) -> Outcome:
    """Measure on the wide crops."""
    found = gram_distances(comparison, _wide_triangles, count=WIDE_CROPS, crop=WIDE_CROP)
    return Outcome(found.value, WIDE_CROPS, WIDE_CROP, found.layers, found.per_image)


def _triangles(pictures: Pictures) -> fidelity.Features:
    return _by_tap(pictures.derive(features))


def _wide_triangles(pictures: Pictures) -> fidelity.Features:
    return _by_tap(pictures.derive(wide_features))


def _by_tap(found: fidelity.Features) -> fidelity.Features:
    return {f"tap_{width}": found[layer] for layer, width in fidelity.GRAMS.items()}
