"""Pieces of samples and pairs of windows: what makes a method and the floor comparable.

A distance of two pictures depends on their area: the smaller they are, the more they differ by chance. So samples are
cut into pieces as large as one window of the texture, every piece is compared with every held-out window, and the floor
is what pairs of real windows have. All these pairs have the same area on both sides.
"""

import numpy as np

from inng_bench.metrics.crops import Pixels


def pieces(samples: Pixels, window: tuple[int, int]) -> tuple[Pixels, ...]:
    """Divide samples into pieces of the area of a window.

    Parameters
    ----------
    samples : Pixels
        uint8 (N, H, W, 3).
    window : tuple[int, int]
        Height and width in pixels.

    Returns
    -------
    tuple[Pixels, ...]
        uint8 (n, h, w, 3) each. Pictures at least as large as the window are cut into pieces of its size, n = 1;
        smaller ones are taken together until they fill a window as far as whole ones can. Pixels left over are
        ignored. If the samples do not fill one window, all of them are one piece.
    """
    count, height, width = samples.shape[:3]
    rows, columns = height // window[0], width // window[1]
    if rows and columns:
        corners = [(row * window[0], column * window[1]) for row in range(rows) for column in range(columns)]
        return tuple(
            picture[np.newaxis, top : top + window[0], left : left + window[1]]
            for picture in samples
            for top, left in corners
        )
    together = max(1, (window[0] * window[1]) // (height * width))
    if count < together:
        return (samples,)
    return tuple(samples[start : start + together] for start in range(0, count - together + 1, together))
