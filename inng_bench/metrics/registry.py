"""The one place where a metric of the catalogue gets its function; to add one takes an entry here and one there."""

from collections.abc import Mapping

from inng_bench.metrics import prdc
from inng_bench.metrics.comparison import Measure
from inng_bench.metrics.copying import copy_rate
from inng_bench.metrics.diversity import diversity
from inng_bench.metrics.far import gram_far, patch_fid_far
from inng_bench.metrics.gram_lite import gram
from inng_bench.metrics.gram_vgg import gram_vgg
from inng_bench.metrics.inception import patch_fid_inception, patch_kid_inception
from inng_bench.metrics.patch_distances import patch_fid, patch_fid_wavelet, patch_kid
from inng_bench.metrics.portilla_simoncelli import portilla_simoncelli
from inng_bench.metrics.spectrum import speckle, spectrum

MEASURES: Mapping[str, Measure] = {
    "gram": gram,
    "gram_vgg": gram_vgg,
    "patch_fid": patch_fid,
    "patch_kid": patch_kid,
    "gram_far": gram_far,
    "patch_fid_far": patch_fid_far,
    "patch_fid_wavelet": patch_fid_wavelet,
    "patch_fid_inception": patch_fid_inception,
    "patch_kid_inception": patch_kid_inception,
    "precision": prdc.precision,
    "coverage": prdc.coverage,
    "copy_rate": copy_rate,
    "diversity": diversity,
    "speckle": speckle,
    "spectrum": spectrum,
    "portilla_simoncelli": portilla_simoncelli,
}
"""By the catalogue's names."""
