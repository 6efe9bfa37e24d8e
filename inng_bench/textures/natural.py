"""Photographs that scikit-image carries inside its wheel.

They are read as files of the installed package, never through ``skimage.data``, which would download a file that is
absent. All are halved into left and right: the slide has two glands and stroma on either side, but mostly glands above.
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
from inng_bench.textures.windows import Box, Cut, cut_windows, resize


@dataclass(frozen=True)
class _Photograph:
    """A file of the wheel, its SHA-256, and how many columns of the scaled picture are used (None: all)."""

    file: str
    sha256: str
    columns: int | None = None


PHOTOGRAPHS: dict[str, _Photograph] = {
    "grass": _Photograph("grass.png", "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89"),
    "gravel": _Photograph("gravel.png", "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12"),
    # The right-hand border of the slide holds stroma alone; without it both halves have about the same share of gland.
    "immunohistochemistry": _Photograph(
        "ihc.png", "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef", columns=258
    ),
}


def natural_texture(info: TextureInfo) -> Texture:
    """Read, scale and cut one of the bundled photographs.

    Raises
    ------
    InputError
        When the installed scikit-image does not carry the file, or carries another one under its name.
    """
    photograph = PHOTOGRAPHS[info.name]
    pixels = resize(_read(photograph), info.scale)
    height, width = pixels.shape[:2]
    boxes = cut_windows(Box(0, 0, height, photograph.columns or width), Cut.LEFT_RIGHT)
    return cut_texture(info, pixels, boxes)


def _read(photograph: _Photograph) -> NDArray[np.uint8]:
    try:
        content = resources.files("skimage").joinpath("data", photograph.file).read_bytes()
    except (ModuleNotFoundError, OSError) as error:
        raise InputError(
            f"the installed scikit-image does not carry data/{photograph.file}; "
            "install scikit-image 0.26 or newer from its wheel."
        ) from error
    if hashlib.sha256(content).hexdigest() != photograph.sha256:
        raise InputError(
            f"data/{photograph.file} of the installed scikit-image is not the picture that is meant; "
            "install scikit-image again from its wheel."
        )
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        return np.asarray(image.convert("RGB"))
