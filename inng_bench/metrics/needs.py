"""What metrics on request need beside the package: looked for before any work."""

from collections.abc import Collection

from inng_bench.metrics.local_weights import check_weights
from inng_bench.metrics.portilla_simoncelli import find_plenoptic


def check_needs(metrics: Collection[str]) -> None:
    """Refuse metrics whose weights or packages are not at hand.

    Raises
    ------
    InputError
        Names the first thing that is missing and how to get it.
    """
    check_weights(metrics)
    if "portilla_simoncelli" in metrics:
        find_plenoptic()
