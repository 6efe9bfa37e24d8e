"""Image quilting: a larger picture from blocks of a smaller one, laid edge over edge and cut where they differ least.

Every pixel of the result is one of the window; what this returns is which. Errors are whole numbers, so that the same
random numbers give the same picture on every machine.

References
----------
A. A. Efros, W. T. Freeman, "Image quilting for texture synthesis and transfer", SIGGRAPH 2001,
https://doi.org/10.1145/383259.383296
"""

import itertools
from typing import Self

import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.ndimage import minimum_filter1d

from .base import Choices

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max
"""Error of a block that is not to be drawn."""


class Blocks(Choices):
    """How blocks are laid and chosen: the settings of the row ``quilting``."""

    block: int = Field(48, ge=4, description="Side of a block in pixels.")
    overlap: int = Field(12, ge=1, description="Width in pixels of the strips in which neighbours lie on each other.")
    tolerance: float = Field(
        0.1,
        ge=0,
        description="Share of the best block's error by which another's may be larger; the block that merely continues "
        "the picture is never taken.",
    )

    @model_validator(mode="after")
    def _strips_do_not_meet(self) -> Self:
        if 2 * self.overlap > self.block:
            raise ValueError(f"an overlap of {self.overlap} px is more than half a block of {self.block} px")
        return self


def quilt(pixels: NDArray[np.uint8], size: tuple[int, int], blocks: Blocks, generator: torch.Generator) -> Whole:
    """Lay blocks row by row.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 (H, W, C) with sides no shorter than a block's.
    size : tuple[int, int]
        Height and width of the result.
    blocks : Blocks
        How.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    numpy.ndarray
        int64 (2, height, width): row and column in ``pixels`` of every pixel of the result.
    """
    side, overlap = blocks.block, blocks.overlap
    tops, lefts = (range(0, max(1, length - overlap), side - overlap) for length in size)
    source = np.zeros((2, tops[-1] + side, lefts[-1] + side), dtype=np.int64)
    errors_of = OverlapErrors(pixels, side)
    places = np.indices((side, side))
    for top, left in itertools.product(tops, lefts):
        region = source[:, top : top + side, left : left + side]
        laid = pixels[tuple(region)]
        above, before = overlap if top else 0, overlap if left else 0
        known = np.zeros((side, side), dtype=bool)
        known[:above] = known[:, :before] = True
        errors = errors_of(laid, known)
        errors[_continuation(region - places, known, errors.shape)] = NEVER
        corner = _draw(errors, blocks.tolerance, generator)
        block = places + corner[:, np.newaxis, np.newaxis]
        difference = ((pixels[tuple(block)].astype(np.int64) - laid) ** 2).sum(axis=-1)
        new = _beyond_the_cuts(difference, above, before)
        region[:, new] = block[:, new]
    return source[:, : size[0], : size[1]]


class OverlapErrors:
    """Finds how badly each block of a picture fits onto pixels that are there, by Fourier transforms.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 (H, W, C).
    side : int
        Of a block.
    """

    def __init__(self, pixels: NDArray[np.uint8], side: int) -> None:
        channels = pixels.transpose(2, 0, 1).astype(np.float64)
        self._corners = tuple(length - side + 1 for length in channels.shape[1:])
        self._torus = tuple(scipy.fft.next_fast_len(length, real=True) for length in channels.shape[1:])
        self._spectra = scipy.fft.rfft2(np.stack([(channels**2).sum(axis=0), *channels]), self._torus)

    def __call__(self, laid: NDArray[np.uint8], known: Mask) -> Whole:
        """Return the sum of squared differences from the known pixels, for every corner of a block.

        It is the sum of the block's squares, less twice the product, plus the squares of what is laid. The first two
        are correlations, which no block's wrapping around the torus touches.
        """
        wanted = laid.transpose(2, 0, 1) * known.astype(np.float64)
        patterns = scipy.fft.rfft2(np.stack([known, *(-2.0 * wanted)]), self._torus)
        correlations = scipy.fft.irfft2((self._spectra * patterns.conj()).sum(axis=0), self._torus)
        errors = correlations[: self._corners[0], : self._corners[1]] + (wanted**2).sum()
        whole: Whole = np.rint(errors).astype(np.int64)
        return whole


def _continuation(origins: Whole, known: Mask, corners: tuple[int, ...]) -> tuple[Whole, Whole]:
    """Return the corner of the block that continues what is laid, and nothing where none does.

    That block has no error at all, so that the whole picture would nearly always be the window once more.

    Parameters
    ----------
    origins : numpy.ndarray
        int64 (2, side, side): for each pixel, where a block lies in the window that has the same pixel there.
    known : numpy.ndarray
        bool (side, side).
    corners : tuple[int, ...]
        Number of possible rows and columns.
    """
    found = np.unique(origins[:, known], axis=1)
    is_one = found.shape[1] == 1 and 0 <= found[0, 0] < corners[0] and 0 <= found[1, 0] < corners[1]
    rows, columns = found if is_one else found[:, :0]
    return rows, columns


def _draw(errors: Whole, tolerance: float, generator: torch.Generator) -> Whole:
    """Draw a corner among those of the blocks that fit best."""
    candidates = np.argwhere(errors <= (1.0 + tolerance) * errors.min())
    corner: Whole = candidates[int(torch.randint(len(candidates), (), generator=generator))]
    return corner


def _beyond_the_cuts(difference: Whole, above: int, before: int) -> Mask:
    """Say which pixels of a block are shown: those beyond the cut through the strip above and the one before."""
    new = np.ones(difference.shape, dtype=bool)
    if before:
        new[:, :before] &= beyond_cut(difference[:, :before])
    if above:
        new[:above] &= beyond_cut(difference[:above].T).T
    return new


def beyond_cut(errors: Whole) -> Mask:
    """Cut a strip from top to bottom where it errs least.

    The cut has one pixel in each row, none farther than one column from the next.

    Parameters
    ----------
    errors : numpy.ndarray
        int64 (length, width).

    Returns
    -------
    numpy.ndarray
        bool (length, width): the cut and what lies to the right of it.
    """
    costs = errors.copy()
    for row in range(1, len(costs)):
        costs[row] += minimum_filter1d(costs[row - 1], 3, mode="nearest")
    cut = np.empty(len(costs), dtype=np.int64)
    cut[-1] = costs[-1].argmin()
    for row in range(len(costs) - 2, -1, -1):
        first = max(cut[row + 1] - 1, 0)
        cut[row] = first + costs[row, first : cut[row + 1] + 2].argmin()
    return np.arange(costs.shape[1]) >= cut[:, np.newaxis]
