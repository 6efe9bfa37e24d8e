"""Every choice of the DCGAN as a field of one frozen configuration, and the named sets of choices."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from inng_bench.contract import parse_settings
from inng_bench.errors import InputError
from inng_bench.suggest import did_you_mean


class DCGANConfig(BaseModel):
    """Choices of a DCGAN; the defaults are the preset ``best``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    latent: int = Field(100, ge=1, description="Dimension of z, uniform in (-1, 1).")
    generator_filters: int = Field(24, ge=1, description="Channels of the generator's last hidden layer.")
    discriminator_filters: int = Field(24, ge=1, description="Channels of the discriminator's first layer.")
    resized_layers: int = Field(
        0,
        ge=0,
        le=4,
        description="Last layers that enlarge by nearest neighbours and a 3×3 convolution; others transposed.",
    )
    local_verdicts: bool = Field(
        True, description="Judge each of the discriminator's last 4×4 places by itself, in place of the whole picture."
    )
    batch: int = Field(8, ge=2, description="Real patches, and as many generated ones, of a step.")
    rate: float = Field(5e-4, gt=0, description="Adam's learning rate, both networks.")
    final_rate_share: float = Field(
        1.0, ge=0, le=1, description="Share of the rate that is left when the budget is spent; it falls linearly."
    )
    momentum: float = Field(0.5, ge=0, lt=1, description="Adam's β1.")
    average_decay: float = Field(0.97, ge=0, lt=1, description="Decay of the generator's weight average; 0 is none.")
    gradient_penalty: float = Field(0.0, ge=0, description="γ of R1, the penalty γ/2 |∇D|² on real patches.")
    penalty_interval: int = Field(4, ge=1, description="Steps between two penalties, each so many times as heavy.")
    best_moment: bool = Field(False, description="End with the weights whose tiles were nearest to the train window.")
    palette: bool = Field(True, description="Move the samples' colours to the nearest ones of the window's plane.")
    intervals: int = Field(20, ge=1, description="Reports of a training at the most.")


BEST = DCGANConfig()
"""The best recipe found for budgets of minutes, on tuning textures alone: one seed, 2 TFLOP. The suite ``tuning`` has a
trial of each choice.

Verdicts on parts took Gram distance and patch-FID from 0.67 and 0.96 to 0.63 and 0.89 on pebbles, and from 0.71 and
1.57 to 0.60 and 0.94 on wood. With them, two resized layers and a rate that falls from 1e-3 to 0 were better on
pebbles (0.58 and 0.65) and worse on wood (0.93 and 1.92); with them, two resized layers and the best moment were
worse on wood (0.87 and 2.02). Worse on pebbles, without them: a spectral norm (0.87 and 1.54), a falling rate (0.79
and 1.87), that with batches of 4 (0.75 and 1.29), and one batch of real and generated patches (1.41 and 5.36). Fewer
filters than published buy more steps; 24 at a rate of 5e-4 were the best of four pairs in earlier trials.
"""

RADFORD = DCGANConfig(
    latent=100,
    generator_filters=64,
    discriminator_filters=64,
    resized_layers=0,
    local_verdicts=False,
    batch=8,
    rate=2e-4,
    final_rate_share=1.0,
    momentum=0.5,
    average_decay=0.0,
    gradient_penalty=0.0,
    best_moment=False,
    palette=False,
)
"""As published, with the kernels and the 64 filters of the Torch ports of the authors' code, but for the batch: 128
patches a step would leave a budget of a few TFLOP not ten steps."""

PRESETS: dict[str, DCGANConfig] = {"best": BEST, "radford": RADFORD}


def configure(settings: Mapping[str, Any]) -> tuple[str, DCGANConfig]:
    """Return the preset and the configuration that settings name.

    Parameters
    ----------
    settings : Mapping[str, Any]
        ``preset`` (default ``best``) and fields of :class:`DCGANConfig`, which then win over the preset's.

    Raises
    ------
    InputError
        On an unknown preset or field, or a value out of range.
    """
    changes = dict(settings)
    name = changes.pop("preset", "best")
    if not isinstance(name, str) or name not in PRESETS:
        raise InputError(f"dcgan has no preset {name!r}; {did_you_mean(str(name), PRESETS)}")
    return name, parse_settings(DCGANConfig, PRESETS[name].model_dump() | changes, "dcgan")
