"""Photographs that scikit-image carries inside its wheel.

They are read as files of the installed package, never through ``skimage.data``, which would download a file that is
absent. Each gives a square of 512 px, whose quarters are the train window and three held-out ones: what a photograph
with a perspective (scikit-image's wall) or with four objects in all (its tissue slide) cannot give.
"""

import hashlib
import io
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inng_bench.errors import InputError
from inng_bench.textures.catalogue import TextureInfo
from inng_bench.textures.texture import Texture, cut_texture
from inng_bench.textures.windows import Box, cut_windows, resize

SIDE = 512
"""Side in pixels of the square, from the top left corner of the scaled photograph."""


@dataclass(frozen=True)
class _Photograph:
    """A file of the wheel and its SHA-256."""

    file: str
    sha256: str


PHOTOGRAPHS: dict[str, _Photograph] = {
    "grass": _Photograph("grass.png", "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89"),
    "gravel": _Photograph("gravel.png", "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12"),
    "hubble": _Photograph("hubble_deep_field.jpg", "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4"),
}


def natural_texture(info: TextureInfo) -> Texture:
    """Read, scale and cut one of the bundled photographs.

    Raises
    ------
    InputError
        When the installed scikit-image does not carry the file, or carries another one under its name.
    """
    pixels = resize(_read(PHOTOGRAPHS[info.name]), info.scale)
    return cut_texture(info, pixels, cut_windows(Box(0, 0, SIDE, SIDE)))


def _read(photograph: _Photograph) -> NDArray[np.uint8]:
    try:
        content = resources.files("skimage").joinpath("data", photograph.file).read_bytes()
    except (ModuleNotFoundError, OSError) as error:
        raise InputError(
            f"the installed scikit-image has no data/{photograph.file}; "
            "install scikit-image 0.26 or newer from its wheel."
        ) from error
    if hashlib.sha256(content).hexdigest() != photograph.sha256:
        raise InputError(
            f"data/{photograph.file} of the installed scikit-image is not the expected picture; "
            "install scikit-image again from its wheel."
        )
    with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as image:
        return np.asarray(image.convert("RGB"))
