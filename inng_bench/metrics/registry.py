"""The one place where a metric of the catalogue gets its function; to add one takes an entry here and one there."""

from collections.abc import Mapping

from inng_bench.metrics.comparison import Measure
from inng_bench.metrics.copying import copy_rate
from inng_bench.metrics.gram_lite import gram, gram_128
from inng_bench.metrics.patch_distances import patch_fid, patch_kid

MEASURES: Mapping[str, Measure] = {
    "gram": gram,
    "gram_128": gram_128,
    "patch_fid": patch_fid,
    "patch_kid": patch_kid,
    "copy_rate": copy_rate,
}
"""By the catalogue's names, in its order."""
