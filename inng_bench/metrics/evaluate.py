"""All metrics of one row: samples against the held-out window, and against the train window beside it.

What ``Measurement.per_image`` holds is the metric of a *group* of pictures alone, since a canvas says something and
one of many tiles does not. It is there against the headline's window only: the held-out one, else the train window.
:func:`inng_bench.metrics.crops.groups` makes as many groups of canvases as of tiles, of
equal area. A group is measured on its own crops, against all crops of the window; only the kernel distance takes as
many of the window's as the group has, the same ones for every group.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from inng_bench.metrics import copying, crops, fidelity
from inng_bench.metrics.catalogue import BY_NAME, CROP, CROPS, WIDE_CROP, WIDE_CROPS
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.gram import gram_matrix, relative_distance
from inng_bench.records.schema import Against, Measurement


def evaluate(samples: Pixels, train: Pixels, held_out: Pixels | None, *, seed: int) -> tuple[Measurement, ...]:
    """Measure the samples of a method.

    Parameters
    ----------
    samples : NDArray[np.uint8]
        (N, H, W, 3).
    train : NDArray[np.uint8]
        (H, W, 3): the window that the method was trained on.
    held_out : NDArray[np.uint8] or None
        (H, W, 3): the window that it has not seen.
    seed : int
        Of the order of the crops in the kernel distance (round-off only), and of which of the window's crops a group
        is compared with there.

    Returns
    -------
    tuple[Measurement, ...]
        Every metric against the held-out window, if there is one, then against the train window. Copying is measured
        against the train window only. ``seconds`` of a metric includes the features that it is the first to use:
        those of the samples are in the first ``gram``, those of a window in the ``gram`` against it.
    """
    for pictures in (samples, train[np.newaxis], *(() if held_out is None else (held_out[np.newaxis],))):
        _validate(pictures)
    described = _Pictures(samples)
    windows = {Against.HELD_OUT: held_out, Against.TRAIN: train}
    headline = Against.TRAIN if held_out is None else Against.HELD_OUT
    compared = [
        _compare(described, _Pictures(window[np.newaxis]), against, seed, headline=headline)
        for against, window in windows.items()
        if window is not None
    ]
    return (*(one for row in compared for one in row), _copying(samples, train, held_out, Against.TRAIN))


def evaluate_real(train: Pixels, held_out: Pixels | None, *, seed: int) -> tuple[Measurement, ...]:
    """Measure the row ``real``: what a verbatim copy of the train window would get, but the *floor* of copying.

    With a held-out window, the train window is compared with it; for copying it is the sample. Without, each value is
    the mean over the left half against the right one and the top half against the bottom one.

    Returns
    -------
    tuple[Measurement, ...]
        One for each metric.
    """
    _validate(train[np.newaxis])
    if held_out is not None:
        _validate(held_out[np.newaxis])
        against = Against.HELD_OUT
        compared = _compare(
            _Pictures(train[np.newaxis]), _Pictures(held_out[np.newaxis]), against, seed, headline=against
        )
        return (*compared, _copying(held_out[np.newaxis], train, held_out, Against.TRAIN))
    splits = []
    for axis in (1, 0):
        halves = Against.HALVES
        first, second = np.array_split(train, 2, axis=axis)
        compared = _compare(_Pictures(first[np.newaxis]), _Pictures(second[np.newaxis]), halves, seed, headline=halves)
        splits.append((*compared, _copying(first[np.newaxis], second, first, Against.HALVES)))
    return tuple(_mean(left_right, top_bottom) for left_right, top_bottom in zip(*splits, strict=True))


@dataclass(frozen=True)
class _Pictures:
    """Pictures of one size, (N, H, W, 3), and their features, which are computed when first asked for."""

    pixels: Pixels

    @property
    def side(self) -> int:
        height, width = self.pixels.shape[1:3]
        return int(min(height, width))

    @cached_property
    def places(self) -> NDArray[np.int64]:
        return self._grid(CROPS, CROP)

    @cached_property
    def features(self) -> fidelity.Features:
        return fidelity.extract(crops.cut(self.pixels, self.places, CROP), fidelity.LAYERS)

    @cached_property
    def grams(self) -> fidelity.Features:
        return _grams(self.features)

    @cached_property
    def groups(self) -> tuple[fidelity.Features, ...]:
        """The features of each group of pictures; none where there is one group only."""
        return _split(self.features, crops.groups(len(self.pixels))[self.places[:, 0]])

    @cached_property
    def wide_places(self) -> NDArray[np.int64]:
        return self._grid(WIDE_CROPS, WIDE_CROP)

    @cached_property
    def wide_features(self) -> fidelity.Features:
        return fidelity.extract(crops.cut(self.pixels, self.wide_places, WIDE_CROP), tuple(fidelity.GRAMS), batch=8)

    @cached_property
    def wide_groups(self) -> tuple[fidelity.Features, ...]:
        return _split(self.wide_features, crops.groups(len(self.pixels))[self.wide_places[:, 0]])

    def _grid(self, count: int, crop: int) -> NDArray[np.int64]:
        return crops.grid(count, len(self.pixels), self.pixels.shape[1:3], crop)


def _split(features: fidelity.Features, group: NDArray[np.int64]) -> tuple[fidelity.Features, ...]:
    numbers = np.unique(group)
    if len(numbers) == 1:
        return ()
    return tuple({layer: rows[group == number] for layer, rows in features.items()} for number in numbers)


@dataclass(frozen=True)
class _Outcome:
    """What a metric found."""

    value: float
    parts: dict[str, float]
    per_image: tuple[float, ...] = ()


_Groups = Callable[[], tuple[fidelity.Features, ...]]


def _compare(
    samples: _Pictures, reference: _Pictures, against: Against, seed: int, *, headline: Against
) -> tuple[Measurement, ...]:
    """Measure all but copying, groups of pictures against the window of the headline only."""
    side = min(samples.side, reference.side)

    def groups() -> tuple[fidelity.Features, ...]:
        return samples.groups if against is headline else ()

    def wide_groups() -> tuple[fidelity.Features, ...]:
        return samples.wide_groups if against is headline else ()

    def measured(name: str, n: int, crop: int, compute: Callable[[], _Outcome]) -> Measurement:
        return _measure(name, against, samples.pixels, side, n=n, crop=crop, compute=compute)

    return (
        measured("gram", CROPS, CROP, lambda: _gram(samples, reference, groups)),
        measured("gram_128", WIDE_CROPS, WIDE_CROP, lambda: _gram_128(samples, reference, wide_groups)),
        measured("patch_fid", CROPS, CROP, lambda: _patch_fid(samples, reference, groups)),
        measured("patch_kid", CROPS, CROP, lambda: _patch_kid(samples, reference, groups, seed)),
    )


def _measure(
    name: str, against: Against, samples: Pixels, side: int, *, n: int, crop: int, compute: Callable[[], _Outcome]
) -> Measurement:
    info, images = BY_NAME[name], len(samples)
    if side < info.minimum_size:
        note = f"needs pictures of {info.minimum_size} px a side, these have {side}"
        return Measurement(
            metric=name,
            version=info.version,
            against=against,
            value=None,
            n=0,
            images=images,
            disjoint_crops=0,
            note=note,
        )
    start = time.perf_counter()
    outcome = compute()
    return Measurement(
        metric=name,
        version=info.version,
        against=against,
        value=outcome.value,
        n=n,
        images=images,
        disjoint_crops=crops.disjoint(images, samples.shape[1:3], crop),
        per_image=outcome.per_image,
        parts=outcome.parts,
        seconds=time.perf_counter() - start,
    )


def _gram(samples: _Pictures, reference: _Pictures, groups: _Groups) -> _Outcome:
    parts = _gram_parts(_grams(samples.features), reference.grams)
    alone = (_average(_gram_parts(_grams(group), reference.grams)) for group in groups())
    return _Outcome(_average(parts), parts, tuple(alone))


def _gram_128(samples: _Pictures, reference: _Pictures, groups: _Groups) -> _Outcome:
    wanted = _grams(reference.wide_features)
    parts = _gram_parts(_grams(samples.wide_features), wanted)
    alone = (_average(_gram_parts(_grams(group), wanted)) for group in groups())
    return _Outcome(_average(parts), parts, tuple(alone))


def _grams(features: fidelity.Features) -> fidelity.Features:
    """Return the mean Gram matrix of each tap, (d, d)."""
    return {f"tap_{width}": gram_matrix(features[layer]) for layer, width in fidelity.GRAMS.items()}


def _gram_parts(samples: fidelity.Features, reference: fidelity.Features) -> dict[str, float]:
    return {tap: relative_distance(gram, reference[tap]) for tap, gram in samples.items()}


def _patch_fid(samples: _Pictures, reference: _Pictures, groups: _Groups) -> _Outcome:
    parts = _fid_parts(samples.features, reference.features)
    alone = (_average(_fid_parts(group, reference.features)) for group in groups())
    return _Outcome(_average(parts), parts, tuple(alone))


def _fid_parts(samples: fidelity.Features, reference: fidelity.Features) -> dict[str, float]:
    return {
        layer: fidelity.frechet_distance(samples[layer], reference[layer]) / width
        for layer, width in fidelity.TAPS.items()
    }


def _patch_kid(samples: _Pictures, reference: _Pictures, groups: _Groups, seed: int) -> _Outcome:
    def distance(features: fidelity.Features) -> float:
        return fidelity.kernel_distance(
            features[fidelity.HEAD_LAYER], reference.features[fidelity.HEAD_LAYER], seed=seed
        )

    return _Outcome(distance(samples.features), {}, tuple(distance(group) for group in groups()))


def _copying(samples: Pixels, train: Pixels, held_out: Pixels | None, against: Against) -> Measurement:
    windows = (train,) if held_out is None else (train, held_out)
    side = min(*samples.shape[1:3], *(length for window in windows for length in window.shape[:2]))
    block = copying.BLOCK

    def compute() -> _Outcome:
        found = copying.copying(samples, train, held_out)
        parts = {"same_offset": found.same_offset, "close": found.close, "threshold": found.threshold}
        return _Outcome(found.rate, parts, found.per_group if len(found.per_group) > 1 else ())

    return _measure("copy_rate", against, samples, side, n=copying.BLOCKS, crop=block, compute=compute)


def _mean(first: Measurement, second: Measurement) -> Measurement:
    """Return the mean of a metric over two ways to halve a picture."""
    if first.value is None or second.value is None:
        return first if first.value is None else second
    return first.model_copy(
        update={
            "value": (first.value + second.value) / 2,
            "parts": {name: (part + second.parts[name]) / 2 for name, part in first.parts.items()},
            "disjoint_crops": min(first.disjoint_crops, second.disjoint_crops),
            "seconds": first.seconds + second.seconds,
        }
    )


def _average(parts: dict[str, float]) -> float:
    return float(np.mean(list(parts.values())))


def _validate(pictures: Pixels) -> None:
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3 or 0 in pictures.shape:
        raise ValueError(f"pictures must be uint8 (N, H, W, 3), not {pictures.dtype} {pictures.shape}")
