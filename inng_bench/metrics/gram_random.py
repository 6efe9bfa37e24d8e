"""``gram_random``: the Gram distance on filters that nobody has trained, so that it needs no weights.

One layer of random filters of three sizes with a rectifier: shallow random features model natural textures well
(Ustyuzhaninov et al., https://arxiv.org/abs/1606.00021). The weights come from pinned seeds and are checked by their
hash; a figure is the mean over the seeds. It is no substitute for ``gram``, but a witness that has not seen ImageNet.
"""

import hashlib
import math
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inng_bench.metrics import crops
from inng_bench.metrics.catalogue import CROP, RANDOM_CROPS
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.gram import average, gram_distances, gram_matrix, gram_triangle

FILTERS = {3: 32, 7: 48, 11: 48}
"""Number of filters by their side in pixels."""

SEEDS = (0, 1, 2)

WEIGHTS_SHA256 = "1a609f98dbdba64cb8fca2e9addc0a0221a2e74573737d3363add398c6970fe5"

STRIDE = 3
"""Pixels between two answers of a filter; odd, to meet every phase of a network's lattice of even steps."""

_Bank = tuple[int, int]
"""Seed and side of the filters that make one Gram matrix."""


def gram_random(comparison: Comparison) -> Outcome:
    """Return the mean over seeds and sizes of the relative distance of Gram matrices."""
    banks = gram_distances(comparison, _matrices)
    parts = {f"filters_{side}": average({bank: banks[bank] for bank in banks if bank[1] == side}) for side in FILTERS}
    parts |= {f"seed_{seed}": average({bank: banks[bank] for bank in banks if bank[0] == seed}) for seed in SEEDS}
    note = f"filters of SHA-256 {WEIGHTS_SHA256}"
    return Outcome(average(banks), RANDOM_CROPS, CROP, parts, note=note)


@cache
def random_filters() -> dict[_Bank, Tensor]:
    """Return the filters by seed and side, float32 (count, 3, side, side).

    Those of 3 px see the colour too; the larger ones have mean zero and see structure alone, which a bright picture
    would drown otherwise.

    Raises
    ------
    ValueError
        When they are not the pinned ones.
    """
    filters = {}
    for seed in SEEDS:
        generator = np.random.Generator(np.random.PCG64(seed))
        for side, count in FILTERS.items():
            filters[seed, side] = _draw(generator, count, side)
    if filters_hash(filters) != WEIGHTS_SHA256:
        raise ValueError("the random filters are not the pinned ones: this numpy draws other numbers from a seed")
    return filters


def _draw(generator: np.random.Generator, count: int, side: int) -> Tensor:
    weights = generator.standard_normal((count, 3 * side * side)) / np.sqrt(3 * side * side)
    if side > min(FILTERS):
        # An exact sum, so that the weights are the same on every machine.
        weights -= np.array([[math.fsum(row) / len(row)] for row in weights])
    return torch.from_numpy(weights.astype(np.float32).reshape(count, 3, side, side))


def filters_hash(filters: dict[_Bank, Tensor]) -> str:
    """Return the SHA-256 of all filters, as little-endian float32."""
    return hashlib.sha256(b"".join(weights.numpy().astype("<f4").tobytes() for weights in filters.values())).hexdigest()


def _matrices(pictures: Pictures) -> dict[_Bank, Tensor]:
    pixels = crops.cut(pictures.pixels, pictures.places(RANDOM_CROPS, CROP), CROP)
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1
    with torch.inference_mode():
        return {
            bank: gram_matrix(gram_triangle(functional.relu(functional.conv2d(x, weights, stride=STRIDE))))
            for bank, weights in random_filters().items()
        }
