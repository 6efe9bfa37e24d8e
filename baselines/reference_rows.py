"""The two rows that every table needs besides the real one: what colour alone and what the spectrum alone can do.

Both are closed forms of one window. Their training spends nothing.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from inng_bench.contract import NO_CHECKPOINT, Checkpoint, Events, Execution, Method, Training, ignore_events
from inng_bench.errors import InputError
from inng_bench.pixels import colour_statistics, coloured_noise

MINIMUM_SIDE = 16
"""Shortest side in pixels of a sample."""


class _ReferenceRow(Method):
    """A method without settings and without cost: a few statistics of the window."""

    statistics: ClassVar[frozenset[str]]

    def __init__(self, settings: Mapping[str, Any], execution: Execution) -> None:
        if settings:
            raise InputError(f"the method {self.name!r} has no settings; remove {', '.join(sorted(settings))}.")
        self.execution = execution
        self._state: dict[str, Tensor] = {}

    def configuration(self) -> dict[str, Any]:
        """Return nothing: there is nothing to choose."""
        return {}

    def train(
        self,
        window: Tensor,
        *,
        seed: int,
        budget: float,
        events: Events = ignore_events,
        checkpoint: Checkpoint = NO_CHECKPOINT,
    ) -> Training:
        """Measure the window; see :meth:`inng_bench.contract.Method.train`."""
        del seed, budget, events, checkpoint  # nothing is random, spent, worth a report or worth keeping
        self._state = {name: statistic.float() for name, statistic in self._measure(window.double()).items()}
        return Training(flops=0.0)

    @abstractmethod
    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        """Return the :attr:`statistics` of a float64 (3, H, W) window."""

    def _statistic(self, name: str) -> Tensor:
        if not self._state:
            raise RuntimeError(f"the method {self.name!r} has to be trained or restored before it can sample")
        return self._state[name].double()

    def supports(self, size: tuple[int, int]) -> bool:
        """Say whether both sides are at least 16 px."""
        return min(size) >= MINIMUM_SIDE

    def state(self) -> dict[str, Tensor]:
        """Return the statistics of the window, float32."""
        return dict(self._state)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over the statistics of a window.

        Raises
        ------
        InputError
            When they are not those of this method.
        """
        if set(state) != self.statistics:
            raise InputError(f"the stored model of {self.name!r} is incomplete; train it again.")
        self._state = dict(state)


class MatchedNoise(_ReferenceRow):
    """Independent Gaussian pixels with the colour mean and the colour covariance of the window, clipped to [-1, 1]."""

    name: ClassVar[str] = "noise"
    statistics: ClassVar[frozenset[str]] = frozenset({"mean", "mixing"})

    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        mean, mixing = colour_statistics(window)
        return {"mean": mean, "mixing": mixing}

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        return coloured_noise(self._statistic("mean"), self._statistic("mixing"), count, size, generator).float()


class RandomPhase(_ReferenceRow):
    """Random phase noise of the window: its mean, its spectrum, and nothing else.

    The window's texton (its periodic component [1]_, less the mean) is laid on a torus at least as large as the window
    and as the picture asked for, and every frequency is given a random phase, the same for the three colours, so that
    their correlations stay [2]_. Where the torus is larger than the window, the texton fades to zero at its border.
    The texton is normalised to the colour covariance of the window.

    References
    ----------
    .. [1] L. Moisan, "Periodic plus smooth image decomposition", J. Math. Imaging Vis. 39, 2011,
       https://doi.org/10.1007/s10851-010-0227-1
    .. [2] B. Galerne, Y. Gousseau, J.-M. Morel, "Random phase textures: theory and synthesis", IEEE Trans. Image
       Process. 20(1), 2011, https://doi.org/10.1109/TIP.2010.2052822
    """

    name: ClassVar[str] = "random-phase"
    statistics: ClassVar[frozenset[str]] = frozenset({"mean", "texton"})

    def _measure(self, window: Tensor) -> dict[str, Tensor]:
        periodic = periodic_component(window)
        mean = periodic.mean(dim=(1, 2))
        # The smooth component has a part of the variance; the texton stands for the window's whole.
        texton = _with_covariance(periodic - mean[:, None, None], _covariance(window.flatten(1)))
        return {"mean": mean, "texton": texton}

    def sample(self, count: int, size: tuple[int, int], *, generator: torch.Generator) -> Tensor:
        """Draw pictures; see :meth:`inng_bench.contract.Method.sample`."""
        mean, texton = self._statistic("mean"), self._statistic("texton")
        torus = (max(size[0], texton.shape[1]), max(size[1], texton.shape[2]))
        spectrum = torch.fft.rfft2(_lay_on_torus(texton, torus))
        spectrum[:, 0, 0] = 0.0  # the mean is kept, not drawn
        pictures = []
        for _ in range(count):
            field = torch.fft.irfft2(spectrum * _random_phases(torus, generator), s=torus)
            pictures.append((mean[:, None, None] + field)[:, : size[0], : size[1]].clamp(-1.0, 1.0))
        return torch.stack(pictures).float()


