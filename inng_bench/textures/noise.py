"""Smooth random fields and shading: what the procedural painters share."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Size = tuple[int, int]
"""Height and width in pixels."""

Field = NDArray[np.float64]
Index = NDArray[np.intp]

MISSES = 400
"""Darts in a row that miss before :func:`scattered_points` takes a picture for full."""

DARTS = 512
"""Darts that are drawn at a time."""


def coordinates(size: Size) -> tuple[Field, Field]:
    """Return the row and the column of every pixel, float64 (height, width) each."""
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float64)
    return rows, columns


def smoothstep(low: float, high: float, values: Field) -> Field:
    """Rise smoothly from 0 at ``low`` to 1 at ``high``; fall where ``high`` is less than ``low``."""
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))


def blend(background: Field, foreground: Field, share: Field) -> Field:
    """Lay a foreground over a background in the given share, a colour (height, width, 3) or (3,) each."""
    return np.asarray(background + (foreground - background) * share[..., None])


def smooth_noise(size: Size, sigma: tuple[float, float], generator: np.random.Generator) -> Field:
    """Draw Gaussian noise blurred by ``sigma`` px along rows and columns, of mean 0 and variance 1 in expectation."""
    along_rows = sigma[0] * np.fft.fftfreq(size[0])[:, None]
    along_columns = sigma[1] * np.fft.rfftfreq(size[1])[None, :]
    transfer = np.exp(-2.0 * np.pi**2 * (along_rows**2 + along_columns**2))
    return _filtered_noise(size, transfer, generator)


def oriented_noise(size: Size, along: float, across: float, angle: float, generator: np.random.Generator) -> Field:
    """Draw Gaussian noise blurred by ``along`` px in one direction and ``across`` px at right angles to it.

    The direction leans ``angle`` radians from the columns' axis downwards: 0 runs along a row. Mean 0, variance 1.
    """
    down, right = np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])[None, :]
    lengthwise = along * (down * np.sin(angle) + right * np.cos(angle))
    crosswise = across * (down * np.cos(angle) - right * np.sin(angle))
    return _filtered_noise(size, np.exp(-2.0 * np.pi**2 * (lengthwise**2 + crosswise**2)), generator)


def band_noise(size: Size, shortest: float, longest: float, exponent: float, generator: np.random.Generator) -> Field:
    """Draw Gaussian noise of power spectrum ``1/f**exponent`` between two wavelengths in pixels and none beyond.

    Its mean is 0 and its variance 1 in expectation.
    """
    frequency = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])[None, :])
    inside = (frequency >= 1.0 / longest) & (frequency <= 1.0 / shortest)
    transfer = np.where(inside, np.maximum(frequency, 1.0 / longest) ** (-exponent / 2.0), 0.0)
    return _filtered_noise(size, transfer, generator)


def _filtered_noise(size: Size, transfer: Field, generator: np.random.Generator) -> Field:
    """Send white noise through a real transfer function on the half spectrum."""
    impulse = np.fft.irfft2(transfer, size)
    white = np.fft.rfft2(generator.standard_normal(size))
    return np.asarray(np.fft.irfft2(white * transfer, size) / np.sqrt(np.sum(impulse**2)))


def brightness(height: Field, lamp: tuple[float, float, float]) -> Field:
    """Light a matt surface.

    Parameters
    ----------
    height : numpy.ndarray
        float64 (H, W), in pixels.
    lamp : tuple[float, float, float]
        Direction of the lamp: rows, columns, up.

    Returns
    -------
    numpy.ndarray
        Cosine between surface and lamp, float64 (H, W) in [0, 1].
    """
    slope_rows, slope_columns = np.gradient(height)
    towards_lamp = lamp[2] - slope_rows * lamp[0] - slope_columns * lamp[1]
    length = np.sqrt(1.0 + slope_rows**2 + slope_columns**2) * np.linalg.norm(lamp)
    return np.asarray(np.clip(towards_lamp / length, 0.0, 1.0))


def scattered_points(size: Size, spacing: float, generator: np.random.Generator) -> Field:
    """Draw random points no two of which are nearer than ``spacing`` px, until 400 darts in a row miss.

    Returns
    -------
    numpy.ndarray
        float64 (N, 2), row and column; they reach ``spacing`` px beyond the picture.
    """
    low, span = -spacing, np.array(size) + 2.0 * spacing
    points = np.empty((0, 2))
    last = -1  # number of the last dart that hit, counted from the first of these
    while True:
        before = generator.bit_generator.state
        darts = low + span * generator.random((DARTS, 2))
        free = ((darts[:, np.newaxis] - points) ** 2).sum(2).min(1, initial=np.inf) >= spacing**2
        for number in np.flatnonzero(free):
            dart = darts[number]
            if number - last > MISSES:
                break
            if np.all(np.sum((points - dart) ** 2, axis=1) >= spacing**2):
                points, last = np.concatenate([points, dart[np.newaxis]]), int(number)
        if DARTS - last > MISSES:
            generator.bit_generator.state = before
            generator.random((last + 1 + MISSES, 2))  # as if no more had been drawn
            return points
        last -= DARTS


def jittered_points(size: Size, spacing: float, generator: np.random.Generator) -> Field:
    """Draw one random point in each square of a grid whose own place is random, and thin out crowded ones.

    This takes a small part of the time of :func:`scattered_points` for many points, which are not spread as evenly.

    Returns
    -------
    numpy.ndarray
        float64 (N, 2), row and column, no two nearer than half of ``spacing``; they reach beyond the picture.
    """
    shape = np.array(size) / spacing + 3.0
    squares = np.stack(np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij"), axis=-1).reshape(-1, 2)
    points = (squares - 1.0 - generator.uniform(size=2) + generator.uniform(size=squares.shape)) * spacing
    crowded = cKDTree(points).query_pairs(0.5 * spacing, output_type="ndarray")
    return np.delete(points, np.unique(crowded[:, 1]), axis=0)
