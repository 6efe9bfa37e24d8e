"""Copying: which share of the samples stands in the train window, in whatever pose. No torch in here.

A sample that repeats the source gets perfect statistics, and so does one that repeats it mirrored, turned, enlarged or
bent a little. So blocks of the samples are searched in the train window in all of these poses:

1. *Coarse*. Each block, in the eight symmetries of the square, meets the train window in a bank of rotations and
   scales, continued periodically, at half the resolution. What is compared are the low frequencies of the luminance,
   without mean and contrast. Upright, the eight symmetries are searched pixel by pixel as well.
2. *Fine*. The best places of each block are looked at in full resolution and colour, blurred a little: the block's
   nine overlapping patches may each move by a few pixels, which absorbs a warp and what lies between two poses of the
   bank. The score is the mean correlation of the nine with what each found.

A block is copied when its score is well above what blocks of windows reach that no copying can explain. A soft picture
is like many places, so the windows are blurred until they are as soft as the samples. In a texture
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
from inng_bench.metrics.crops import Pixels, cut, groups, scattered

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

AT_ONCE = 1024
"""Places that the coarse search looks at together: their scores stay in the processor's cache."""

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

SOFT = 0.45
"""Share of the sharpness of honest windows below which samples are compared with blurred ones; turned and enlarged
copies stay above it."""

