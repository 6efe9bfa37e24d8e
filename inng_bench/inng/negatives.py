"""Pseudo-negatives: the samples of earlier stages that a classifier is trained against.

"Keep some earlier pseudo-negatives, it stabilises training" (paper, practice note 2). The law by which the ages are
drawn is the authors': the newest stage has half of the weight, the one before a quarter, and so on.
"""

from collections import deque
from collections.abc import Iterable

import torch
from torch import Tensor

from inng_bench.inng.choices import Canvas


class PseudoNegatives:
    """Canvases of the current and of earlier stages.

    Memory: ``capacity`` stages of N canvases in float16, that is ``capacity · N · 3 · H · W · 2`` bytes (14 MB for 24
    stages of six 128² canvases).

    Parameters
    ----------
    capacity : int
        How many stages are kept; 1 is no history.
    decay : float
        Weight of a stage relative to the next newer one, in [0, 1]: 0 keeps to the newest, ½ is the authors' geometric
        law, 1 is uniform.
    canvas : Canvas
        Whether crops wrap around.
    """

    def __init__(self, capacity: int, decay: float, canvas: Canvas = Canvas.TORUS) -> None:
        self._stages: deque[Tensor] = deque(maxlen=capacity)
        self._decay = decay
        self._canvas = canvas

    def __len__(self) -> int:
        return len(self._stages)

    def append(self, canvases: Tensor) -> None:
        """Add the canvases of the newest stage, float32 (N, 3, H, W) in [-1, 1]."""
        self._stages.append(canvases.to(torch.float16))

    def state(self) -> dict[str, Tensor]:
        """Return all stages by name, the oldest first."""
        return {f"{number:04d}": stage for number, stage in enumerate(self._stages)}

    def restore(self, stages: Iterable[Tensor]) -> None:
        """Take over the stages of a :meth:`state`, the oldest first."""
        self._stages.clear()
        self._stages.extend(stages)

    def draw(self, count: int, side: int, generator: torch.Generator) -> Tensor:
        """Cut crops from stages drawn by age and from canvases and positions drawn uniformly.

        Parameters
        ----------
        count : int
            Number of crops.
        side : int
            Side of a crop in pixels.
        generator : torch.Generator
            On the CPU.

        Returns
        -------
        Tensor
            float32 (count, 3, side, side).
        """
        ages = torch.arange(len(self._stages), dtype=torch.float64)
        drawn = torch.multinomial(self._decay**ages, count, replacement=True, generator=generator)
        newest_first = tuple(reversed(self._stages))
        return torch.cat([self._crop(newest_first[age], side, generator) for age in drawn.tolist()]).float()

    def _crop(self, canvases: Tensor, side: int, generator: torch.Generator) -> Tensor:
        count, _, height, width = canvases.shape
        beyond = 0 if self._canvas is Canvas.TORUS else side - 1
        bounds = (count, height - beyond, width - beyond)
        number, top, left = (int(torch.randint(bound, (), generator=generator)) for bound in bounds)
        rows = (torch.arange(side, device=canvases.device) + top) % height
        columns = (torch.arange(side, device=canvases.device) + left) % width
        return canvases[number : number + 1, :, rows[:, None], columns]
