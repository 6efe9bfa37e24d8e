"""From records to cells: one for each texture, method and metric, with a value for each seed."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from inng_bench.gate.tolerances import NEGLIGIBLE
from inng_bench.records.schema import Record, Status

_PLACES = {name: place for place, name in enumerate(NEGLIGIBLE)}


@dataclass(frozen=True)
class Cell:
    """What is judged as one."""

    texture: str
    method: str
    metric: str

    def __str__(self) -> str:
        return f"{self.texture} · {self.method} · {self.metric}"

    @property
    def row(self) -> tuple[str, str]:
        """Texture and method."""
        return self.texture, self.method


class RowKind(StrEnum):
    """Where the values of a row come from."""

    TRAINED = "trained"
    """From a training, which differs from seed to seed."""
    FIXED = "fixed"
    """From a closed form of the window: one replicate tells all."""
    REAL = "real"
    """From the texture alone: nothing but the metric is in it."""


@dataclass(frozen=True)
class Replicates:
    """The values of a cell, one for each seed that went well."""

    values: tuple[float, ...]
    kind: RowKind


def gather(records: Iterable[Record]) -> dict[Cell, Replicates]:
    """Return the cells of all runs that went well, ordered by texture, method and metric."""
    found: defaultdict[Cell, list[float]] = defaultdict(list)
    kinds: dict[Cell, RowKind] = {}
    for record in records:
        if record.status is Status.OK:
            for metric, value in headlines(record).items():
                cell = Cell(*record.row, metric)
                found[cell].append(value)
                kinds[cell] = row_kind(record)
    ordered = sorted(found, key=lambda cell: (*cell.row, _PLACES[cell.metric]))
    return {cell: Replicates(tuple(found[cell]), kinds[cell]) for cell in ordered}


def headlines(record: Record) -> dict[str, float]:
    """Return the figure of each judged metric that has one."""
    return {one.metric: one.value for one in record.measurements if one.value is not None and one.metric in NEGLIGIBLE}


def row_kind(record: Record) -> RowKind:
    """Return the kind of a record's row; rows that stand in every suite by themselves have no budget."""
    if record.implementation == "real":
        return RowKind.REAL
    return RowKind.TRAINED if record.budget_flops > 0 else RowKind.FIXED
