"""The rungs as pictures, so that a person sees what the metrics are asked."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from inng_bench.ladder.copies import COPIES
from inng_bench.ladder.degradations import DEGRADATIONS
from inng_bench.ladder.measuring import copied, degraded
from inng_bench.ladder.steps import REAL
from inng_bench.ladder.windows import windows_of
from inng_bench.metrics.crops import Pixels
from inng_bench.report.canvas import GREY, Sheet, fit_line

SIDE = 128
"""Side in pixels of what is shown of each picture: its middle, pixel for pixel."""

_MARGIN, _GAP, _HEAD, _LABEL = 24, 8, 64, 22


def rungs_sheet(textures: Sequence[str]) -> bytes:
    """Return the window, its rungs and the copies of each texture's first pair as PNG."""
    columns = (REAL, *(rung.name for rung in DEGRADATIONS), *(copy.name for copy in COPIES))
    line = _LABEL + SIDE + _GAP
    width = 2 * _MARGIN + len(columns) * (SIDE + _GAP) - _GAP
    sheet = Sheet(width, 2 * _MARGIN + _HEAD + len(textures) * line)
    note = f"the middle {SIDE} px of each, pixel for pixel; all but the copies are made of the held-out window"
    sheet.text((_MARGIN, _MARGIN), fit_line(note, width - 2 * _MARGIN, 12), size=12, ink=GREY)
    for index, column in enumerate(columns):
        sheet.text((_left(index), _MARGIN + 36), fit_line(column, SIDE, 14, bold=True), size=14, bold=True)
    for number, texture in enumerate(textures):
        top = _MARGIN + _HEAD + number * line
        sheet.text((_MARGIN, top), texture, size=12, ink=GREY)
        for index, pixels in enumerate(_pictures(texture)):
            sheet.picture((_left(index), top + _LABEL - 4), Image.fromarray(_middle(pixels)))
    return sheet.png()


def _pictures(texture: str) -> list[Pixels]:
    windows = windows_of(texture, 0)
    rungs = [pixels for make in (degraded, copied) for _, pixels in make(texture, 0, windows)]
    return [windows.sample, *rungs]


def _left(index: int) -> int:
    return _MARGIN + index * (SIDE + _GAP)


def _middle(pixels: Pixels) -> Pixels:
    top, left = (max(0, side - SIDE) // 2 for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])
