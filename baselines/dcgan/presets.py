"""Every choice of the DCGAN as a field of one frozen configuration, and the named sets of choices."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from inng_bench.contract import parse_settings
from inng_bench.errors import InputError
from inng_bench.suggest import did_you_mean

from ..adversarial import AdversarialConfig

TILE = 64
"""Side in pixels of what is drawn of a texture."""


class DCGANConfig(AdversarialConfig):
    """Choices of a DCGAN; the defaults are the preset ``best``."""

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
    best_moment: bool = Field(False, description="End with the weights whose tiles were nearest to the train window.")
    palette: bool = Field(True, description="Move the samples' colours to the nearest ones of the window's plane.")
    intervals: int = Field(20, ge=1, description="Reports of a training at the most.")
    picture_side: int | None = Field(None, ge=8, le=128, description="Side of a set's pictures; None learns a texture.")

    @property
    def side(self) -> int:
        """Side in pixels of what is drawn."""
        return TILE if self.picture_side is None else self.picture_side


BEST = DCGANConfig()
"""The recipe that was best on tuning textures, for budgets of minutes. The suite ``tuning`` stores trials of some of
its choices; others were tried before, and those trials are not stored."""

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

SETS = DCGANConfig(generator_filters=32, discriminator_filters=32, local_verdicts=False, palette=False, batch=32)
"""For sets of pictures: the discriminator judges whole pictures, as published, and sees more of them a step."""

PRESETS: dict[str, DCGANConfig] = {"best": BEST, "radford": RADFORD, "sets": SETS}


def configure(settings: Mapping[str, Any]) -> tuple[str, DCGANConfig]:
    """Return the preset and the configuration that settings name.

    Parameters
    ----------
    settings : Mapping[str, Any]
        ``preset`` (default ``best``, with ``picture_side`` ``sets``) and fields of :class:`DCGANConfig`, which then win
        over the preset's.

    Raises
    ------
    InputError
        On an unknown preset or field, or a value out of range.
    """
    changes = dict(settings)
    name = changes.pop("preset", "best" if changes.get("picture_side") is None else "sets")
    if not isinstance(name, str) or name not in PRESETS:
        raise InputError(f"dcgan has no preset {name!r}; {did_you_mean(str(name), PRESETS)}")
    return name, parse_settings(DCGANConfig, PRESETS[name].model_dump() | changes, "dcgan")