def periodic_component(picture: Tensor) -> Tensor:
    """Return the periodic component of a picture: the same inside, without the jumps between opposite borders.

    Parameters
    ----------
    picture : Tensor
        float64 (C, H, W).

    Returns
    -------
    Tensor
        float64 (C, H, W), of the same mean; the difference from the picture is smooth (its discrete Laplacian
        vanishes inside).

    References
    ----------
    L. Moisan, "Periodic plus smooth image decomposition", 2011, https://doi.org/10.1007/s10851-010-0227-1
    """
    jumps = torch.zeros_like(picture)
    vertical = picture[:, -1, :] - picture[:, 0, :]
    horizontal = picture[:, :, -1] - picture[:, :, 0]
    jumps[:, 0, :] += vertical
    jumps[:, -1, :] -= vertical
    jumps[:, :, 0] += horizontal
    jumps[:, :, -1] -= horizontal
    height, width = picture.shape[1:]
    rows = torch.fft.fftfreq(height, dtype=torch.float64)[:, None]
    columns = torch.fft.fftfreq(width, dtype=torch.float64)[None, :]
    laplacian = 2.0 * torch.cos(2.0 * torch.pi * rows) + 2.0 * torch.cos(2.0 * torch.pi * columns) - 4.0
    laplacian[0, 0] = 1.0
    smooth = torch.fft.fft2(jumps) / laplacian
    smooth[:, 0, 0] = 0.0
    periodic: Tensor = picture - torch.fft.ifft2(smooth).real
    return periodic


def _lay_on_torus(texton: Tensor, torus: tuple[int, int]) -> Tensor:
    """Put a texton of zero mean on a larger torus, scaled so that the field's colour covariance is the texton's.

    The energy that a spot has on a torus of A pixels is A times the variance of its random phase noise.
    """
    height, width = texton.shape[1:]
    canvas = texton.new_zeros(3, *torus)
    canvas[:, :height, :width] = texton * _fade(height, torus[0])[:, None] * _fade(width, torus[1])[None, :]
    return _with_covariance(canvas, _covariance(texton.flatten(1)))


def _with_covariance(picture: Tensor, covariance: Tensor) -> Tensor:
    """Mix the colours of a picture (3, H, W) so that their covariance becomes the given one."""
    whitening = torch.linalg.pinv(_symmetric_root(_covariance(picture.flatten(1))), rtol=1e-6, hermitian=True)
    return torch.einsum("dc,chw->dhw", _symmetric_root(covariance) @ whitening, picture)


def _fade(length: int, torus: int) -> Tensor:
    """Rise from 0 to 1 and fall again, over a tenth of the length each; stay at 1 if nothing is extended."""
    if torus == length:
        return torch.ones(length, dtype=torch.float64)
    ramp = max(1, length // 10)
    from_border = torch.minimum(torch.arange(length), torch.arange(length - 1, -1, -1)).double() + 0.5
    return 0.5 - 0.5 * torch.cos(torch.pi * (from_border / ramp).clamp(max=1.0))


def _random_phases(torus: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Return phases of white noise, complex128 of modulus 1 on the half spectrum, with the symmetry of a real field."""
    white = torch.fft.rfft2(torch.randn(torus, generator=generator, dtype=torch.float64))
    return torch.polar(torch.ones(white.shape, dtype=torch.float64), white.angle())


def _covariance(colours: Tensor) -> Tensor:
    """Return the (3, 3) covariance of (3, N) colours, divided by N."""
    return torch.cov(colours, correction=0)


def _symmetric_root(covariance: Tensor) -> Tensor:
    """Return the symmetric square root of a covariance that may be singular, as that of a grey picture is."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors @ torch.diag(values.clamp(min=0.0).sqrt()) @ vectors.T
    return root
