"""One's own picture as a texture."""

import math
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inng_bench.errors import InputError
from inng_bench.textures.catalogue import Kind, Role, set_infos, texture_names
from inng_bench.textures.decoding import check_pixel_count, decode_picture
from inng_bench.textures.texture import Texture
from inng_bench.textures.windows import Box, cut_windows, extract, resize, scaled_size

MINIMUM_SIDE = 128
"""Shortest side in pixels of a picture after scaling."""

AUTOMATIC_LONG_SIDE = 512
"""Long side in pixels to which larger pictures are scaled when no scale is asked for."""

MAXIMUM_SCALE = 8.0

_LONGEST_NAME = 64


def load_own_texture(path: Path, scale: float | None = None) -> Texture:
    """Read a picture file, scale it, and cut it into a train window and held-out windows.

    Parameters
    ----------
    path : pathlib.Path
        A PNG, JPEG, TIFF or WebP file of any mode; :func:`inng_bench.textures.decoding.decode_picture` says how
        transparency, 16-bit levels and orientation are treated.
    scale : float or None
        Factor in (0, 8] by which the picture is resized. None scales a picture of more than 512 px down to 512 px on
        its long side and keeps a smaller one; the factor is in the texture's facts.

    Returns
    -------
    Texture
        Named after the file's stem, of characters ``a-z 0-9 - _``; its source is the file's name without folders.

    Raises
    ------
    InputError
        When the file cannot be used, in one sentence that names it and says how to mend it.
    """
    path = Path(path)
    check_scale(scale)
    pixels = decode_picture(path, lambda size: check_size(path, size, scale_for([size], scale)))
    factor = scale_for([pixels.shape[:2]], scale)
    pixels = resize(pixels, factor)
    boxes = cut_windows(Box(0, 0, pixels.shape[0], pixels.shape[1]))
    train, *held_out = (extract(pixels, box) for box in boxes)
    check_contrast(path, train, *held_out)
    return Texture(
        name=own_texture_name(path),
        kind=Kind.OWN,
        role=Role.NONE,
        licence="not stated",
        source=printable(path.name),
        scale=factor,
        train=train,
        held_out=tuple(held_out),
        train_box=boxes[0],
        held_out_boxes=boxes[1:],
    )


def check_scale(scale: float | None) -> None:
    """Refuse a scale that is out of range."""
    if scale is not None and not (math.isfinite(scale) and 0.0 < scale <= MAXIMUM_SCALE):
        raise InputError(f"the scale {scale} is not possible; give a number above 0 and at most {MAXIMUM_SCALE:g}.")


def scale_for(sizes: Sequence[tuple[int, ...]], scale: float | None) -> float:
    """Return the factor that is asked for, or that brings the largest picture to 512 px without losing a strip."""
    if scale is not None:
        return float(scale)
    longest, shortest = max(map(max, sizes)), min(map(min, sizes))
    return min(1.0, max(AUTOMATIC_LONG_SIDE / longest, MINIMUM_SIDE / shortest))


def check_size(path: Path, size: tuple[int, int], factor: float) -> None:
    """Refuse a picture of a height and width that is too small or too large after scaling by a factor."""
    height, width = scaled_size(size, factor)
    if min(height, width) < MINIMUM_SIDE:
        scaled = "" if factor == 1.0 else f" after scaling by {factor:.3g}"
        raise InputError(
            f"{path} has {width}x{height} px{scaled} but needs at least {MINIMUM_SIDE} px on each side; "
            "give a larger picture or a larger scale."
        )
    check_pixel_count(path, height * width)


def check_contrast(path: Path, *windows: NDArray[np.uint8]) -> None:
    """Refuse windows of a single colour."""
    for window in windows:
        if bool((window == window[0, 0]).all()):
            raise InputError(
                f"{path} has a single colour in one of its windows; give a picture that shows the texture everywhere."
            )


def own_texture_name(path: Path) -> str:
    """Return the name of a picture as a texture: the file's stem, in characters ``a-z 0-9 - _``."""
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:_LONGEST_NAME] or "picture"
    # A picture of one's own must not be taken for the texture of the catalogue.
    taken = (*texture_names(), *(info.name for info in set_infos()))
    return f"own-{name}" if name in taken else name


def printable(text: str) -> str:
    """Return a text with a question mark for each character that does not print."""
    return "".join(character if character.isprintable() else "?" for character in text)
