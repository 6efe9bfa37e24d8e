"""The whole report: its sections in their order, as plain text, Markdown and LaTeX."""

from collections.abc import Callable

from inng_bench.metrics.catalogue import Role
from inng_bench.report import (
    agreement,
    budgets,
    comparison,
    cost_figure,
    costs,
    curves,
    densities,
    effects,
    interactions,
    remarks,
    sheets,
    speed,
    trials,
)
from inng_bench.report.eyes import leading_metrics
from inng_bench.report.rows import main_table, of_sets
from inng_bench.report.study import Study
from inng_bench.report.table import companion_table, comparison_table, floor_table, heading_of
from inng_bench.tables.content import Section, Table
from inng_bench.tables.grid import markdown_section, tabular, terminal_section
from inng_bench.tables.markup import LATEX

NARROW = "The table shows the first metric of each eye; index.html, table.md and table.csv show all metrics."

ALL_FAILED = "All runs failed, so there are no figures. The reasons are listed under Failures and warnings."

FLOOR_TITLE = "Times the floor"
FLOOR_NOTE = (
    "The value of a method divided by that of the row real, as a geometric mean over textures. Brackets hold the "
    "number of textures on which both values are positive. If there are test textures, only they count; a control "
    "and copies never count. Floor and samples have the same area, and so the same finite-sample bias."
)

COMPANIONS_TITLE = "Companions"
COMPANIONS_NOTE = (
    "Further metrics of the same samples, which decide no comparison. If they disagree with the table above, look at "
    "the pictures. The section Metrics says what each measures and what it is blind to."
)


def main_section(study: Study) -> Section:
    """Return the comparison table with what a reader must know; a terminal has room for one metric of each eye."""
    title = f"Methods on the suite {study.suites}"
    if not study.has_figures:
        return Section(title, ALL_FAILED, comparison_table(study.rows, []))
    metrics = main_table(study.rows)
    leading = metrics if of_sets(study.rows) else leading_metrics(study.rows)
    shown = (*leading, *(metric for metric in metrics if metric.role is Role.COPYING))
    wide = tuple(heading_of(metric) for metric in metrics if metric not in shown)
    return Section(title, "", comparison_table(study.rows), remarks.caption(study.rows), wide=(*wide, "status"))


def floor_section(study: Study) -> Section:
    """Return the means over textures."""
    return Section(FLOOR_TITLE, FLOOR_NOTE, floor_table(study.rows))


def companion_section(study: Study) -> Section:
    """Return the metrics beside the main table."""
    return Section(COMPANIONS_TITLE, COMPANIONS_NOTE, companion_table(study.rows), page_only=True)


SECTIONS: tuple[Callable[[Study], Section], ...] = (
    main_section,
    sheets.section,
    floor_section,
    budgets.section,
    comparison.section,
    trials.section,
    cost_figure.section,
    costs.section,
    costs.models_section,
    speed.section,
    curves.section,
    companion_section,
    densities.section,
    effects.section,
    interactions.section,
    agreement.section,
    remarks.problems_section,
    remarks.metrics_section,
    remarks.environment_section,
    remarks.commands_section,
)
"""A new section is one file and a line here."""


WITHOUT_FIGURES = (
    main_section,
    remarks.problems_section,
    remarks.environment_section,
    remarks.commands_section,
)
"""What is left of them when every run failed."""


def make_sections(study: Study) -> tuple[Section, ...]:
    """Return all sections that have something to show."""
    wanted = SECTIONS if study.has_figures else WITHOUT_FIGURES
    return tuple(section for make in wanted if (section := make(study)))


def plain_text(sections: tuple[Section, ...]) -> str:
    """Return the report for a terminal of 120 columns."""
    blocks = [terminal_section(section, left_out=NARROW) for section in sections]
    return "\n\n".join(block for block in blocks if block) + "\n"


def markdown(sections: tuple[Section, ...]) -> str:
    """Return the report as Markdown; the first section has the title of the whole."""
    first, *others = sections
    return "\n\n".join([markdown_section(first, level=1), *map(markdown_section, others)]) + "\n"


def latex(study: Study) -> str:
    """Return both tables for a paper; they need the packages booktabs and graphicx."""
    main = main_section(study)
    caption, floor = " ".join([main.note, *main.sentences]).strip(), f"{FLOOR_TITLE}. {FLOOR_NOTE}"
    tables = [
        (main.table.once("texture"), caption, "tab:methods", remarks.problems(study.records)),
        (floor_table(study.rows), floor, "tab:floor", []),
    ]
    return "\n".join([r"% \usepackage{booktabs,graphicx}", *(_environment(*one) for one in tables if one[0])])


def _environment(table: Table, caption: str, label: str, notes: list[str]) -> str:
    lines = [
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{LATEX.escape(caption)}}}",
        rf"\label{{{label}}}",
        r"\resizebox{\textwidth}{!}{%",
        tabular(table),
        "}",
        *(rf"\par\footnotesize {LATEX.escape(note)}" for note in notes),
        r"\end{table*}",
        "",
    ]
    return "\n".join(lines)
