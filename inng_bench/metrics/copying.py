"""Copying: which share of the samples stands in the train window, in whatever pose. No torch in here.

A sample that repeats the source gets perfect statistics, and so does one that repeats it mirrored, turned, enlarged or
bent a little. So blocks of the samples are searched in the train window in all of these poses:

1. *Coarse*. Each block, in the eight symmetries of the square, meets the train window in a bank of rotations and
   scales, continued periodically, at half the resolution. What is compared are the low frequencies of the luminance,
   without mean and contrast. Upright, the eight symmetries are searched pixel by pixel as well.
2. *Fine*. The best places of each block are looked at in full resolution and colour, blurred a little: the block's
   nine overlapping patches may each move by a few pixels, which absorbs a warp and what lies between two poses of the
   bank. The score is the mean correlation of the nine with what each found.

A block is copied when its score is well above what blocks of windows reach that no copying can explain. In a texture
whose windows match each other as closely as a copy would (an exact period), copying cannot be told, and nothing counts.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, irfft2, rfft2
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates
from scipy.signal import fftconvolve

from inng_bench.metrics.comparison import Comparison, Outcome, Pictures, halves
from inng_bench.metrics.crops import Pixels, cut, grid, groups

BLOCK = 32
"""Side in pixels of what is searched as one: a 64 px tile holds four."""

BLOCKS = 48
"""Number of blocks of the samples, and of the honest windows."""

ANGLES = (-20.0, -13.0, -7.0, 0.0, 7.0, 13.0, 20.0)
"""Rotations of the bank in degrees that are searched at all sizes."""

STEEP_ANGLES = (-39.0, -33.0, -26.5, 26.5, 33.0, 39.0, 45.0)
"""The other rotations; with the symmetries of the square they are all there are."""

SCALES = (0.8, 0.89, 1.0, 1.12, 1.25)
"""Sizes of the bank: how much larger the copy is than the original."""

STEEP_SCALES = (0.89, 1.0, 1.12)

SYMMETRIES = 8

FREQUENCIES = 12
"""Lowest frequencies along each axis that the coarse search compares."""

CANDIDATES = 10
"""Places of each block that are looked at closely."""

PATCH, STEP, REACH = 16, 8, 4
"""Side and distance in pixels of the patches of a block, and how far each may move."""

PLACES = 2 * REACH + 1
"""Number of places of a patch along each axis."""

SMOOTHING = 0.7
"""Deviation in pixels of the blur before the close look. Resampling changes the finest detail, so it is blurred away.
Otherwise a blurred honest sample would look more like a copy than the sharp held-out windows do."""

FLAT = 0.25 * 3 * PATCH**2
"""What is added to the squares of a patch: half a grey level everywhere, so that rounding of a flat one is no match."""

MARGIN = 0.1
"""Part of the way from the best honest score to a perfect one that a copied block must have gone at least."""

SPREAD = 3.0
"""By how many standard deviations of honest blocks a copied block must be nearer than they are on average, in the
logarithm of what a score lacks to a perfect one. The best of 48 scores alone is chance where honest scores differ
widely: on pebbles, where some blocks are like everything, one in six of such thresholds let more than one block in
fifty pass."""

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


class Pose(NamedTuple):
    """How a copy lies: rotated by ``angle`` degrees and enlarged by ``scale``."""

    angle: float
    scale: float


UPRIGHT = Pose(0.0, 1.0)
"""The pose of the cheapest copies."""

POSES = tuple(Pose(*pose) for pose in (*product(ANGLES, SCALES), *product(STEEP_ANGLES, STEEP_SCALES)))


@dataclass(frozen=True, eq=False)
class Bank:
    """A train window, prepared to be searched.

    Attributes
    ----------
    grey : NDArray[np.float32]
        (H, W): luminance.
    smooth : NDArray[np.float64]
        (H, W, 3): blurred as the blocks are in the close look.
    poses : tuple[Posed, ...]
        The window in each pose, continued periodically.
    """

    grey: Singles
    smooth: Floats
    poses: tuple["Posed", ...]


@dataclass(frozen=True, eq=False)
class Posed:
    """A window in one pose, at half the resolution.

    Attributes
    ----------
    candidates : NDArray[np.float32]
        (places, frequencies): every block as a unit vector.
    columns : int
        Number of places in a row.
    pose : Pose
        Which one.
    matrix, offset : NDArray[np.float64]
        A point p of the posed picture is the point matrix @ p + offset of the halved window.
    """

    candidates: Singles
    columns: int
    pose: Pose
    matrix: Floats
    offset: Floats


@dataclass(frozen=True)
class Copying:
    """What the search found.

    Attributes
    ----------
    rate : float
        Share of the blocks of the samples that are copied, in [0, 1].
    threshold : float
        The score above which a block is copied; a mean where it differs between pictures.
    scores : NDArray[np.float64]
        (blocks,): correlation of each block with the best place of the train window.
    per_group : tuple[float, ...]
        The rate of each group of pictures, see :func:`inng_bench.metrics.crops.groups`.
    """

    rate: float
    threshold: float
    scores: Floats
    per_group: tuple[float, ...]


def copy_rate(comparison: Comparison) -> Outcome:
    """Measure the copy rate of all samples at once; of honest windows themselves, each by what the others give."""
    train, honest, samples = comparison.reference, comparison.honest, comparison.samples.pixels
    bank = train.derive(_bank_of_first)
    if honest is comparison.samples and len(samples) > 1:
        found = copying_among(samples, bank)
    else:
        threshold = train.derive(_own_threshold) if honest is None else honest.derive(_ThresholdIn(bank))
        found = copying(samples, bank, threshold)
    parts = {"threshold": found.threshold, "median_score": float(np.median(found.scores))}
    return Outcome(found.rate, BLOCKS, BLOCK, parts, found.per_group if len(found.per_group) > 1 else ())


@dataclass(frozen=True)
class _ThresholdIn:
    """What honest windows give with a train window; comparisons that share both pay for it once."""

    bank: Bank

    def __call__(self, honest: Pictures) -> float:
        return honest_threshold(self.bank, honest.pixels)


def _bank_of_first(train: Pictures) -> Bank:
    return bank_of(train.pixels[0])


def _own_threshold(train: Pictures) -> float:
    """Search one half of the train window in the other, where nothing else is known to be honest."""
    searched, other = halves(train.pixels[0])
    return honest_threshold(bank_of(searched), other[np.newaxis])


def copying(samples: Pixels, bank: Bank, threshold: float) -> Copying:
    """Measure how much of the samples is copied from the train window.

    Parameters
    ----------
    samples : Pixels
        uint8 (N, H, W, 3), at least BLOCK px a side.
    bank : Bank
        Of the train window.
    threshold : float
        From :func:`honest_threshold`.
    """
    scores, picture = _scores(samples, bank)
    return _summary(scores, np.full(len(scores), threshold), groups(len(samples))[picture])


def copying_among(honest: Pixels, bank: Bank) -> Copying:
    """Measure how much of honest windows looks copied where each is judged by the others: the false alarms.

    Parameters
    ----------
    honest : Pixels
        uint8 (N, H, W, 3), at least two windows.
    bank : Bank
        Of the train window.
    """
    scores, picture = _scores(honest, bank)
    thresholds = np.array([_above(scores[picture != number]) for number in range(len(honest))])
    return _summary(scores, thresholds[picture], picture)


def _scores(samples: Pixels, bank: Bank) -> tuple[Floats, NDArray[np.int64]]:
    """Return the score of each block and the number of its picture."""
    places = grid(BLOCKS, len(samples), samples.shape[1:3], BLOCK)
    return search(cut(samples, places, BLOCK), bank), places[:, 0]


def _summary(scores: Floats, thresholds: Floats, group: NDArray[np.int64]) -> Copying:
    copied = scores > thresholds
    per_group = tuple(float(copied[group == number].mean()) for number in np.unique(group))
    return Copying(float(copied.mean()), float(thresholds.mean()), scores, per_group)


def _above(honest: Floats) -> float:
    """Return the score that a copied block must exceed, from those of honest blocks."""
    lacking = np.maximum(1.0 - honest, 1e-9)
    least = min((1.0 - MARGIN) * lacking.min(), np.exp(np.log(lacking).mean() - SPREAD * np.log(lacking).std()))
    return float(1.0 - least)


def honest_threshold(bank: Bank, honest: Pixels) -> float:
    """Return the score that a copied block must exceed.

    Parameters
    ----------
    bank : Bank
        Of the train window.
    honest : Pixels
        uint8 (N, H, W, 3): windows that are no copies.
    """
    scores, _ = _scores(honest, bank)
    return _above(scores)


def bank_of(train: Pixels) -> Bank:
    """Prepare a window, uint8 (H, W, 3); of 256 px a side it takes 0.8 GB."""
    grey = _luminance(train)
    half = _halved(grey)
    return Bank(grey, _smoothed(train, "wrap"), tuple(_posed(half, pose) for pose in POSES))


def search(blocks: Pixels, bank: Bank) -> Floats:
    """Return the score of each block: its correlation with the best place of the train window in any pose.

    Parameters
    ----------
    blocks : Pixels
        uint8 (n, BLOCK, BLOCK, 3).
    bank : Bank
        Of the train window.
    """
    turned = np.stack([_symmetry(blocks, number) for number in range(SYMMETRIES)])
    exact = _exact_places(_luminance(turned), bank.grey)
    queries = _low_frequencies(_halved(_luminance(turned)).reshape(-1, BLOCK // 2, BLOCK // 2))
    found = [_best_places(queries, posed) for posed in bank.poses]
    best, places = np.stack([score for score, _ in found], 1), np.stack([place for _, place in found], 1)
    by_block = best.reshape(SYMMETRIES, len(blocks), len(POSES)).transpose(1, 0, 2).reshape(len(blocks), -1)
    scores = np.zeros(len(blocks))
    close = _smoothed(turned, "nearest")
    for block, order in enumerate(np.argsort(-by_block, axis=1)[:, :CANDIDATES]):
        looks = [(symmetry, exact[symmetry, block], UPRIGHT) for symmetry in range(SYMMETRIES)]
        for symmetry, index in (divmod(int(number), len(POSES)) for number in order):
            looks.append((symmetry, places[symmetry * len(blocks) + block, index], POSES[index]))
        scores[block] = max(
            _fine_score(close[symmetry, block], bank.smooth, place, pose) for symmetry, place, pose in looks
        )
    return scores


def nearest_patch(sample: Pixels, train: Pixels, size: int = 64) -> tuple[Pixels, Pixels, float]:
    """Find the place of the train window, as it stands there, that is most like the middle of a sample.

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


