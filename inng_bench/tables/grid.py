"""Tables for the terminal, whose cells may have several lines, and for Markdown."""

from collections.abc import Sequence
from itertools import groupby

import pandas as pd

_GAP = "  "

_WORDS = frozenset(
    {"texture", "method", "methods", "metric", "status", "test", "step", "change", "quality", "verdict", "case", "head"}
)
"""Columns that stand at the left in Markdown, as the first one does; all others are numbers."""


def text_grid(table: pd.DataFrame, titles: Sequence[str] = ()) -> str:
    """Return a table as text.

    Parameters
    ----------
    table : pandas.DataFrame
        Strings; the first column stands at the left, all others at the right. A line break starts a further line of
        the cell, in a heading too.
    titles : Sequence[str]
        One for each row; where it changes it is written on a line of its own above the row.
    """
    headings = [str(column) for column in table.columns]
    cells = [[str(cell) for cell in row] for row in table.to_numpy()]
    widths = [max(map(_width, column)) for column in zip(headings, *cells, strict=True)]
    lines = [*_lines(headings, widths), _GAP.join("-" * width for width in widths)]
    titled = zip(titles or [""] * len(cells), cells, strict=True)
    for title, group in groupby(titled, key=lambda pair: pair[0]):
        lines += [title] if title else []
        for _, row in group:
            lines += _lines(row, widths)
    return "\n".join(line.rstrip() for line in lines)


def pipe_table(table: pd.DataFrame) -> str:
    """Return a table of marked-up cells as Markdown."""
    alignment = ["left" if column in _WORDS else "right" for column in table.columns]
    alignment[0] = "left"
    return str(table.to_markdown(index=False, disable_numparse=True, colalign=alignment))


def _width(cell: str) -> int:
    return max(map(len, cell.split("\n")))


def _lines(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return the lines of one row; cells begin at its upper edge."""
    parts = [cell.split("\n") for cell in cells]
    lines = []
    for index in range(max(map(len, parts))):
        line = [part[index] if index < len(part) else "" for part in parts]
        first = line[0].ljust(widths[0])
        lines.append(_GAP.join([first, *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))]))
    return lines
