"""What a classifier minimises, and how."""

import torch
from torch import Tensor
from torch.nn import functional as F

from inng_bench.inng.choices import Optimiser
from inng_bench.inng.frozen import evaluate
from inng_bench.inng.network import Classifier
from inng_bench.inng.presets import CascadeConfig


def classifier_loss(classifier: Classifier, real: Tensor, fake: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return the mean cross-entropy over the windows of real (+1) and pseudo-negative (-1) crops, and all logits."""
    logits = evaluate(classifier, torch.cat([real, fake]), dtype)
    targets = torch.zeros_like(logits)
    targets[: len(real)] = 1
    return F.binary_cross_entropy_with_logits(logits, targets), logits


def new_optimiser(classifier: Classifier, config: CascadeConfig) -> torch.optim.Optimizer:
    """Return the optimiser of a classifier's weights."""
    if config.optimiser is Optimiser.SGD:
        return torch.optim.SGD(classifier.parameters(), config.classifier_rate)
    betas = (config.classifier_momentum, 0.999)
    return torch.optim.Adam(classifier.parameters(), config.classifier_rate, betas, fused=True)
