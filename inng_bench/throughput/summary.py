"""Figures of a timing, each with what it varies between."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inng_bench.tables.markup import decimals, format_number, format_range
from inng_bench.throughput.measuring import Speed


@dataclass(frozen=True)
class Summary:
    """A figure and its range: of passes or pictures all of it, of a single pass the middle half of its rounds."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """Summarise one figure of each pass, or of each picture."""
        return cls(statistics.median(values), min(values), max(values))

    def times(self, factor: float) -> "Summary":
        """Return it in another unit."""
        return Summary(factor * self.value, factor * self.low, factor * self.high)

    def __str__(self) -> str:
        """Return it with three digits; without a range if there is none."""
        places = decimals(self.value, 3)
        interval = f" ({format_range(self.low, self.high, places)})" if self.low < self.high else ""
        return f"{format_number(self.value)}{interval}"


def image_steps(speeds: Sequence[Speed]) -> Summary:
    """Summarise the steps of one canvas per second."""
    if len(speeds) == 1:
        return Summary(speeds[0].image_steps_per_second, *speeds[0].quartiles)
    return Summary.of([speed.image_steps_per_second for speed in speeds])


def share_of_ceiling(speeds: Sequence[Speed]) -> Summary:
    """Summarise the share of what the machine could do."""
    if len(speeds) == 1:
        only = speeds[0]
        return image_steps(speeds).times(only.share_of_ceiling / only.image_steps_per_second)
    return Summary.of([speed.share_of_ceiling for speed in speeds])


def median(speeds: Sequence[Speed], figure: Callable[[Speed], float]) -> float:
    """Return the median of a figure over the passes."""
    return statistics.median(map(figure, speeds))


def ratio(speeds: Sequence[Speed], others: Sequence[Speed]) -> Summary:
    """Return how many times as fast some are as others, pass by pass and by their own ceilings."""
    pairs = zip(speeds, others, strict=True)
    return Summary.of([one.share_of_ceiling / other.share_of_ceiling for one, other in pairs])
