"""Quality on two of the paper's pictures, for whoever has them: they carry no licence and are not part of the project.

Set INNG_PAPER_DIR to a folder that holds pebbles.png and bricks.png. The score is a yardstick beside the project's own
metrics: the Fréchet distance of the spatial means of seven blocks of EfficientNet-Lite0, in units of the picture's
standard deviations, over random 64 px crops, against the whole picture.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from inng_bench.contract import Execution
from inng_bench.harness.hardware import resolve_precision
from inng_bench.harness.suite import load_suite
from inng_bench.inng.method import INNg
from inng_bench.metrics.features import feature_network
from inng_bench.textures import load_own_texture, to_tensor

FOLDER = Path(os.environ.get("INNG_PAPER_DIR", ""))
BLOCKS = (0, 2, 4, 7, 10, 14, 15)
CROP, CROPS = 64, 1024

pytestmark = [
    pytest.mark.paper,
    pytest.mark.timeout(1200),
    pytest.mark.skipif("INNG_PAPER_DIR" not in os.environ, reason="INNG_PAPER_DIR does not name the paper's pictures"),
]


def block_means(pictures: Tensor, seed: int) -> NDArray[np.float64]:
    """Return (1024, features) of random crops of uint8 pictures (N, 3, H, W)."""
    random = np.random.default_rng(seed)
    height, width = pictures.shape[2:]
    places = zip(
        random.integers(len(pictures), size=CROPS),
        random.integers(height - CROP + 1, size=CROPS),
        random.integers(width - CROP + 1, size=CROPS),
        strict=True,
    )
    crops = torch.stack([pictures[i, :, y : y + CROP, x : x + CROP] for i, y, x in places])
    network = feature_network()
    rows = []
    with torch.no_grad():
        for batch in crops.split(128):  # type: ignore[no-untyped-call]
            hidden, means = network.blocks[0]((batch.float() - 127) / 128), []
            for number, block in enumerate(network.blocks[1:]):
                hidden = block(hidden)
                if number in BLOCKS:
                    means.append(hidden.mean((2, 3)))
            rows.append(torch.cat(means, 1))
    return torch.cat(rows).double().numpy()


def frechet_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    shift = np.square(first.mean(0) - second.mean(0)).sum()
    left, right = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    cross = np.sqrt(np.maximum(np.linalg.eigvals(left @ right).real, 0)).sum()
    return float(shift + np.trace(left) + np.trace(right) - 2 * cross)


@pytest.mark.parametrize("name", ["pebbles", "bricks"])
def test_fresh_samples_of_a_paper_texture_are_within_twice_the_distance_of_its_own_halves(name: str) -> None:
    texture = load_own_texture(FOLDER / f"{name}.png", scale=1.0)
    execution = Execution(precision=resolve_precision("auto", torch.device("cpu")))
    method = INNg({}, execution)
    picture = torch.from_numpy(texture.train.copy()).permute(2, 0, 1)[None]
    method.train(to_tensor(texture.train), seed=0, budget=load_suite("quick").budget_tflop * 1e12)
    drawn = method.sample(4, (256, 256), generator=torch.Generator().manual_seed(1))
    source = block_means(picture, seed=1)
    deviation = source.std(0) + 1e-6
    samples = block_means(((drawn + 1) * 127.5).round().byte(), seed=2)
    half = picture.shape[3] // 2
    halves = [block_means(part, seed=3) for part in (picture[..., :half], picture[..., half:])]
    floor = frechet_distance(halves[0] / deviation, halves[1] / deviation)
    distance = frechet_distance(samples / deviation, source / deviation)
    print(f"{name}: {distance:.0f}, halves {floor:.0f}")
    assert distance <= 2 * floor
