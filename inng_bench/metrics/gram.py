"""Gram distance: how much the second moments of the features differ.

Gatys, Ecker and Bethge, https://arxiv.org/abs/1505.07376, with another network and relative to the reference.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from inng_bench.metrics.comparison import Comparison, Pictures

Layer = TypeVar("Layer")


def gram_triangle(tap: Tensor) -> Tensor:
    """Return the Gram matrix of each crop, the mean of f fᵀ over its positions.

    Parameters
    ----------
    tap : Tensor
        float32 (N, d, h, w).

    Returns
    -------
    Tensor
        float32 (N, d (d + 1) / 2): the upper triangle, row by row.
    """
    vectors = tap.permute(0, 2, 3, 1).flatten(1, 2)
    gram = torch.bmm(vectors.transpose(1, 2), vectors) / vectors.shape[1]
    rows, columns = torch.triu_indices(tap.shape[1], tap.shape[1])
    return gram[:, rows, columns]


def gram_matrix(triangles: Tensor) -> Tensor:
    """Return the mean Gram matrix of crops.

    Parameters
    ----------
    triangles : Tensor
        (n, d (d + 1) / 2): what :func:`gram_triangle` gave for each crop.

    Returns
    -------
    Tensor
        float64 (d, d), symmetric.
    """
    width = round((np.sqrt(8 * triangles.shape[1] + 1) - 1) / 2)
    rows, columns = torch.triu_indices(width, width)
    matrix = torch.empty(width, width, dtype=torch.float64)
    matrix[rows, columns] = triangles.mean(0, dtype=torch.float64)
    matrix[columns, rows] = matrix[rows, columns]
    return matrix


def relative_distance(samples: Tensor, reference: Tensor) -> float:
    """Return ‖G - G_ref‖ / ‖G_ref‖ in the Frobenius norm."""
    return float(torch.linalg.norm(samples - reference) / torch.linalg.norm(reference))


@dataclass(frozen=True)
class GramDistances(Generic[Layer]):
    """Relative distances by layer.

    Attributes
    ----------
    layers : dict
        Of all crops of the samples.
    groups : tuple[dict, ...]
        Of the crops of each group of pictures alone.
    """

    layers: dict[Layer, float]
    groups: tuple[dict[Layer, float], ...]

    @property
    def value(self) -> float:
        """The mean over layers."""
        return average(self.layers)

    @property
    def per_image(self) -> tuple[float, ...]:
        """The mean over layers of each group."""
        return tuple(average(group) for group in self.groups)


def gram_distances(
    comparison: Comparison, triangles: Callable[[Pictures], Mapping[Layer, Tensor]], *, count: int, crop: int
) -> GramDistances[Layer]:
    """Compare the mean Gram matrices of two sets of crops.

    Parameters
    ----------
    comparison : Comparison
        Of what.
    triangles : Callable
        Gives by layer what :func:`gram_triangle` makes of each crop.
    count, crop : int
        Number and side in pixels of the crops.
    """
    wanted = {layer: gram_matrix(rows) for layer, rows in comparison.reference.derive(triangles).items()}
    found = comparison.samples.derive(triangles)

    def distances(member: slice | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> dict[Layer, float]:
        return {layer: relative_distance(gram_matrix(rows[member]), wanted[layer]) for layer, rows in found.items()}

    return GramDistances(distances(slice(None)), tuple(distances(member) for member in comparison.members(count, crop)))


def average(parts: Mapping[Layer, float]) -> float:
    """Return the mean of the values."""
    return float(np.mean(list(parts.values())))
