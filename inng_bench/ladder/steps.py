"""The steps of the ladder and what became of them: pure functions of values.

A step is two rows of which the second must score worse. What is judged is the ratio of the two on the same pair of
windows, so that whatever the windows themselves contribute cancels, and the spread of its logarithm over the pairs.
Where some value is not positive, which has no logarithm, it is the difference.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from inng_bench.ladder.copies import COPIES
from inng_bench.ladder.degradations import DEGRADATIONS, RANDOM_PHASE
from inng_bench.metrics.catalogue import Direction, Eye, MetricInfo
from inng_bench.report.intervals import Estimate, t_interval

REAL = "real"

COPYING_METRICS = frozenset({"copy_rate"})
"""Metrics that ask whether a sample is a copy, of which a degradation of unseen pixels tells nothing."""

GAUSSIAN_TEXTURES = frozenset({"field"})
"""Textures that are nothing but colours and spectrum, so that random phase leaves another sample of them."""


class Verdict(StrEnum):
    """What became of a step.

    The interval decides: it lies on the expected side, holds no difference, or lies on the wrong side. Where a tie is
    expected, no difference is the expected side.
    """

    HOLDS = "holds"
    TIE = "tie"
    FAILS = "fails"
    NOT_JUDGED = "not judged"
    """The metric has fewer than two values here."""


@dataclass(frozen=True)
class Step:
    """Two rows in the order that is expected of them."""

    milder: str
    stronger: str

    def __str__(self) -> str:
        return f"{self.milder} < {self.stronger}"

    def must_tie(self, texture: str) -> bool:
        """Say whether both rows are samples of the same texture."""
        return self.stronger == RANDOM_PHASE and texture in GAUSSIAN_TEXTURES


DISTANCE_STEPS: tuple[Step, ...] = tuple(
    Step(milder, rung.name) for rung in DEGRADATIONS for milder in (REAL, rung.milder) if milder is not None
)
"""Of metrics that ask how like the texture a sample is."""

FAR_STEPS: tuple[Step, ...] = tuple(
    Step(fine, layout)
    for fine, layout in (
        ("noise 5", "quilting 32"),
        ("JPEG 75", "quilting 32"),
        ("blur 0.7", "quilting 32"),
        ("blur 0.7", "shuffle 64"),
    )
)
"""Of the far eye alone: what spoils the layout is worse than what spoils fine detail a little."""

COPYING_STEPS: tuple[Step, ...] = tuple(Step(REAL, copy.name) for copy in COPIES)
"""Of :data:`COPYING_METRICS`."""


@dataclass(frozen=True)
class Judgement:
    """A step by one metric on one texture.

    Attributes
    ----------
    step : Step
        What is expected.
    size : Estimate
        How much worse the stronger row is: a ratio (geometric mean over the pairs of windows), or a difference.
    is_ratio : bool
        Which of the two.
    pairs : int
        Number of pairs of windows.
    """

    texture: str
    metric: MetricInfo
    step: Step
    verdict: Verdict
    size: Estimate = field(default_factory=Estimate)
    is_ratio: bool = False
    pairs: int = 0


def steps_of(metric: MetricInfo) -> tuple[Step, ...]:
    """Return what is expected of a metric."""
    if metric.name in COPYING_METRICS:
        return COPYING_STEPS
    return (*DISTANCE_STEPS, *FAR_STEPS) if metric.eye is Eye.FAR else DISTANCE_STEPS


def judge(texture: str, metric: MetricInfo, values: Mapping[str, Mapping[int, float]]) -> tuple[Judgement, ...]:
    """Judge all steps of a metric on a texture.

    Parameters
    ----------
    values : Mapping[str, Mapping[int, float]]
        By row and replicate; what the metric cannot tell is absent.
    """
    return tuple(_judge(texture, metric, step, values) for step in steps_of(metric))


def _judge(texture: str, metric: MetricInfo, step: Step, values: Mapping[str, Mapping[int, float]]) -> Judgement:
    milder, stronger = values.get(step.milder, {}), values.get(step.stronger, {})
    both = [(milder[replicate], stronger[replicate]) for replicate in milder if replicate in stronger]
    if metric.direction is Direction.HIGHER:
        both = [(worse, better) for better, worse in both]
    if len(both) < 2:
        return Judgement(texture, metric, step, Verdict.NOT_JUDGED, pairs=len(both))
    is_ratio = min(map(min, both)) > 0
    low, centre, high = t_interval([_worsening(pair, is_ratio=is_ratio) for pair in both])
    verdict = _verdict(low, high, must_tie=step.must_tie(texture))
    size = Estimate(*map(math.exp, (centre, low, high))) if is_ratio else Estimate(centre, low, high)
    return Judgement(texture, metric, step, verdict, size, is_ratio, len(both))


def _worsening(pair: tuple[float, float], *, is_ratio: bool) -> float:
    milder, stronger = pair
    return math.log(stronger / milder) if is_ratio else stronger - milder


def _verdict(low: float, high: float, *, must_tie: bool) -> Verdict:
    if low <= 0 <= high:
        return Verdict.HOLDS if must_tie else Verdict.TIE
    return Verdict.HOLDS if low > 0 and not must_tie else Verdict.FAILS


def counts(judgements: Sequence[Judgement]) -> dict[Verdict, int]:
    """Return how many judgements there are of each verdict."""
    return {verdict: sum(one.verdict is verdict for one in judgements) for verdict in Verdict}
