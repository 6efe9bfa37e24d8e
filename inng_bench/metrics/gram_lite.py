"""``gram``: the Gram distance on the taps of EfficientNet-Lite0."""

from torch import Tensor

from inng_bench.metrics import fidelity
from inng_bench.metrics.catalogue import CROP, CROPS
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.gram import average, gram_distances, gram_matrix
from inng_bench.metrics.lite_features import features


def gram(comparison: Comparison) -> Outcome:
    """Return the mean over taps of the relative distance of Gram matrices."""
    found = gram_distances(comparison, _matrices)
    return Outcome(average(found), CROPS, CROP, found)


def gram_matrices(found: fidelity.Features) -> dict[str, Tensor]:
    """Return the mean Gram matrix of each tap's crops."""
    return {f"tap_{width}": gram_matrix(found[layer]) for layer, width in fidelity.GRAMS.items()}


def _matrices(pictures: Pictures) -> dict[str, Tensor]:
    return gram_matrices(pictures.derive(features))
