"""A report: tables and pictures from the records of a results folder, which it never changes."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from inng_bench.errors import InputError
from inng_bench.files import write_atomically
from inng_bench.records import store
from inng_bench.records.verify import damaged_pictures
from inng_bench.report.agreement import agreement_csv, agreements, values_of
from inng_bench.report.cost_figure import cost_figure
from inng_bench.report.curves import curves_figure, progress_figure
from inng_bench.report.documents import latex, markdown, plain_text
from inng_bench.report.effects import effects_csv, measure_effects
from inng_bench.report.interactions import interactions_csv
from inng_bench.report.origin import against, read_origin
from inng_bench.report.remarks import count_failures
from inng_bench.report.rows import by_texture, make_rows
from inng_bench.report.sheets import methods_sheet, overview_sheet, stages_sheet, texture_sheet
from inng_bench.report.wide import wide_table

_OVERVIEW, _METHODS = "sheets/overview.png", "sheets/methods.png"
_CURVES, _PROGRESS, _COSTS = "sheets/curves.png", "sheets/progress.png", "sheets/costs.png"


@dataclass(frozen=True)
class Report:
    """What :func:`build_report` made.

    Attributes
    ----------
    table : pandas.DataFrame
        The wide table with full precision, as in ``table.csv``.
    text : str
        The report for a terminal.
    folder : Path
        Where the files are.
    files : tuple[Path, ...]
        Everything that was written.
    failures : int
        Number of failed runs; they are rows of the table.
    damaged : tuple[str, ...]
        A sentence for each picture that is not as its run wrote it; the figures stand without it.
    """

    table: pd.DataFrame
    text: str
    folder: Path
    files: tuple[Path, ...]
    failures: int
    damaged: tuple[str, ...]


def build_report(results: Path, out: Path | None = None, *, baseline: str | None = None) -> Report:
    """Make tables and pictures of all records of a results folder.

    Parameters
    ----------
    results : Path
        The results folder.
    out : Path or None
        Where ``table.md``, ``table.csv``, ``table.tex``, ``agreement.csv`` and ``sheets/`` go, and of a suite with a
        baseline ``effects.csv``, and ``interactions.csv`` if rows make the changes of two others; None for ``report``
        in the results folder. Files of an earlier report are replaced; the same records give the same bytes.
    baseline : str or None
        Label of the row that the effects are told against; None for the suite's own baseline.

    Raises
    ------
    InputError
        When there is no record, a record is broken, the baseline cannot be one, or the folder cannot be written.
    """
    records = store.read_records(results)
    if not records:
        raise InputError(f"there are no records in {results}; make some with `python -m inng_bench run --suite quick`.")
    rows = make_rows(records)
    origin = read_origin(results)
    if baseline is not None:
        origin = against(origin, baseline, dict.fromkeys(row.method for row in rows if row.is_trained))
    table, text = wide_table(rows), plain_text(rows, records, origin)
    interactions = interactions_csv(rows, origin.baseline) if origin.baseline else None
    contents: dict[str, bytes | None] = {
        "table.md": markdown(rows, records, origin).encode(),
        "table.csv": table.to_csv(index=False, lineterminator="\n").encode(),
        "agreement.csv": agreement_csv(agreements(values_of(rows))).encode(),
        "table.tex": latex(rows, records).encode(),
        "effects.csv": effects_csv(measure_effects(rows, origin.baseline)).encode() if origin.baseline else None,
        "interactions.csv": interactions.encode() if interactions else None,
        _OVERVIEW: overview_sheet(results, rows),
        _METHODS: methods_sheet(results, rows),
        _CURVES: curves_figure(rows),
        _PROGRESS: progress_figure(rows),
        _COSTS: cost_figure(rows),
    }
    for texture, group in by_texture(rows).items():
        contents[_texture_sheet_name(texture)] = texture_sheet(results, group)
        contents[f"sheets/{texture}-stages.png"] = stages_sheet(results, group)
    folder = store.report_folder(results) if out is None else out
    written = {folder / name: content for name, content in contents.items() if content is not None}
    for path, content in written.items():
        write_atomically(path, content)
    return Report(table, text, folder, tuple(written), count_failures(records), damaged_pictures(results, records))


def _texture_sheet_name(texture: str) -> str:
    """Return the sheet of a texture, whose name may be that of a sheet about all of them."""
    name = f"sheets/{texture}.png"
    return f"sheets/{texture}-texture.png" if name in (_OVERVIEW, _METHODS, _CURVES, _PROGRESS, _COSTS) else name
