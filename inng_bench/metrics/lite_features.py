"""Features of EfficientNet-Lite0 of the crops of pictures; use them through ``Pictures.derive``."""

from inng_bench.metrics import crops, fidelity
from inng_bench.metrics.catalogue import CROP, CROPS
from inng_bench.metrics.comparison import Pictures


def features(pictures: Pictures) -> fidelity.Features:
    """Return all layers of the small crops."""
    return fidelity.extract(crops.cut(pictures.pixels, pictures.places(CROPS, CROP), CROP), fidelity.LAYERS)
