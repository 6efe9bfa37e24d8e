"""What is measured: name, unit, direction, version, cost and limits of every metric.

Report, gate and command line read this module and nothing else of the metrics, so that it must not import torch. The
function of each stands in :mod:`inng_bench.metrics.registry`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inng_bench.errors import InputError
from inng_bench.suggest import did_you_mean


class Direction(StrEnum):
    """Which way is better."""

    LOWER = "lower"
    HIGHER = "higher"


class Scope(StrEnum):
    """When a metric is measured."""

    DEFAULT = "default"
    """In every row of every suite."""

    SETS = "sets"
    """In every row of a suite of sets of pictures, and in no other."""

    ON_REQUEST = "on request"
    """Where a suite or a command names it."""


class Role(StrEnum):
    """Where a metric is shown."""

    HEADLINE = "headline"
    """In the main table, with bold figures and a verdict."""

    COPYING = "copying"
    """In the main table too, since a copy gets every headline."""

    COMPANION = "companion"
    """In a table of its own: another view; nobody wins by it."""


class Eye(StrEnum):
    """What a metric looks through. Metrics of one eye err together, so a claim needs several."""

    NETWORK = "EfficientNet-Lite0"
    FAR = "EfficientNet-Lite0, from afar"
    """On pictures scaled down, so that a crop holds layout."""

    UNTRAINED = "no trained network"
    OTHER_NETWORK = "another network"


class Compared(StrEnum):
    """What the samples are compared with, and how."""

    HELD_OUT = "held-out windows or pictures"
    """Windows in pairs of equal area: each piece of the samples with each window; the value is the mean over pairs.
    Pictures of a set all at once."""

    TRAIN = "the train window or the training pictures"
    """All samples at once, as copying and diversity are facts of all of them."""


@dataclass(frozen=True)
class MetricInfo:
    """The facts about one metric.

    Attributes
    ----------
    name : str
        Column of ``table.csv`` and key of the record.
    label : str
        Heading of a printed column; names the feature network.
    unit : str
        Empty for a plain number.
    direction : Direction
        Which way is better.
    version : int
        Rises with every change of the definition; versions are never compared with each other.
    minimum_size : int
        Shortest side of a picture in pixels that the metric can be applied to.
    definition : str
        One sentence.
    blind_to : str
        What the metric cannot see.
    cost : float
        Seconds of one core for a row of four canvases of 256 px, roughly; of features that several metrics share, the
        first in the catalogue has the cost.
    eye : Eye
        What it looks through.
    needs : str
        What it needs beside the package.
    scope : Scope
        Whether it is measured in every suite.
    role : Role
        Where it is shown.
    compared : Compared
        With what, and how.
    digits : int
        Significant digits worth printing.
    """

    name: str
    label: str
    unit: str
    direction: Direction
    version: int
    minimum_size: int
    definition: str
    blind_to: str
    cost: float
    eye: Eye = Eye.UNTRAINED
    needs: str = "nothing"
    scope: Scope = Scope.DEFAULT
    role: Role = Role.COMPANION
    compared: Compared = Compared.HELD_OUT
    digits: int = 3


CROP = 48
"""Side in pixels of the crops of the Gram, FID and KID metrics: a 64 px tile has room for a grid of them."""

CROPS = 512
"""Number of crops on either side of a pair: 25 of them would lie in a window of 256 px without overlap."""

FAR_SCALE, FAR_CROPS = 4, 64
"""Factor that the far metrics scale pictures down by, and number of their crops: what a window has room for."""

COPIES_ABOVE = 0.25
"""Copy rate above which a row is marked as copying and takes part in no comparison: twelve blocks of 48.

Copies of the ladder have far more. A simple picture, smooth or striped, finds more places that are like it than
held-out windows do: DCGAN's bricks, which are stripes, had 0.10 to 0.19 without a copy."""

WIDE_CROP, WIDE_CROPS = 128, 9
"""Side in pixels and number of the crops of ``portilla_simoncelli``."""

TILE = 64
"""Side in pixels of the tiles of the metrics without a network: as large as the smallest samples."""

TILES = 16
"""Number of tiles on either side of a pair: a window of 256 px cut without a remainder."""

WAVELET_CROPS = 256
"""Number of the crops of ``patch_fid_wavelet``: three times its dimension and more."""

VGG_CROP, VGG_CROPS = 64, 32
"""Side in pixels and number of the crops of ``gram_vgg``."""

INCEPTION_CROP, INCEPTION_FID_CROPS, INCEPTION_KID_CROPS = 64, 1024, 64
"""Side in pixels and numbers of the crops of the two distances on Inception, which sees each at 299 px."""

SET_PICTURES = 256
"""Pictures on either side of a metric of sets."""

HONEST_SHARE = 0.05
"""Of the held-out pictures that may be as near to a training picture as what counts as a copy."""

