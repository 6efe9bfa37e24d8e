"""What every metric is a function of: a comparison of samples with a window. No torch in here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from inng_bench.metrics import crops
from inng_bench.metrics.crops import Pixels
from inng_bench.records.schema import Against

T = TypeVar("T")


def unseen_windows(train: Pixels, held_out: Sequence[Pixels]) -> tuple[tuple[Pixels, ...], Against]:
    """Return what samples are compared with: the held-out windows, or the train window's halves where there are none.

    Parameters
    ----------
    train : Pixels
        uint8 (H, W, 3).
    held_out : Sequence[Pixels]
        Of the same size.
    """
    return (tuple(held_out), Against.HELD_OUT) if held_out else (halves(train), Against.HALVES)


def halves(window: Pixels) -> tuple[Pixels, Pixels]:
    """Cut a window across its longer side into halves of equal size; an odd line in the middle is lost."""
    height, width = window.shape[:2]
    if width >= height:
        return window[:, : width // 2], window[:, width - width // 2 :]
    return window[: height // 2], window[height - height // 2 :]


@dataclass(frozen=True, eq=False)
class _Deriving:
    """Keeps what metrics have computed from it."""

    _derived: dict[Callable[[Any], Any], Any] = field(default_factory=dict, init=False, repr=False)

    def derive(self, compute: Callable[[Self], T]) -> T:
        """Return the result of a function of this; it is computed once and kept.

        Metrics share features that way: whichever comes first pays for them.
        """
        if compute not in self._derived:
            self._derived[compute] = compute(self)
        return cast(T, self._derived[compute])


@dataclass(frozen=True, eq=False)
class Pictures(_Deriving):
    """Pictures of one size, and what metrics have computed from them.

    Attributes
    ----------
    pixels : Pixels
        uint8 (N, H, W, 3).
    """

    pixels: Pixels

    @property
    def side(self) -> int:
        """The shorter side in pixels."""
        return int(min(self.pixels.shape[1:3]))

    def places(self, count: int, crop: int) -> NDArray[np.int64]:
        """Return where a number of crops is cut, as :func:`inng_bench.metrics.crops.grid` says."""
        return crops.grid(count, len(self.pixels), self.pixels.shape[1:3], crop)


@dataclass(frozen=True, eq=False)
class Comparison(_Deriving):
    """Samples against a window.

    Attributes
    ----------
    samples : Pictures
        What is measured: one piece of the samples, or all of them for a metric that compares with the train window.
    reference : Pictures
        The window that they are compared with, one picture; for a metric that compares with the train window, all of
        several.
    seed : int
        Seed of all random choices.
    honest : Pictures or None
        For a metric that compares with the train window: windows that no method has seen, if there are any.
    """

    samples: Pictures
    reference: Pictures
    seed: int
    honest: Pictures | None = None

    @property
    def side(self) -> int:
        """The shortest side of a picture in pixels."""
        return min(self.samples.side, self.reference.side)


@dataclass(frozen=True)
class Outcome:
    """What a metric found.

    Attributes
    ----------
    value : float or None
        None if it cannot be computed; ``note`` then says why.
    n : int
        Number of crops on either side.
    crop : int or None
        Side of a crop in pixels; None where whole pictures were compared.
    parts : dict[str, float]
        Components, such as one value per tap.
    per_image : tuple[float, ...]
        Of a metric of all samples at once, the metric of each group of pictures alone, if it has one.
    note : str
        What a reader must know about this figure.
    """

    value: float | None
    n: int
    crop: int | None = None
    parts: dict[str, float] = field(default_factory=dict)
    per_image: tuple[float, ...] = ()
    note: str = ""


Measure = Callable[[Comparison], Outcome]
"""A metric."""
