"""Features of EfficientNet-Lite0 of the crops of pictures; use them through ``Pictures.derive``."""

from inng_bench.metrics import crops, fidelity
from inng_bench.metrics.catalogue import CROP, CROPS, WIDE_CROP, WIDE_CROPS
from inng_bench.metrics.comparison import Comparison, Pictures


def features(pictures: Pictures) -> fidelity.Features:
    """Return all layers of the small crops."""
    return fidelity.extract(crops.cut(pictures.pixels, pictures.places(CROPS, CROP), CROP), fidelity.LAYERS)


def wide_features(pictures: Pictures) -> fidelity.Features:
    """Return the Gram matrices of the wide crops."""
    cut = crops.cut(pictures.pixels, pictures.places(WIDE_CROPS, WIDE_CROP), WIDE_CROP)
    return fidelity.extract(cut, tuple(fidelity.GRAMS), batch=8)


def features_by_group(comparison: Comparison) -> tuple[fidelity.Features, ...]:
    """Return the layers of the samples' small crops by group of pictures."""
    found = comparison.samples.derive(features)
    members = comparison.members(CROPS, CROP)
    return tuple({layer: rows[member] for layer, rows in found.items()} for member in members)
