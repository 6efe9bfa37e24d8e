"""Drawing of sheets: panels and text. Pictures keep their pixels; nothing is interpolated."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PANEL = 268
"""Side in pixels of a panel: a canvas of 256 px, or four tiles of 64 px with three gaps."""

GAP = 4
"""Pixels between tiles."""

INK, GREY, PALE = (26, 26, 26), (110, 110, 110), (240, 240, 240)

Font = ImageFont.FreeTypeFont


@cache
def font(size: int, *, bold: bool = False) -> Font:
    """Return DejaVu Sans, which matplotlib carries, so that a sheet looks alike on every machine."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    spec = find_spec("matplotlib")  # whose import takes a second
    assert spec is not None
    assert spec.submodule_search_locations
    return ImageFont.truetype(str(Path(spec.submodule_search_locations[0], "mpl-data", "fonts", "ttf", name)), size)


class Sheet:
    """A white sheet with text and pictures.

    Parameters
    ----------
    width, height : int
        Size in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), "white")
        self._draw = ImageDraw.Draw(self.image)

    def text(
        self, place: tuple[int, int], text: str, *, size: int = 13, bold: bool = False, ink: tuple[int, int, int] = INK
    ) -> None:
        """Write one line with its upper left corner at (x, y)."""
        self._draw.text(place, text, font=font(size, bold=bold), fill=ink)

    def picture(self, place: tuple[int, int], picture: Image.Image) -> None:
        """Set a picture with its upper left corner at (x, y)."""
        self.image.paste(picture, place)

    def png(self) -> bytes:
        """Return the sheet as a PNG."""
        return png(self.image)


def png(image: Image.Image) -> bytes:
    """Encode a picture as PNG."""
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return stream.getvalue()


def fit_line(text: str, width: int, size: int, *, bold: bool = False) -> str:
    """Return a line cut to a width in pixels; what is left out is marked."""
    measure = font(size, bold=bold).getlength
    if measure(text) <= width:
        return text
    while text and measure(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def wrap(text: str, width: int, size: int) -> list[str]:
    """Break a text into lines of a width in pixels; a word that is longer than a line is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(size).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(fit_line(word, width, size))
    return lines


def empty_panel(reason: str, size: tuple[int, int] = (256, 256)) -> Image.Image:
    """Return a pale panel that says why there is no picture."""
    panel = Sheet(*size)
    panel.image.paste(PALE, (0, 0, *size))
    margin, line_height = 16, 18
    lines = wrap(reason, size[0] - 2 * margin, 13)
    room = max(1, (size[1] - 2 * margin) // line_height)
    if len(lines) > room:
        lines = [*lines[: room - 1], f"{lines[room - 1]} …"]
    top = (size[1] - len(lines) * line_height) // 2
    for index, line in enumerate(lines):
        panel.text((margin, top + index * line_height), fit_line(line, size[0] - 2 * margin, 13), ink=GREY)
    return panel.image


def crop(picture: Image.Image, side: int = 256) -> Image.Image:
    """Return the upper left square of a picture at its own scale, so that panels can be compared by eye."""
    return picture.crop((0, 0, min(side, picture.width), min(side, picture.height)))


def tile_grid(tiles: Sequence[Image.Image], side: int = PANEL) -> Image.Image:
    """Set separate tiles side by side with gaps, as many as fit into a square."""
    width, height = max(tile.width for tile in tiles), max(tile.height for tile in tiles)
    columns, lines = max(1, (side + GAP) // (width + GAP)), max(1, (side + GAP) // (height + GAP))
    shown = tiles[: columns * lines]
    panel = Image.new("RGB", (side, side), "white")
    for index, tile in enumerate(shown):
        line, column = divmod(index, columns)
        panel.paste(tile, (column * (width + GAP), line * (height + GAP)))
    return panel


def enlarge(picture: Image.Image, width: int) -> Image.Image:
    """Repeat pixels so often that the picture just fits into a width."""
    factor = max(1, width // picture.width)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


@dataclass(frozen=True)
class Loaded:
    """A picture, or why there is none.

    Attributes
    ----------
    image : PIL.Image.Image or None
        RGB.
    reason : str
        Empty when there is a picture.
    """

    image: Image.Image | None
    reason: str = ""


def load_picture(path: Path | None, role: str) -> Loaded:
    """Read a PNG; a missing or damaged file gives a reason and no error, since the figures stand without it."""
    if path is None:
        return Loaded(None, f"The record names no {role}.")
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return Loaded(image.convert("RGB"))
    except FileNotFoundError:
        return Loaded(None, f"{path.name} is missing.")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return Loaded(None, f"{path.name} is damaged.")
