"""The page of a report: collects the data that the template shows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from inng_bench.metrics.catalogue import MetricInfo
from inng_bench.pages import BASE, data_address, render_page
from inng_bench.records.schema import Record, Status
from inng_bench.report.costs import cost_cell, whole_costs
from inng_bench.report.page.gallery import make_gallery
from inng_bench.report.plots import COLOURS, line_styles, names_of
from inng_bench.report.remarks import count_failures
from inng_bench.report.rows import (
    Row,
    RowStatus,
    by_method,
    by_texture,
    find_winners,
    headlines,
    main_table,
    measured_metrics,
    one_line,
)
from inng_bench.report.study import Study
from inng_bench.report.table import figure_cell, heading_of
from inng_bench.tables.content import Cell, Picture, Plot, Section, Table
from inng_bench.tables.markup import format_number

_HERE = "inng_bench.report.page"

_DIGITS = 6
"""Significant digits of a point of a plot."""


@dataclass(frozen=True)
class Column:
    """A column of the page's table.

    Attributes
    ----------
    key : str
        Its name in an address.
    heading, explanation : str
        What a reader sees.
    is_word : bool
        Whether its text is aligned to the left.
    is_extra : bool
        Whether it is hidden until somebody asks for it.
    """

    key: str
    heading: str
    explanation: str = ""
    is_word: bool = False
    is_extra: bool = False


@dataclass(frozen=True)
class PageLine:
    """A row of the page's table with its cells in the order of the columns."""

    row: Row
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Shelf:
    """A section, its name in an address, and its pictures of plots with the number of the first plot of each."""

    section: Section
    key: str
    drawings: tuple[tuple[int, Picture], ...]

    def __bool__(self) -> bool:
        section = self.section
        return bool(self.drawings or section.table or section.sentences or section.commands)


def build_page(
    study: Study,
    sections: Sequence[Section],
    csv: Mapping[str, str],
    pictures: Mapping[str, bytes] = MappingProxyType({}),
    *,
    live: str = "",
) -> bytes:
    """Return the page.

    Parameters
    ----------
    study, sections
        The report; the first section is about the whole.
    csv : Mapping[str, str]
        Tables to save, by the name of the file.
    pictures : Mapping[str, bytes]
        Pictures by their name; those of plots are shown if scripts are off.
    live : str
        State of the results, which a served page compares with its server; empty for a page in a file.
    """
    plots: list[dict[str, Any]] = []
    main, *others = sections
    shelves = [_shelf(section, plots) for section in others]
    return render_page(
        (_HERE, "page.html"),
        [BASE, (_HERE, "uplot/uPlot.min.css"), (_HERE, "page.css")],
        [(_HERE, "uplot/uPlot.iife.min.js"), (_HERE, "page.js")],
        main=main,
        columns=_columns(study),
        lines=_lines(study),
        textures=list(dict.fromkeys(row.texture.name for row in study.rows)),
        methods=list(by_method(study.rows)),
        gallery=make_gallery(study),
        shelves=[shelf for shelf in shelves if shelf],
        stills={
            picture.name: data_address(pictures[picture.name], "svg+xml")
            for picture in _plotted(others)
            if picture.name in pictures
        },
        runs=_runs(study.records),
        failures=count_failures(study.records),
        csv=csv,
        data={"plots": plots, "live": live},
    )


def _columns(study: Study) -> list[Column]:
    rows, fine = study.rows, all(row.status is RowStatus.OK for row in study.rows)
    metrics = [
        Column(metric.name, heading_of(metric), metric.definition, is_extra=metric not in main_table(rows))
        for metric in _metrics(study)
    ]
    costs = [Column(key, heading, is_extra=True) for key, heading, _ in _COSTS]
    words = [Column("texture", "texture", is_word=True), Column("method", "method", is_word=True)]
    status = Column("status", "status", is_word=True, is_extra=fine)
    return [*words, Column("seeds", "seeds"), *metrics, *costs, status]


def _metrics(study: Study) -> tuple[MetricInfo, ...]:
    return measured_metrics(study.rows) if study.has_figures else ()


_COSTS = (
    ("flops_train", "TFLOP train", 1e12),
    ("seconds_train", "s train", 1.0),
    ("flops_draw", "TFLOP a picture", 1e12),
    ("seconds_draw", "s a picture", 1.0),
)


def _lines(study: Study) -> list[PageLine]:
    rows, metrics = study.rows, _metrics(study)
    lines = []
    for group in by_texture(rows).values():
        winners = {metric.name: find_winners(group, metric) for metric in headlines(rows)}
        for row in group:
            figures = [figure_cell(row, metric, wins=row in winners.get(metric.name, ())) for metric in metrics]
            lines.append(PageLine(row, _cells(row, figures)))
    return lines


def _cells(row: Row, figures: Sequence[Cell]) -> tuple[Cell, ...]:
    costs = whole_costs(row)
    seeds = len(row.succeeded)
    words = [Cell(row.texture.name), Cell(row.method), Cell(str(seeds), number=seeds)]
    spent = [cost_cell(costs[key], size) for key, _, size in _COSTS]
    reason = f": {row.error}" if row.error else ""
    return (*words, *figures, *spent, Cell(f"{row.status}{reason}"))


def _plotted(sections: Sequence[Section]) -> list[Picture]:
    return [picture for section in sections for picture in section.pictures if picture.plots]


def _shelf(section: Section, plots: list[dict[str, Any]]) -> Shelf:
    """Return a section's shelf, and add its plots to those of the page."""
    drawings = []
    for picture in _plotted([section]):
        drawings.append((len(plots), picture))
        styles = _styles(picture.plots)
        plots += [{**_plain(plot), "styles": styles} for plot in picture.plots]
    return Shelf(section, re.sub(r"[^a-z]+", "-", section.title.lower()).strip("-"), tuple(drawings))


def _plain(plot: Plot) -> dict[str, Any]:
    curves = [
        vars(curve) | {"points": [[float(f"{end:.{_DIGITS}g}") for end in point] for point in curve.points]}
        for curve in plot.curves
    ]
    return vars(plot) | {"curves": curves}


def _styles(plots: Sequence[Plot]) -> dict[str, dict[str, Any]]:
    """Return the number of the colour and the dashes of each curve's name."""
    styles = line_styles(names_of(plots))
    return {
        name: {"colour": COLOURS.index(colour), "dash": [2 * length for length in dashes]}
        for name, (colour, dashes) in styles.items()
    }


def _runs(records: Sequence[Record]) -> Table:
    """Return where each run comes from."""
    return Table.of(map(_run, records))


def _run(record: Record) -> dict[str, str]:
    machine = record.provenance
    reason = "" if record.status is Status.OK else f": {one_line(record.error)}"
    return {
        "run": f"{record.texture.name} / {record.method} / seed {record.replicate}",
        "started": record.started,
        "status": f"{record.status}{reason}",
        "s": format_number(record.seconds.get("total", sum(record.seconds.values())) or None),
        "device": machine.device,
        "precision": machine.precision,
        "threads": str(machine.threads),
        "git": f"{(machine.git_sha or 'none')[:12]}{'+' if machine.git_dirty else ''}",
        "configuration": record.config_hash[:12],
        "measured again": ", ".join(sorted({name for one in record.remeasured for name in one.metrics})),
    }
