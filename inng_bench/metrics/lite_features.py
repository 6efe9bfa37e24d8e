"""Features of EfficientNet-Lite0 of the crops of pictures; use them through ``Pictures.derive``."""

import numpy as np
from numpy.typing import NDArray

from inng_bench.metrics import crops, fidelity
from inng_bench.metrics.catalogue import CROP, CROPS, WIDE_CROP, WIDE_CROPS
from inng_bench.metrics.comparison import Pictures


def features(pictures: Pictures) -> fidelity.Features:
    """Return all layers of the small crops."""
    return fidelity.extract(crops.cut(pictures.pixels, pictures.places(CROPS, CROP), CROP), fidelity.LAYERS)


def features_by_group(pictures: Pictures) -> tuple[fidelity.Features, ...]:
    """Return the same by group of pictures; nothing where there is one group only."""
    return _by_group(pictures, pictures.derive(features), pictures.places(CROPS, CROP))


def wide_features(pictures: Pictures) -> fidelity.Features:
    """Return the Gram matrices of the wide crops."""
    cut = crops.cut(pictures.pixels, pictures.places(WIDE_CROPS, WIDE_CROP), WIDE_CROP)
    return fidelity.extract(cut, tuple(fidelity.GRAMS), batch=8)


def wide_features_by_group(pictures: Pictures) -> tuple[fidelity.Features, ...]:
    """Return the same by group of pictures; nothing where there is one group only."""
    return _by_group(pictures, pictures.derive(wide_features), pictures.places(WIDE_CROPS, WIDE_CROP))


def _by_group(pictures: Pictures, found: fidelity.Features, places: NDArray[np.int64]) -> tuple[fidelity.Features, ...]:
    group = crops.groups(len(pictures.pixels))[places[:, 0]]
    numbers = np.unique(group)
    if len(numbers) == 1:
        return ()
    return tuple({layer: rows[group == number] for layer, rows in found.items()} for number in numbers)