_SEEN = "Pictures are enlarged by a whole factor to 128 px or more."

_OF_SETS: dict[str, Any] = {"unit": "", "version": 1, "minimum_size": 8, "scope": Scope.SETS}

_BEYOND = "layout beyond a crop, copying"

_ON_REQUEST: dict[str, Any] = {"scope": Scope.ON_REQUEST}

_BALLS: dict[str, Any] = {
    "unit": "",
    "direction": Direction.HIGHER,
    "version": 2,
    "minimum_size": CROP,
    "blind_to": f"{_BEYOND}, how far beyond a ball a crop lies",
    "cost": 0.3,
    "eye": Eye.NETWORK,
}

CATALOGUE: tuple[MetricInfo, ...] = (
    MetricInfo(
        name="gram",
        label="Gram (EffLite0)",
        unit="",
        direction=Direction.LOWER,
        version=2,
        minimum_size=CROP,
        definition=f"Relative Frobenius distance of Gram matrices over {CROPS} crops of {CROP} px, mean over the five "
        "layers of 16 to 112 channels.",
        blind_to="layout beyond a crop, copying, feature moments above the second",
        cost=3.0,
        eye=Eye.NETWORK,
        role=Role.HEADLINE,
    ),
    MetricInfo(
        name="gram_vgg",
        label="Gram (VGG-19)",
        unit="",
        direction=Direction.LOWER,
        version=2,
        minimum_size=VGG_CROP,
        definition=f"Relative Frobenius distance of Gram matrices over {VGG_CROPS} crops of {VGG_CROP} px, mean over "
        "conv1_1 and pool1 to pool4 of VGG-19 with average pooling.",
        blind_to="layout beyond a crop, copying, feature moments above the second; a method that optimises it has "
        "the smallest distance by construction",
        cost=20.0,
        eye=Eye.OTHER_NETWORK,
        needs="torchvision's VGG-19 weights, named by INNG_BENCH_VGG19",
        **_ON_REQUEST,
    ),
    MetricInfo(
        name="patch_fid",
        label="patch-FID (EffLite0)",
        unit="",
        direction=Direction.LOWER,
        version=2,
        minimum_size=CROP,
        definition=f"Fréchet distance of standardised layer means over {CROPS} crops of {CROP} px, divided by the "
        "layer's dimension, mean over the layers of at most 112 channels.",
        blind_to="layout beyond a crop, copying, non-Gaussian differences of the features",
        cost=0.1,
        eye=Eye.NETWORK,
        role=Role.HEADLINE,
    ),
    MetricInfo(
        name="patch_kid",
        label="patch-KID (EffLite0)",
        unit="",
        direction=Direction.LOWER,
        version=2,
        minimum_size=CROP,
        definition="Unbiased squared MMD with the kernel (x·y/1280 + 1)³ on the 1280 head features of the same "
        f"{CROPS} crops, all in one subset.",
        blind_to="layout beyond a crop, copying",
        cost=1.5,
        eye=Eye.NETWORK,
        role=Role.HEADLINE,
    ),
    MetricInfo(
        name="gram_far",
        label="Gram, far (EffLite0)",
        unit="",
        direction=Direction.LOWER,
        version=2,
        minimum_size=FAR_SCALE * CROP,
        definition=f"The Gram distance of pictures scaled down by {FAR_SCALE}, {FAR_CROPS} crops of {CROP} px; each "
        f"shows {FAR_SCALE * CROP} px of the picture.",
        blind_to="detail below 8 px, layout beyond 192 px, copying, feature moments above the second",
        cost=0.5,
        eye=Eye.FAR,
        role=Role.HEADLINE,
    ),
    MetricInfo(
        name="patch_fid_far",
        label="patch-FID, far (EffLite0)",
        unit="",
        direction=Direction.LOWER,
        version=1,
        minimum_size=FAR_SCALE * CROP,
        definition="The patch-FID of the same crops.",
        blind_to="detail below 8 px, layout beyond 192 px, copying, non-Gaussian differences of the features",
        cost=0.1,
        eye=Eye.FAR,
        role=Role.HEADLINE,
    ),
    MetricInfo(
        name="patch_fid_wavelet",
        label="patch-FID (wavelets)",
        unit="",
        direction=Direction.LOWER,
        version=2,
        minimum_size=CROP,
        definition=f"Fréchet distance, divided by the dimension, of wavelet features of {WAVELET_CROPS} crops of "
        f"{CROP} px: the mean colour, and the energy and sparsity of bands of three octaves, four directions and three "
        "colour axes.",
        blind_to="layout beyond a crop, copying, the relative position of structures of different octaves, "
        "non-Gaussian differences of the descriptors",
        cost=0.3,
        role=Role.HEADLINE,
    ),
    MetricInfo(
        name="patch_fid_inception",
        label="patch-FID-64 (Inception)",
        unit="",
        direction=Direction.LOWER,
        version=2,
        minimum_size=INCEPTION_CROP,
        definition=f"Fréchet distance of the 64 features after the first pooling of torch-fidelity's Inception-v3 "
        f"over {INCEPTION_FID_CROPS} crops of {INCEPTION_CROP} px.",
        blind_to=f"{_BEYOND}, non-Gaussian differences of the features",
        cost=60.0,
        eye=Eye.OTHER_NETWORK,
        needs="torch-fidelity's Inception weights, named by INNG_BENCH_INCEPTION",
        **_ON_REQUEST,
    ),
    MetricInfo(
        name="patch_kid_inception",
        label="patch-KID (Inception)",
        unit="",
        direction=Direction.LOWER,
        version=2,
        minimum_size=INCEPTION_CROP,
        definition="Unbiased squared MMD with the kernel (x·y/2048 + 1)³ on the last 2048 features of torch-fidelity's "
        f"Inception-v3 over {INCEPTION_KID_CROPS} crops of {INCEPTION_CROP} px.",
        blind_to=_BEYOND,
        cost=120.0,
        eye=Eye.OTHER_NETWORK,
        needs="torch-fidelity's Inception weights, named by INNG_BENCH_INCEPTION",
        **_ON_REQUEST,
    ),
    MetricInfo(
        name="precision",
        label="precision (EffLite0)",
        definition=f"Share of the {CROPS} crops of the samples that lie in a ball of the window. There is a ball "
        "around each crop of the window, in the standardised means of the 112-channel layer; its radius is the "
        "distance to the fifth nearest crop that does not overlap.",
        **_BALLS,
    ),
    MetricInfo(
        name="coverage",
        label="coverage (EffLite0)",
        definition="Share of the balls of the window that contain a crop of the samples.",
        **_BALLS,
    ),
    MetricInfo(
        name="copy_rate",
        label="copy rate",
        unit="",
        direction=Direction.LOWER,
        version=5,
        minimum_size=64,
        definition="Share of 48 blocks of 32 px, at places that depend on every pixel, that also occur in the train "
        "window: rolled, mirrored, turned by any angle, scaled by 0.8 to 1.25, bent by up to 4 px or recoloured. "
        "Its best correlation with the train window is well above that of all blocks of held-out windows.",
        blind_to="copies that are blurred, cut into pieces below 32 px or mixed of several places; what lies between "
        "the blocks; copies in a texture whose held-out windows match as closely",
        cost=7.5,
        role=Role.COPYING,
        compared=Compared.TRAIN,
    ),
    MetricInfo(
        name="diversity",
        label="diversity",
        unit="",
        direction=Direction.HIGHER,
        version=2,
        minimum_size=1,
        definition="Mean squared distance of two samples, pixel by pixel, divided by twice the variance of their "
        "pixels: 1 for unrelated pictures, 0 for equal ones.",
        blind_to="quality (noise is diverse), samples that are rolled versions of one another (except the part "
        "closest_pair)",
        cost=0.3,
        compared=Compared.TRAIN,
    ),
    MetricInfo(
        name="speckle",
        label="speckle",
        unit="",
        direction=Direction.LOWER,
        version=2,
        minimum_size=TILE,
        definition="Power at the frequencies of a grid of 2, 4, 8 or 16 px divided by the power at neighbouring "
        f"frequencies, in {TILES} tiles of {TILE} px, divided by the same ratio of the window; the largest "
        "of the four. 1 means no more grid than in the texture itself.",
        blind_to="everything but grids of these periods",
        cost=0.2,
    ),
    MetricInfo(
        name="spectrum",
        label="spectrum",
        unit="dB",
        direction=Direction.LOWER,
        version=2,
        minimum_size=TILE,
        definition=f"Root mean square difference of the radial power spectra of {TILES} tiles of {TILE} px, mean over "
        "the four octaves of wavelengths from 32 to 2 px.",
        blind_to="phases (and so edges), direction, wavelengths above 32 px",
        cost=0.2,
    ),
    MetricInfo(
        name="portilla_simoncelli",
        label="Portilla-Simoncelli",
        unit="SD",
        direction=Direction.LOWER,
        version=2,
        minimum_size=WIDE_CROP,
        definition=f"Mean difference of 710 texture statistics between {WIDE_CROPS} crops of {WIDE_CROP} px and the "
        "window, in standard deviations over the crops of the window.",
        blind_to="colour, layout beyond a crop, copying",
        cost=2.0,
        needs="plenoptic (python -m pip install plenoptic)",
        scope=Scope.ON_REQUEST,
    ),
    MetricInfo(
        name="set_fid",
        label="FID (EffLite0)",
        direction=Direction.LOWER,
        definition=f"Mean over five layers of the Fréchet distance per dimension of {SET_PICTURES} whole pictures from "
        f"as many held-out ones. {_SEEN}",
        blind_to="copying; not comparable with published FID, which takes Inception-v3",
        cost=8.0,
        eye=Eye.NETWORK,
        role=Role.HEADLINE,
        **_OF_SETS,
    ),
    MetricInfo(
        name="set_kid",
        label="KID (EffLite0)",
        direction=Direction.LOWER,
        definition=f"Unbiased squared MMD with the kernel (x·y/d + 1)³ of the head's features of {SET_PICTURES} whole "
        f"pictures and as many held-out ones. {_SEEN}",
        blind_to="copying; not comparable with published KID, which takes Inception-v3",
        cost=0.5,
        eye=Eye.NETWORK,
        role=Role.HEADLINE,
        **_OF_SETS,
    ),
    MetricInfo(
        name="set_precision",
        label="precision (EffLite0)",
        direction=Direction.HIGHER,
        definition="Share of the samples that lie, in the head's features, in a ball about a held-out picture, up to "
        "its third nearest.",
        blind_to="diversity, copying",
        cost=0.1,
        eye=Eye.NETWORK,
        **_OF_SETS,
    ),
    MetricInfo(
        name="set_recall",
        label="recall (EffLite0)",
        direction=Direction.HIGHER,
        definition="Share of the held-out pictures that lie in such a ball about a sample.",
        blind_to="quality of the samples between which the balls reach: noise has large ones",
        cost=0.1,
        eye=Eye.NETWORK,
        **_OF_SETS,
    ),
    MetricInfo(
        name="set_nearest",
        label="nearest",
        direction=Direction.HIGHER,
        definition="Median distance of a sample to the nearest training picture, over that of held-out pictures: 1 is "
        "as far as unseen ones, 0 a copy. Pixels are averaged to 16 px a side; mirrored pictures count.",
        blind_to="quality: noise is far from every picture, and a blurred mean is near to many",
        cost=0.5,
        compared=Compared.TRAIN,
        **_OF_SETS,
    ),
    MetricInfo(
        name="set_copy_rate",
        label="copy rate",
        direction=Direction.LOWER,
        definition=f"Share of the samples that are nearer to a training picture than all held-out pictures but the "
        f"nearest {100 * HONEST_SHARE:g} %, which is what an honest method has.",
        blind_to="copies that are turned, enlarged or recoloured; parts of pictures",
        cost=0.1,
        role=Role.COPYING,
        compared=Compared.TRAIN,
        **_OF_SETS,
    ),
)

