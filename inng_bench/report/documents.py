"""The whole report as plain text, Markdown and LaTeX."""

import textwrap
from collections.abc import Sequence

import pandas as pd

from inng_bench.records.schema import Record
from inng_bench.report import agreement, comparison, costs, densities, effects, interactions, remarks
from inng_bench.report.agreement import agreement_table, agreements, headline_agreement_table
from inng_bench.report.comparison import compare_methods, comparison_lines, not_judged
from inng_bench.report.origin import Origin
from inng_bench.report.rows import Row
from inng_bench.report.speed import SPEED_NOTE, SPEED_TITLE, common_setting, speed_table
from inng_bench.report.table import (
    companion_table,
    comparison_table,
    floor_table,
    fold_headings,
    narrow_table,
    normalised_table,
    terminal_table,
)
from inng_bench.tables.grid import pipe_table, text_grid
from inng_bench.tables.markup import LATEX, MARKDOWN, PLAIN

WIDTH = 116
"""Letters in a line of plain text."""

FLOOR_TITLE = "Times the floor"
FLOOR_NOTE = (
    "Geometric mean over textures of a method's value divided by that of the row real; in brackets the number of "
    "textures on which both are positive: test textures alone where there are such, and no control. Floor and samples "
    "have the same area, and so the same finite-sample bias."
)
NORMALISED_NOTE = (
    "Between floor and ceiling: (value - floor) / (ceiling - floor), mean over textures, in brackets their number; 0 "
    "is as good as the row real, 1 no better than the row noise."
)

COMPANIONS_TITLE = "Companions"
COMPANIONS_NOTE = (
    "Other views of the same samples, by which nobody wins: where they disagree with the table above, look at the "
    "pictures. What each is and what it cannot see stands below."
)


