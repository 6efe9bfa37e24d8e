"""Two rows that copy the window: what a measurement has to see through, since neither has learnt anything.

Both are closed forms. Their training spends nothing.
"""

from typing import ClassVar

import torch
from torch import Tensor

from inng_bench.textures import to_pixels

from .base import ClosedForm, require_fit
from .quilting import Blocks, quilt

FEATHER_SHARE = 1 / 16
"""Width of the blended border of a mirrored window, as a share of its side."""


class Mirror(ClosedForm):
    """The window flipped left to right and repeated without hard seams, rolled at random."""

    name: ClassVar[str] = "mirror"
    statistics: ClassVar[frozenset[str]] = frozenset({"tile"})

    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        return {"tile": feathered(feathered(window.flip(2), 1), 2)}

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        tile = self._statistic("tile").float()
        pictures = []
        for _ in range(count):
            rows, columns = (
                (torch.arange(wanted) + torch.randint(side, (), generator=generator)) % side
                for wanted, side in zip(size, tile.shape[1:], strict=True)
            )
            pictures.append(tile[:, rows[:, None], columns])
        return torch.stack(pictures)


def feathered(picture: Tensor, axis: int) -> Tensor:
    """Make a picture periodic along an axis: its end fades into its beginning, which shortens it by the fade.

    Parameters
    ----------
    picture : Tensor
        Floating point.
    axis : int
        Along which.

    Returns
    -------
    Tensor
        Shorter by :data:`FEATHER_SHARE` of the side, rounded, and by one pixel at least.
    """
    side = picture.shape[axis]
    fade = max(1, round(FEATHER_SHARE * side))
    start, middle, end = torch.split(picture, [fade, side - 2 * fade, fade], dim=axis)
    shape = [-1 if each == axis else 1 for each in range(picture.ndim)]
    weight = ((torch.arange(fade, dtype=picture.dtype) + 0.5) / fade).reshape(shape)
    return torch.cat([weight * start + (1.0 - weight) * end, middle], dim=axis)


class Quilting(ClosedForm):
    """Blocks of the window, laid edge over edge, see :mod:`inng_bench.baselines.quilting`."""

    name: ClassVar[str] = "quilting"
    statistics: ClassVar[frozenset[str]] = frozenset({"window"})
    choices = Blocks

    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        require_fit(window, self._config.block, "block")
        return {"window": window}

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        window = self._statistic("window").float()
        pixels = to_pixels(window[None])[0]
        sources = (torch.from_numpy(quilt(pixels, size, self._config, generator)) for _ in range(count))
        return torch.stack([window[:, rows, columns] for rows, columns in sources])
