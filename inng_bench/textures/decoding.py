"""Decoding a picture that somebody else made: any mode, bounded in size, one sentence for every way to fail."""

import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from inng_bench.errors import InputError

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")
MAXIMUM_PIXELS = 64_000_000
"""Of the file and of the scaled picture; checked before anything is decoded."""

CheckSize = Callable[[tuple[int, int]], None]


def decode_picture(path: Path, check_size: CheckSize) -> NDArray[np.uint8]:
    """Read a PNG, JPEG, TIFF or WebP file of any mode as 8-bit RGB.

    Transparency is laid on white. 16-bit grey is divided by 257. In 32-bit integers and floating point, where no level
    is agreed to be white, white is the smallest of 1 (floating point only), 255 and 65535 that holds all values. The
    EXIF orientation is applied; colour profiles are not. Of a JPEG with several pictures (as phones write them) the
    main one is taken.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    check_size : Callable
        Called with the (height, width) of the file's header before decoding; raises to refuse it.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).

    Raises
    ------
    InputError
        When the file is missing, unreadable, of another format, too large, damaged, or holds several pictures.
    """
    with _open_file(path) as stream:
        return decode_stream(path, stream, check_size)


def decode_stream(path: Path, stream: BinaryIO, check_size: CheckSize) -> NDArray[np.uint8]:
    """Read the same from a stream; the path is what sentences call it."""
    with warnings.catch_warnings():
        # Oddities that the decoder can live with are not the user's to mend, and the size is checked below.
        warnings.simplefilter("ignore")
        image = _open_image(path, stream)
        check_pixel_count(path, image.height * image.width)
        check_size((image.height, image.width))
        return _decode(path, image)


def read_size(path: Path) -> tuple[int, int]:
    """Return width and height of a picture file as it is stored, without decoding it; refuses as decoding would."""
    with _open_file(path) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _open_image(path, stream).size


def check_pixel_count(path: Path, count: int) -> None:
    """Refuse a picture of more than 64 megapixels."""
    if count > MAXIMUM_PIXELS:
        raise InputError(
            f"{path} has {count / 1e6:.0f} megapixels; the most is {MAXIMUM_PIXELS / 1e6:.0f}; "
            "crop it or make it smaller."
        )


def _open_file(path: Path) -> BinaryIO:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{path} is a folder; name a picture file.")
        if not stat.S_ISREG(mode):
            raise InputError(f"{path} is not a regular file; name a picture file.")
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"there is no file {path}; check its name.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read ({reason}); check its name and permissions.") from error


def _open_image(path: Path, stream: BinaryIO) -> Image.Image:
    try:
        return Image.open(stream, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise InputError(
            f"{path} has far more than {MAXIMUM_PIXELS / 1e6:.0f} megapixels; crop it or make it smaller."
        ) from error
    except UnidentifiedImageError as error:
        raise InputError(
            f"{path} is not a PNG, JPEG, TIFF or WebP picture that can be read; save it as an 8-bit PNG."
        ) from error
    except Exception as error:
        raise _damaged(path, error) from error


def _decode(path: Path, image: Image.Image) -> NDArray[np.uint8]:
    try:
        # A phone's JPEG may carry a preview as a second picture: its format then reads MPO, and the first is meant.
        pictures = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        if pictures > 1:
            raise InputError(f"{path} holds {pictures} pictures (pages or frames); save one of them as a PNG.")
        image.load()
        return _to_rgb(path, ImageOps.exif_transpose(image))
    except InputError:
        raise
    except Exception as error:  # damaged files make the decoders raise nearly anything
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} cannot be decoded ({type(error).__name__}: {error}); open it in a viewer and save it as an 8-bit PNG."
    )


def _to_rgb(path: Path, image: Image.Image) -> NDArray[np.uint8]:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        grey = _to_eight_bits(path, np.asarray(image))
        return np.repeat(grey[..., None], 3, axis=2)
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, with_alpha)
    return np.asarray(image.convert("RGB"))


def _to_eight_bits(path: Path, levels: NDArray[np.generic]) -> NDArray[np.uint8]:
    values = levels.astype(np.float32)
    if not np.isfinite(values).all():
        raise InputError(f"{path} holds values that are not finite; save it as an 8-bit PNG.")
    white = _white_level(path, levels.dtype, float(values.min()), float(values.max()))
    return np.asarray(np.rint(values * np.float32(255.0 / white)), dtype=np.uint8)


def _white_level(path: Path, dtype: np.dtype[np.generic], low: float, high: float) -> float:
    if dtype.itemsize == 2:
        return 65535.0
    candidates = (1.0, 255.0, 65535.0) if dtype.kind == "f" else (255.0, 65535.0)
    for white in candidates:
        if low >= 0.0 and high <= white:
            return white
    raise InputError(
        f"{path} has values from {low:g} to {high:g}, and does not say which value is black or white; save it as an "
        "8-bit PNG."
    )
