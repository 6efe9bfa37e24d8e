"""Tables and sections for a terminal, in Markdown and in LaTeX."""

import io
import textwrap
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text
from tabulate import tabulate

from inng_bench.tables.content import Section, Table
from inng_bench.tables.markup import LATEX, MARKDOWN, PLAIN, Markup

WIDTH = 116
"""Letters in a line of plain text."""

_UNBOUNDED = 10_000
"""Letters in a line of a table, which is never folded: a figure in two lines is none."""


def text_grid(table: Table, *, titles: str = "", folded: bool = False) -> str:
    """Return a table as text.

    Parameters
    ----------
    table : Table
        Words stand at the left, numbers at the right, intervals below their values.
    titles : str
        Heading of a column whose texts stand on lines of their own above the lines they belong to; empty for none.
    folded : bool
        Whether each word of a heading has a line.
    """
    shown = table.without(titles)
    grid = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in shown.headings:
        text = PLAIN.escape(heading)
        justify = "left" if shown.is_words(heading) else "right"
        grid.add_column(Text(text.replace(" ", "\n") if folded else text), justify=justify)  # type: ignore[arg-type]
    title = ""
    for full, line in zip(table, shown, strict=True):
        if titles and (found := full[titles].text) not in ("", title):
            title = found
            grid.add_row(Text(PLAIN.escape(title)))
        first, *rest = map(PLAIN.cell, line.values())
        grid.add_row(Text(f"  {first}" if titles else first), *map(Text, rest))
    stream = io.StringIO()
    Console(file=stream, width=_UNBOUNDED, color_system=None).print(grid)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines() if line.strip())


def pipe_table(table: Table) -> str:
    """Return a table as Markdown."""
    return tabulate(
        _cells(table, MARKDOWN),
        headers=[MARKDOWN.escape(heading) for heading in table.headings],
        tablefmt="pipe",
        colalign=["left" if table.is_words(heading) else "right" for heading in table.headings],
        disable_numparse=True,
    )


def tabular(table: Table) -> str:
    """Return a table in LaTeX; it needs the package booktabs."""
    columns = "".join("l" if table.is_words(heading) else "r" for heading in table.headings)
    lines = [" & ".join(map(LATEX.escape, table.headings)), *map(" & ".join, _cells(table, LATEX))]
    head, *body = (rf"{line} \\" for line in lines)
    return "\n".join([rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *body, r"\bottomrule"]) + (
        "\n\\end{tabular}"
    )


def _cells(table: Table, markup: Markup) -> list[list[str]]:
    return [[markup.cell(cell) for cell in line.values()] for line in table]


def terminal_section(section: Section, *, left_out: str = "") -> str:
    """Return a section for a terminal; ``left_out`` says where the columns are that it has no room for."""
    if not section or section.page_only:
        return ""
    table = section.table.without(*section.wide)
    sentences = [left_out] if left_out and section.wide else []
    below = [*sentences, *section.sentences, *section.commands]
    blocks = [
        _filled(PLAIN.escape(f"{section.title}. {section.note}" if section.note else section.title)),
        text_grid(table, titles="texture" if "texture" in table.headings else "", folded=True) if table else "",
        "\n".join(_filled(f"- {PLAIN.escape(sentence)}") for sentence in below),
    ]
    return "\n\n".join(block for block in blocks if block)


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def markdown_section(section: Section, level: int = 2) -> str:
    """Return a section as Markdown, its heading of so many signs."""
    if not section:
        return ""
    table = section.table.once("texture") if "texture" in section.table.headings else section.table
    blocks = [
        f"{'#' * level} {MARKDOWN.escape(section.title)}",
        MARKDOWN.escape(section.note),
        pipe_table(table) if table else "",
        bullets(section.sentences),
        *(f"![{MARKDOWN.escape(one.description)}]({one.name})" for one in section.pictures),
        "```\n" + "\n".join(section.commands) + "\n```" if section.commands else "",
    ]
    return "\n\n".join(block for block in blocks if block)


def bullets(sentences: Sequence[str]) -> str:
    """Return sentences as a list in Markdown."""
    return "\n".join(f"- {MARKDOWN.escape(sentence)}" for sentence in sentences)
