"""A report: tables and pictures from the records of a results folder, which it never changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from inng_bench.files import write_atomically
from inng_bench.records import store
from inng_bench.records.verify import damaged_pictures
from inng_bench.report.agreement import agreement_csv, agreements, values_of
from inng_bench.report.csv_table import csv_text
from inng_bench.report.documents import latex, make_sections, markdown, plain_text
from inng_bench.report.effects import effects_lines, measure_effects
from inng_bench.report.interactions import interactions_lines
from inng_bench.report.page import build_page
from inng_bench.report.remarks import count_failures
from inng_bench.report.study import Study, read_study
from inng_bench.report.wide import wide_lines
from inng_bench.tables.content import Section

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Report:
    """What :func:`build_report` made.

    Attributes
    ----------
    text : str
        The report for a terminal.
    folder : Path
        Where the files are.
    files : tuple[Path, ...]
        Everything that was written.
    failures : int
        Number of failed runs; they are rows of the table.
    damaged : tuple[str, ...]
        A sentence for each picture that was changed or damaged; the figures do not depend on it.
    """

    text: str
    folder: Path
    files: tuple[Path, ...]
    failures: int
    damaged: tuple[str, ...]

    @cached_property
    def table(self) -> "pd.DataFrame":
        """The wide table with full precision, as in ``table.csv``."""
        import pandas as pd

        return pd.read_csv(self.folder / "table.csv")


def build_report(results: Path, out: Path | None = None, *, baseline: str | None = None) -> Report:
    """Make tables and pictures of all records of a results folder.

    Parameters
    ----------
    results : Path
        The results folder.
    out : Path or None
        Where ``table.md``, ``table.csv``, ``table.tex``, ``agreement.csv`` and ``sheets/`` go; None for ``report`` in
        the results folder. A suite with a baseline also gets ``effects.csv``, and ``interactions.csv`` if some rows
        make the changes of two others. Files of an earlier report are replaced; the same records give the same bytes.
    baseline : str or None
        Label of the row that the others are compared with; None for the baseline of the suite.

    Raises
    ------
    InputError
        When there is no record, a record is broken, the baseline cannot be one, or the folder cannot be written.
    """
    study = read_study(results, baseline=baseline)
    sections = make_sections(study)
    folder = store.report_folder(results) if out is None else out
    pictures = {picture.name: picture.draw() for section in sections for picture in section.pictures}
    page = {"index.html": build_page(study, sections, csv_texts(study), pictures)}
    contents = _texts(study, sections) | page | pictures
    written = {folder / name: content for name, content in contents.items()}
    for path, content in written.items():
        write_atomically(path, content)
    damaged = damaged_pictures(results, study.records)
    return Report(plain_text(sections), folder, tuple(written), count_failures(study.records), damaged)


def _texts(study: Study, sections: tuple[Section, ...]) -> dict[str, bytes]:
    texts = {"table.md": markdown(sections), "table.tex": latex(study)}
    return {name: text.encode() for name, text in (texts | csv_texts(study)).items()}


def csv_texts(study: Study) -> dict[str, str]:
    """Return the tables for machines by the names of their files."""
    rows, baseline = study.rows, study.origin.baseline
    tables: dict[str, list[Mapping[str, object]]] = {
        "table.csv": [*wide_lines(study.all_rows)],
        "effects.csv": [*effects_lines(measure_effects(rows, baseline))] if baseline else [],
        "interactions.csv": [*interactions_lines(rows, baseline)] if baseline else [],
    }
    agreed = {"agreement.csv": agreement_csv(agreements(values_of(rows)))}
    return {name: csv_text(lines) for name, lines in tables.items() if lines} | agreed
