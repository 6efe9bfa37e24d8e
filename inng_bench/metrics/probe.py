"""A linear probe: how well classes that nobody told a model of can be read off its features by a linear classifier."""

import torch
from torch import Tensor
from torch.nn import functional as F

PENALTY = 1e-3
"""Weight of half the squared length of the classifier's weights; the same for all features."""

ITERATIONS = 300


def linear_probe(features: Tensor, classes: Tensor, held_out: Tensor, held_out_classes: Tensor) -> float:
    """Return the share of held-out samples that a logistic regression on features puts into a wrong class.

    Parameters
    ----------
    features, held_out : Tensor
        (N, d) and (M, d); they are standardised by mean and deviation of the first.
    classes, held_out_classes : Tensor
        int64 (N,) and (M,), from 0.

    Returns
    -------
    float
        In [0, 1].
    """
    mean, scale = features.double().mean(0), features.double().std(0).clamp_min(1e-6)
    train, test = ((part.double() - mean) / scale for part in (features, held_out))
    weights = torch.zeros(train.shape[1], int(classes.max()) + 1, dtype=torch.float64, requires_grad=True)
    offsets = torch.zeros(weights.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, offsets], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = F.cross_entropy(train @ weights + offsets, classes) + PENALTY / 2 * weights.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return float(((test @ weights + offsets).argmax(1) != held_out_classes).double().mean())
