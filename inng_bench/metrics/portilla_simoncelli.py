"""Distance of Portilla and Simoncelli's texture statistics, by plenoptic, which is an optional package.

The 710 statistics of a grey picture (4 scales, 4 orientations, neighbourhoods of 7 px) have all kinds of units. Each is
measured in standard deviations that it has over the crops of the window.

References
----------
J. Portilla, E. P. Simoncelli, "A parametric texture model based on joint statistics of complex wavelet coefficients",
2000, https://doi.org/10.1023/A:1026553619983
"""

from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray

from inng_bench.errors import InputError
from inng_bench.metrics.catalogue import WIDE_CROP, WIDE_CROPS
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.crops import Pixels, cut
from inng_bench.metrics.tiles import luminance

SCALES, ORIENTATIONS, NEIGHBOURHOOD = 4, 4, 7

Statistics = NDArray[np.float64]
"""(crops, statistics)"""


def portilla_simoncelli(comparison: Comparison) -> Outcome:
    """Measure the mean deviation of the statistics from the window's, in the window's standard deviations."""
    wanted = comparison.reference.derive(_crop_statistics)
    if not wanted.std(0).any():
        return Outcome(None, 0, note="the window is flat, so that its statistics have no scale")
    found = comparison.samples.derive(_crop_statistics)
    return Outcome(mean_deviation(found, wanted), WIDE_CROPS, WIDE_CROP)


def mean_deviation(samples: Statistics, reference: Statistics) -> float:
    """Return the mean over statistics of the difference of means in standard deviations of the reference.

    Statistics that do not vary over the reference (up to round-off) have no scale and do not count.
    """
    scale, mean = reference.std(0), reference.mean(0)
    varies = scale > 1e-9 * np.abs(mean)
    return float((np.abs(samples.mean(0) - mean)[varies] / scale[varies]).mean())


def statistics(crops: Pixels) -> Statistics:
    """Compute the statistics of the luminance of crops.

    Parameters
    ----------
    crops : Pixels
        uint8 (n, WIDE_CROP, WIDE_CROP, 3). Their borders are taken to meet, as those of a torus.

    Raises
    ------
    InputError
        When plenoptic is not installed.
    """
    model = (
        find_plenoptic()
        .models.PortillaSimoncelli((WIDE_CROP, WIDE_CROP), SCALES, ORIENTATIONS, spatial_corr_width=NEIGHBOURHOOD)
        .double()
    )
    grey = torch.from_numpy(luminance(crops)).double() / 255
    with torch.inference_mode():
        # One crop at a time: the pyramid of all at once takes gigabytes.
        found: Statistics = np.concatenate([model(crop[None, None]).flatten(1).numpy() for crop in grey])
    return found


def _crop_statistics(pictures: Pictures) -> Statistics:
    return statistics(cut(pictures.pixels, pictures.places(WIDE_CROPS, WIDE_CROP), WIDE_CROP))


def find_plenoptic() -> ModuleType:
    """Return the package.

    Raises
    ------
    InputError
        When it is not installed.
    """
    try:
        import plenoptic
    except ImportError as error:
        raise InputError(
            "portilla-simoncelli needs the package plenoptic; install it by python -m pip install plenoptic."
        ) from error
    module: ModuleType = plenoptic
    return module
