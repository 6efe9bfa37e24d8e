"""Copies of the train window in many poses: what a metric of copying is asked, and how much of each it must find."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, map_coordinates

from inng_bench.ladder.degradations import quilted, rounded
from inng_bench.metrics.crops import Pixels

TILE = 64
"""Side in pixels of the tile that the copy ``tiling`` repeats."""

WARP_GRID = 24
"""Distance in pixels of the points of a warp that move independently."""

QUILTED_BLOCK = 48
"""Side in pixels of the blocks of a quilted copy, as the row ``quilting`` has them."""

Take = Callable[[Pixels, np.random.Generator], Pixels]


@dataclass(frozen=True)
class Copy:
    """One way to copy a window.

    Attributes
    ----------
    name : str
        Of its row in every table.
    take : Take
        From the train window, uint8 (H, W, 3), to the copy. Only a quarter turn exchanges the sides.
    at_least : float
        Copy rate that must be found, in [0, 1].
    """

    name: str
    take: Take
    at_least: float


def verbatim(pixels: Pixels, generator: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Return the window as it is."""
    return pixels


def rolled(pixels: Pixels, generator: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Return the picture moved by a third of its sides, as on a torus."""
    height, width = pixels.shape[:2]
    return np.roll(pixels, (height // 3, width // 3), axis=(0, 1))


def tiled(pixels: Pixels, generator: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Return a picture of the same size that repeats the middle tile of :data:`TILE` px."""
    height, width = pixels.shape[:2]
    top, left = (height - TILE) // 2, (width - TILE) // 2
    tile = pixels[top : top + TILE, left : left + TILE]
    return np.tile(tile, (-(-height // TILE), -(-width // TILE), 1))[:height, :width]


def mirrored(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return the picture flipped left to right and rolled."""
    return rolled(pixels[:, ::-1], generator)


def quarter_turned(pixels: Pixels, generator: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Return the picture turned by 90°."""
    return np.ascontiguousarray(np.rot90(pixels))


def posed(angle: float, scale: float) -> Take:
    """Return a copy turned by so many degrees and enlarged by a factor, continued as on a torus, cubic splines."""
    turn = np.deg2rad(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale

    def take(pixels: Pixels, generator: np.random.Generator) -> Pixels:  # noqa: ARG001
        middle = (np.array(pixels.shape[:2]) - 1) / 2
        offset = middle - matrix @ middle
        return _by_channel(pixels, lambda channel: affine_transform(channel, matrix, offset, order=3, mode="grid-wrap"))

    return take


def warped(displacement: float) -> Take:
    """Return a copy bent smoothly: points :data:`WARP_GRID` px apart move by at most so many pixels along each axis."""

    def take(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        points = (height // WARP_GRID + 3, width // WARP_GRID + 3)
        places = np.mgrid[:height, :width].astype(np.float64)
        grid = places / WARP_GRID + 1
        moved = [
            axis + map_coordinates(generator.uniform(-displacement, displacement, points), grid, mode="nearest")
            for axis in places
        ]
        return _by_channel(pixels, lambda channel: map_coordinates(channel, moved, order=1, mode="grid-wrap"))

    return take


def recoloured(pixels: Pixels, generator: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Return a copy of a tenth more contrast that is a little redder."""
    return rounded((pixels.astype(np.float64) - 128.0) * 1.1 + 128.0 + np.array([8.0, 0.0, -8.0]))


def mirrored_quilt(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return a quilting of the mirrored picture."""
    return quilted(QUILTED_BLOCK)(mirrored(pixels, generator), generator)


VERBATIM = "copy"

COPIES: tuple[Copy, ...] = (
    Copy(VERBATIM, verbatim, 0.9),
    Copy("rolled copy", rolled, 0.9),
    Copy("tiling", tiled, 0.4),  # half of its blocks lie on a seam
    Copy("mirrored", mirrored, 0.9),
    Copy("turned 90°", quarter_turned, 0.9),
    Copy("turned 10°", posed(10.0, 1.0), 0.4),
    Copy("turned -30°", posed(-30.0, 1.0), 0.4),
    Copy("turned 45°", posed(45.0, 1.0), 0.4),
    Copy("scaled 0.85", posed(0.0, 0.85), 0.4),
    Copy("scaled 1.2", posed(0.0, 1.2), 0.4),
    Copy("recoloured", recoloured, 0.4),
    Copy("warped 2 px", warped(2.0), 0.4),
    Copy("warped 4 px", warped(4.0), 0.4),
    Copy("quilting", quilted(QUILTED_BLOCK), 0.4),
    Copy("quilting, mirrored", mirrored_quilt, 0.4),
)

HONEST_AT_MOST = 0.02
"""Copy rate of a window that no one has copied."""


def _by_channel(pixels: Pixels, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Pixels:
    return rounded(np.stack([change(pixels[..., channel].astype(np.float64)) for channel in range(3)], axis=-1))
