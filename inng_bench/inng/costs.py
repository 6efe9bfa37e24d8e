"""What a training takes, told before it begins: operations, rounds, and the memory of a snapshot."""

import math

import torch
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.inng.choices import Optimiser
from inng_bench.inng.field import evaluation_flops
from inng_bench.inng.frozen import freeze
from inng_bench.inng.learning import classifier_loss
from inng_bench.inng.network import Classifier
from inng_bench.inng.presets import CascadeConfig, canvas_length

USUAL_SHARE = 0.4
"""Of the operations that a round may take at the most; 0.26 to 0.47 in the reference results of the suite ``quick``."""


def classifier_flops(config: CascadeConfig, crop_side: int) -> tuple[float, float]:
    """Count the floating-point operations of a training step of a classifier, and of its forward pass alone."""
    probe = _probe(config)
    crops = torch.empty((config.crops, 3, crop_side, crop_side), device="meta")
    with FlopCounterMode(display=False) as counter:
        loss, _ = classifier_loss(probe, crops, crops, torch.float32)
        forward = float(counter.get_total_flops())
        loss.backward()  # type: ignore[no-untyped-call]
    return float(counter.get_total_flops()), forward


def _probe(config: CascadeConfig) -> Classifier:
    """Return a classifier that computes nothing and draws nothing from the global random state."""
    with torch.device("meta"):
        return Classifier(config.design)


def usual_rounds(config: CascadeConfig, budget: float) -> int:
    """Estimate how many rounds a budget pays for."""
    side = canvas_length(config.canvas_side, config.canvas)
    per_evaluation = evaluation_flops(freeze(_probe(config), torch.float32), config.reading, (side, side))
    learning = config.classifier_steps * classifier_flops(config, config.crop_side)[0]
    climbing = config.canvases * config.max_steps * per_evaluation
    return min(config.max_stages, math.ceil(budget / (USUAL_SHARE * (learning + climbing))))


def snapshot_bytes(config: CascadeConfig, dtype: torch.dtype, rounds: int) -> float:
    """Return the size of a snapshot in a round that comes after so many, in the middle of its ascent."""
    parameters = sum(weight.numel() for weight in _probe(config).parameters())
    canvases = 4 * config.canvases * 3 * canvas_length(config.canvas_side, config.canvas) ** 2
    together = min(1.0, config.sampler_batch / config.canvases)
    learning = parameters * 4 * (3 if config.optimiser is Optimiser.ADAM else 1)
    climbing = canvases * (2 + 1 + 3 * together)  # the chain and its base, what has climbed, what climbs with moments
    history = canvases / 2 * min(config.history_stages, rounds + 1)
    window = config.keep_every or rounds + 1
    kept = rounds if window == 1 else rounds // window + 1  # the last is the one in training
    return learning + climbing + history + kept * parameters * dtype.itemsize
