"""Whether fresh noise gives as good samples as the chain that trained along, at equal area and number of crops."""

import numpy as np

from inng_bench.metrics import crops, fidelity
from inng_bench.metrics.catalogue import BY_NAME, CROP
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.gram import gram_matrix, relative_distance
from inng_bench.records.schema import Against, ChainFigure

CROPS = 1024
"""Number of crops on either side."""

GLANCE_CROP, GLANCE_CROPS = 128, 8
"""Side in pixels of what a glance sees, and crops of the window that it compares with."""

METRICS = ("gram", "patch_fid")


def compare_with_chain(fresh: Pixels, chain: Pixels, window: Pixels, against: Against) -> tuple[ChainFigure, ...]:
    """Measure a chain and as large an area of fresh samples.

    Parameters
    ----------
    fresh, chain : NDArray[np.uint8]
        (N, H, W, 3), at least a crop large.
    window : NDArray[np.uint8]
        (H, W, 3): what both are compared with.
    against : Against
        Which window that is.

    Returns
    -------
    tuple[ChainFigure, ...]
        Gram and patch-FID; none where the pictures are smaller than a crop.
    """
    side = min(*fresh.shape[1:3], *chain.shape[1:3])
    if min(side, *window.shape[:2]) < CROP:
        return ()
    fresh, chain = _tiles(fresh, side), _tiles(chain, side)
    count = min(len(fresh), len(chain))
    wanted = _features(window[np.newaxis])
    figures = [_distances(_features(pictures[:count]), wanted) for pictures in (fresh, chain)]
    return tuple(
        ChainFigure(
            metric=metric,
            version=BY_NAME[metric].version,
            against=against,
            fresh=figures[0][metric],
            chain=figures[1][metric],
            images=count,
            side=side,
        )
        for metric in METRICS
    )


class Glance:
    """Follows the pictures of a training at a hundredth of a metric's cost: each is one crop of a Gram distance.

    What a curve shows; not to be compared with the tables.

    Parameters
    ----------
    window : NDArray[np.uint8]
        (H, W, 3): what the pictures are compared with.
    """

    def __init__(self, window: Pixels) -> None:
        self._window = window
        self._grams: dict[int, fidelity.Features] = {}

    def __call__(self, pictures: Pixels) -> dict[str, float]:
        """Return the figure of pictures (N, H, W, 3) by its name; nothing of pictures smaller than a crop."""
        side = min(GLANCE_CROP, *pictures.shape[1:3], *self._window.shape[:2])
        if side < CROP:
            return {}
        if side not in self._grams:
            self._grams[side] = _seen(self._window[np.newaxis], side, GLANCE_CROPS)
        return {"gram_at_a_glance": _gram_distance(_seen(pictures, side, len(pictures)), self._grams[side])}


def _seen(pictures: Pixels, side: int, count: int) -> fidelity.Features:
    places = crops.grid(count, len(pictures), pictures.shape[1:3], side)
    return fidelity.extract(crops.cut(pictures, places, side), tuple(fidelity.GRAMS), batch=8)


def _tiles(pictures: Pixels, side: int) -> Pixels:
    """Cut pictures (N, H, W, 3) into tiles, the first of each picture first, so that a few come from many."""
    rows, columns = (length // side for length in pictures.shape[1:3])
    corners = [(row * side, column * side) for row in range(rows) for column in range(columns)]
    return np.concatenate([pictures[:, top : top + side, left : left + side] for top, left in corners])


def _features(pictures: Pixels) -> fidelity.Features:
    places = crops.grid(CROPS, len(pictures), pictures.shape[1:3], CROP)
    return fidelity.extract(crops.cut(pictures, places, CROP), (*fidelity.TAPS, *fidelity.GRAMS))


def _distances(samples: fidelity.Features, window: fidelity.Features) -> dict[str, float]:
    fid = [fidelity.frechet_distance(samples[tap], window[tap]) / width for tap, width in fidelity.TAPS.items()]
    return {"gram": _gram_distance(samples, window), "patch_fid": float(np.mean(fid))}


def _gram_distance(samples: fidelity.Features, window: fidelity.Features) -> float:
    distances = [relative_distance(gram_matrix(samples[tap]), gram_matrix(window[tap])) for tap in fidelity.GRAMS]
    return float(np.mean(distances))
