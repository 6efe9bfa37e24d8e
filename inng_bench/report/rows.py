"""From records to rows: one row for each texture and method, over all its seeds."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

from inng_bench.metrics.catalogue import (
    BY_NAME,
    CATALOGUE,
    COPIES_ABOVE,
    DEFAULT,
    HEADLINES,
    MAIN_TABLE,
    OF_SETS,
    SET_HEADLINES,
    Direction,
    MetricInfo,
    selected_of_sets,
)
from inng_bench.records.schema import COPYING_ROWS, Against, Measurement, Record, Status, TextureFacts
from inng_bench.report.intervals import (
    Estimate,
    IntervalKind,
    estimate_over_canvases,
    estimate_over_seeds,
    interval_kind,
)

REAL = "real"
NOISE = "noise"
_NOISES = ("random-phase", NOISE)
COPIES = "copies the picture"
"""Heading of the rows that take part in no comparison, since they copy."""

Read = Callable[[Record], float | None]
"""Reads a figure from a record that may lack it."""


class RowStatus(StrEnum):
    """How the runs behind a row ended."""

    OK = "ok"
    PARTLY_FAILED = "partly failed"
    FAILED = "failed"


@dataclass(frozen=True)
class Lineup:
    """Which rows of a suite are compared with which, and their order.

    Attributes
    ----------
    order : tuple[str, ...]
        Labels of the methods as the suite has them; others follow in the order of the alphabet.
    references : tuple[str, ...]
        Labels of the rows that are compared with their rivals; they stand first.
    rivals : tuple[str, ...] or None
        Labels of the rivals; None for all other methods.
    optimises : Mapping[str, frozenset[str]]
        Metrics by the labels of the rows that optimise them or a near relative.
    pretrained : Mapping[str, str]
        On what else than the window a network was trained, by the labels of the rows that have such a network.
    """

    order: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    rivals: tuple[str, ...] | None = None
    optimises: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pretrained: Mapping[str, str] = field(default_factory=dict)

    def place(self, label: str) -> int:
        """Return where a label stands among the methods."""
        order = (*self.references, *self.order)
        return order.index(label) if label in order else len(order)

    def is_rival(self, label: str) -> bool:
        """Say whether the references are compared with a row."""
        return label not in self.references and (self.rivals is None or label in self.rivals)


NO_LINEUP = Lineup()


@dataclass(frozen=True)
class Row:
    """All seeds of one method on one texture.

    Attributes
    ----------
    records : tuple[Record, ...]
        One a seed, failed ones included; never empty.
    figures : dict[str, Estimate]
        The headline by metric.
    interval : IntervalKind
        What the intervals of ``figures`` mean.
    lineup : Lineup
        Of its suite.
    """

    records: tuple[Record, ...]
    figures: dict[str, Estimate]
    interval: IntervalKind
    lineup: Lineup = NO_LINEUP

    @property
    def texture(self) -> TextureFacts:
        """Facts of the texture."""
        return self.records[0].texture

    @property
    def method(self) -> str:
        """The row's label in the suite."""
        return self.records[0].method

    @property
    def implementation(self) -> str:
        """Entry-point name of the method."""
        return self.records[0].implementation

    @property
    def kind(self) -> tuple[str, str]:
        """Implementation and settings: rows of one kind differ in their budget alone."""
        return self.implementation, json.dumps(self.records[0].settings, sort_keys=True)

    @property
    def budget_flops(self) -> float:
        """Counted training operations that each seed may spend."""
        return self.records[0].budget_flops

    @property
    def is_method(self) -> bool:
        """Whether the row is a method of the suite, and not one of the rows that every suite has."""
        return self.implementation not in (REAL, *COPYING_ROWS, *_NOISES)

    @property
    def is_reference(self) -> bool:
        """Whether the row is compared with its rivals."""
        return self.is_method and self.method in self.lineup.references

    @property
    def is_rival(self) -> bool:
        """Whether the references are compared with the row."""
        return self.is_method and self.lineup.is_rival(self.method)

    def optimises(self, metric: str) -> bool:
        """Say whether the method optimises a metric or a near relative, so that its figure is no evidence."""
        return metric in self.lineup.optimises.get(self.method, ())

    def competes(self, metric: str) -> bool:
        """Say whether the row's figure of a metric may be compared with others."""
        return self.figures[metric].value is not None and not self.optimises(metric)

    @property
    def copies(self) -> bool:
        """Whether the row copies the picture: by its making, or by the copy rate of any of its seeds."""
        return self.implementation in COPYING_ROWS or (
            self.implementation != REAL and any(rate is not None and rate > COPIES_ABOVE for rate in self._copy_rates())
        )

    @property
    def may_copy(self) -> bool:
        """Whether nobody knows if the row copies: it is a method, and the copy rate of a seed could not be measured."""
        return self.is_method and not self.copies and None in self._copy_rates()

    @property
    def is_contestant(self) -> bool:
        """Whether the row takes part in comparisons: a method, and known to be no copy."""
        return self.is_method and not self.copies and not self.may_copy

    def _copy_rates(self) -> list[float | None]:
        """Return the copy rate of each seed that went well."""
        rate = "set_copy_rate" if self.texture.is_set else "copy_rate"
        found = (find_headline(record, rate) for record in self.succeeded)
        return [measurement.value if measurement else None for measurement in found]

    @property
    def succeeded(self) -> tuple[Record, ...]:
        """Records of the seeds that went well."""
        return tuple(record for record in self.records if record.status is Status.OK)

    @property
    def failures(self) -> int:
        """Number of seeds that failed."""
        return sum(record.status is Status.FAILED for record in self.records)

    @property
    def status(self) -> RowStatus:
        """How the runs ended, in a word."""
        if self.failures:
            return RowStatus.PARTLY_FAILED if self.succeeded else RowStatus.FAILED
        return RowStatus.OK

    @property
    def error(self) -> str:
        """The reasons of failed seeds, each once, on one line."""
        reasons = dict.fromkeys(one_line(record.error) for record in self.records if record.status is not Status.OK)
        return "; ".join(reason for reason in reasons if reason)

    @property
    def against(self) -> Against:
        """What the headline compares with, but for copying."""
        return Against.HELD_OUT if self.texture.held_out else Against.HALVES

    def sizes(self) -> Measurement | None:
        """Return the measurement whose numbers of crops and pictures stand for the row, a Fréchet distance."""
        distance = "set_fid" if self.texture.is_set else "patch_fid"
        found = (find_headline(record, distance) for record in self.succeeded)
        return next((measurement for measurement in found if measurement is not None), None)

    def values(self, read: Read) -> list[float]:
        """Return what is read from the records of the seeds that have it."""
        return [float(value) for record in self.succeeded if (value := read(record)) is not None]

    def mean(self, read: Read) -> float | None:
        """Return the mean of what is read over the seeds that have it."""
        values = self.values(read)
        return math.fsum(values) / len(values) if values else None

    def mean_flops(self) -> float | None:
        """Return the counted training operations, mean over seeds."""
        return self.mean(lambda record: record.flops)

    def mean_seconds(self, phase: str) -> float | None:
        """Return the wall time of a phase, mean over the seeds that had it."""
        return self.mean(lambda record: record.seconds.get(phase))


