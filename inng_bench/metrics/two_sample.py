"""Classifier two-sample test: how well a fresh classifier tells samples from held-out texture.

A small convolutional network, no method's, learns to tell crops of two sides and is asked about crops of parts that it
has not seen. Chance is a half, but two windows of one picture can be told apart too, by their light or by a weed: what
counts is the accuracy beyond that of train window against held-out window.

References
----------
D. Lopez-Paz, M. Oquab, "Revisiting classifier two-sample tests", 2017, https://arxiv.org/abs/1610.06545
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inng_bench.metrics.comparison import Comparison, Outcome
from inng_bench.metrics.crops import Pixels, cut, grid
from inng_bench.seeds import derive_seed, torch_generator
from inng_bench.weights import initialised

CROP = 32
"""Side of the crops in pixels: half a tile has room for them."""

CROPS = 256
"""Unseen crops of each side."""

NETWORKS = 3
"""Networks of their own seeds; the accuracy is their mean."""

STEPS, BATCH, RATE = 100, 32, 2e-3
"""Updates of a network, crops of each side in one, and its step size."""


@dataclass(frozen=True)
class Side:
    """Pictures of one side of the test, in two parts without a common pixel.

    Attributes
    ----------
    seen, unseen : Pixels
        uint8 (N, H, W, 3): what the classifier learns from, and what it is asked about.
    """

    seen: Pixels
    unseen: Pixels


def two_sample(comparison: Comparison) -> Outcome:
    """Measure the accuracy on samples against the held-out window, in excess of that on the train window.

    Without a held-out window it is that against the train window, in excess of that of its halves. The row ``real``
    has 0: its samples are the train window.
    """
    train, held_out = comparison.reference.pixels, comparison.held_out
    if held_out is None:
        real, honest = halve(train), [halve(half) for half in _split(train)]
    else:
        real = halve(held_out.pixels)
        honest = [halve(train), real]
    base = accuracy(honest[0], honest[1], seed=comparison.seed)
    is_real = comparison.samples is held_out
    found = base if is_real else accuracy(halve(comparison.samples.pixels), real, seed=comparison.seed)
    return Outcome(found - base, CROPS, CROP, {"accuracy": found, "honest": base})


def halve(pictures: Pixels) -> Side:
    """Divide several pictures by their number, a single one across its longer side."""
    if len(pictures) == 1:
        return Side(*_split(pictures))
    middle = len(pictures) // 2
    return Side(pictures[:middle], pictures[middle:])


def accuracy(first: Side, second: Side, *, seed: int) -> float:
    """Return the share of unseen crops that are put to the right side, mean over sides and networks.

    Parameters
    ----------
    first, second : Side
        Their pictures have at least CROP px a side.
    seed : int
        Of the networks' weights and crops.
    """
    networks = [_train(first.seen, second.seen, derive_seed(seed=seed, network=number)) for number in range(NETWORKS)]
    unseen = [
        _tensor(cut(side, grid(CROPS, len(side), side.shape[1:3], CROP), CROP))
        for side in (first.unseen, second.unseen)
    ]
    with torch.inference_mode():
        right = [
            ((network(unseen[0]) > 0).double().mean() + (network(unseen[1]) <= 0).double().mean()) / 2
            for network in networks
        ]
    return float(torch.stack(right).mean())


def _train(first: Pixels, second: Pixels, seed: int) -> Callable[[Tensor], Tensor]:
    generator, places = torch_generator(seed), np.random.default_rng(seed)
    network = initialised(_network, generator)
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    labels = torch.cat([torch.ones(BATCH), torch.zeros(BATCH)])
    for _ in range(STEPS):
        crops = _tensor(np.concatenate([_random_crops(side, places) for side in (first, second)]))
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(network(crops), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return network.eval()


def _network() -> nn.Module:
    layers: list[nn.Module] = []
    for before, after, kernel in ((3, 16, 5), (16, 32, 3), (32, 64, 3)):
        layers += [nn.Conv2d(before, after, kernel, stride=2), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Conv2d(64, 1, 1), nn.Flatten(0))


def _random_crops(pictures: Pixels, generator: np.random.Generator) -> Pixels:
    limits = (len(pictures), pictures.shape[1] - CROP + 1, pictures.shape[2] - CROP + 1)
    return cut(pictures, generator.integers(0, limits, (BATCH, 3)), CROP)


def _split(pictures: Pixels) -> tuple[Pixels, Pixels]:
    """Cut a picture (1, H, W, 3) across its longer side."""
    first, second = np.array_split(pictures, 2, axis=1 + int(pictures.shape[2] >= pictures.shape[1]))
    return first, second


def _tensor(crops: Pixels) -> Tensor:
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 127.5 - 1
