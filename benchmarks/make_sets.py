"""Make the two sets of pictures that the package ships. Run once; the files that it writes are committed.

    python -m pip install dicebear-core==10.7.0 dicebear-styles==10.6.0 resvg-py==0.5.0 scikit-learn==1.9.1
    python benchmarks/make_sets.py

``faces.webp``: the style Open Peeps by Pablo Stanley (CC0 1.0), remixed for DiceBear, at 64 px on white from the seeds
0 to 2559. ``digits.npz``: the 1797 digits of 8 px and their classes that scikit-learn has from the UCI repository.
"""

import io
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FOLDER = Path(__file__).parents[1] / "inng_bench" / "textures" / "sets"
SIDE, COUNT, COLUMNS = 64, 2560, 40


def face(style: object, seed: int) -> NDArray[np.uint8]:
    """Draw one face, uint8 (64, 64, 3)."""
    import resvg_py
    from dicebear import Avatar

    drawing = Avatar(style, {"seed": str(seed)}).to_string()
    content = resvg_py.svg_to_bytes(svg_string=drawing, width=SIDE, height=SIDE)
    image = Image.open(io.BytesIO(bytes(content))).convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))


def make_faces() -> None:
    """Write all faces as one picture, row by row, without loss."""
    from dicebear import Style

    style = Style(json.loads(files("dicebear_styles").joinpath("open-peeps.json").read_text("utf-8")))
    faces = np.stack([face(style, seed) for seed in range(COUNT)])
    rows = faces.reshape(-1, COLUMNS, SIDE, SIDE, 3).transpose(0, 2, 1, 3, 4)
    Image.fromarray(rows.reshape(-1, COLUMNS * SIDE, 3)).save(
        FOLDER / "faces.webp", lossless=True, quality=60, method=3
    )


def make_digits() -> None:
    """Write levels from 0 to 16 and classes."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    np.savez_compressed(
        FOLDER / "digits.npz", levels=digits.images.astype(np.uint8), classes=digits.target.astype(np.uint8)
    )


if __name__ == "__main__":
    make_faces()
    make_digits()
