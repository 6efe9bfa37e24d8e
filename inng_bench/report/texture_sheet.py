"""One sheet that shows all bundled textures."""

import numpy as np
from PIL import Image

from inng_bench.report.canvas import GREY, Sheet, fit_line
from inng_bench.textures import Kind, TextureInfo, load_texture, texture_infos

SIDE = 192
"""Side in pixels of what is shown of each train window: its middle, pixel for pixel."""

COLUMNS = 6

_MARGIN, _GAP, _LABEL = 20, 10, 40


def texture_sheet() -> bytes:
    """Return the middle of the train window of every texture that needs no download, with name and role, as PNG."""
    infos = [info for info in texture_infos() if info.kind is not Kind.PAPER]
    rows = -(-len(infos) // COLUMNS)
    sheet = Sheet(2 * _MARGIN + COLUMNS * (SIDE + _GAP) - _GAP, 2 * _MARGIN + rows * (SIDE + _LABEL + _GAP) - _GAP)
    for number, info in enumerate(infos):
        row, column = divmod(number, COLUMNS)
        _show(sheet, info, _MARGIN + column * (SIDE + _GAP), _MARGIN + row * (SIDE + _LABEL + _GAP))
    return sheet.png()


def _show(sheet: Sheet, info: TextureInfo, left: int, top: int) -> None:
    window = load_texture(info.name).train
    corner = tuple((side - SIDE) // 2 for side in window.shape[:2])
    middle = window[corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE]
    sheet.text((left, top), fit_line(info.name, SIDE, 14, bold=True), size=14, bold=True)
    sheet.text((left, top + 19), fit_line(f"{info.role}, {info.kind}", SIDE, 12), size=12, ink=GREY)
    sheet.picture((left, top + _LABEL), Image.fromarray(np.ascontiguousarray(middle)))
