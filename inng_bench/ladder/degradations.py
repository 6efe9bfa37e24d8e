"""The rungs: known ways to spoil a picture, each a function of pixels and a generator, uint8 (H, W, 3) in and out."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from inng_bench.baselines.quilting import Blocks, quilt
from inng_bench.metrics.crops import Pixels
from inng_bench.random_phase import random_phase_noise, texton_of
from inng_bench.seeds import torch_generator
from inng_bench.textures import to_pixels, to_tensor

BLOCK = 64
"""Side in pixels of the largest shuffled blocks; pictures must be whole multiples of it."""

QUILTING_OVERLAP, QUILTING_TOLERANCE = 4, 0.1
"""What share of a quilted block lies on its neighbours, one in so many, and how much worse than the best it may fit."""

COLOUR_SHIFT = (12, 0, -12)
"""Grey levels added to red, green and blue."""

RANDOM_PHASE = "random phase"

Degrade = Callable[[Pixels, np.random.Generator], Pixels]


@dataclass(frozen=True)
class Degradation:
    """One way to spoil a picture.

    Attributes
    ----------
    name : str
        Of its rung in every table.
    degrade : Degrade
        The size stays.
    milder : str or None
        The rung of the same kind that must come before it.
    """

    name: str
    degrade: Degrade
    milder: str | None = None


def blurred(sigma: float) -> Degrade:
    """Return a Gaussian blur of so many pixels; the border is mirrored."""

    def degrade(pixels: Pixels, generator: np.random.Generator) -> Pixels:  # noqa: ARG001
        return rounded(gaussian_filter(pixels.astype(np.float64), (sigma, sigma, 0.0), mode="reflect"))

    return degrade


def shuffled(side: int) -> Degrade:
    """Return a random permutation of square blocks: inside of them every pixel stays where it was."""

    def degrade(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        if height % side or width % side:
            raise ValueError(f"a picture of {height}×{width} px is not made of blocks of {side} px")
        rows, columns = height // side, width // side
        blocks = pixels.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
        blocks = blocks[generator.permutation(len(blocks))]
        return blocks.reshape(rows, columns, side, side, 3).swapaxes(1, 2).reshape(height, width, 3)

    return degrade


def quilted(side: int) -> Degrade:
    """Return a quilting of the picture's own blocks: seams that hardly show, and no layout beyond a block."""
    blocks = Blocks(block=side, overlap=side // QUILTING_OVERLAP, tolerance=QUILTING_TOLERANCE)

    def degrade(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        places = quilt(pixels, pixels.shape[:2], blocks, torch_generator(int(generator.integers(2**62))))
        return np.asarray(pixels[tuple(places)])

    return degrade


def random_phase(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return random phase noise of the picture: its colours and its spectrum, and no structure."""
    mean, texton = texton_of(to_tensor(pixels).double())
    height, width = pixels.shape[:2]
    phases = torch_generator(int(generator.integers(2**62)))
    return np.asarray(to_pixels(random_phase_noise(mean, texton, 1, (height, width), phases))[0])


def noisy(deviation: float) -> Degrade:
    """Return added Gaussian noise of so many grey levels, the same in the three colours, so that grey stays grey."""

    def degrade(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        return rounded(pixels.astype(np.float64) + generator.normal(0.0, deviation, (*pixels.shape[:2], 1)))

    return degrade


def colour_shifted(pixels: Pixels, generator: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Add :data:`COLOUR_SHIFT` everywhere."""
    return rounded(pixels.astype(np.float64) + np.array(COLOUR_SHIFT))


def compressed(quality: int) -> Degrade:
    """Return what Pillow's JPEG of a quality leaves, its colours subsampled as by default."""

    def degrade(pixels: Pixels, generator: np.random.Generator) -> Pixels:  # noqa: ARG001
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format="JPEG", quality=quality)
        with Image.open(stream, formats=["JPEG"]) as image:
            return np.asarray(image.convert("RGB"))

    return degrade


DEGRADATIONS: tuple[Degradation, ...] = (
    Degradation("blur 0.7", blurred(0.7)),
    Degradation("blur 1.5", blurred(1.5), milder="blur 0.7"),
    Degradation("quilting 96", quilted(96)),
    Degradation("quilting 32", quilted(32), milder="quilting 96"),
    Degradation("shuffle 64", shuffled(64)),
    Degradation("shuffle 32", shuffled(32), milder="shuffle 64"),
    Degradation("shuffle 16", shuffled(16), milder="shuffle 32"),
    Degradation("shuffle 8", shuffled(8), milder="shuffle 16"),
    Degradation(RANDOM_PHASE, random_phase),
    Degradation("noise 5", noisy(5.0)),
    Degradation("noise 20", noisy(20.0), milder="noise 5"),
    Degradation("colour shift", colour_shifted),
    Degradation("JPEG 75", compressed(75)),
    Degradation("JPEG 30", compressed(30), milder="JPEG 75"),
)
"""Blurs in pixels, quilted and shuffled blocks by their side, noise in grey levels, JPEG by its quality."""


def rounded(levels: NDArray[np.float64]) -> Pixels:
    """Return grey levels as uint8."""
    return np.clip(np.rint(levels), 0.0, 255.0).astype(np.uint8)