def make_rows(records: Iterable[Record], lineup: Lineup = NO_LINEUP) -> tuple[Row, ...]:
    """Group records by texture and method.

    Returns
    -------
    tuple[Row, ...]
        By texture; within one ``real``, the methods in the order of the lineup, ``random-phase``, ``noise``, and at
        last what copies.
    """
    ordered = sorted(records, key=lambda record: record.key)
    rows = [_make_row(tuple(group), lineup) for _, group in groupby(ordered, key=lambda record: record.row)]
    return tuple(sorted(rows, key=lambda row: (row.texture.name, *_rank(row))))


def by_texture(rows: Iterable[Row]) -> dict[str, tuple[Row, ...]]:
    """Return the rows of each texture, in the order of the rows."""
    return {name: tuple(group) for name, group in groupby(rows, key=lambda row: row.texture.name)}


def by_method(rows: Iterable[Row]) -> dict[str, tuple[Row, ...]]:
    """Return the rows of each label: methods in their order, then the others, at last what only copies."""
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=_rank):
        found.setdefault(row.method, []).append(row)
    return {method: tuple(group) for method, group in found.items()}


def claimed(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows of the textures that means and comparisons are taken over.

    Where there are test textures, of these alone, since recipes were chosen on the others; never of a control.
    """
    roles = {row.texture.role for row in rows}
    wanted = {"test"} if "test" in roles else roles - {"control"}
    return tuple(row for row in rows if row.texture.role in wanted)


def comparable(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the claimed rows without copies and what may be one.

    A method that copies on one texture is left out on all, or it could choose its textures by copying.
    """
    chosen = claimed(rows)
    copying = {row.method for row in chosen if row.copies}
    return tuple(row for row in chosen if row.method not in copying and not row.may_copy)


def of_usual_budget(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Leave out each row whose budget is rarer than that of another row of its kind."""
    counts = Counter(row.budget_flops for row in rows if row.is_method)
    most: Counter[tuple[str, str]] = Counter()
    for row in rows:
        most[row.kind] = max(most[row.kind], counts[row.budget_flops])
    return tuple(row for row in rows if not row.is_method or counts[row.budget_flops] == most[row.kind])


def of_sets(rows: Iterable[Row]) -> bool:
    """Say whether rows are of sets of pictures, which have metrics of their own; no suite mixes them with textures."""
    return any(row.texture.is_set for row in rows)


def headlines(rows: Iterable[Row]) -> tuple[MetricInfo, ...]:
    """Return what a claim about rows rests on."""
    return SET_HEADLINES if of_sets(rows) else HEADLINES


def main_table(rows: Iterable[Row]) -> tuple[MetricInfo, ...]:
    """Return the metrics of the main table; of sets it has all."""
    return OF_SETS if of_sets(rows) else MAIN_TABLE


def measured_metrics(rows: Sequence[Row]) -> tuple[MetricInfo, ...]:
    """Return the default metrics, and those on request that some row has."""
    default = selected_of_sets(None) if of_sets(rows) else DEFAULT
    return tuple(
        metric
        for metric in CATALOGUE
        if metric.name in default or any(row.figures[metric.name].value is not None for row in rows)
    )


def find_headline(record: Record, metric: str) -> Measurement | None:
    """Return the measurement of a metric; one of another version than the catalogue's cannot be compared with it."""
    return next((one for one in record.measurements if one.metric == metric and _is_current(one)), None)


def between_floor_and_ceiling(row: Row, group: Sequence[Row], metric: str) -> float | None:
    """Return (value - floor) / (ceiling - floor): 0 is as good as the row ``real``, 1 no better than ``noise``.

    Parameters
    ----------
    row : Row
        Whose figure it is.
    group : Sequence[Row]
        All rows of its texture.
    metric : str
        By the catalogue's name.

    Returns
    -------
    float or None
        None where one of the three is missing, or the ceiling is not worse than the whole interval of the floor.
    """
    ends = {one.method: one.figures[metric] for one in group if one.method in (REAL, NOISE)}
    floor, ceiling = ends.get(REAL, Estimate()), ends.get(NOISE, Estimate()).value
    value, worst = row.figures[metric].value, floor.high if BY_NAME[metric].direction is Direction.LOWER else floor.low
    worst = floor.value if worst is None else worst
    if value is None or floor.value is None or worst is None or ceiling is None:
        return None
    return (value - floor.value) / (ceiling - floor.value) if is_better(worst, ceiling, BY_NAME[metric]) else None


def mean_place(row: Row, group: Sequence[Row], metrics: Sequence[MetricInfo]) -> float | None:
    """Return the mean of :func:`between_floor_and_ceiling` over the metrics that have one.

    None where the method optimises one of them, as a mean over fewer could not be compared.
    """
    if any(row.optimises(metric.name) for metric in metrics):
        return None
    found = [between_floor_and_ceiling(row, group, metric.name) for metric in metrics]
    places = [place for place in found if place is not None]
    return math.fsum(places) / len(places) if places else None


def outdated_metrics(record: Record) -> tuple[str, ...]:
    """Return the metrics that a record holds in another version than the catalogue's, or that are not in it."""
    return tuple(sorted({one.metric for one in record.measurements if not _is_current(one)}))


def is_better(first: float, second: float, metric: MetricInfo) -> bool:
    """Say whether one value beats another."""
    return first < second if metric.direction is Direction.LOWER else first > second


def separates(first: Estimate, second: Estimate, metric: MetricInfo) -> bool:
    """Say whether the whole of one interval beats the whole of another."""
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return False
    if metric.direction is Direction.LOWER:
        return first.high < second.low
    return first.low > second.high


def find_winners(rows: Sequence[Row], metric: MetricInfo) -> tuple[Row, ...]:
    """Return the methods of one texture that beat all others of their budget by their intervals over seeds.

    There is at most one for each budget, and none where a row has no competitor of its budget. A row of one seed
    neither wins nor keeps another from winning.
    """
    measured = [row for row in rows if row.is_contestant and row.interval.is_over_seeds and row.competes(metric.name)]
    return tuple(row for row in measured if _beats_its_budget(row, measured, metric))


def _beats_its_budget(row: Row, measured: Sequence[Row], metric: MetricInfo) -> bool:
    others = [other for other in measured if other is not row and other.budget_flops == row.budget_flops]
    return bool(others) and all(
        separates(row.figures[metric.name], other.figures[metric.name], metric) for other in others
    )


def one_line(text: str) -> str:
    """Return a text without line breaks and runs of blanks."""
    return " ".join(text.split())


def _make_row(records: tuple[Record, ...], lineup: Lineup) -> Row:
    succeeded = [record for record in records if record.status is Status.OK]
    kind = IntervalKind.WINDOWS if records[0].implementation == REAL else interval_kind(len(succeeded))
    figures = {metric.name: _estimate(succeeded, metric.name) for metric in CATALOGUE}
    if all(figure.low is None for figure in figures.values()):
        kind = IntervalKind.NONE
    return Row(records, figures, kind, lineup)


def _estimate(records: Sequence[Record], metric: str) -> Estimate:
    found = [find_headline(record, metric) for record in records]
    measured = [one for one in found if one is not None and one.value is not None]
    if len(records) == 1 and measured:
        only = measured[0]
        if records[0].implementation == REAL:
            return Estimate(only.value, only.low, only.high)
        return estimate_over_canvases(only.value, only.per_image)
    return estimate_over_seeds([one.value for one in measured if one.value is not None])


def _is_current(measurement: Measurement) -> bool:
    return measurement.metric in BY_NAME and measurement.version == BY_NAME[measurement.metric].version


def _rank(row: Row) -> tuple[bool, int, int, str]:
    """Order rows of one texture: what copies last, the floor first, the noises behind the methods."""
    outer = (REAL, None, *_NOISES, *COPYING_ROWS)
    kind = outer.index(row.implementation if row.implementation in outer else None)
    return row.copies, kind, row.lineup.place(row.method), row.method
