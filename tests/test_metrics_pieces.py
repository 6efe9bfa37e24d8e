"""Pieces of samples: of the area of a window, without overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inng_bench.metrics.pieces import pieces


def _numbered(count: int, height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Pictures whose pixels are all different, as far as three bytes go."""
    numbers = np.arange(count * height * width, dtype=">u4").reshape(count, height, width)
    return numbers[..., None].view(np.uint8)[..., 1:]


@pytest.mark.parametrize(
    ("samples", "window", "expected"),
    [
        ((4, 256, 256), (256, 256), [(1, 256, 256)] * 4),
        ((64, 64, 64), (256, 256), [(16, 64, 64)] * 4),
        ((2, 512, 300), (256, 256), [(1, 256, 256)] * 4),
        ((4, 256, 256), (200, 120), [(1, 200, 120)] * 8),
        ((4, 256, 256), (512, 256), [(2, 256, 256)] * 2),
        ((1, 64, 64), (256, 256), [(1, 64, 64)]),
        ((5, 128, 128), (256, 256), [(4, 128, 128)]),
    ],
)
def test_samples_are_divided_into_pieces_of_a_windows_area(
    samples: tuple[int, int, int], window: tuple[int, int], expected: list[tuple[int, int, int]]
) -> None:
    assert [piece.shape[:3] for piece in pieces(_numbered(*samples), window)] == expected


@given(st.integers(1, 6), st.integers(8, 40), st.integers(8, 40), st.integers(8, 40), st.integers(8, 40))
def test_no_pixel_is_in_two_pieces(count: int, height: int, width: int, down: int, across: int) -> None:
    found = pieces(_numbered(count, height, width), (down, across))
    pixels = np.concatenate([piece.reshape(-1, 3) for piece in found])
    assert len(np.unique(pixels, axis=0)) == len(pixels)
    assert len({piece.shape for piece in found}) == 1
