"""``gram`` and ``gram_128``: Gram distances on the taps of EfficientNet-Lite0."""

import numpy as np

from inng_bench.metrics import fidelity
from inng_bench.metrics.catalogue import CROP, CROPS, WIDE_CROP, WIDE_CROPS
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.gram import gram_matrix, relative_distance
from inng_bench.metrics.lite_features import features, features_by_group, wide_features, wide_features_by_group


def gram(comparison: Comparison) -> Outcome:
    """Measure on the small crops."""
    wanted = comparison.reference.derive(_grams)
    groups = comparison.samples.derive(features_by_group) if comparison.grouped else ()
    return _outcome(comparison.samples.derive(_grams), wanted, groups, n=CROPS, crop=CROP)


def gram_128(comparison: Comparison) -> Outcome:
    """Measure on the wide crops."""
    wanted = comparison.reference.derive(_wide_grams)
    groups = comparison.samples.derive(wide_features_by_group) if comparison.grouped else ()
    return _outcome(comparison.samples.derive(_wide_grams), wanted, groups, n=WIDE_CROPS, crop=WIDE_CROP)


def _grams(pictures: Pictures) -> fidelity.Features:
    return _mean_grams(pictures.derive(features))


def _wide_grams(pictures: Pictures) -> fidelity.Features:
    return _mean_grams(pictures.derive(wide_features))


def _mean_grams(found: fidelity.Features) -> fidelity.Features:
    """Return the mean Gram matrix of each tap, (d, d)."""
    return {f"tap_{width}": gram_matrix(found[layer]) for layer, width in fidelity.GRAMS.items()}


def _outcome(
    samples: fidelity.Features, wanted: fidelity.Features, groups: tuple[fidelity.Features, ...], *, n: int, crop: int
) -> Outcome:
    parts = _distances(samples, wanted)
    alone = tuple(_average(_distances(_mean_grams(group), wanted)) for group in groups)
    return Outcome(_average(parts), n, crop, parts, alone)


def _distances(samples: fidelity.Features, wanted: fidelity.Features) -> dict[str, float]:
    return {tap: relative_distance(matrix, wanted[tap]) for tap, matrix in samples.items()}


def _average(parts: dict[str, float]) -> float:
    return float(np.mean(list(parts.values())))
