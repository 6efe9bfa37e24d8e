"""DCGAN, the competitor of the paper: Radford, Metz, Chintala, arXiv 1511.06434.

Transposed convolutions 4×4 of stride 2, batch normalisation, ReLU and tanh in the generator, leaky ReLU in the
discriminator, Adam with β1 0.5, weights N(0, 0.02), one generator step a discriminator step; trained on random 64 px
patches of the window. It draws 64 px tiles and nothing larger.
"""

from .method import DCGAN
from .presets import PRESETS, DCGANConfig
from .training import step_flops

__all__ = ["DCGAN", "PRESETS", "DCGANConfig", "step_flops"]
