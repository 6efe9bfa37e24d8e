"""Averages of weights, and DCGAN's initial ones, which the networks of INNg share (Radford et al. 2016, section 4)."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

WEIGHT_DEVIATION = 0.02

Network = TypeVar("Network", bound=nn.Module)


def initialised(build: Callable[[], Network], generator: torch.Generator) -> Network:
    """Build a network of convolutions and batch normalisations with weights from a private generator.

    Weights of convolutions are drawn from N(0, 0.02), scales of batch normalisations from N(1, 0.02); biases are zero.

    Parameters
    ----------
    build : callable
        Makes the network. It is called on the meta device, so that the constructors' own initialisation neither
        computes anything nor draws from the global random state.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    nn.Module
        On the CPU, float32.
    """
    with torch.device("meta"):
        network = build()
    network.to_empty(device="cpu")
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, WEIGHT_DEVIATION, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            nn.init.normal_(module.weight, 1.0, WEIGHT_DEVIATION, generator=generator)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return network


@torch.no_grad()
def average_into(mean: nn.Module, network: nn.Module, decay: float) -> None:
    """Move a module towards another of its kind: weights and running statistics become decay·mean + (1 - decay)·new."""
    for old, new in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - decay)
