"""How typical of its texture a density holds a window: as likely as windows of the texture are, not more and not less.

What is smoother than a texture is likelier than it under nearly every density of pictures, and no such thing is ever
drawn from one: samples lie in the typical set, which need not hold the likeliest pictures [1]_. So a window is compared
with those that were trained on, and in two figures at once, which may err in opposite ways: what the model has learnt,
and what it begins with [2]_.

References
----------
.. [1] E. Nalisnick, A. Matsukawa, Y. W. Teh, B. Lakshminarayanan, "Detecting out-of-distribution inputs to deep
   generative models using typicality", 2019, https://arxiv.org/abs/1906.02994
.. [2] W. Morningstar, C. Ham, A. Gallagher, B. Lakshminarayanan, A. Alemi, J. Dillon, "Density of states estimation
   for out-of-distribution detection", AISTATS 2021, https://arxiv.org/abs/2006.09273
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from inng_bench.contract import Density

ROUND_OFF = 1e-6
"""Share of a part's size, or of both parts' variance, that single precision keeps: nothing counts as varying less."""


def parts_of(density: Density, picture: Tensor) -> Tensor:
    """Return log ratio and log prior of each window of a picture (3, H, W), float64 (2, rows, columns)."""
    return torch.cat([density.log_ratio(picture[None]), density.log_prior(picture[None])]).double()


@dataclass(frozen=True)
class TypicalWindows:
    """How log ratio and log prior are spread over the windows of a texture: a Gaussian.

    Attributes
    ----------
    mean : Tensor
        float64 (2,).
    precision : Tensor
        float64 (2, 2), the inverse of the covariance. A part, or a combination of both, that is the same of all windows
        is taken to vary by round-off: any other value is far from typical.
    """

    mean: Tensor
    precision: Tensor

    @classmethod
    def of(cls, parts: Tensor) -> "TypicalWindows":
        """Measure the parts (2, rows, columns) of a picture of the texture."""
        windows = parts.flatten(1)
        spread = torch.maximum(windows.std(1, correction=0), ROUND_OFF * windows.abs().amax(1))
        scale = 1 / torch.where(spread > 0, spread, 1.0)  # all zeros where a model has no such part
        correlation = scale[:, None] * torch.cov(windows, correction=0) * scale
        variances, directions = torch.linalg.eigh(correlation.fill_diagonal_(1.0))
        inverse = directions @ torch.diag(1 / variances.clamp(min=ROUND_OFF)) @ directions.T
        return cls(windows.mean(1), scale[:, None] * inverse * scale)

    def log_typicality(self, parts: Tensor) -> Tensor:
        """Return the log density, up to a constant, of parts (2, rows, columns) among those of the texture.

        Returns
        -------
        Tensor
            float64 (rows, columns), at most 0, which is a window like the mean of all.
        """
        off = parts - self.mean[:, None, None]
        return -torch.einsum("irc,ij,jrc->rc", off, self.precision, off) / 2
