"""The metrics of one row: samples against the held-out window, and against the train window beside it.

What ``Measurement.per_image`` holds is the metric of a *group* of pictures alone, since a canvas says something and
one of many tiles does not. It is there against the headline's window only: the held-out one, else the train window.
:func:`inng_bench.metrics.crops.groups` makes as many groups of canvases as of tiles, of equal area. A group is
measured on its own crops, against all crops of the window.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inng_bench.metrics import crops
from inng_bench.metrics.catalogue import BY_NAME, Compared, MetricInfo, selected
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.registry import MEASURES
from inng_bench.records.schema import Against, Measurement


def evaluate(
    samples: Pixels, train: Pixels, held_out: Pixels | None, *, seed: int, metrics: Sequence[str] | None = None
) -> tuple[Measurement, ...]:
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
        Of whatever a metric draws. In the kernel distance it orders the crops (round-off only) and chooses the
        window's crops that a group is compared with.
    metrics : Sequence[str] or None
        Names in the catalogue; None for the default set.

    Returns
    -------
    tuple[Measurement, ...]
        Every metric against the windows that it compares with, see
        :class:`inng_bench.metrics.catalogue.Compared`: against the held-out window first, then the train window.
        ``seconds`` of a metric includes the features that it is the first to use: those of the samples are in the
        first ``gram``, those of a window in the ``gram`` against it.
    """
    names = selected(metrics)
    pictures, source = _pictures(samples), _pictures(train[np.newaxis])
    unseen = None if held_out is None else _pictures(held_out[np.newaxis])
    windows = {Against.HELD_OUT: unseen, Against.TRAIN: source}
    headline = Against.TRAIN if unseen is None else Against.HELD_OUT
    measured: list[Measurement] = []
    for against, window in windows.items():
        if window is not None:
            wanted = (Compared.BOTH, Compared.UNSEEN) if against is headline else (Compared.BOTH,)
            comparison = Comparison(pictures, window, against, seed, grouped=against is headline)
            measured += _measure_all(names, wanted, comparison)
    comparison = Comparison(pictures, source, Against.TRAIN, seed, unseen, grouped=True)
    return (*measured, *_measure_all(names, (Compared.SOURCE,), comparison))


def evaluate_real(
    train: Pixels, held_out: Pixels | None, *, seed: int, metrics: Sequence[str] | None = None
) -> tuple[Measurement, ...]:
    """Measure the row ``real``: what a verbatim copy of the train window would get, but the *floor* of copying.

    With a held-out window, the train window is compared with it; where the train window is the reference, as for
    copying, it is the sample. Without, each value is the mean over the left half against the right one and the top
    half against the bottom one.

    Returns
    -------
    tuple[Measurement, ...]
        One for each metric.
    """
    names = selected(metrics)
    source = _pictures(train[np.newaxis])
    if held_out is not None:
        unseen = _pictures(held_out[np.newaxis])
        return _measure_floor(
            names,
            Comparison(source, unseen, Against.HELD_OUT, seed),
            Comparison(unseen, source, Against.TRAIN, seed, unseen),
        )
    splits = []
    for axis in (1, 0):
        first, second = (_pictures(half[np.newaxis]) for half in np.array_split(train, 2, axis=axis))
        halves = Comparison(first, second, Against.HALVES, seed)
        splits.append(_measure_floor(names, halves, replace(halves, held_out=first)))
    return tuple(_mean(left_right, top_bottom) for left_right, top_bottom in zip(*splits, strict=True))


def _measure_floor(names: Sequence[str], compared: Comparison, source: Comparison) -> tuple[Measurement, ...]:
    return (
        *_measure_all(names, (Compared.BOTH, Compared.UNSEEN), compared),
        *_measure_all(names, (Compared.SOURCE,), source),
    )


def _measure_all(names: Sequence[str], compared: Sequence[Compared], comparison: Comparison) -> tuple[Measurement, ...]:
    return tuple(_measure(BY_NAME[name], comparison) for name in names if BY_NAME[name].compared in compared)


def _measure(info: MetricInfo, comparison: Comparison) -> Measurement:
    start = time.perf_counter()
    if comparison.side < info.minimum_size:
        note = f"needs pictures of {info.minimum_size} px a side, these have {comparison.side}"
        outcome = Outcome(None, n=0, note=note)
    else:
        outcome = MEASURES[info.name](comparison)
    pixels = comparison.samples.pixels
    images, size = len(pixels), pixels.shape[1:3]
    disjoint = images if outcome.crop is None else crops.disjoint(images, size, outcome.crop)
    return Measurement(
        metric=info.name,
        version=info.version,
        against=comparison.against,
        value=outcome.value,
        n=outcome.n,
        images=images,
        disjoint_crops=0 if outcome.value is None else disjoint,
        per_image=outcome.per_image,
        parts=outcome.parts,
        seconds=time.perf_counter() - start,
        note=outcome.note,
    )


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


def _pictures(pixels: Pixels) -> Pictures:
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3 or 0 in pixels.shape:
        raise ValueError(f"pictures must be uint8 (N, H, W, 3), not {pixels.dtype} {pixels.shape}")
    return Pictures(pixels)
