"""What the density of a run's model detects on the run's texture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inng_bench.contract import Density
from inng_bench.metrics.comparison import unseen_windows
from inng_bench.metrics.detection import detect
from inng_bench.pictures import as_tensor
from inng_bench.records.schema import Detection
from inng_bench.seeds import derive_seed, torch_generator
from inng_bench.textures import load_texture, to_tensor

Pixels = NDArray[np.uint8]

OTHER_TEXTURES = ("grass", "brick")
"""The first that is not the run's own is the texture that its density is to tell from it."""


def detect_of_texture(
    density: Density, texture: str, train: Pixels, held_out: Sequence[Pixels], seed: int
) -> tuple[Detection, ...]:
    """Ask a density for windows of its texture and their foils.

    Parameters
    ----------
    density : Density
        The trained model.
    texture : str
        The texture's name.
    train, held_out : numpy.ndarray, Sequence[numpy.ndarray]
        Its windows, uint8 (H, W, 3), or (N, H, W, 3) of several train windows. The first held-out one is told from its
        foils, or half of the train window where there is none.
    seed : int
        The run's seed of measuring.

    Raises
    ------
    InputError
        When the settings of the model allow no density.
    """
    train = train.reshape(-1, *train.shape[-3:])
    windows, against = unseen_windows(train[0], held_out)
    other = next(name for name in OTHER_TEXTURES if name != texture)
    generator = torch_generator(derive_seed(seed=seed, purpose="foils"))
    return detect(
        density, as_tensor(train), to_tensor(windows[0]), to_tensor(load_texture(other).train), against, generator
    )
