"""Writing pictures."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inng_bench.files import write_atomically


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write a uint8 (H, W, 3) RGB picture as PNG, whole or not at all."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    write_atomically(path, stream.getvalue())
