"""Copying: whether neighbouring patches of a sample come from neighbouring places of the train window.

A sample that repeats the source gets perfect statistics, so that every table shows this rate beside them. A pair of
patches counts as copied when the nearest train patches of both stand at the same offset within a pixel *and* both
match more closely than honest material does: closer than the first percentile of held-out patches against the train
window. Where the held-out window is as close to the train window as a copy would be (a flat texture, an exact
period), copying cannot be told from chance, and nothing counts. No torch in here, so that a report can use it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from inng_bench.metrics.comparison import Comparison, Outcome
from inng_bench.metrics.copied_piece import largest_piece
from inng_bench.metrics.crops import Pixels, cut, grid, groups

PATCH = 16
"""Side of the compared patches in pixels."""

STEP = 8
"""Distance of neighbouring patches in pixels."""

BLOCK = 32
"""Side of the crops that patches are taken from: 3 × 3 patches, twelve pairs of neighbours."""

BLOCKS = 64
"""Number of such crops of every row; the time is theirs times the area of the train window."""

PERCENTILE = 1.0

_ROWS_AT_A_TIME = 8


@dataclass(frozen=True)
class Matches:
    """The nearest train patch of each patch.

    Attributes
    ----------
    offset : NDArray[np.int64]
        (blocks, 3, 3, 2): place in the train window minus place in the block, in pixels.
    distance : NDArray[np.float64]
        (blocks, 3, 3): root mean square difference in grey levels.
    places : NDArray[np.int64]
        (blocks, 3): picture, top and left of each block.
    """

    offset: NDArray[np.int64]
    distance: NDArray[np.float64]
    places: NDArray[np.int64]


@dataclass(frozen=True)
class Copying:
    """Copy rate of a set of pictures.

    Attributes
    ----------
    rate : float
        Share of neighbouring pairs that are copied, in [0, 1].
    same_offset : float
        Share of pairs at the same offset, however far the match.
    close : float
        Share of patches that match more closely than the threshold.
    threshold : float
        The distance that honest material has, in grey levels.
    nearest_ratio : float or None
        Median distance of a patch to its nearest train patch over that of held-out patches: far below 1 is copied,
        whatever the offsets. None where held-out patches stand in the train window as they are.
    largest_piece : float
        Side in pixels of a square as large as the largest piece that stands at one offset, see
        :func:`inng_bench.metrics.copied_piece.largest_piece`.
    per_group : tuple[float, ...]
        The rate of each group of pictures, see :func:`inng_bench.metrics.crops.groups`.
    """

    rate: float
    same_offset: float
    close: float
    threshold: float
    nearest_ratio: float | None
    largest_piece: float
    per_group: tuple[float, ...]


def copy_rate(comparison: Comparison) -> Outcome:
    """Measure the copy rate: the metric that the registry names."""
    found = comparison.derive(_find)
    parts = {"same_offset": found.same_offset, "close": found.close, "threshold": found.threshold}
    alone = found.per_group if len(found.per_group) > 1 else ()
    return Outcome(found.rate, BLOCKS, BLOCK, parts, alone)


def copied_piece(comparison: Comparison) -> Outcome:
    """Measure the largest copied piece."""
    return Outcome(comparison.derive(_find).largest_piece, BLOCKS, BLOCK)


def nearest_ratio(comparison: Comparison) -> Outcome:
    """Measure how near the samples come to the train window, against held-out material."""
    ratio = comparison.derive(_find).nearest_ratio
    note = "" if ratio is not None else "held-out patches stand in the train window as they are"
    return Outcome(ratio, BLOCKS if note == "" else 0, BLOCK, note=note)


def _find(comparison: Comparison) -> Copying:
    held_out = None if comparison.honest is None else comparison.honest.pixels[0]
    return copying(comparison.samples.pixels, comparison.reference.pixels[0], held_out)


def copying(samples: Pixels, train: Pixels, held_out: Pixels | None) -> Copying:
    """Measure how much of the samples is copied from the train window.

    Parameters
    ----------
    samples : Pixels
        uint8 (N, H, W, 3).
    train, held_out : Pixels
        uint8 (H, W, 3). Without a held-out window one half of the train window against the other gives the threshold.
    """
    honest = honest_distances(train, held_out)
    threshold = float(np.percentile(honest, PERCENTILE))
    matches = nearest_patches(samples, train)
    group = groups(len(samples))[matches.places[:, 0]]
    close = matches.distance < threshold
    same = [_same_offset(matches.offset, axis, train.shape[:2]) for axis in (1, 2)]
    both = [_both(close, axis) for axis in (1, 2)]
    copied = [agree & near for agree, near in zip(same, both, strict=True)]
    return Copying(
        rate=_share(copied),
        same_offset=_share(same),
        close=float(close.mean()),
        threshold=threshold,
        nearest_ratio=float(np.median(matches.distance) / np.median(honest)) if np.median(honest) > 0 else None,
        largest_piece=largest_piece(samples, train, _offsets(matches, copied), PATCH, threshold),
        per_group=tuple(_share([pairs[group == number] for pairs in copied]) for number in np.unique(group)),
    )


def honest_distances(train: Pixels, held_out: Pixels | None) -> NDArray[np.float64]:
    """Return the match distances of patches that are no copies, in grey levels."""
    if held_out is None:
        train, held_out = _halves(train)
    return nearest_patches(held_out[np.newaxis], train).distance


def nearest_patches(samples: Pixels, train: Pixels) -> Matches:
    """Find the nearest train patch of patches on a fixed grid.

    The search is exhaustive and runs over all places of the window continued periodically, so that a rolled or tiled
    copy has no seam.
    """
    places = grid(BLOCKS, len(samples), samples.shape[1:3], BLOCK)
    blocks = cut(samples, places, BLOCK)
    inside = [(top, left) for top in range(0, BLOCK - PATCH + 1, STEP) for left in range(0, BLOCK - PATCH + 1, STEP)]
    patches = np.stack([blocks[:, top : top + PATCH, left : left + PATCH] for top, left in inside], axis=1)
    shape = (len(blocks), 3, 3)
    found = _search(_vectors(patches.reshape(-1, PATCH, PATCH, 3)), train).reshape(*shape, 2)
    wrapped = _continued(train)
    nearest = np.stack([wrapped[y : y + PATCH, x : x + PATCH] for y, x in found.reshape(-1, 2)])
    squares = (nearest.astype(np.float64) - patches.reshape(nearest.shape)) ** 2
    offset = found - np.array(inside).reshape(3, 3, 2)
    return Matches(offset, np.sqrt(squares.mean((1, 2, 3))).reshape(shape), places)


def nearest_patch(sample: Pixels, train: Pixels, size: int = 64) -> tuple[Pixels, Pixels, float]:
    """Find the place of the train window that is most like the middle of a sample.

    Parameters
    ----------
    sample, train : Pixels
        uint8 (H, W, 3).
    size : int
        Side of the patch in pixels; smaller where a picture is.

    Returns
    -------
    tuple[Pixels, Pixels, float]
        The sample's central patch, its nearest patch among all of the train window, both uint8 (size, size, 3), and
        their root mean square difference in grey levels.
    """
    size = min(size, *sample.shape[:2], *train.shape[:2])
    top, left = ((side - size) // 2 for side in sample.shape[:2])
    patch = sample[top : top + size, left : left + size]
    query, window = patch.astype(np.float64), train.astype(np.float64)
    squares = fftconvolve((window**2).sum(2), np.ones((size, size)), mode="valid")
    products = fftconvolve(window, query[::-1, ::-1, ::-1], mode="valid")[..., 0]
    y, x = np.unravel_index(np.argmin(squares - 2 * products), squares.shape)
    nearest = train[y : y + size, x : x + size]
    return patch, nearest, float(np.sqrt(((query - nearest) ** 2).mean()))


def _search(queries: NDArray[np.float32], train: Pixels) -> NDArray[np.int64]:
    """Return (n, 2) places of the nearest patches; the first one among equals."""
    windows = np.lib.stride_tricks.sliding_window_view(_continued(train), (PATCH, PATCH), axis=(0, 1))
    best = np.full(len(queries), -np.inf, np.float32)
    place = np.zeros(len(queries), np.int64)
    for top in range(0, len(windows), _ROWS_AT_A_TIME):
        candidates = _vectors(windows[top : top + _ROWS_AT_A_TIME].reshape(-1, 3, PATCH, PATCH).transpose(0, 2, 3, 1))
        # |a - b|² = |a|² - 2 (a·b - |b|²/2), and |a|² is the same for all candidates of a query.
        score = candidates @ queries.T - (candidates**2).sum(1, keepdims=True) / 2
        winner = score.argmax(0)
        value = score[winner, np.arange(len(queries))]
        better = value > best
        best[better] = value[better]
        place[better] = winner[better] + top * train.shape[1]
    return np.stack(np.divmod(place, train.shape[1]), axis=1)


def _vectors(patches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Flatten patches around zero: sums of 768 products of such integers stay under 2**24, so float32 is exact."""
    return patches.reshape(len(patches), -1).astype(np.float32) - 128


