"""Wood grain."""

import numpy as np

from inng_bench.textures.noise import Field, Size, blend, coordinates, scattered_points, smooth_noise, smoothstep

RING = 13.0
"""Mean width in pixels of a growth ring."""

KNOT_SPACING = 110.0
"""Least distance in pixels between two knots."""

EARLY_WOOD = np.array([214.0, 168.0, 112.0])
LATE_WOOD = np.array([142.0, 88.0, 46.0])
HEARTWOOD = np.array([74.0, 42.0, 24.0])


def paint_wood(size: Size, generator: np.random.Generator) -> Field:
    """Paint a planed board: rings stretched along the grain, fibres, pores, and knots that bend the grain."""
    _, columns = coordinates(size)
    waves = 9.0 * smooth_noise(size, (90.0, 16.0), generator) + 1.2 * smooth_noise(size, (30.0, 3.0), generator)
    grain, knot = _bend_around_knots(columns + waves, generator)
    rings = grain / RING + 0.5 * smooth_noise(size, (120.0, 20.0), generator)
    phase = rings - np.floor(rings)
    late = phase**2.2 * (1.0 - smoothstep(0.90, 1.0, phase))

    strength = 0.75 + 0.25 * np.clip(smooth_noise(size, (60.0, 7.0), generator), -2.0, 2.0)
    fibre = smooth_noise(size, (14.0, 0.6), generator)
    pores = smoothstep(1.9, 2.7, smooth_noise(size, (7.0, 0.55), generator))
    darkness = np.clip(1.1 * late * strength + 0.11 * fibre, 0.0, 1.2)
    tint = (1.0 + 0.045 * smooth_noise(size, (110.0, 26.0), generator) + 0.03 * fibre) * (1.0 - 0.38 * pores)
    board = blend(EARLY_WOOD, LATE_WOOD, darkness) * tint[..., None]
    return blend(board, HEARTWOOD, 0.85 * knot)


def _bend_around_knots(grain: Field, generator: np.random.Generator) -> tuple[Field, Field]:
    """Bend the grain around knots as a stream bends around cylinders.

    Returns
    -------
    tuple[numpy.ndarray, numpy.ndarray]
        The bent grain coordinate in pixels, and the darkness of the knots in [0, 1].
    """
    size = (grain.shape[0], grain.shape[1])
    rows, columns = coordinates(size)
    straight = grain
    dark = np.zeros_like(grain)
    for row, column in scattered_points(size, KNOT_SPACING, generator):
        radius = generator.uniform(4.5, 10.0)
        across = columns - column
        squared = across**2 + ((rows - row) / 1.8) ** 2
        distance = np.sqrt(squared) / radius
        around = np.minimum(1.0 / np.maximum(distance, 1e-6) ** 2, 0.8) * np.exp(-squared / (9.0 * radius) ** 2)
        bent = grain - 2.4 * across * around
        # The knot's own rings count on from the grain at its heart, so that few of them meet at the rim.
        heart = straight[int(np.clip(row, 0, size[0] - 1)), int(np.clip(column, 0, size[1] - 1))]
        inside = smoothstep(1.3, 0.8, distance)
        grain = bent + (heart + 1.7 * np.sqrt(squared) - bent) * inside
        dark = np.maximum(dark, inside * (0.55 + 0.45 * smoothstep(1.0, 0.2, distance)))
    return grain, dark
