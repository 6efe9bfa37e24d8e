"""One training of both networks, step by step."""

import torch

from inng_bench.contract import Execution
from inng_bench.pictures import DrawReal

from ..adversarial import Adversaries, update_flops
from .networks import Discriminator, Generator, draw_latent, new_discriminator, new_generator
from .presets import DCGANConfig


class Trainer(Adversaries[Generator]):
    """The two networks, trained on patches of a window or on whole pictures."""

    def __init__(self, draw_real: DrawReal, config: DCGANConfig, execution: Execution, random: torch.Generator) -> None:
        super().__init__(new_generator(config, random), new_discriminator(config, random), config, execution, random)
        self._config = config
        self._draw_real = draw_real

    def step(self, number: int, share: float) -> dict[str, float]:
        """Draw a batch and make one :meth:`update`."""
        real = self._draw_real(self._config.batch, self._config.side, self._random).to(self._execution.device)
        latent = draw_latent(self._config.batch, self._config, self._random).to(self._execution.device)
        return self.update(number, share, real, latent)


def step_flops(config: DCGANConfig) -> float:
    """Count the floating-point operations of a step of both networks."""
    with torch.device("meta"):
        generator, discriminator = Generator(config), Discriminator(config)
    return update_flops(generator, discriminator, config, torch.empty((config.batch, config.latent), device="meta"))
