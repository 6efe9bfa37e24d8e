"""Gram distance: how much the second moments of the features differ.

Gatys, Ecker and Bethge, https://arxiv.org/abs/1505.07376, with another network and relative to the reference.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

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


def gram_distances(
    comparison: Comparison, matrices: Callable[[Pictures], Mapping[Layer, Tensor]]
) -> dict[Layer, float]:
    """Return the relative distance of the mean Gram matrices of two sets of crops, by layer.

    Parameters
    ----------
    comparison : Comparison
        Of what.
    matrices : Callable
        Gives the mean Gram matrix of the crops of pictures by layer, see :func:`gram_matrix`.
    """
    wanted = comparison.reference.derive(matrices)
    found = comparison.samples.derive(matrices)
    return {layer: relative_distance(found[layer], matrix) for layer, matrix in wanted.items()}


def average(parts: Mapping[Layer, float]) -> float:
    """Return the mean of the values."""
    return float(np.mean(list(parts.values())))