def _exact_places(blocks: Singles, train: Singles) -> Floats:
    """Return the middle of the place that correlates best with each block, upright and pixel by pixel, (..., n, 2).

    Parameters
    ----------
    blocks : Singles
        (..., n, BLOCK, BLOCK), luminance.
    train : Singles
        (H, W), luminance, continued periodically.
    """
    size = train.shape
    spectrum = rfft2(train - train.mean())
    box = rfft2(np.ones((BLOCK, BLOCK), np.float32), size).conj()
    sums = irfft2(spectrum * box, size)
    squares = irfft2(rfft2((train - train.mean()) ** 2) * box, size)
    norms = np.sqrt(np.maximum(squares - sums**2 / BLOCK**2, 0.0) + FLAT)
    centred = blocks - blocks.mean((-2, -1), keepdims=True)
    places = np.empty((*blocks.shape[:-2], 2))
    for index in np.ndindex(blocks.shape[:-2]):
        scores = irfft2(spectrum * rfft2(centred[index], size).conj(), size) / norms
        places[index] = np.unravel_index(scores.argmax(), size)
    return places + (BLOCK - 1) / 2


def _symmetry(blocks: Pixels, number: int) -> Pixels:
    """Return blocks (n, side, side, 3) turned by quarter turns, from the fifth number on mirrored too."""
    flipped = blocks[:, :, ::-1] if number >= 4 else blocks
    return np.rot90(flipped, number % 4, axes=(1, 2))


