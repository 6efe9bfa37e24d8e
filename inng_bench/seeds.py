"""Seeds from named axes, so that no run depends on the order or the number of the others."""

import hashlib

import numpy as np
import torch


def derive_seed(**axes: str | int) -> int:
    """Hash named axes to a seed.

    Parameters
    ----------
    **axes
        For example ``texture="brick", method="inng", replicate=0, purpose="train"``. Their order does not matter.

    Returns
    -------
    int
        A seed in [0, 2**63).

    Examples
    --------
    >>> derive_seed(texture="brick", purpose="train") == derive_seed(purpose="train", texture="brick")
    True
    """
    text = "\n".join(f"{name}={value!r}" for name, value in sorted(axes.items()))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def torch_generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a private torch generator; the global one stays untouched."""
    return torch.Generator(device=device).manual_seed(seed)


def numpy_generator(seed: int) -> np.random.Generator:
    """Return a private numpy generator; the global one stays untouched."""
    return np.random.default_rng(seed)