def _continued(train: Pixels) -> Pixels:
    return np.pad(train, ((0, PATCH - 1), (0, PATCH - 1), (0, 0)), mode="wrap")


def _same_offset(offset: NDArray[np.int64], axis: int, period: tuple[int, ...]) -> NDArray[np.bool_]:
    difference = (np.diff(offset, axis=axis) + 1) % np.array(period)
    return np.asarray((difference <= 2).all(-1))


def _both(close: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    return close[:, :-1] & close[:, 1:] if axis == 1 else close[:, :, :-1] & close[:, :, 1:]


def _offsets(matches: Matches, copied: list[NDArray[np.bool_]]) -> NDArray[np.int64]:
    """Return picture, down and right of each offset, from the picture to the train window, that a copied pair has."""
    first = (matches.offset[:, :-1], matches.offset[:, :, :-1])
    pairs = [np.argwhere(pairs) for pairs in copied]
    offset = np.concatenate([offsets[tuple(index.T)] for offsets, index in zip(first, pairs, strict=True)])
    places = matches.places[np.concatenate([index[:, 0] for index in pairs])]
    return np.concatenate([places[:, :1], offset - places[:, 1:]], axis=1)


def _share(pairs: list[NDArray[np.bool_]]) -> float:
    return float(np.concatenate([direction.ravel() for direction in pairs]).mean())


def _halves(train: Pixels) -> tuple[Pixels, Pixels]:
    """Cut a window across its longer side."""
    first, second = np.array_split(train, 2, axis=int(train.shape[1] >= train.shape[0]))
    return first, second
