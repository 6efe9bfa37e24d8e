"""The input of a report: the records of a results folder as rows, and where they come from."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from inng_bench.errors import InputError
from inng_bench.records import store
from inng_bench.records.schema import Record
from inng_bench.report.origin import Origin, against, read_origin
from inng_bench.report.rows import Row, make_rows, of_usual_budget

NO_ORIGIN, NO_FOLDER = Origin(""), Path("no folder")
"""Of records that lie nowhere."""


@dataclass(frozen=True)
class Study:
    """The material of every section.

    Attributes
    ----------
    rows : tuple[Row, ...]
        What tables and pictures show: with a baseline :attr:`all_rows`, else those of the usual budget.
    records : tuple[Record, ...]
        What they were made of.
    origin : Origin
        Name, command and lineup.
    results : Path
        The results folder, for its pictures.
    """

    rows: tuple[Row, ...]
    records: tuple[Record, ...]
    origin: Origin = NO_ORIGIN
    results: Path = NO_FOLDER

    @cached_property
    def all_rows(self) -> tuple[Row, ...]:
        """All rows, as from :func:`inng_bench.report.rows.make_rows`."""
        return make_rows(self.records, self.origin.lineup)

    @property
    def has_figures(self) -> bool:
        """Whether any run went well."""
        return any(row.succeeded for row in self.rows)

    @property
    def suites(self) -> str:
        """Names of the suites."""
        return ", ".join(sorted({record.suite for record in self.records}))


def read_study(results: Path, *, baseline: str | None = None) -> Study:
    """Read all records of a results folder.

    Raises
    ------
    InputError
        When there is no record, a record is broken, or the baseline cannot be one.
    """
    records = store.read_records(results)
    if not records:
        raise InputError(f"there are no records in {results}; make some with `inng-bench run --suite quick`.")
    origin = read_origin(results)
    rows = make_rows(records, origin.lineup)
    if baseline is not None:
        origin = against(origin, baseline, dict.fromkeys(row.method for row in rows if row.is_method))
    return Study(rows if origin.baseline else of_usual_budget(rows), records, origin, results)
