"""The fixed scale of each tap's means, so that no channel outweighs another in the Fréchet distance.

Mean and standard deviation over crops of a fixed pool of pictures, all inside scikit-image's wheel, stand in
``standardisation.json`` and belong to the version of ``patch_fid``: they are the same for every texture and row. A
scale taken from the texture under test would blow up every channel that is silent on it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import skimage.data
import torch

from inng_bench.metrics import crops
from inng_bench.metrics.catalogue import BY_NAME, CROP
from inng_bench.metrics.features import TAP_BLOCKS, WEIGHTS_SHA256, feature_network

POOL = ("astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "immunohistochemistry")
"""Names in ``skimage.data``: photographs of textures and tissue, and others for the colours and edges these lack.

Grass and gravel are also textures of the catalogue."""

CROPS_PER_PICTURE = 128


@dataclass(frozen=True)
class Standardisation:
    """Mean and standard deviation of each channel of one tap."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@cache
def read_standardisation() -> Mapping[str, Standardisation]:
    """Return the stored scale by layer, ``tap_16`` to ``tap_112``.

    Raises
    ------
    ValueError
        When the file belongs to other weights or to another version of ``patch_fid``.
    """
    stored = json.loads(files("inng_bench.metrics").joinpath("standardisation.json").read_text())
    if stored["weights_sha256"] != WEIGHTS_SHA256 or stored["version"] != BY_NAME["patch_fid"].version:
        raise ValueError("standardisation.json belongs to other weights or another version: compute it anew")
    return {layer: Standardisation(tuple(tap["mean"]), tuple(tap["std"])) for layer, tap in stored["taps"].items()}


def compute_standardisation() -> Mapping[str, Standardisation]:
    """Compute the scale from the pool: ``CROPS_PER_PICTURE`` grid crops of ``CROP`` px of each picture."""
    means: dict[str, list[torch.Tensor]] = {f"tap_{width}": [] for width in TAP_BLOCKS}
    for name in POOL:
        picture = getattr(skimage.data, name)()
        picture = picture if picture.ndim == 3 else np.stack([picture] * 3, axis=-1)
        places = crops.grid(CROPS_PER_PICTURE, 1, picture.shape[:2], CROP)
        batch = torch.from_numpy(crops.cut(picture[np.newaxis], places, CROP)).permute(0, 3, 1, 2)
        with torch.inference_mode():
            taps, _ = feature_network()(batch, head=False)
        for width, tap in taps.items():
            means[f"tap_{width}"].append(tap.mean((2, 3), dtype=torch.float64))
    return {layer: _standardisation(torch.cat(rows)) for layer, rows in means.items()}


def as_json(taps: Mapping[str, Standardisation]) -> str:
    """Return the content of ``standardisation.json``, nine significant digits."""
    rounded = {
        layer: {key: [float(f"{value:.9g}") for value in values] for key, values in asdict(tap).items()}
        for layer, tap in taps.items()
    }
    facts = {"version": BY_NAME["patch_fid"].version, "weights_sha256": WEIGHTS_SHA256, "pool": POOL}
    return json.dumps({**facts, "taps": rounded}, indent=1) + "\n"


def _standardisation(means: torch.Tensor) -> Standardisation:
    return Standardisation(tuple(means.mean(0).tolist()), tuple(means.std(0).tolist()))
