"""Optimal transport on the line, of which sliced Wasserstein distances are made: what is sorted is matched in order.

The distance between samples of many dimensions is the mean over random projections of the one between what is projected
(J. Rabin, G. Peyré, J. Delon, M. Bernot, 2011, https://doi.org/10.1007/978-3-642-24785-9_37).
"""

import numpy as np
import torch
from torch import Tensor


def partners(found: Tensor, wanted: Tensor) -> Tensor:
    """Return where each value is transported to, at the least cost for every convex cost.

    The mean of |found - partners| is the distance W1 of the samples, that of its square W2². Partners have no gradient:
    that of a distance is the one for partners that stay.

    Parameters
    ----------
    found : Tensor
        float32 (..., k, n): samples of n values, in any order, on the CPU.
    wanted : Tensor
        float32 (k, m), each sample sorted. Where m is not n, its quantiles at the middles of n equal shares stand
        for it.

    Returns
    -------
    Tensor
        Of the shape of ``found``.
    """
    count = found.shape[-1]
    order = torch.from_numpy(np.argsort(found.detach().numpy(), axis=-1))
    places = (2 * torch.arange(count) + 1) * wanted.shape[1] // (2 * count)
    return torch.zeros_like(found).scatter_(-1, order, wanted[:, places].expand(found.shape))


def in_order(samples: Tensor) -> Tensor:
    """Return samples (..., n) sorted; numpy sorts faster on a processor."""
    return torch.from_numpy(np.sort(samples.numpy(), axis=-1))


def directions(count: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw filters (count, *shape) of norm 1, uniform over the sphere."""
    filters = torch.randn((count, *shape), generator=generator)
    lengths: Tensor = filters.flatten(1).norm(dim=1)
    return filters / lengths.reshape(-1, *[1] * len(shape))
