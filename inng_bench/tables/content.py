"""Tables and sections as data. Other modules write them for a terminal, a page or a paper."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

ABSENT = "–"
"""Stands for a figure that there is not."""

_WORDS = frozenset(
    {"texture", "method", "methods", "against", "metric", "status", "test", "step", "change", "quality", "verdict"}
    | {"case", "head", "what", "run", "best", "joins", "started"}
)
"""Columns of words, which stand at the left as the first one does; all others are numbers."""


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table.

    Attributes
    ----------
    text : str
        The value, rounded.
    interval : str
        With its brackets; empty where there is none.
    mark : str
        A sign behind the value that a sentence below the table explains.
    bold : bool
        Whether it is emphasised.
    heading : bool
        Whether it is the heading of the lines below it.
    number : float or None
        The value in full precision, by which a page sorts.
    """

    text: str = ABSENT
    interval: str = ""
    mark: str = ""
    bold: bool = False
    heading: bool = False
    number: float | None = None


Line = Mapping[str, Cell]


@dataclass(frozen=True)
class Table:
    """Lines of cells by their column's heading; false where it has no line.

    Attributes
    ----------
    lines : tuple[Mapping[str, Cell], ...]
        All with the same headings.
    """

    lines: tuple[Line, ...] = ()

    @classmethod
    def of(cls, lines: Iterable[Mapping[str, Cell | str]]) -> "Table":
        """Make a table of cells, or of their texts alone; a line without some heading has an empty cell there."""
        given = list(lines)
        headings = dict.fromkeys(heading for line in given for heading in line)
        return cls(tuple({heading: _cell(line.get(heading, "")) for heading in headings} for line in given))

    def __bool__(self) -> bool:
        return bool(self.lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    @property
    def headings(self) -> tuple[str, ...]:
        """Headings from left to right."""
        return tuple(self.lines[0]) if self.lines else ()

    def is_words(self, heading: str) -> bool:
        """Say whether a column stands at the left."""
        return heading in _WORDS or heading == self.headings[0]

    def without(self, *headings: str) -> "Table":
        """Return the table without some columns."""
        return Table(tuple({name: cell for name, cell in line.items() if name not in headings} for line in self.lines))

    def once(self, heading: str) -> "Table":
        """Return the table with the text of a column only where it changes."""
        texts = [line[heading].text for line in self.lines]
        repeated = [text == before for text, before in zip(texts, ["", *texts], strict=False)]
        return Table(
            tuple(
                {**line, heading: Cell("")} if again else line for line, again in zip(self.lines, repeated, strict=True)
            )
        )


def _cell(given: Cell | str) -> Cell:
    return Cell(given) if isinstance(given, str) else given


@dataclass(frozen=True)
class Curve:
    """A line of a plot.

    Attributes
    ----------
    name : str
        Curves of one name have one colour.
    points : tuple[tuple[float, float], ...]
        From left to right.
    hollow : bool
        Whether its dots are rings.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    hollow: bool = False


@dataclass(frozen=True)
class Plot:
    """One pair of axes with curves.

    Attributes
    ----------
    title, across : str
        What is drawn, and over what.
    curves : tuple[Curve, ...]
        At least one.
    log_x, log_y : bool
        Whether an axis is logarithmic.
    dots : bool
        Whether each point has a dot, larger from left to right.
    level : float or None
        Height of a dotted line across.
    """

    title: str
    across: str
    curves: tuple[Curve, ...]
    log_x: bool = False
    log_y: bool = False
    dots: bool = False
    level: float | None = None


@dataclass(frozen=True)
class Picture:
    """A picture of a report, PNG or SVG.

    Attributes
    ----------
    name : str
        File in the folder of the report.
    description : str
        What it shows, for who cannot see it.
    draw : Callable[[], bytes]
        Makes it; documents without pictures do not ask for it.
    plots : tuple[Plot, ...]
        What it draws, for a page that can draw it itself; empty of a picture of pictures.
    """

    name: str
    description: str
    draw: Callable[[], bytes]
    plots: tuple[Plot, ...] = ()


@dataclass(frozen=True)
class Section:
    """A part of a document, which is left out where it has nothing to show.

    Attributes
    ----------
    title, note : str
        What it is, and what a reader must know. The first section of a document has the document's title.
    table : Table
        Empty where there is none.
    sentences : Sequence[str]
        Below the table.
    pictures : Sequence[Picture]
        For documents that show pictures.
    commands : Sequence[str]
        To type in.
    page_only : bool
        Whether a terminal has no room for it.
    wide : tuple[str, ...]
        Columns that a terminal has no room for.
    """

    title: str
    note: str = ""
    table: Table = Table()
    sentences: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    commands: Sequence[str] = ()
    page_only: bool = False
    wide: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.table or self.sentences or self.pictures or self.commands)