def plain_text(rows: Sequence[Row], records: Sequence[Record], origin: Origin | None = None) -> str:
    """Return the report for a terminal of 120 columns."""
    table, floor = terminal_table(rows, PLAIN), fold_headings(floor_table(rows, PLAIN))
    blocks = [
        text_grid(table.drop(columns="texture"), list(table["texture"])),
        _bullets(remarks.caption(rows)),
        f"{_filled(f'{FLOOR_TITLE}. {FLOOR_NOTE}')}\n\n{text_grid(floor)}",
        _costs_in_plain_text(rows),
        _densities_in_plain_text(rows),
        _effects_in_plain_text(rows, origin),
        _interactions_in_plain_text(rows, origin),
        _speed_in_plain_text(rows),
        _comparison_in_plain_text(rows),
        _agreement_in_plain_text(rows),
        _section("Failures and warnings", remarks.problems(records)),
        _section("Environment", remarks.environment(records)),
        _section("Make it again", remarks.commands(records, origin)),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _costs_in_plain_text(rows: Sequence[Row]) -> str:
    return _by_texture_in_plain_text(costs.costs_table(rows, PLAIN).rename(columns=_folded), costs.TITLE, costs.NOTE)


def _costs_in_markdown(rows: Sequence[Row]) -> str:
    return _titled_in_markdown(costs.costs_table(rows, MARKDOWN), costs.TITLE, costs.NOTE)


def _densities_in_plain_text(rows: Sequence[Row]) -> str:
    return _by_texture_in_plain_text(densities.densities_table(rows, PLAIN), densities.TITLE, densities.NOTE)


def _densities_in_markdown(rows: Sequence[Row]) -> str:
    return _titled_in_markdown(densities.densities_table(rows, MARKDOWN), densities.TITLE, densities.NOTE)


def _by_texture_in_plain_text(table: pd.DataFrame, title: str, note: str) -> str:
    if table.empty:
        return ""
    return f"{_filled(f'{title}. {note}')}\n\n{text_grid(table.drop(columns='texture'), list(table['texture']))}"


def _titled_in_markdown(table: pd.DataFrame, title: str, note: str) -> str:
    return "" if table.empty else f"## {title}\n\n{MARKDOWN.escape(note)}\n\n{pipe_table(table)}"


def _baseline(origin: Origin | None) -> str:
    return origin.baseline if origin else ""


def _effects_in_plain_text(rows: Sequence[Row], origin: Origin | None) -> str:
    baseline = _baseline(origin)
    table = effects.effects_table(rows, baseline, PLAIN)
    if table.empty:
        return ""
    narrow = table.drop(columns="change").rename(columns=_folded)
    note = PLAIN.escape(effects.effects_note(rows, baseline))
    return f"{_filled(f'{effects.TITLE}. {note}')}\n\n{text_grid(narrow)}"


def _interactions_in_plain_text(rows: Sequence[Row], origin: Origin | None) -> str:
    table = interactions.interactions_table(rows, _baseline(origin), PLAIN)
    if table.empty:
        return ""
    narrow = table.drop(columns="joins").rename(columns=_folded)
    return f"{_filled(f'{interactions.TITLE}. {PLAIN.escape(interactions.NOTE)}')}\n\n{text_grid(narrow)}"


def _folded(heading: object) -> str:
    """Return a heading with a word a line."""
    return str(heading).replace(" ", "\n")


def _effects_in_markdown(rows: Sequence[Row], origin: Origin | None) -> str:
    baseline = _baseline(origin)
    table = effects.effects_table(rows, baseline, MARKDOWN)
    return _titled_in_markdown(table, effects.TITLE, effects.effects_note(rows, baseline))


def _interactions_in_markdown(rows: Sequence[Row], origin: Origin | None) -> str:
    table = interactions.interactions_table(rows, _baseline(origin), MARKDOWN)
    return _titled_in_markdown(table, interactions.TITLE, interactions.NOTE)


def _speed_in_plain_text(rows: Sequence[Row]) -> str:
    table = speed_table(rows, PLAIN)
    return (
        ""
        if table.empty
        else f"{_filled(f'{SPEED_TITLE}. {SPEED_NOTE}{PLAIN.escape(common_setting(rows))}')}\n\n{text_grid(table)}"
    )


def _speed_in_markdown(rows: Sequence[Row]) -> str:
    table = speed_table(rows, MARKDOWN)
    note = MARKDOWN.escape(f"{SPEED_NOTE}{common_setting(rows)}")
    return "" if table.empty else f"## {SPEED_TITLE}\n\n{note}\n\n{pipe_table(table)}"


def _comparison_in_plain_text(rows: Sequence[Row]) -> str:
    compared = compare_methods(rows)
    table = comparison_lines(compared, PLAIN)
    blocks = [
        "" if table.empty else text_grid(table),
        _bullets([*not_judged(compared), *remarks.verdicts(rows)]),
    ]
    return _titled(_filled(f"{comparison.TITLE}. {comparison.NOTE}"), blocks)


def _comparison_in_markdown(rows: Sequence[Row]) -> str:
    compared = compare_methods(rows)
    table = comparison_lines(compared, MARKDOWN)
    blocks = [
        "" if table.empty else pipe_table(table),
        _markdown_bullets([*not_judged(compared), *remarks.verdicts(rows)]),
    ]
    return _titled(f"## {comparison.TITLE}\n\n{MARKDOWN.escape(comparison.NOTE)}", blocks)


def _agreement_in_plain_text(rows: Sequence[Row]) -> str:
    table = headline_agreement_table(agreements(agreement.values_of(rows)), PLAIN)
    return "" if table.empty else f"{_filled(f'{agreement.TITLE}. {agreement.HEADLINE_NOTE}')}\n\n{text_grid(table)}"


def _agreement_in_markdown(rows: Sequence[Row]) -> str:
    table = agreement_table(agreements(agreement.values_of(rows)), MARKDOWN)
    note = MARKDOWN.escape(agreement.SQUARE_NOTE)
    return "" if table.empty else f"## {agreement.TITLE}\n\n{note}\n\n{pipe_table(table)}"


def _titled(head: str, blocks: Sequence[str]) -> str:
    """Put blocks under a head; nothing where all are empty."""
    filled = [block for block in blocks if block]
    return "\n\n".join([head, *filled]) if filled else ""


def _section(title: str, sentences: Sequence[str]) -> str:
    return f"{title}\n{_bullets(sentences)}" if sentences else ""


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(_filled(f"- {PLAIN.escape(sentence)}") for sentence in sentences)


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def markdown(rows: Sequence[Row], records: Sequence[Record], origin: Origin | None = None) -> str:
    """Return the report as Markdown."""
    suites = ", ".join(sorted({record.suite for record in records}))
    blocks = [
        f"# INNg and its competitors: {MARKDOWN.escape(suites)}",
        pipe_table(narrow_table(rows, MARKDOWN)),
        _markdown_bullets(remarks.caption(rows)),
        f"## {FLOOR_TITLE}\n\n{MARKDOWN.escape(FLOOR_NOTE)}",
        pipe_table(floor_table(rows, MARKDOWN)),
        MARKDOWN.escape(NORMALISED_NOTE),
        pipe_table(normalised_table(rows, MARKDOWN)),
        f"## {COMPANIONS_TITLE}\n\n{MARKDOWN.escape(COMPANIONS_NOTE)}",
        pipe_table(companion_table(rows, MARKDOWN)),
        _costs_in_markdown(rows),
        _densities_in_markdown(rows),
        _effects_in_markdown(rows, origin),
        _interactions_in_markdown(rows, origin),
        _speed_in_markdown(rows),
        _comparison_in_markdown(rows),
        _agreement_in_markdown(rows),
        _markdown_section("Failures and warnings", remarks.problems(records)),
        _markdown_section("Metrics", remarks.metric_notes(rows)),
        _markdown_section("Environment", remarks.environment(records)),
        "## Make it again\n\n```\n" + "\n".join(remarks.commands(records, origin)) + "\n```",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _markdown_section(title: str, sentences: Sequence[str]) -> str:
    return f"## {title}\n\n{_markdown_bullets(sentences)}" if sentences else ""


def _markdown_bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {MARKDOWN.escape(sentence)}" for sentence in sentences)


def latex(rows: Sequence[Row], records: Sequence[Record]) -> str:
    """Return both tables for a paper; they need the packages booktabs and graphicx."""
    caption = " ".join(LATEX.escape(sentence) for sentence in remarks.caption(rows))
    problems = [LATEX.escape(sentence) for sentence in remarks.problems(records)]
    return "\n".join(
        [
            r"% \usepackage{booktabs,graphicx}",
            _table_environment(comparison_table(rows, LATEX), caption, "tab:inng-bench", problems),
            _table_environment(
                floor_table(rows, LATEX), LATEX.escape(f"{FLOOR_TITLE}. {FLOOR_NOTE}"), "tab:inng-bench-floor", []
            ),
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
