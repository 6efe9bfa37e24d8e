"""Distances of two sets of crops, each a point: ``patch_fid`` and ``patch_kid`` by the network, one by wavelets."""

from torch import Tensor

from inng_bench.metrics import fidelity, wavelets
from inng_bench.metrics.catalogue import CROP, CROPS, WAVELET_CROPS
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.gram import average
from inng_bench.metrics.lite_features import features


def patch_fid(comparison: Comparison) -> Outcome:
    """Return the mean over taps of the Fréchet distance per dimension."""
    parts = frechet_distances(comparison.samples.derive(features), comparison.reference.derive(features))
    return Outcome(average(parts), CROPS, CROP, parts)


def frechet_distances(found: fidelity.Features, wanted: fidelity.Features) -> dict[str, float]:
    """Return the Fréchet distance per dimension of each tap's means."""
    return {
        layer: fidelity.frechet_distance(found[layer], wanted[layer]) / width for layer, width in fidelity.TAPS.items()
    }


def patch_kid(comparison: Comparison) -> Outcome:
    """Return the kernel distance of the head's features."""
    found, wanted = (
        pictures.derive(features)[fidelity.HEAD_LAYER] for pictures in (comparison.samples, comparison.reference)
    )
    return Outcome(fidelity.kernel_distance(found, wanted, seed=comparison.seed), CROPS, CROP)


def patch_fid_wavelet(comparison: Comparison) -> Outcome:
    """Return the Fréchet distance per dimension of what wavelets see of crops."""
    found, wanted = (pictures.derive(_descriptions) for pictures in (comparison.samples, comparison.reference))
    value = fidelity.frechet_distance(found, wanted) / wavelets.DIMENSION
    return Outcome(value, WAVELET_CROPS, CROP)


def _descriptions(pictures: Pictures) -> Tensor:
    return wavelets.describe(pictures.pixels, pictures.places(WAVELET_CROPS, CROP), CROP)
