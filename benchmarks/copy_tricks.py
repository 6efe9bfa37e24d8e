"""Tricks against the copy rate: pictures made of the train window alone, and what the headline metrics give for them.

``python benchmarks/copy_tricks.py [TEXTURE ...]`` prints a table. A trick beats the benchmark where its copy rate stays
below the mark and its distances below those of the methods. Nothing here learns.
"""

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from inng_bench.baselines.quilting import Blocks, quilt
from inng_bench.ladder.copies import posed, warped
from inng_bench.ladder.degradations import rounded
from inng_bench.metrics.catalogue import COPIES_ABOVE
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.copying import copy_rate
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.evaluate import evaluate, evaluate_real
from inng_bench.random_phase import random_phase_noise, texton_of
from inng_bench.seeds import derive_seed, numpy_generator, torch_generator
from inng_bench.textures import load_texture, to_pixels, to_tensor

TEXTURES = ("brick", "hubble", "leaf-litter", "terrazzo")
"""Those of the suite quick."""

CANVASES = 4

DISTANCES = ("gram", "patch_fid", "gram_far", "patch_fid_wavelet")

Floats = NDArray[np.float64]
Trick = Callable[[Pixels, np.random.Generator], Pixels]


def any_pose(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return the window, mirrored or not, turned by a half turn or not, and rolled."""
    turned = pixels[:: generator.choice((-1, 1)), :: generator.choice((-1, 1))]
    return np.roll(turned, tuple(generator.integers(0, pixels.shape[:2])), (0, 1))


def like(levels: Floats, pixels: Pixels) -> Pixels:
    """Give a picture mean and contrast of the window, channel by channel."""
    centred = (levels - levels.mean((0, 1))) / levels.std((0, 1))
    return rounded(centred * pixels.std((0, 1)) + pixels.mean((0, 1)))


def blend(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Two poses, half and half, at full contrast."""
    return like((any_pose(pixels, generator).astype(float) + any_pose(pixels, generator)) / 2, pixels)


def bands(pixels: Pixels, generator: np.random.Generator, sigma: float = 3.0) -> Pixels:
    """Coarse structure of one pose, fine detail of another."""
    coarse, fine = (any_pose(pixels, generator).astype(float) for _ in range(2))
    blurred = [gaussian_filter(picture, (sigma, sigma, 0), mode="wrap") for picture in (coarse, fine)]
    return like(blurred[0] + fine - blurred[1], pixels)


def patchwork(pixels: Pixels, generator: np.random.Generator, side: int) -> Pixels:
    """Tiles of random places and poses, edge to edge."""
    size = pixels.shape[0] // side
    rows = [
        np.concatenate([any_pose(pixels, generator)[:side, :side] for _ in range(size + 1)], 1) for _ in range(size + 1)
    ]
    return np.concatenate(rows)[: pixels.shape[0], : pixels.shape[1]]


def clouds(pixels: Pixels, generator: np.random.Generator, reach: float = 12.0) -> Pixels:
    """Three poses with soft borders between them, where a smooth noise is largest."""
    noise = gaussian_filter(generator.normal(size=(3, *pixels.shape[:2])), (0, reach, reach), mode="wrap")
    weights = np.exp(8 * noise / noise.std())
    weights /= weights.sum(0)
    return rounded(sum(weight[..., None] * any_pose(pixels, generator) for weight in weights))


def noisy(pixels: Pixels, generator: np.random.Generator, deviation: float = 5.0) -> Pixels:
    return rounded(any_pose(pixels, generator) + generator.normal(0, deviation, (*pixels.shape[:2], 1)))


def sharpened(pixels: Pixels, generator: np.random.Generator, strength: float = 1.5) -> Pixels:
    """Unsharp mask."""
    picture = any_pose(pixels, generator).astype(float)
    return rounded(picture + strength * (picture - gaussian_filter(picture, (1, 1, 0), mode="wrap")))


def negative(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Each channel about its mean, upside down."""
    return rounded(2 * pixels.mean((0, 1)) - any_pose(pixels, generator))


def curved(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """A gamma of 1.4 with mean and contrast of the window."""
    return like((any_pose(pixels, generator) / 255.0) ** 1.4, pixels)


def quilted(pixels: Pixels, generator: np.random.Generator, block: int) -> Pixels:
    """Efros and Freeman with blocks below those that are searched."""
    blocks = Blocks(block=block, overlap=block // 3)
    places = quilt(pixels, pixels.shape[:2], blocks, torch_generator(int(generator.integers(2**62))))
    return np.asarray(pixels[tuple(places)])


def diluted(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """A copy whose lower half is random phase noise."""
    mean, texton = texton_of(to_tensor(pixels).double())
    noise = random_phase_noise(mean, texton, 1, pixels.shape[:2], torch_generator(int(generator.integers(2**62))))
    half = pixels.shape[0] // 2
    return np.concatenate([any_pose(pixels, generator)[:half], to_pixels(noise)[0][half:]])


TRICKS: Mapping[str, Trick] = {
    "window and noise of 5 grey levels": noisy,
    "sharpened": sharpened,
    "negative": negative,
    "gamma of 1.4, then the window's mean and contrast": curved,
    "scaled by 1.3": lambda pixels, generator: posed(0.0, 1.3)(any_pose(pixels, generator), generator),
    "warped by 8 px": lambda pixels, generator: warped(8.0)(any_pose(pixels, generator), generator),
    "blend of two poses": blend,
    "coarse of one pose, fine of another": bands,
    "three poses with soft borders": clouds,
    "tiles of 48 px in any pose": partial(patchwork, side=48),
    "tiles of 24 px in any pose": partial(patchwork, side=24),
    "quilting with blocks of 24 px": partial(quilted, block=24),
    "quilting with blocks of 16 px": partial(quilted, block=16),
    "quilting with blocks of 12 px": partial(quilted, block=12),
    "half a copy, half random phase": diluted,
}


def measure(name: str) -> dict[str, dict[str, float]]:
    """Return copy rate and, as multiples of the floor, distances of every trick on a texture."""
    texture = load_texture(name)
    train, honest = Pictures(texture.train[None]), Pictures(np.stack(texture.held_out))
    floor = evaluate_real(texture.train, texture.held_out, seed=0, metrics=DISTANCES)
    found = {}
    for trick, make in TRICKS.items():
        generator = numpy_generator(derive_seed(texture=name, purpose=f"trick {trick}"))
        samples = np.stack([make(texture.train, generator) for _ in range(CANVASES)])
        outcomes = evaluate(samples, texture.train, texture.held_out, seed=0, metrics=DISTANCES)
        found[trick] = {
            one.metric: (one.value or math.nan) / (real.value or math.nan)
            for one, real in zip(outcomes, floor, strict=True)
        }
        found[trick]["copy_rate"] = copy_rate(Comparison(Pictures(samples), train, 0, honest)).value or 0.0
        print(name, trick, {key: round(value, 3) for key, value in found[trick].items()}, file=sys.stderr, flush=True)
    return found


def table(by_texture: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Return the tricks as Markdown: copy rates by texture, and geometric means of the distances over textures."""
    lines = [
        f"| trick | {' | '.join((*by_texture, *DISTANCES))} |",
        "|---|" + "--:|" * (len(by_texture) + len(DISTANCES)),
    ]
    for trick in TRICKS:
        found = [figures[trick] for figures in by_texture.values()]
        rates = [f"{one['copy_rate']:.2f}" for one in found]
        cells = [f"**{told}**" if float(told) <= COPIES_ABOVE else told for told in rates]
        means = [math.exp(np.mean([math.log(one[metric]) for one in found])) for metric in DISTANCES]
        lines.append(f"| {trick} | {' | '.join((*cells, *(f'{mean:.2f} ×' for mean in means)))} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("textures", nargs="*", default=TEXTURES)
    print(table({name: measure(name) for name in parser.parse_args(arguments).textures}))


if __name__ == "__main__":
    main()
