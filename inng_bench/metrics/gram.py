"""Gram distance: how much the second moments of the features differ.

Gatys, Ecker and Bethge, https://arxiv.org/abs/1505.07376, with another network and relative to the reference.
"""

import numpy as np
import torch
from torch import Tensor


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
