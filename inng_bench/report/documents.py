"""The whole report as plain text, Markdown and LaTeX."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from inng_bench.metrics.catalogue import MAIN_TABLE, Role
from inng_bench.records.schema import Record
from inng_bench.report import agreement, comparison, costs, densities, effects, interactions, remarks, speed, trials
from inng_bench.report.eyes import leading_metrics
from inng_bench.report.origin import Origin
from inng_bench.report.rows import Row
from inng_bench.report.table import companion_table, comparison_table, floor_table, page_table
from inng_bench.tables.grid import pipe_table, text_grid
from inng_bench.tables.markup import LATEX, MARKDOWN, PLAIN, Markup

WIDTH = 116
"""Letters in a line of plain text."""

NARROW = "The table has the first metric of each eye; table.md and table.csv have all."

FLOOR_TITLE = "Times the floor"
FLOOR_NOTE = (
    "Geometric mean over textures of a method's value divided by that of the row real; in brackets the number of "
    "textures on which both are positive: test textures alone where there are such, and no control. Copies are left "
    "out. Floor and samples have the same area, and so the same finite-sample bias."
)

COMPANIONS_TITLE = "Companions"
COMPANIONS_NOTE = (
    "Other views of the same samples, by which nobody wins: where they disagree with the table above, look at the "
    "pictures. What each is and what it cannot see stands below."
)


@dataclass(frozen=True)
class Section:
    """A part of the report, which is left out where it has neither table nor sentences.

    Attributes
    ----------
    title, note : str
        What it is, and what a reader must know.
    table : pandas.DataFrame
        Cells and headings marked up.
    sentences : Sequence[str]
        Below the table; not marked up.
    page_only : bool
        Whether a terminal has no room for it.
    wide : tuple[str, ...]
        Columns that a terminal has no room for.
    """

    title: str
    note: str = ""
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    sentences: Sequence[str] = ()
    page_only: bool = False
    wide: tuple[str, ...] = ()


def sections(rows: Sequence[Row], records: Sequence[Record], origin: Origin | None, markup: Markup) -> list[Section]:
    """Return what stands below the main table, empty parts included."""
    baseline = origin.baseline if origin else ""
    compared = comparison.compare_methods(rows)
    agreed = agreement.agreements(agreement.values_of(rows))
    verdicts = [*comparison.not_judged(compared), *remarks.verdicts(rows)]
    effects_note = effects.effects_note(rows, baseline) if baseline else ""
    joint = interactions.interactions_table(rows, baseline, markup)
    return [
        Section(FLOOR_TITLE, FLOOR_NOTE, floor_table(rows, markup)),
        Section(comparison.TITLE, comparison.NOTE, comparison.comparison_lines(compared, markup), verdicts),
        Section(trials.TITLE, trials.NOTE, trials.trials_table(rows, markup)),
        Section(costs.TITLE, costs.NOTE, costs.costs_table(rows, markup)),
        Section(costs.MODELS_TITLE, costs.MODELS_NOTE, costs.models_table(rows, markup)),
        Section(speed.TITLE, speed.NOTE + speed.common_setting(rows), speed.speed_table(rows, markup)),
        Section(COMPANIONS_TITLE, COMPANIONS_NOTE, companion_table(rows, markup), page_only=True),
        Section(densities.TITLE, densities.NOTE, densities.densities_table(rows, markup)),
        Section(effects.TITLE, effects_note, effects.effects_table(rows, baseline, markup), wide=("change",)),
        Section(interactions.TITLE, interactions.NOTE, joint, wide=("joins",)),
        Section(agreement.TITLE, agreement.NOTE, agreement.agreement_table(agreed, markup), page_only=True),
        Section("Failures and warnings", sentences=remarks.problems(records)),
        Section("Metrics", sentences=remarks.metric_notes(rows), page_only=True),
        Section("Environment", sentences=remarks.environment(records)),
    ]


def plain_text(rows: Sequence[Row], records: Sequence[Record], origin: Origin | None = None) -> str:
    """Return the report for a terminal of 120 columns."""
    shown = (*leading_metrics(), *(metric for metric in MAIN_TABLE if metric.role is Role.COPYING))
    table = comparison_table(rows, PLAIN, shown).drop(columns="status", errors="ignore")
    blocks = [
        _terminal_table(table.assign(method="  " + table["method"])),
        _bullets([NARROW, *remarks.caption(rows)]),
        *(_terminal_section(part) for part in sections(rows, records, origin, PLAIN) if not part.page_only),
        _terminal_section(Section("Make it again", sentences=remarks.commands(records, origin))),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _terminal_section(part: Section) -> str:
    if part.table.empty and not part.sentences:
        return ""
    head = _filled(PLAIN.escape(f"{part.title}. {part.note}" if part.note else part.title))
    table = "" if part.table.empty else f"\n\n{_terminal_table(part.table.drop(columns=list(part.wide)))}"
    gap = "\n\n" if part.note else "\n"
    return head + table + (f"{gap}{_bullets(part.sentences)}" if part.sentences else "")


def _terminal_table(table: pd.DataFrame) -> str:
    """Return a table with a word of a heading a line, the textures on lines of their own."""
    folded = table.rename(columns=lambda heading: str(heading).replace(" ", "\n"))
    return text_grid(folded.drop(columns="texture", errors="ignore"), list(table.get("texture", [])))


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(_filled(f"- {PLAIN.escape(sentence)}") for sentence in sentences)


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def markdown(rows: Sequence[Row], records: Sequence[Record], origin: Origin | None = None) -> str:
    """Return the report as Markdown."""
    suites = ", ".join(sorted({record.suite for record in records}))
    blocks = [
        f"# INNg and its competitors: {MARKDOWN.escape(suites)}",
        pipe_table(page_table(rows, MARKDOWN)),
        _markdown_bullets(remarks.caption(rows)),
        *map(_markdown_section, sections(rows, records, origin, MARKDOWN)),
        "## Make it again\n\n```\n" + "\n".join(remarks.commands(records, origin)) + "\n```",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _markdown_section(part: Section) -> str:
    if part.table.empty and not part.sentences:
        return ""
    table = "" if part.table.empty else pipe_table(part.table)
    blocks = [f"## {part.title}", MARKDOWN.escape(part.note), table, _markdown_bullets(part.sentences)]
    return "\n\n".join(block for block in blocks if block)


def _markdown_bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {MARKDOWN.escape(sentence)}" for sentence in sentences)


def latex(rows: Sequence[Row], records: Sequence[Record]) -> str:
    """Return both tables for a paper; they need the packages booktabs and graphicx."""
    caption = " ".join(LATEX.escape(sentence) for sentence in remarks.caption(rows))
    problems = [LATEX.escape(sentence) for sentence in remarks.problems(records)]
    floor = LATEX.escape(f"{FLOOR_TITLE}. {FLOOR_NOTE}")
    return "\n".join(
        [
            r"% \usepackage{booktabs,graphicx}",
            _table_environment(page_table(rows, LATEX), caption, "tab:inng-bench", problems),
            _table_environment(floor_table(rows, LATEX), floor, "tab:inng-bench-floor", []),
        ]
    )


def _table_environment(table: pd.DataFrame, caption: str, label: str, notes: Sequence[str]) -> str:
    words = {"texture", "method", "status"}
    columns = "".join("l" if column in words else "r" for column in table.columns)
    tabular = table.to_latex(index=False, escape=False, column_format=columns).rstrip()
    return "\n".join(
        [
            r"\begin{table*}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\label{{{label}}}",
            r"\resizebox{\textwidth}{!}{%",
            tabular,
            "}",
            *(rf"\par\footnotesize {note}" for note in notes),
            r"\end{table*}",
            "",
        ]
    )