def _smoothed(pixels: Pixels, border: Literal["wrap", "nearest"]) -> Floats:
    """Return pictures (..., H, W, 3) blurred by SMOOTHING."""
    deviations = (*(0.0 for _ in pixels.shape[:-3]), SMOOTHING, SMOOTHING, 0.0)
    return np.asarray(gaussian_filter(pixels.astype(np.float64), deviations, mode=border))


def _luminance(pixels: Pixels) -> Singles:
    return (pixels @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.float32)


def _halved(grey: Singles) -> Singles:
    """Return pictures (..., H, W) at half the resolution; an odd line is lost."""
    height, width = (side // 2 * 2 for side in grey.shape[-2:])
    even = grey[..., :height, :width]
    return np.asarray((even[..., ::2, ::2] + even[..., 1::2, ::2] + even[..., ::2, 1::2] + even[..., 1::2, 1::2]) / 4)


@cache
def _waves() -> Singles:
    """Return the lowest frequencies of a block's side at half resolution, (side, frequencies)."""
    waves = dct(np.eye(BLOCK // 2), axis=0, norm="ortho")[:FREQUENCIES]
    return np.ascontiguousarray(waves.T, np.float32)


def _low_frequencies(blocks: Singles) -> Singles:
    """Return what stands in blocks (n, side, side) as unit vectors, (n, frequencies), without their mean."""
    along = np.einsum("nyx,xb->nyb", blocks, _waves(), optimize=True)
    return _unit(np.einsum("nyb,ya->nab", along, _waves(), optimize=True))


def _low_frequencies_everywhere(picture: Singles) -> Singles:
    """Return the same of every block of a picture (H, W), row by row: one matrix product along each axis."""
    down, across = (_everywhere(length) for length in picture.shape)
    rows, columns = (length - BLOCK // 2 + 1 for length in picture.shape)
    both = (down @ picture @ across.T).reshape(FREQUENCIES, rows, FREQUENCIES, columns)
    return _unit(both.transpose(1, 3, 0, 2).reshape(-1, FREQUENCIES, FREQUENCIES))


@cache
def _everywhere(length: int) -> Singles:
    """Return the matrix that takes a line of so many pixels to the frequencies of each piece of it."""
    pieces = length - BLOCK // 2 + 1
    matrix = np.zeros((FREQUENCIES, pieces, length), np.float32)
    for start in range(pieces):
        matrix[:, start, start : start + BLOCK // 2] = _waves().T
    return matrix.reshape(-1, length)


def _unit(found: NDArray[np.floating[Any]]) -> Singles:
    """Return planes of frequencies (n, FREQUENCIES, FREQUENCIES) without their mean as unit vectors."""
    flat = found.reshape(len(found), -1)[:, 1:].astype(np.float32)
    flat /= np.sqrt(np.einsum("nf,nf->n", flat, flat))[:, None] + np.float32(1e-3)
    return flat


def _posed(half: Singles, pose: Pose) -> Posed:
    """Return a halved window in one pose, continued periodically so that a rolled copy has no seam."""
    matrix = _to_train(pose)
    reach = abs(np.cos(np.deg2rad(pose.angle))) + abs(np.sin(np.deg2rad(pose.angle)))
    shape = np.ceil(np.array(half.shape) * pose.scale * reach).astype(int) + BLOCK // 2
    offset = (np.array(half.shape) - 1) / 2 - matrix @ ((shape - 1) / 2)
    posed = affine_transform(half, matrix, offset, tuple(shape), order=1, mode="grid-wrap")
    columns = posed.shape[1] - BLOCK // 2 + 1
    return Posed(_low_frequencies_everywhere(posed), columns, pose, matrix, offset)


def _best_places(queries: Singles, posed: Posed) -> tuple[Singles, Floats]:
    """Return the best score of each query in one pose, and the place of its middle in the train window, full pixels."""
    scores = queries @ posed.candidates.T
    winner = scores.argmax(1)
    middle = np.stack(np.divmod(winner, posed.columns), axis=1) + (BLOCK // 2 - 1) / 2
    places = middle @ posed.matrix.T + posed.offset
    return scores[np.arange(len(queries)), winner], 2 * places + 0.5


def _to_train(pose: Pose) -> Floats:
    """Return the matrix that takes steps in a copy to steps in the original."""
    angle = np.deg2rad(pose.angle)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / pose.scale


def _fine_score(block: Floats, train: Floats, middle: Floats, pose: Pose) -> float:
    """Return the correlation of a block's patches with what each finds around its place."""
    side = BLOCK + 2 * REACH
    steps = np.mgrid[:side, :side].astype(np.float64) - (side - 1) / 2
    rows, columns = np.tensordot(_to_train(pose), steps, axes=1) + middle[:, None, None]
    around = np.stack(
        [map_coordinates(train[..., channel], (rows, columns), order=1, mode="grid-wrap") for channel in range(3)], -1
    )
    power = _power(around)
    lines = np.lib.stride_tricks.sliding_window_view(around, PATCH, axis=1).reshape(side, -1, 3 * PATCH)
    correlations = []
    for top, left in product(range(0, BLOCK - PATCH + 1, STEP), repeat=2):
        wanted = block[top : top + PATCH, left : left + PATCH]
        wanted = wanted - wanted.mean((0, 1))
        near = slice(top, top + PLACES), slice(left, left + PLACES)
        products = _products(wanted, lines[top : top + PLACES + PATCH - 1, near[1]])
        powers = power[near] * (float((wanted**2).sum()) + FLAT)
        correlations.append(float((products / np.sqrt(powers)).max()))
    return float(np.mean(correlations))


def _products(patch: Floats, lines: Floats) -> Floats:
    """Return the product of a patch (PATCH, PATCH, 3) with each place, (rows, columns).

    Parameters
    ----------
    patch : Floats
        Without its colours' means, which is as good as if both sides were centred.
    lines : Floats
        (rows + PATCH - 1, columns, 3 * PATCH): the piece of a line of the picture that begins at each column.
    """
    by_line = lines @ patch.transpose(2, 1, 0).reshape(-1, PATCH)  # of each line of the picture with each of the patch
    rows, columns = len(lines) - PATCH + 1, lines.shape[1]
    down, along, line = by_line.strides
    steps = (down, along, down + line)  # the first line of the patch meets one, its second the next
    return np.asarray(np.lib.stride_tricks.as_strided(by_line, (rows, columns, PATCH), steps).sum(-1))


def _power(region: Floats) -> Floats:
    """Return the squares of each patch (rows, columns) of a region (side, side, 3), without its means, and FLAT."""
    box = _patches(len(region))
    both = np.concatenate([region, (region**2).sum(2, keepdims=True)], 2)
    down = (box @ both.reshape(len(region), -1)).reshape(len(box), *both.shape[1:])
    sums = box @ down
    return np.asarray(np.maximum(sums[..., 3] - (sums[..., :3] ** 2).sum(2) / PATCH**2, 0.0) + FLAT)


@cache
def _patches(length: int) -> Floats:
    """Return the matrix that takes a line of so many pixels to the sum of each piece of it as long as a patch."""
    starts, pixels = np.ogrid[: length - PATCH + 1, :length]
    return ((starts <= pixels) & (pixels < starts + PATCH)).astype(np.float64)
