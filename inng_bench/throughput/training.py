"""The training steps of a classifier as a task of a fixed number of steps."""

from collections.abc import Callable

import torch

from inng_bench.contract import Execution
from inng_bench.inng.algorithm import new_optimiser
from inng_bench.inng.network import cross_entropy, new_classifier
from inng_bench.inng.presets import FAST
from inng_bench.seeds import torch_generator


def classifier_steps(execution: Execution, steps: int) -> Callable[[], None]:
    """Return a task: steps of the preset ``fast``, each on as many crops of noise called real as called negative."""
    classifier = new_classifier(FAST.design, torch_generator(1)).to(execution.device)
    classifier = classifier.to(memory_format=torch.channels_last)
    optimiser = new_optimiser(classifier, FAST)
    shape = (FAST.crops, 3, FAST.crop_side, FAST.crop_side)
    real, negative = (
        (torch.rand(shape, generator=torch_generator(seed)) * 2 - 1).to(execution.device) for seed in (2, 3)
    )

    def run() -> None:
        for _ in range(steps):
            loss, _ = cross_entropy(classifier, real, negative, execution.dtype)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    return run
