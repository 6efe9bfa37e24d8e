"""Sheets of pictures: the source, samples of every method, their nearest patches in the source, and the stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from inng_bench.records import store
from inng_bench.records.schema import Record
from inng_bench.report.canvas import (
    GAP,
    GREY,
    PANEL,
    Loaded,
    Sheet,
    crop,
    empty_panel,
    enlarge,
    fit_line,
    load_picture,
    tile_grid,
)
from inng_bench.report.rows import COPIES, REAL, Row, by_texture
from inng_bench.report.study import Study
from inng_bench.tables.content import Picture, Section
from inng_bench.tables.markup import format_number
from inng_bench.tiles import PER_MOSAIC, mosaic, of_strip

MARGIN, BETWEEN = 24, 20
CANVAS = 256
"""Side of what is shown of a canvas or of the source, at its own scale."""

MOST_IN_OVERVIEW = 4
"""Methods beside the source; of more a cut each."""

CUTS_A_LINE, CUT = 8, 128
"""Number of cuts beside each other, and their side in pixels."""

_HEADLINES = (("gram", "Gram"), ("patch_fid", "patch-FID"), ("copy_rate", "copy"))
_CUT = _HEADLINES[:2]
_OF_SETS = (("set_fid", "FID"), ("set_kid", "KID"), ("set_copy_rate", "copy"))
_HEADLINE_DIGITS = 3


@dataclass(frozen=True)
class _Samples:
    """The two panels of a method and what they are."""

    panels: tuple[Image.Image, ...]
    description: str


def section(study: Study) -> Section:
    """Return all sheets: one of all textures, and of each texture what it is and how its samples came about."""
    pictures = [
        Picture(
            "sheets/overview.png",
            "The source of each texture and a sample of every method",
            partial(overview_sheet, study.results, study.rows),
        )
    ]
    for texture, group in by_texture(study.rows).items():
        pictures.append(
            Picture(
                f"sheets/textures/{texture}.png",
                f"{texture}: samples and their nearest patches",
                partial(texture_sheet, study.results, group),
            )
        )
        if any(row.is_method and _load_stages(study.results, row) for row in group):
            pictures.append(
                Picture(
                    f"sheets/stages/{texture}.png",
                    f"{texture}: during the training",
                    partial(stages_sheet, study.results, group),
                )
            )
    return Section("Pictures", pictures=pictures, page_only=True)


def texture_sheet(results: Path, rows: Sequence[Row]) -> bytes:
    """Return the sheet of one texture as PNG.

    Parameters
    ----------
    results : Path
        The results folder.
    rows : Sequence[Row]
        All rows of the texture.

    Notes
    -----
    A column for the source and one for each method; below each other two samples and a patch of a sample
    beside the patch of the train window that is nearest to it.
    """
    methods = [row for row in rows if row.is_method]
    height_of_head, height_of_label = 64, 62
    top = MARGIN + height_of_head
    first, second = top + height_of_label, top + height_of_label + PANEL + BETWEEN - 8
    third = second + PANEL + 12
    sheet = Sheet(_sheet_width(1 + len(methods)), third + 20 + PANEL // 2 + MARGIN)
    _write_head(sheet, rows[0])
    for y, panel in zip((first, second), _source_panels(results, rows[0]), strict=False):
        sheet.picture((MARGIN, y), panel)
    _write_label(sheet, MARGIN, top, "source", _source_description(rows[0]), _floor_line(rows))
    for index, row in enumerate(methods, start=1):
        x = _column(index)
        samples = _sample_panels(results, row)
        _write_label(sheet, x, top, row.method, samples.description, figures_line(row))
        for y, panel in zip((first, second), samples.panels, strict=False):
            sheet.picture((x, y), panel)
        if row.succeeded:
            sheet.text((x, third), _nearest_caption(row), size=10, ink=GREY)
            sheet.picture((x, third + 20), _nearest_panel(results, row))
    return sheet.png()


def overview_sheet(results: Path, rows: Sequence[Row]) -> bytes:
    """Return source and a sample of every method, texture below texture, as PNG; of many methods a cut each."""
    groups = {name: [row for row in group if row.is_method] for name, group in by_texture(rows).items()}
    count = 1 + max(len(group) for group in groups.values())
    is_wide = count <= 1 + MOST_IN_OVERVIEW
    side, columns, figures = (PANEL, count, [_HEADLINES]) if is_wide else (CUT, CUTS_A_LINE, [[one] for one in _CUT])
    label, title, width = 24 + 14 * len(figures), 34, side + (BETWEEN if is_wide else 2 * GAP)
    heights = {name: title + -(-(1 + len(group)) // columns) * (label + side + GAP) for name, group in groups.items()}
    height = sum(heights.values()) + BETWEEN * (len(heights) - 1)
    sheet = Sheet(2 * MARGIN + columns * width, 2 * MARGIN + height)
    top = MARGIN
    for texture, group in by_texture(rows).items():
        note = f"{texture}: all at the same scale; lower figures are better"
        sheet.text((MARGIN, top), fit_line(note, sheet.image.width - 2 * MARGIN, 16, bold=True), size=16, bold=True)
        for index, row in enumerate([None, *groups[texture]]):
            line, column = divmod(index, columns)
            x, y = MARGIN + column * width, top + title + line * (label + side + GAP)
            name = row.method if row else "source"
            sheet.text((x, y), fit_line(name, side, 13, bold=True), size=13, bold=True)
            for number, headlines in enumerate(figures, start=1):
                told = fit_line(figures_line(row, headlines), side, 10) if row else ""
                sheet.text((x, y + 4 + 14 * number), told, size=10, ink=GREY)
            panel = _sample_panels(results, row).panels[0] if row else _source_panels(results, group[0])[0]
            sheet.picture((x, y + label), panel if is_wide else crop(panel, side))
        top += heights[texture] + BETWEEN
    return sheet.png()


def stages_sheet(results: Path, rows: Sequence[Row]) -> bytes:
    """Return how a picture of each method came about as PNG; at least one run must have kept some."""
    kept = [(row, strip) for row in rows if row.is_method and (strip := _load_stages(results, row)) is not None]
    blocks = [(row, _split(strip)) for row, strip in kept]
    heights = [58 + _moments_height(moments) for _, moments in blocks]
    sheet = Sheet(
        2 * MARGIN + 8 * (CANVAS // 2) + 7 * GAP, 2 * MARGIN + 40 + sum(heights) + BETWEEN * (len(blocks) - 1)
    )
    sheet.text((MARGIN, MARGIN), f"{rows[0].texture.name}: during the training", size=20, bold=True)
    top = MARGIN + 40
    for (row, moments), height in zip(blocks, heights, strict=True):
        sheet.text((MARGIN, top), row.method, size=16, bold=True)
        caption = f"{len(moments)} moments of the training, from the start (left) to the end (right)"
        sheet.text((MARGIN, top + 24), caption, size=12, ink=GREY)
        _set_moments(sheet, top + 50, moments)
        top += height + BETWEEN
    return sheet.png()


def _column(index: int) -> int:
    return MARGIN + index * (PANEL + BETWEEN)


def _sheet_width(columns: int) -> int:
    return 2 * MARGIN + columns * PANEL + (columns - 1) * BETWEEN


def _write_head(sheet: Sheet, row: Row) -> None:
    facts = row.texture
    room = sheet.image.width - 2 * MARGIN
    sheet.text((MARGIN, MARGIN), fit_line(facts.name, room, 22, bold=True), size=22, bold=True)
    origin = f"{facts.kind}, {facts.licence}, suite {row.records[0].suite}"
    line = f"{origin}; all at the same scale{'' if facts.is_set else ', only the patches twice as large'}"
    sheet.text((MARGIN, MARGIN + 32), fit_line(line, room, 12), size=12, ink=GREY)


def _write_label(sheet: Sheet, x: int, top: int, name: str, description: str, figures: str) -> None:
    sheet.text((x, top), fit_line(name, PANEL, 16, bold=True), size=16, bold=True)
    sheet.text((x, top + 22), fit_line(description, PANEL, 12), size=12, ink=GREY)
    sheet.text((x, top + 40), fit_line(figures, PANEL, 11), size=11)


def _source_description(row: Row) -> str:
    if not row.texture.held_out:
        return "train window (no held-out)"
    if row.texture.is_set:
        return "pictures to learn from, below them held-out ones"
    return "train window, below it a held-out one"


def _floor_line(rows: Sequence[Row]) -> str:
    real = next((row for row in rows if row.implementation == REAL), None)
    return f"floor: {figures_line(real, _HEADLINES[:2])}" if real else ""


def figures_line(row: Row, headlines: Sequence[tuple[str, str]] = _HEADLINES) -> str:
    """Return some figures of a row in a line, and whether it copies."""
    if not row.succeeded:
        return "not measured"
    shown = _OF_SETS[: len(headlines)] if row.texture.is_set else headlines
    figures = [(label, row.figures[name].value) for name, label in shown]
    told = " · ".join(f"{label} {format_number(value, _HEADLINE_DIGITS)}" for label, value in figures)
    return f"{COPIES}: {told}" if row.copies else told


def _nearest_caption(row: Row) -> str:
    if row.texture.is_set:
        return "samples · the training picture nearest to each"
    return "a patch of a sample · its nearest in the source"


def _source_panels(results: Path, row: Row) -> tuple[Image.Image, ...]:
    """Return what is seen of the train window and, where there is one, of the first held-out window."""
    paths = store.window_paths(results, row.texture.name, len(row.texture.held_out))[:2]
    loaded = [load_window(path, path.name, row) for path in paths]
    return tuple(crop(one.image, CANVAS) if one.image else empty_panel(one.reason) for one in loaded)


def load_window(path: Path, role: str, row: Row) -> Loaded:
    """Read a window; of a set its first pictures side by side, of several photographs the first window."""
    loaded = load_picture(path, role)
    if loaded.image is None or not row.texture.is_strip:
        return loaded
    pictures = of_strip(np.asarray(loaded.image))
    return Loaded(Image.fromarray(mosaic(pictures[:PER_MOSAIC]) if row.texture.is_set else pictures[0]))


def _sample_panels(results: Path, row: Row) -> _Samples:
    record = _shown_record(row)
    if record is None:
        return _Samples((empty_panel(f"{row.status}: {row.error or 'no reason given'}"),), "no samples")
    return sample_panels(results, record)


def sample_panels(results: Path, record: Record) -> _Samples:
    """Return two panels of the samples of a run: two canvases, or as many tiles as two panels hold."""
    loaded = [load_picture(store.artefact_path(results, record, role), role) for role in sample_roles(record)]
    pictures = [one.image for one in loaded if one.image is not None]
    if not pictures:
        reason = loaded[0].reason if loaded else "The record names no samples."
        return _Samples((empty_panel(reason),), "no samples")
    if record.texture.is_set:
        below = pictures[0].crop((0, CANVAS, pictures[0].width, max(CANVAS + 1, pictures[0].height)))
        panels = (pictures[0], below)[: 1 + (pictures[0].height > CANVAS)]
        return _Samples(tuple(map(crop, panels)), f"some of {record.samples} pictures from fresh noise")
    side = min(pictures[0].size)
    if side < CANVAS:
        half = tiles_in_panel(side)
        first, rest = pictures[:half], pictures[half : 2 * half]
        panels = tuple(tile_grid(tiles) for tiles in (first, rest) if tiles)
        return _Samples(panels, f"separate tiles of {side} px, {min(2 * half, len(pictures))} of {len(pictures)}")
    shown = tuple(crop(picture, CANVAS) for picture in pictures[:2])
    return _Samples(shown, f"{_size_of_canvas(side)} from fresh noise, {len(shown)} of {len(pictures)}")


def sample_roles(record: Record) -> list[str]:
    """Return the roles of the samples that a record names, ``sample-10`` after ``sample-9``."""
    return sorted((role for role in record.artefacts if role.startswith("sample-")), key=_sample_number)


def _size_of_canvas(side: int) -> str:
    return f"{side}² px" if side == CANVAS else f"{CANVAS}² of {side}² px"


def tiles_in_panel(side: int) -> int:
    """Return how many tiles of a side one panel holds."""
    return max(1, (PANEL + GAP) // (side + GAP)) ** 2


def _sample_number(role: str) -> tuple[int, str]:
    """Order ``sample-10`` after ``sample-9``."""
    number = role.removeprefix("sample-")
    return (int(number) if number.isdecimal() else 0, role)


def _shown_record(row: Row) -> Record | None:
    """Return the first seed that went well."""
    return next(iter(row.succeeded), None)


def _nearest_panel(results: Path, row: Row) -> Image.Image:
    """Return a patch of a sample beside its nearest patch of the train window, pixels repeated."""
    size = (2 * 128 + 2 * GAP, 128)
    loaded = load_picture(store.artefact_path(results, row.succeeded[0], "nearest"), "nearest patch")
    if loaded.image is None or loaded.image.width < 2:
        return empty_panel(loaded.reason or "nearest.png is damaged.", size)
    half = loaded.image.width // 2
    halves = [loaded.image.crop((left, 0, left + half, loaded.image.height)) for left in (0, half)]
    patches = [crop(enlarge(one, 128), 128) for one in halves]
    panel = Image.new("RGB", size, "white")
    panel.paste(patches[0], (0, 0))
    panel.paste(patches[1], (128 + 2 * GAP, 0))
    return panel


def _load_stages(results: Path, row: Row) -> Image.Image | None:
    record = _shown_record(row)
    if record is None or "stages" not in record.artefacts:
        return None
    return load_picture(store.artefact_path(results, record, "stages"), "stages").image


def _split(strip: Image.Image) -> list[Image.Image]:
    """Cut a strip into its squares; large ones are shown by their corner, small ones with pixels repeated."""
    side = strip.height
    lefts = range(0, max(strip.width - side, 0) + 1, side)  # a strip that is higher than wide is one moment
    squares = [strip.crop((left, 0, left + side, side)) for left in lefts]
    return [enlarge(square, CANVAS // 2) if side <= CANVAS // 2 else crop(square, CANVAS) for square in squares]


def _moments_per_line(moments: Sequence[Image.Image]) -> int:
    return 4 if moments[0].width > CANVAS // 2 else 8


def _moments_height(moments: Sequence[Image.Image]) -> int:
    lines = -(-len(moments) // _moments_per_line(moments))
    return lines * moments[0].height + (lines - 1) * GAP - 8


def _set_moments(sheet: Sheet, top: int, moments: Sequence[Image.Image]) -> None:
    side = moments[0].width
    for index, moment in enumerate(moments):
        line, column = divmod(index, _moments_per_line(moments))
        sheet.picture((MARGIN + column * (side + GAP), top + line * (side + GAP)), moment)
