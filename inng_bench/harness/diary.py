"""What is kept of a run while it goes: curve, moments, times."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from inng_bench.contract import Progress, Snapshot
from inng_bench.records.schema import CurvePoint
from inng_bench.textures import to_pixels

Pixels = NDArray[np.uint8]

Listener = Callable[[str, float], None]
"""Hears the phase of a run and the share of its training that is done, in [0, 1]."""

MOMENTS = 8
"""Pictures in the strip that shows a training."""

LOOKS = 32
"""Reports of a training, spread evenly over its budget, whose pictures are looked at."""

Look = Callable[[Pixels], Mapping[str, float]]
"""Sees pictures (N, H, W, 3) and returns what the curve is to show of them, by name."""


Frame = Callable[[Pixels], Pixels]
"""Makes the picture that is kept of a report from its pictures (N, H, W, 3)."""


def first_of(pictures: Pixels) -> Pixels:
    """Return the first picture alone."""
    first: Pixels = pictures[0]
    return first


Notice = Callable[[str], None]
"""Takes a clause for the person in front of the terminal."""


def ignore_notice(text: str) -> None:
    """Tell nobody."""


def see_nothing(pictures: Pixels) -> Mapping[str, float]:
    """Look away."""
    del pictures
    return {}


def ignore_news(phase: str, fraction: float) -> None:
    """Listen to nothing."""


class Diary:
    """Listens to a training: keeps its curve and a few pictures spread evenly over the budget.

    Parameters
    ----------
    listener : Callable[[str, float], None]
        Hears of the progress.
    look : Callable
        Sees the pictures of some reports and adds values to the curve.

    Attributes
    ----------
    seconds : float
        Time of the looks, which is no part of the training's.
    """

    def __init__(self, listener: Listener, look: Look = see_nothing, frame: Frame = first_of) -> None:
        self._listener = listener
        self._frame = frame
        self._look = look
        self._looks = 0
        self.seconds = 0.0
        self._curve: list[CurvePoint] = []
        self._moments: dict[int, tuple[float, Pixels]] = {}
        self._not_finite: dict[str, int] = {}

    def __call__(self, progress: Progress) -> None:
        """Take one report of the method."""
        values = {**progress.values, **self._seen(progress)}
        finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        for name in values.keys() - finite.keys():
            self._not_finite.setdefault(name, progress.step)
        self._curve.append(CurvePoint(step=progress.step, flops=float(progress.flops), values=finite))
        if progress.pictures is not None:
            self._keep(progress.fraction, self._frame(to_pixels(progress.pictures)))
        self._listener("train", progress.fraction)

    def _seen(self, progress: Progress) -> Mapping[str, float]:
        """Look at the first report of each of the budget's equal shares."""
        if progress.pictures is None or progress.fraction * LOOKS < self._looks:
            return {}
        begin = time.perf_counter()
        self._looks = math.floor(progress.fraction * LOOKS) + 1
        values = self._look(to_pixels(progress.pictures))
        self.seconds += time.perf_counter() - begin
        return values

    def _keep(self, fraction: float, picture: Pixels) -> None:
        """Keep a picture if it is the nearest so far to one of the moments."""
        position = min(max(fraction, 0.0), 1.0) * (MOMENTS - 1)
        moment = round(position)
        distance = abs(position - moment)
        if moment not in self._moments or distance <= self._moments[moment][0]:
            self._moments[moment] = (distance, picture)

    def snapshot(self) -> Snapshot:
        """Return all that has been kept so far."""
        tensors = {str(moment): torch.from_numpy(picture) for moment, (_, picture) in self._moments.items()}
        values = {
            "curve": [point.model_dump() for point in self._curve],
            "distances": {str(moment): distance for moment, (distance, _) in self._moments.items()},
            "not_finite": self._not_finite,
            "looks": self._looks,
            "seconds": self.seconds,
        }
        return Snapshot(tensors, values)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a :meth:`snapshot`."""
        values, distances = snapshot.values, snapshot.values["distances"]
        self._curve = [CurvePoint.model_validate(point) for point in values["curve"]]
        self._moments = {
            int(moment): (distances[moment], picture.numpy()) for moment, picture in snapshot.tensors.items()
        }
        self._not_finite = dict(values["not_finite"])
        self._looks, self.seconds = values["looks"], values["seconds"]

    @property
    def curve(self) -> tuple[CurvePoint, ...]:
        """All reports; a value that was not finite is left out."""
        return tuple(self._curve)

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence for each value that was not finite at some step."""
        return tuple(f"{name} was not finite at step {step}." for name, step in sorted(self._not_finite.items()))

    def strip(self) -> Pixels | None:
        """Return the kept pictures side by side, uint8 (H, n * W, 3), the earliest at the left.

        A picture whose size differs from the last one's is left out; None when no picture was reported.
        """
        pictures = [picture for _, (_, picture) in sorted(self._moments.items())]
        alike = [picture for picture in pictures if picture.shape == pictures[-1].shape]
        return np.concatenate(alike, axis=1) if alike else None


class Stopwatch:
    """Wall time by phase, in seconds."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Announce a block and time it."""
        self._listener(name, 1.0 if "train" in self.seconds else 0.0)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