BY_NAME: dict[str, MetricInfo] = {metric.name: metric for metric in CATALOGUE}

DEFAULT: tuple[str, ...] = tuple(metric.name for metric in CATALOGUE if metric.scope is Scope.DEFAULT)
"""What every row has."""

OF_SETS: tuple[MetricInfo, ...] = tuple(metric for metric in CATALOGUE if metric.scope is Scope.SETS)
"""What every row of a suite of sets has."""

SET_HEADLINES: tuple[MetricInfo, ...] = tuple(metric for metric in OF_SETS if metric.role is Role.HEADLINE)

_OF_TEXTURES = tuple(metric for metric in CATALOGUE if metric.scope is not Scope.SETS)

HEADLINES: tuple[MetricInfo, ...] = tuple(metric for metric in _OF_TEXTURES if metric.role is Role.HEADLINE)
"""What a claim rests on: a correction for many tests counts these and no others."""

MAIN_TABLE: tuple[MetricInfo, ...] = tuple(metric for metric in _OF_TEXTURES if metric.role is not Role.COMPANION)
"""What the main table shows."""

COMPANIONS: tuple[MetricInfo, ...] = tuple(metric for metric in _OF_TEXTURES if metric.role is Role.COMPANION)
"""What the table beside it shows."""


def selected(names: Iterable[str] | None) -> tuple[str, ...]:
    """Return metrics by name, each once and in the catalogue's order.

    Parameters
    ----------
    names : Iterable[str] or None
        None for the default set.

    Raises
    ------
    InputError
        When there is none of a name.
    """
    wanted = DEFAULT if names is None else tuple(names)
    for name in wanted:
        if name not in BY_NAME:
            raise InputError(f"there is no metric {name!r}; {did_you_mean(name, BY_NAME)}")
    return tuple(name for name in BY_NAME if name in wanted)


def with_defaults(names: Sequence[str]) -> tuple[str, ...]:
    """Return the default set and what is asked for beside it."""
    return selected((*DEFAULT, *names))


def selected_of_sets(names: Iterable[str] | None) -> tuple[str, ...]:
    """Return the metrics of sets among some names, in the catalogue's order; all where there are no names."""
    return tuple(metric.name for metric in OF_SETS if names is None or metric.name in names)
