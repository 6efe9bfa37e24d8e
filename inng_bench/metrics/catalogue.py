"""What is measured: name, unit, direction, version, cost and limits of every metric.

Report, gate and command line read this module and nothing else of the metrics, so that it must not import torch. The
function of each stands in :mod:`inng_bench.metrics.registry`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

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

    ON_REQUEST = "on request"
    """Where a suite or a command names it."""


class Role(StrEnum):
    """Where a metric is shown."""

    HEADLINE = "headline"
    """In the main table, with bold figures and a verdict."""

    COPYING = "copying"
    """In the main table too, since a copy gets every headline."""

    COMPANION = "companion"
    """In a table of its own: another view, by which nobody wins."""


class Compared(StrEnum):
    """Which windows the samples are compared with."""

    BOTH = "held-out, and train beside it"
    UNSEEN = "held-out"
    """The train window only where there is no held-out one."""
    SOURCE = "train"
    """By the metric's definition, whatever else there is."""


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
    needs : str
        What must be there beside the package.
    scope : Scope
        Whether it is measured in every suite.
    role : Role
        Where it is shown.
    compared : Compared
        With which windows.
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
    needs: str = "nothing"
    scope: Scope = Scope.DEFAULT
    role: Role = Role.COMPANION
    compared: Compared = Compared.BOTH
    digits: int = 3


CROP = 48
"""Side in pixels of the crops of the Gram, FID and KID metrics: a 64 px tile has room for a grid of them."""

CROPS = 2048
"""Number of crops of every row, so that the bias of the Fréchet distance is alike (16 crops per dimension and more)."""

WIDE_CROP = 128
"""Side in pixels of the crops of ``gram_128``: about twice what the methods' networks see."""

WIDE_CROPS = 32
"""Number of crops of ``gram_128``: as many positions of the taps as an eighth of the small crops, enough for a mean."""

CATALOGUE: tuple[MetricInfo, ...] = (
    MetricInfo(
        name="gram",
        label="Gram (EffLite0)",
        unit="",
        direction=Direction.LOWER,
        version=1,
        minimum_size=CROP,
        definition=f"Relative Frobenius distance of Gram matrices over {CROPS} crops of {CROP} px, mean over the five "
        "taps of 16 to 112 channels.",
        blind_to="layout beyond a crop, copying, feature moments above the second",
        cost=7.5,
        role=Role.HEADLINE,
    ),
    MetricInfo(
        name="gram_128",
        label="Gram 128 px (EffLite0)",
        unit="",
        direction=Direction.LOWER,
        version=1,
        minimum_size=WIDE_CROP,
        definition=f"The same over {WIDE_CROPS} crops of {WIDE_CROP} px; pictures under {WIDE_CROP} px have no value.",
        blind_to="layout beyond a crop, copying, feature moments above the second",
        cost=0.6,
    ),
    MetricInfo(
        name="patch_fid",
        label="patch-FID (EffLite0)",
        unit="",
        direction=Direction.LOWER,
        version=1,
        minimum_size=CROP,
        definition=f"Fréchet distance of standardised tap means over {CROPS} crops of {CROP} px, divided by the "
        "tap's dimension, mean over the taps of at most 112 channels.",
        blind_to="layout beyond a crop, copying, non-Gaussian differences of the features",
        cost=0.1,
        role=Role.HEADLINE,
    ),
    MetricInfo(
        name="patch_kid",
        label="patch-KID (EffLite0)",
        unit="",
        direction=Direction.LOWER,
        version=1,
        minimum_size=CROP,
        definition="Unbiased squared MMD with the kernel (x·y/1280 + 1)³ on the 1280 head features of the same "
        f"{CROPS} crops, all in one subset.",
        blind_to="layout beyond a crop, copying",
        cost=0.6,
        role=Role.HEADLINE,
    ),
    MetricInfo(
        name="copy_rate",
        label="copy rate",
        unit="",
        direction=Direction.LOWER,
        version=1,
        minimum_size=64,
        definition="Share of pairs of 16 px patches 8 px apart whose nearest train patches stand at the same offset "
        "within 1 px and both match closer than the first percentile of held-out patches.",
        blind_to="copies that were turned, recoloured, blurred or cut into pieces below two patches; copies in a "
        "texture whose held-out part matches as closely",
        cost=1.0,
        role=Role.COPYING,
        compared=Compared.SOURCE,
    ),
)

BY_NAME: dict[str, MetricInfo] = {metric.name: metric for metric in CATALOGUE}

DEFAULT: tuple[str, ...] = tuple(metric.name for metric in CATALOGUE if metric.scope is Scope.DEFAULT)
"""What every row has."""

HEADLINES: tuple[MetricInfo, ...] = tuple(metric for metric in CATALOGUE if metric.role is Role.HEADLINE)
"""What a claim rests on: a correction for many tests counts these and no others."""

MAIN_TABLE: tuple[MetricInfo, ...] = tuple(metric for metric in CATALOGUE if metric.role is not Role.COMPANION)
"""What the main table shows."""

COMPANIONS: tuple[MetricInfo, ...] = tuple(metric for metric in CATALOGUE if metric.role is Role.COMPANION)
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
