"""Reports of synthetic records, whose methods are INNg, the reference, and its rivals."""

from collections.abc import Iterable, Sequence

import pandas as pd

from inng_bench.records.schema import Record
from inng_bench.report import documents
from inng_bench.report.origin import Origin
from inng_bench.report.rows import Lineup, Row
from inng_bench.report.rows import make_rows as make_rows_of
from inng_bench.report.study import NO_ORIGIN, Study
from inng_bench.report.wide import wide_lines
from inng_bench.tables.content import Table
from inng_bench.tables.markup import PLAIN, Markup


def make_rows(records: Iterable[Record], **optimises: tuple[str, ...]) -> tuple[Row, ...]:
    """Return the rows of a suite whose references are all rows of INNg, and whose second method is DCGAN."""
    records = tuple(records)
    references = sorted({record.method for record in records if record.implementation == "inng"})
    optimised = {label: frozenset(metrics) for label, metrics in optimises.items()}
    return make_rows_of(records, Lineup(("inng", "dcgan"), tuple(references), optimises=optimised))


def plain_text(rows: Sequence[Row], records: Sequence[Record], origin: Origin = NO_ORIGIN) -> str:
    return documents.plain_text(documents.make_sections(Study(tuple(rows), tuple(records), origin)))


def markdown(rows: Sequence[Row], records: Sequence[Record], origin: Origin = NO_ORIGIN) -> str:
    return documents.markdown(documents.make_sections(Study(tuple(rows), tuple(records), origin)))


def latex(rows: Sequence[Row], records: Sequence[Record]) -> str:
    return documents.latex(Study(tuple(rows), tuple(records)))


def frame(table: Table, markup: Markup = PLAIN) -> pd.DataFrame:
    """Return a table as a document writes its cells."""
    lines = [{heading: markup.cell(cell) for heading, cell in line.items()} for line in table]
    return pd.DataFrame(lines, dtype="str")


def wide_table(rows: Sequence[Row]) -> pd.DataFrame:
    return pd.DataFrame(wide_lines(rows))
