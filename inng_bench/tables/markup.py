"""Plain text, Markdown and LaTeX: escaping, emphasis and numbers."""

import math
import re
from abc import ABC, abstractmethod
from typing import ClassVar

from inng_bench.tables.content import ABSENT, Cell


class Markup(ABC):
    """How one kind of document writes what a table shows."""

    @abstractmethod
    def escape(self, text: str) -> str:
        """Return a text that the document shows as it is."""

    @abstractmethod
    def bold(self, marked_up: str) -> str:
        """Emphasise what is marked up already."""

    @abstractmethod
    def italic(self, text: str) -> str:
        """Return a text as a heading within a table."""

    def cell(self, cell: Cell) -> str:
        """Return a cell with its emphasis, mark and interval."""
        if cell.heading:
            return self.italic(cell.text)
        text = self.escape(f"{cell.text}{cell.mark}")
        value = self.bold(text) if cell.bold else text
        return self.with_interval(value, self.escape(cell.interval)) if cell.interval else value

    def with_interval(self, value: str, interval: str) -> str:
        """Join a value and its interval, both marked up."""
        return f"{value} {interval}"


class Plain(Markup):
    """Text for a terminal; an interval stands below its value."""

    def escape(self, text: str) -> str:
        """Return the text without control characters, which could steer a terminal."""
        return "".join(letter if letter.isprintable() else " " for letter in text)

    def bold(self, marked_up: str) -> str:
        """Return the text with a star after it."""
        return f"{marked_up}*"

    def italic(self, text: str) -> str:
        """Return the text with a colon, since a terminal has one face."""
        return f"{self.escape(text)}:"

    def with_interval(self, value: str, interval: str) -> str:
        """Set the interval below its value, so that the table stays narrow."""
        return f"{value}\n{interval}"


class Markdown(Markup):
    """GitHub's dialect, in which HTML is alive."""

    def escape(self, text: str) -> str:
        """Return the text with every sign of Markdown and HTML taken as itself."""
        text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return re.sub(r"([\\`*_\[\]|~#$])", r"\\\1", text)

    def bold(self, marked_up: str) -> str:
        """Return the text between two pairs of stars."""
        return f"**{marked_up}**"

    def italic(self, text: str) -> str:
        """Return the text between two stars."""
        return f"*{self.escape(text)}*"


class Latex(Markup):
    """LaTeX with booktabs."""

    _SIGNS: ClassVar[dict[int, str]] = str.maketrans(
        {
            "\\": r"\textbackslash{}",
            "{": r"\{",
            "}": r"\}",
            "$": r"\$",
            "&": r"\&",
            "#": r"\#",
            "%": r"\%",
            "_": r"\_",
            "~": r"\textasciitilde{}",
            "^": r"\textasciicircum{}",
            "<": r"\textless{}",
            ">": r"\textgreater{}",
            "|": r"\textbar{}",
            "`": r"\textasciigrave{}",
            '"': "''",
            "–": "--",
            "−": "$-$",
            "·": r"$\cdot$",
            "×": r"$\times$",
            "²": r"$^2$",
            "±": r"$\pm$",
            "→": r"$\rightarrow$",
            "↓": r"$\downarrow$",
            "↑": r"$\uparrow$",
            "†": r"\textdagger{}",
            "‡": r"\textdaggerdbl{}",
        }
    )

    def escape(self, text: str) -> str:
        """Return the text with every sign of LaTeX taken as itself."""
        return " ".join(text.split()).translate(self._SIGNS)

    def bold(self, marked_up: str) -> str:
        """Return the text in a bold face."""
        return rf"\textbf{{{marked_up}}}"

    def italic(self, text: str) -> str:
        """Return the text in italics."""
        return rf"\textit{{{self.escape(text)}}}"


PLAIN, MARKDOWN, LATEX = Plain(), Markdown(), Latex()


def decimals(value: float, digits: int) -> int:
    """Return the decimal places that show so many significant digits of a value, at most 6."""
    if value == 0:
        return 0
    return min(6, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def format_number(value: float | None, digits: int = 3) -> str:
    """Return a value with so many significant digits; a dash for none and for what is not a number."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if 0 < abs(value) < 1e-6:
        return _signed(f"{value:.{digits - 1}e}")
    return _signed(f"{value:.{decimals(value, digits)}f}")


def fitting_places(value: float, low: float | None, high: float | None, digits: int) -> int:
    """Return the decimal places worth printing: two digits of the distance to the nearer end of the interval."""
    places = decimals(value, digits)
    if low is None or high is None:
        return places
    distance = min(abs(value - low), abs(high - value))
    return min(places, decimals(distance, 2)) if distance > 0 else places


def format_places(value: float, places: int) -> str:
    """Return a value with so many decimal places."""
    return _signed(f"{value:.{places}f}")


def format_range(low: float, high: float, places: int) -> str:
    """Return an interval with the decimal places of its value."""
    joint = ABSENT if low >= 0 else " to "
    return _signed(f"{low:.{places}f}{joint}{high:.{places}f}")


def _signed(number: str) -> str:
    """Return a number with true minus signs, exponents excepted."""
    return re.sub(r"(?<![\de])-(?=\d)", "−", number)


def shorten(text: str, length: int) -> str:
    """Return a text of at most so many letters; what is left out is marked."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
