"""What every metric is a function of: a comparison of samples with a window. No torch in here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from inng_bench.metrics import crops
from inng_bench.metrics.crops import Pixels
from inng_bench.records.schema import Against

T = TypeVar("T")


def unseen_window(train: Pixels, held_out: Pixels | None) -> tuple[Pixels, Against]:
    """Return what a headline compares with: the held-out window, or the train window where there is none."""
    return (train, Against.TRAIN) if held_out is None else (held_out, Against.HELD_OUT)


@dataclass(frozen=True, eq=False)
class _Deriving:
    """Keeps what metrics have made of it."""

    _derived: dict[Callable[[Any], Any], Any] = field(default_factory=dict, init=False, repr=False)

    def derive(self, compute: Callable[[Self], T]) -> T:
        """Return what a function makes of this; it is computed when first asked for, and kept.

        Metrics share features that way: whichever comes first pays for them.
        """
        if compute not in self._derived:
            self._derived[compute] = compute(self)
        return cast(T, self._derived[compute])


@dataclass(frozen=True, eq=False)
class Pictures(_Deriving):
    """Pictures of one size, and what metrics have made of them.

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
    """Samples against one window.

    Attributes
    ----------
    samples : Pictures
        What is measured.
    reference : Pictures
        The window that they are compared with, one picture.
    against : Against
        Which window that is.
    seed : int
        Of whatever is drawn.
    held_out : Pictures or None
        For a metric that always compares with the train window: the one that no method has seen, if there is one.
    grouped : bool
        Whether groups of pictures are measured alone too: against the headline's window only.
    """

    samples: Pictures
    reference: Pictures
    against: Against
    seed: int
    held_out: Pictures | None = None
    grouped: bool = False

    @property
    def side(self) -> int:
        """The shortest side of a picture in pixels."""
        windows = (self.reference,) if self.held_out is None else (self.reference, self.held_out)
        return min(self.samples.side, *(window.side for window in windows))

    def members(self, count: int, crop: int) -> tuple[NDArray[np.bool_], ...]:
        """Say which of the samples' crops belong to each group of pictures; nothing where no group is measured alone.

        Parameters
        ----------
        count, crop : int
            Number and side in pixels of the crops.

        Returns
        -------
        tuple[NDArray[np.bool_], ...]
            (count,) for each group of :func:`inng_bench.metrics.crops.groups`.
        """
        if not self.grouped:
            return ()
        group = crops.groups(len(self.samples.pixels))[self.samples.places(count, crop)[:, 0]]
        numbers = np.unique(group)
        return tuple(group == number for number in numbers) if len(numbers) > 1 else ()


@dataclass(frozen=True)
class Outcome:
    """What a metric found.

    Attributes
    ----------
    value : float or None
        None where it cannot be told; ``note`` then says why.
    n : int
        Number of crops that were compared.
    crop : int or None
        Side of a crop in pixels; None where whole pictures were compared.
    parts : dict[str, float]
        Components, such as one value per tap.
    per_image : tuple[float, ...]
        The metric of each group of pictures alone; none where the comparison is not grouped.
    note : str
        Whatever a reader must know of this figure.
    """

    value: float | None
    n: int
    crop: int | None = None
    parts: dict[str, float] = field(default_factory=dict)
    per_image: tuple[float, ...] = ()
    note: str = ""


Measure = Callable[[Comparison], Outcome]
"""A metric."""
