"""What is measured: name, unit, direction and version of every metric.

The report reads this module and nothing else of the metrics, so that it must not import torch.
"""

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way is better."""

    LOWER = "lower"
    HIGHER = "higher"


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
    ),
)

BY_NAME: dict[str, MetricInfo] = {metric.name: metric for metric in CATALOGUE}
