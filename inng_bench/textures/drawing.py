"""Outlines, cells and shadows: what painters of solid things share."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inng_bench.textures.noise import Field, Index, Size, coordinates


@dataclass(frozen=True)
class Things:
    """Where things of an oblong shape lie in a picture.

    Attributes
    ----------
    centres : numpy.ndarray
        Row and column of each thing, float64 (N, 2).
    angles : numpy.ndarray
        Direction of each thing's long axis in radians, float64 (N,).
    half_sizes : numpy.ndarray
        Half of the length and of the width of each, in pixels, float64 (N, 2).
    """

    centres: Field
    angles: Field
    half_sizes: Field

    def local(self, rows: Field, columns: Field, which: Index | int) -> tuple[Field, Field]:
        """Return places along and across the axis of the given thing, whose ends and sides lie at -1 and 1."""
        down, right = rows - self.centres[which, 0], columns - self.centres[which, 1]
        sine, cosine = np.sin(self.angles[which]), np.cos(self.angles[which])
        along = (down * sine + right * cosine) / self.half_sizes[which, 0]
        across = (down * cosine - right * sine) / self.half_sizes[which, 1]
        return np.asarray(along), np.asarray(across)

    def owners(self, size: Size, inside: Callable[[Field, Field, int], NDArray[np.bool_]]) -> Index:
        """Lay the things down one after the other and return the number of the topmost at each pixel, -1 for none.

        ``inside`` says from the places along and across and the thing's number which of them belong to the thing.
        """
        rows, columns = coordinates(size)
        owner = np.full(size, -1, dtype=np.intp)
        for number, (centre, half_size) in enumerate(zip(self.centres, self.half_sizes, strict=True)):
            reach = 1.1 * float(np.hypot(*half_size)) + 1.0
            low, high = np.maximum(centre - reach, 0.0).astype(int), np.maximum(centre + reach + 1.0, 0.0).astype(int)
            part = slice(low[0], high[0]), slice(low[1], high[1])
            along, across = self.local(rows[part], columns[part], number)
            owner[part][inside(along, across, number)] = number
        return owner


def nearest_cells(rows: Field, columns: Field, spacing: float, generator: np.random.Generator) -> tuple[Index, Field]:
    """Find the cell of each place in a Voronoi tessellation of one random point in each square of a grid.

    Parameters
    ----------
    rows, columns : numpy.ndarray
        The places, float64 (H, W) each; where they are warped or stretched, so are the cells.
    spacing : float
        Side of the grid's squares.
    generator : numpy.random.Generator
        Places the points.

    Returns
    -------
    tuple[numpy.ndarray, numpy.ndarray]
        The number of the cell (H, W), and the distance to its border in the unit of ``rows`` (H, W).
    """
    at_row, at_column = (rows - rows.min()) / spacing + 2.0, (columns - columns.min()) / spacing + 2.0
    shape = int(at_row.max()) + 3, int(at_column.max()) + 3
    squares = np.stack(np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij"), axis=-1).reshape(-1, 2)
    points = squares + generator.uniform(0.08, 0.92, squares.shape)
    square = at_row.astype(np.intp) * shape[1] + at_column.astype(np.intp)
    first = np.full(rows.shape, np.inf)
    second = np.full(rows.shape, np.inf)
    cell = np.zeros(rows.shape, dtype=np.intp)
    for step in (row * shape[1] + column for row in (-1, 0, 1) for column in (-1, 0, 1)):
        number = square + step
        squared = (points[:, 0][number] - at_row) ** 2 + (points[:, 1][number] - at_column) ** 2
        nearer = squared < first
        second = np.where(nearer, first, np.minimum(second, squared))
        first = np.where(nearer, squared, first)
        cell = np.where(nearer, number, cell)
    border = 0.5 * (np.sqrt(second) - np.sqrt(first)) * spacing
    return cell, border


def cast_shadow(height: Field, lamp: tuple[float, float, float], reach: int, softness: float) -> Field:
    """Find where a surface lies in its own shadow.

    Parameters
    ----------
    height : numpy.ndarray
        float64 (H, W), in pixels.
    lamp : tuple[float, float, float]
        Direction of the lamp: rows, columns, up.
    reach : int
        The farthest in pixels that a shadow falls.
    softness : float
        How far in pixels a ray must pass below the top of an obstacle to be cut off wholly.

    Returns
    -------
    numpy.ndarray
        0 in the light to 1 in the shadow, float64 (H, W).
    """
    slope = lamp[2] / float(np.hypot(lamp[0], lamp[1]))
    cover = np.zeros_like(height)
    for step in range(1, reach + 1):
        row = round(step * lamp[0] / float(np.hypot(lamp[0], lamp[1])))
        column = round(step * lamp[1] / float(np.hypot(lamp[0], lamp[1])))
        np.maximum(cover, moved(height, row, column) - height - slope * step, out=cover)
    return np.asarray(np.clip(cover / softness, 0.0, 1.0))


def moved(values: NDArray[np.generic], row: int, column: int) -> Field:
    """Return what lies ``row`` rows down and ``column`` columns right of each pixel; the picture wraps around."""
    return np.roll(values, (-row, -column), axis=(0, 1))


def hollow(height: Field, reach: float) -> Field:
    """Return by how many pixels a surface lies below its neighbourhood of ``reach`` px; negative above it."""
    return np.asarray(ndimage.gaussian_filter(height, reach, mode="wrap") - height)