BLURS = np.geomspace(0.5, 8.0, 9)
"""Deviations in pixels of the blurs that are tried."""

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
        (2, frequencies, places): every block as a unit vector, see :func:`_unit`.
    columns : int
        Number of places in a row.
    matrix, offset : NDArray[np.float64]
        A point p of the posed picture is the point matrix @ p + offset of the halved window.
    """

    candidates: Singles
    columns: int
    matrix: Floats
    offset: Floats


@dataclass(frozen=True, eq=False)
class Banks:
    """Several train windows, uint8 (N, H, W, 3). Their banks are made at each search, one at a time, to save memory."""

    windows: Pixels


Searched = Bank | Banks


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
    bank = train.derive(_searched)
    if honest is comparison.samples and len(samples) > 1:
        found = copying_among(samples, bank)
    else:
        threshold = train.derive(_own_threshold) if honest is None else honest.derive(_ThresholdIn(bank))
        if honest is not None and (soft := as_soft(honest.pixels, samples)) is not None:
            threshold = max(threshold, honest_threshold(bank, soft))
        found = copying(samples, bank, threshold)
    parts = {"threshold": found.threshold, "median_score": float(np.median(found.scores))}
    return Outcome(found.rate, BLOCKS, BLOCK, parts, found.per_group if len(found.per_group) > 1 else ())


@dataclass(frozen=True)
class _ThresholdIn:
    """What honest windows give with a train window; comparisons that share both pay for it once."""

    bank: Searched

    def __call__(self, honest: Pictures) -> float:
        return honest_threshold(self.bank, honest.pixels)


def _searched(train: Pictures) -> Searched:
    return bank_of(train.pixels[0]) if len(train.pixels) == 1 else Banks(train.pixels)


def _own_threshold(train: Pictures) -> float:
    """Search one half of the train window in the other, where nothing else is known to be honest."""
    searched, other = halves(train.pixels[0])
    return honest_threshold(bank_of(searched), other[np.newaxis])


def copying(samples: Pixels, bank: Searched, threshold: float) -> Copying:
    """Measure how much of the samples is copied from the train window.

    Parameters
    ----------
    samples : Pixels
        uint8 (N, H, W, 3), at least BLOCK px a side.
    bank : Bank or Banks
        Of the train window, or of several.
    threshold : float
        From :func:`honest_threshold`.
    """
    scores, picture = _scores(samples, bank)
    return _summary(scores, np.full(len(scores), threshold), groups(len(samples))[picture])


def copying_among(honest: Pixels, bank: Searched) -> Copying:
    """Measure how much of honest windows looks copied where each is judged by the others: the false alarms.

    Parameters
    ----------
    honest : Pixels
        uint8 (N, H, W, 3), at least two windows.
    bank : Bank or Banks
        Of the train window, or of several.
    """
    scores, picture = _scores(honest, bank)
    thresholds = np.array([_above(scores[picture != number]) for number in range(len(honest))])
    return _summary(scores, thresholds[picture], picture)


def _scores(samples: Pixels, bank: Searched) -> tuple[Floats, NDArray[np.int64]]:
    """Return the score of each block and the number of its picture."""
    places = scattered(BLOCKS, samples, BLOCK)
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


def honest_threshold(bank: Searched, honest: Pixels) -> float:
    """Return the score that a copied block must exceed.

    Parameters
    ----------
    bank : Bank or Banks
        Of the train window, or of several.
    honest : Pixels
        uint8 (N, H, W, 3): windows that are no copies.
    """
    scores, _ = _scores(honest, bank)
    return _above(scores)


def as_soft(honest: Pixels, samples: Pixels) -> Pixels | None:
    """Return honest windows blurred until they are as soft as the samples; None where these are about as sharp.

    A blurred block has little but one edge or slope, and finds its like in every window. Without this, blurred samples
    of DCGAN were called copies.

    Parameters
    ----------
    honest, samples : Pixels
        uint8 (N, H, W, 3).
    """
    wanted = _sharpness(samples)
    if wanted >= SOFT * _sharpness(honest):
        return None
    blurred = honest
    for deviation in BLURS:
        deviations = (0.0, deviation, deviation, 0.0)
        blurred = np.rint(gaussian_filter(honest.astype(np.float32), deviations, mode="nearest")).astype(np.uint8)
        if _sharpness(blurred) <= wanted:
            break
    return blurred


def _sharpness(pixels: Pixels) -> float:
    """Return the mean squared gradient of pictures (N, H, W, 3) over their variance, without their finest detail."""
    grey = _luminance(_smoothed(pixels, "nearest").astype(np.float32))
    steps = sum(float(np.square(np.diff(grey, axis=axis)).mean()) for axis in (1, 2))
    return steps / (float(grey.var()) + 1e-6)


def bank_of(train: Pixels) -> Bank:
    """Prepare a window, uint8 (H, W, 3); of 256 px a side it takes 0.8 GB."""
    grey = _luminance(train)
    half = _halved(grey)
    return Bank(grey, _smoothed(train, "wrap"), tuple(_posed(half, pose) for pose in POSES))


def search(blocks: Pixels, bank: Searched) -> Floats:
    """Return the score of each block: its correlation with the best place of the train window in any pose.

    Parameters
    ----------
    blocks : Pixels
        uint8 (n, BLOCK, BLOCK, 3).
    bank : Bank or Banks
        Of the train window, or of several.
    """
    if isinstance(bank, Banks):
        return np.asarray(np.max([search(blocks, bank_of(window)) for window in bank.windows], 0))
    turned = np.stack([_symmetry(blocks, number) for number in range(SYMMETRIES)])
    queries = _queries(turned[::2])
    coarse, places = zip(*(_best_places(queries, posed) for posed in bank.poses), strict=True)
    ranked = np.argsort(-np.stack(coarse, 1).reshape(-1, len(blocks)).T, axis=1)[:, :CANDIDATES]
    symmetry, pose = np.divmod(ranked, len(POSES))
    block = np.arange(len(blocks))[:, np.newaxis]
    found = np.stack(places)[pose, symmetry, block]
    upright = _exact_places(_luminance(turned), bank.grey).swapaxes(0, 1)
    every = np.tile(np.arange(SYMMETRIES), (len(blocks), 1))
    looks = _smoothed(turned, "nearest")[np.concatenate([every, symmetry], 1), block]
    poses = np.concatenate([np.full(every.shape, POSES.index(UPRIGHT)), pose], 1)
    return np.asarray(_fine_scores(looks, bank.smooth, np.concatenate([upright, found], 1), poses).max(1))


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
    """Return blocks (n, side, side, 3) in one of eight symmetries; every second one is the one before upside down."""
    transposed, across, down = np.unravel_index(number, (2, 2, 2))
    turned = blocks.swapaxes(1, 2) if transposed else blocks
    return turned[:, :: -1 if down else 1, :: -1 if across else 1]


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


def _queries(blocks: Pixels) -> Singles:
    """Return what stands in blocks (..., side, side, 3) as rows, (2, blocks, frequencies), see :func:`_unit`."""
    half = _halved(_luminance(blocks)).reshape(-1, BLOCK // 2, BLOCK // 2)
    found = np.einsum("nyx,ya,xb->abn", half, _waves(), _waves(), optimize=True)
    return _unit(found).swapaxes(1, 2)


def _low_frequencies_everywhere(picture: Singles) -> Singles:
    """Return the same of every block of a picture (H, W), row by row: one matrix product along each axis."""
    down, across = (_everywhere(length) for length in picture.shape)
    both = (down @ picture @ across.T).reshape(FREQUENCIES, -1, FREQUENCIES, len(across) // FREQUENCIES)
    return _unit(both.swapaxes(1, 2).reshape(FREQUENCIES, FREQUENCIES, -1))


@cache
def _everywhere(length: int) -> Singles:
    """Return the matrix that takes a line of so many pixels to the frequencies of each piece of it."""
    pieces = length - BLOCK // 2 + 1
    matrix = np.zeros((FREQUENCIES, pieces, length), np.float32)
    for start in range(pieces):
        matrix[:, start, start : start + BLOCK // 2] = _waves().T
    return matrix.reshape(-1, length)


def _unit(found: NDArray[np.floating[Any]]) -> Singles:
    """Return frequencies (down, across, blocks) without their mean as unit vectors, (2, frequencies, blocks).

    The even ones down stand before the odd ones, which have the other sign where a block is upside down.
    """
    singles = found.astype(np.float32, copy=False).reshape(FREQUENCIES // 2, 2, FREQUENCIES, -1)
    parted = singles.swapaxes(0, 1).reshape(2, FREQUENCIES**2 // 2, -1)
    parted[0, 0] = 0.0
    parted /= np.sqrt(np.einsum("pfn,pfn->n", parted, parted)) + np.float32(1e-3)
    return parted


def _posed(half: Singles, pose: Pose) -> Posed:
    """Return a halved window in one pose, continued periodically so that a rolled copy has no seam."""
    matrix = _to_train(pose)
    reach = abs(np.cos(np.deg2rad(pose.angle))) + abs(np.sin(np.deg2rad(pose.angle)))
    shape = np.ceil(np.array(half.shape) * pose.scale * reach).astype(int) + BLOCK // 2
    offset = (np.array(half.shape) - 1) / 2 - matrix @ ((shape - 1) / 2)
    posed = affine_transform(half, matrix, offset, tuple(shape), order=1, mode="grid-wrap")
    columns = posed.shape[1] - BLOCK // 2 + 1
    return Posed(_low_frequencies_everywhere(posed), columns, matrix, offset)


def _best_places(queries: Singles, posed: Posed) -> tuple[Singles, Floats]:
    """Return the best score of each block in one pose, and the place of its middle in the train window, full pixels.

    Parameters
    ----------
    queries : NDArray[np.float32]
        From :func:`_queries`, in every second symmetry.

    Returns
    -------
    tuple[NDArray[np.float32], NDArray[np.float64]]
        (SYMMETRIES, n) and (SYMMETRIES, n, 2).
    """
    best, winners = [], []
    for start in range(0, posed.candidates.shape[-1], AT_ONCE):
        even, odd = queries @ posed.candidates[..., start : start + AT_ONCE]
        for scores in (even + odd, even - odd):
            winner = scores.argmax(1)
            best.append(scores[np.arange(len(scores)), winner])
            winners.append(start + winner)
    parts = [np.reshape(found, (-1, 2, SYMMETRIES // 2, len(best[0]) * 2 // SYMMETRIES)) for found in (best, winners)]
    first = parts[0].argmax(0)[np.newaxis]
    score, place = (np.take_along_axis(part, first, 0)[0].swapaxes(0, 1).reshape(SYMMETRIES, -1) for part in parts)
    middle = np.stack(np.divmod(place, posed.columns), axis=-1) + (BLOCK // 2 - 1) / 2
    return score, 2 * (middle @ posed.matrix.T + posed.offset) + 0.5


def _to_train(pose: Pose) -> Floats:
    """Return the matrix that takes steps in a copy to steps in the original."""
    angle = np.deg2rad(pose.angle)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / pose.scale


def _fine_scores(blocks: Floats, train: Floats, middles: Floats, poses: NDArray[np.int64]) -> Floats:
    """Return the mean correlation of the patches of blocks with what each finds around its place.

    Parameters
    ----------
    blocks : Floats
        (..., BLOCK, BLOCK, 3).
    train : Floats
        (H, W, 3).
    middles : Floats
        (..., 2): where each block's middle lies.
    poses : NDArray[np.int64]
        (...): number of the pose of each.
    """
    side = BLOCK + 2 * REACH
    steps = np.mgrid[:side, :side].astype(np.float64) - (side - 1) / 2
    matrices = np.stack([_to_train(pose) for pose in POSES])[poses]
    places = np.moveaxis(np.tensordot(matrices, steps, axes=1) + middles[..., np.newaxis, np.newaxis], -3, 0)
    around = np.stack(
        [map_coordinates(train[..., channel], places, order=1, mode="grid-wrap") for channel in range(3)], -3
    )
    power = _power(around)
    blocks = np.moveaxis(blocks, -1, -3)
    size = PLACES + PATCH - 1
    correlations = []
    for top, left in product(range(0, BLOCK - PATCH + 1, STEP), repeat=2):
        wanted = blocks[..., top : top + PATCH, left : left + PATCH]
        wanted = wanted - wanted.mean((-2, -1), keepdims=True)
        region = rfft2(around[..., top : top + size, left : left + size])
        products = irfft2((region * rfft2(wanted, (size, size)).conj()).sum(-3), (size, size))[..., :PLACES, :PLACES]
        powers = power[..., top : top + PLACES, left : left + PLACES]
        powers = powers * ((wanted**2).sum((-3, -2, -1)) + FLAT)[..., np.newaxis, np.newaxis]
        correlations.append((products / np.sqrt(powers)).max((-2, -1)))
    return np.asarray(np.mean(correlations, 0))


def _power(regions: Floats) -> Floats:
    """Return the squares of each patch of regions (..., 3, side, side), without its means, and FLAT."""
    box = _patches(regions.shape[-1])
    sums = box @ regions @ box.T
    squares = box @ (regions**2).sum(-3) @ box.T
    return np.asarray(np.maximum(squares - (sums**2).sum(-3) / PATCH**2, 0.0) + FLAT)


@cache
def _patches(length: int) -> Floats:
    """Return the matrix that takes a line of so many pixels to the sum of each piece of it as long as a patch."""
    starts, pixels = np.ogrid[: length - PATCH + 1, :length]
    return ((starts <= pixels) & (pixels < starts + PATCH)).astype(np.float64)
