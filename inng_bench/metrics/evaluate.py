"""The metrics of one row: samples against windows of the texture that no method has seen.

A distance is measured in pairs of equal area, see :mod:`inng_bench.metrics.pieces`: its value is the mean over all
pairs of a piece of the samples and a held-out window. The row ``real`` is the mean over all ordered pairs of real
windows, the train window among them. That is about what a verbatim copy or a perfect method would get; not exactly,
since samples meet the held-out windows alone.
"""

import time
from collections.abc import Sequence
from itertools import permutations, product

import numpy as np

from inng_bench.metrics import crops
from inng_bench.metrics.catalogue import BY_NAME, Compared, MetricInfo, selected
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures, halves, unseen_windows
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.floor import interval_over_windows
from inng_bench.metrics.pieces import pieces
from inng_bench.metrics.registry import MEASURES
from inng_bench.records.schema import Against, Measurement

Pairs = Sequence[tuple[int, int]]
"""Number of the piece and number of the window of each comparison."""


def evaluate(
    samples: Pixels, train: Pixels, held_out: Sequence[Pixels], *, seed: int, metrics: Sequence[str] | None = None
) -> tuple[Measurement, ...]:
    """Measure the samples of a method.

    Parameters
    ----------
    samples : NDArray[np.uint8]
        (N, H, W, 3).
    train : NDArray[np.uint8]
        (H, W, 3): the window that the method was trained on; or several, (N, H, W, 3), which have held-out ones.
    held_out : Sequence[NDArray[np.uint8]]
        Windows of the same size that it has not seen. Where there are none, the halves of the train window stand for
        them.
    seed : int
        Seed of all random choices of the metrics.
    metrics : Sequence[str] or None
        Names in the catalogue; None for the default set.

    Returns
    -------
    tuple[Measurement, ...]
        One for each metric. ``seconds`` of a metric includes the features that it is the first to use.

    Examples
    --------
    A copy of a held-out window has the spectrum of that window:

    >>> window = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    >>> (found,) = evaluate(window[np.newaxis], window, [window], seed=0, metrics=["spectrum"])
    >>> found.metric, found.value
    ('spectrum', 0.0)
    """
    windows, against = unseen_windows(_all(train)[0], held_out)
    unseen = [_pictures(window[np.newaxis]) for window in windows]
    whole = _pictures(samples)
    parts = [Pictures(piece) for piece in pieces(samples, windows[0].shape[:2])]
    pairs = list(product(range(len(parts)), range(len(unseen))))
    paired = [Comparison(parts[piece], unseen[window], seed) for piece, window in pairs]
    source = Comparison(whole, _pictures(_all(train)), seed, _honest(held_out))
    return tuple(
        _paired(info, paired, pairs, against)
        if info.compared is Compared.HELD_OUT
        else _at_once(info, source, Against.TRAIN)
        for info in map(BY_NAME.__getitem__, selected(metrics))
    )


def evaluate_real(
    train: Pixels, held_out: Sequence[Pixels], *, seed: int, metrics: Sequence[str] | None = None
) -> tuple[Measurement, ...]:
    """Measure the row ``real``: the floor of every metric.

    A distance is the mean over all ordered pairs of real windows, with an interval over windows. Where the train window
    is the reference, as for copying, the held-out windows are the samples, and the others tell of each what is honest.
    Of several train windows, as many as there are held-out ones stand in pairs.

    Returns
    -------
    tuple[Measurement, ...]
        One for each metric.
    """
    real = (*_all(train)[: len(held_out)], *held_out) if held_out else halves(_all(train)[0])
    windows = [_pictures(window[np.newaxis]) for window in real]
    against = Against.HELD_OUT if held_out else Against.HALVES
    pairs = list(permutations(range(len(windows)), 2))
    paired = [Comparison(windows[first], windows[second], seed) for first, second in pairs]
    others = _pictures(np.stack(held_out or real[1:]))
    reference = _pictures(_all(train)) if held_out else windows[0]
    source = Comparison(others, reference, seed, others if held_out else None)
    return tuple(
        _paired(info, paired, pairs, against, real=True)
        if info.compared is Compared.HELD_OUT
        else _at_once(info, source, Against.TRAIN)
        for info in map(BY_NAME.__getitem__, selected(metrics))
    )


def _paired(
    info: MetricInfo, paired: Sequence[Comparison], pairs: Pairs, against: Against, *, real: bool = False
) -> Measurement:
    """Measure a distance of all pairs."""
    start = time.perf_counter()
    outcomes = [_outcome(info, comparison) for comparison in paired]
    by_pair = {pair: outcome.value for pair, outcome in zip(pairs, outcomes, strict=True) if outcome.value is not None}
    if len(by_pair) < len(pairs):
        return _measurement(info, paired, against, next(one for one in outcomes if one.value is None), start)
    per_piece = tuple(
        float(np.mean([value for (piece, _), value in by_pair.items() if piece == number]))
        for number in dict.fromkeys(piece for piece, _ in pairs)
    )
    outcome = _mean(outcomes, per_piece)
    low, high = interval_over_windows(by_pair) if real else (None, None)
    return _measurement(info, paired, against, outcome, start).model_copy(
        update={"pairs": len(pairs), "low": low, "high": high}
    )


def _at_once(info: MetricInfo, comparison: Comparison, against: Against) -> Measurement:
    """Measure a metric of all samples at once."""
    start = time.perf_counter()
    return _measurement(info, [comparison], against, _outcome(info, comparison), start)


def _outcome(info: MetricInfo, comparison: Comparison) -> Outcome:
    if comparison.side < info.minimum_size:
        return Outcome(None, n=0, note=f"needs pictures of {info.minimum_size} px a side, these have {comparison.side}")
    return MEASURES[info.name](comparison)


def _measurement(
    info: MetricInfo, comparisons: Sequence[Comparison], against: Against, outcome: Outcome, start: float
) -> Measurement:
    samples = list(dict.fromkeys(comparison.samples for comparison in comparisons))
    images = [len(pictures.pixels) for pictures in samples]
    fitting = [
        count if outcome.crop is None else crops.disjoint(count, pictures.pixels.shape[1:3], outcome.crop)
        for count, pictures in zip(images, samples, strict=True)
    ]
    return Measurement(
        metric=info.name,
        version=info.version,
        against=against,
        value=outcome.value,
        n=outcome.n,
        images=sum(images),
        disjoint_crops=0 if outcome.value is None else sum(fitting),
        per_image=outcome.per_image,
        parts=outcome.parts,
        seconds=time.perf_counter() - start,
        note=outcome.note,
    )


def _mean(outcomes: Sequence[Outcome], per_image: tuple[float, ...]) -> Outcome:
    """Return the mean of outcomes of one metric, all of which have a value."""
    first = outcomes[0]
    value = float(np.mean([outcome.value for outcome in outcomes]))
    parts = {name: float(np.mean([outcome.parts[name] for outcome in outcomes])) for name in first.parts}
    return Outcome(value, first.n, first.crop, parts, per_image, first.note)


def _all(train: Pixels) -> Pixels:
    """Return one train window or several as (N, H, W, 3)."""
    return train.reshape(-1, *train.shape[-3:])


def _honest(windows: Sequence[Pixels]) -> Pictures | None:
    return Pictures(np.stack(windows)) if windows else None


def _pictures(pixels: Pixels) -> Pictures:
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3 or 0 in pixels.shape:
        raise ValueError(f"pictures must be uint8 (N, H, W, 3), not {pixels.dtype} {pixels.shape}")
    return Pictures(pixels)
