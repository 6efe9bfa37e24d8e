"""The pictures of the paper's authors, which carry no licence: never shipped, and fetched only when asked for.

They lie in the user's cache folder under the authors' file names, and are present when their SHA-256 is right.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from inng_bench.errors import InputError
from inng_bench.textures.catalogue import PAPER_PREFIX, TextureInfo

if TYPE_CHECKING:
    from inng_bench.textures.texture import Texture

CACHE_VARIABLE = "INNG_BENCH_CACHE"
"""Environment variable that names another cache folder than the user's usual one."""

FETCH = "inng-bench textures fetch paper"

PICTURES: dict[str, str] = {
    "paper-bark": "9162000608ba2c208d73b784428a4f34d4196755365b7cb41100d8748028b786",
    "paper-bricks": "96961e45ca6fe62438040003908741aeb71dddad1afe0b28e8a2231cb21da585",
    "paper-diamond": "f932925035546cc2e6afecd0573dd63ee4f4342367594681131ad42a02881d65",
    "paper-pebbles": "2a2e307c87a869ed7193e2cd19bee9d63a370a1a3f8ddec8f9a671d4b8e3117a",
    "paper-pepper": "7106a4c563cdac750231fdbd122c784661e40437174adc5c8bd40472a3dd25a6",
    "paper-scream": "d25a2e7902f2e5491d4440f2404d632c858a00145767cc90ba00d1452ca5b122",
    "paper-stars": "431beee366fec02d9d185ee93204d6cd82ae2545a32794d6de9384c65ce6e86c",
    "paper-tomatoes": "04616c877310ee896481bd7a11b869f73a490aa0d1870816abc6890226558cc9",
    "paper-tree": "6c86f26c107baa3d82ea47e2a4f15f3667d1fee3eebdc2bde664654ba65cebee",
    "paper-wall": "24d62eb51942cc2649bca5dba3ddf8d95123424ee0c37533a1c191fa06c7795e",
}
"""SHA-256 of the file by the name of the texture."""


def paper_texture(info: TextureInfo) -> Texture:
    """Read one of the paper's pictures; one of 256 px is a single window, as in the paper.

    Raises
    ------
    InputError
        When it has not been fetched yet, or another file is in its place.
    """
    from inng_bench.textures.decoding import decode_picture
    from inng_bench.textures.texture import cut_texture
    from inng_bench.textures.windows import Box, cut_windows, resize

    if not is_present(info.name):
        raise InputError(
            f"the texture {info.name!r} is not on this machine: the paper's pictures have no licence and are not "
            f"shipped. Fetch them with {FETCH}, or take them from a folder with --from DIR."
        )
    pixels = resize(decode_picture(picture_path(info.name), lambda _: None), info.scale)
    return cut_texture(info, pixels, cut_windows(Box(0, 0, *pixels.shape[:2])))


def file_name(name: str) -> str:
    """Return how the authors call the file of a texture."""
    return f"{name.removeprefix(PAPER_PREFIX)}.png"


def picture_folder() -> Path:
    """Return the folder that holds the pictures, whether it exists or not."""
    return Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("inng-bench")).expanduser() / "paper"


def picture_path(name: str) -> Path:
    """Return where the file of a texture lies, whether it is present or not."""
    return picture_folder() / file_name(name)


def is_present(name: str) -> bool:
    """Say whether the file of a texture is there and is the right one."""
    try:
        with picture_path(name).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == PICTURES[name]
    except OSError:
        return False
