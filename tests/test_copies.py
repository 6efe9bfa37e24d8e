"""The rows `mirror` and `quilting`: what they copy, and where they part it."""

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from inng_bench.baselines.copies import FEATHER_SHARE, Mirror, Quilting
from inng_bench.baselines.quilting import Blocks, OverlapErrors, beyond_cut, quilt
from inng_bench.contract import Execution, Method
from inng_bench.errors import InputError
from inng_bench.harness.methods import load_method_class
from inng_bench.harness.suite import REFERENCE_ROWS
from inng_bench.records.schema import COPYING_ROWS
from inng_bench.seeds import torch_generator
from inng_bench.textures import to_pixels, to_tensor
from inng_bench.textures.procedural import realise

Pixels = NDArray[np.uint8]

SIDE, FADE = 128, round(128 * FEATHER_SHARE)
PERIOD = SIDE - FADE


@pytest.fixture(scope="module")
def window() -> Pixels:
    return realise("pebbles", (SIDE, SIDE), np.random.default_rng(1))


def drawn(kind: type[Method], window: Pixels, size: tuple[int, int], seed: int = 1) -> Pixels:
    method = kind({}, Execution())
    assert method.train(to_tensor(window), seed=0, budget=0.0).flops == 0.0
    picture: Pixels = to_pixels(method.sample(1, size, generator=torch_generator(seed)))[0]
    return picture


def test_the_copying_rows_stand_in_every_suite_under_the_names_of_their_methods() -> None:
    assert set(COPYING_ROWS) <= set(REFERENCE_ROWS)
    assert [load_method_class(name) for name in COPYING_ROWS] == [Mirror, Quilting]


def test_a_mirror_is_the_flipped_window_at_a_roll_but_for_its_seams(window: Pixels) -> None:
    tile = drawn(Mirror, window, (PERIOD, PERIOD))
    flipped = window[:, ::-1][FADE:PERIOD, FADE:PERIOD]
    inner = slice(FADE, PERIOD)
    rolls = [
        roll
        for roll in itertools.product(range(PERIOD), repeat=2)
        if (np.roll(tile, roll, (0, 1))[FADE, FADE] == flipped[0, 0]).all()
    ]
    assert any((np.roll(tile, roll, (0, 1))[inner, inner] == flipped).all() for roll in rolls)


def test_a_mirror_larger_than_the_window_repeats_it(window: Pixels) -> None:
    picture = drawn(Mirror, window, (300, 260))
    np.testing.assert_array_equal(picture[PERIOD:], picture[:-PERIOD])
    np.testing.assert_array_equal(picture[:, PERIOD:], picture[:, :-PERIOD])


def test_each_mirror_is_rolled_anew(window: Pixels) -> None:
    assert (drawn(Mirror, window, (64, 64), seed=1) != drawn(Mirror, window, (64, 64), seed=2)).any()


@pytest.fixture(scope="module")
def ramp() -> Pixels:
    """A window whose opposite borders differ by as much as can be: what is repeated without a feather has a cliff."""
    row = np.linspace(0, 120, SIDE)
    return np.repeat((row[:, np.newaxis] + row)[..., np.newaxis], 3, axis=2).round().astype(np.uint8)


def steepest(picture: Pixels) -> int:
    return max(int(np.abs(np.diff(picture.astype(int), axis=axis)).max()) for axis in (0, 1))


def test_a_mirror_has_no_hard_seam(ramp: Pixels) -> None:
    cliff = np.tile(ramp[:, ::-1], (2, 2, 1))
    assert steepest(cliff) == 120
    assert steepest(drawn(Mirror, ramp, cliff.shape[:2])) <= 120 / FADE + 2


def test_quilted_pixels_are_those_of_the_window_in_verbatim_blocks(window: Pixels) -> None:
    blocks = Blocks()
    source = quilt(window, (150, 120), blocks, torch_generator(1))
    np.testing.assert_array_equal(drawn(Quilting, window, (150, 120)), window[tuple(source)])
    step = blocks.block - blocks.overlap
    corners = []
    for top, left in itertools.product(range(0, 150 - 12, step), range(0, 120 - 12, step)):
        above, before = (blocks.overlap if start else 0 for start in (top, left))
        inner = source[:, top + above : top + step, left + before : left + step]
        offsets = inner - np.indices(inner.shape[1:])  # where a block stands, each of its pixels says the same
        assert (offsets == offsets[:, :1, :1]).all()
        corners.append((int(offsets[0, 0, 0]) - above, int(offsets[1, 0, 0]) - before))
    assert all(0 <= corner <= SIDE - blocks.block for corner in itertools.chain(*corners))
    assert len(set(corners)) > 1


def test_a_canvas_is_not_the_window_once_more_although_that_would_err_least(window: Pixels) -> None:
    source = quilt(window, (SIDE, SIDE), Blocks(), torch_generator(2))
    jumps = (np.diff(source[1], axis=1) != 1).any(axis=0)
    assert jumps.sum() >= 3


def test_a_quilt_of_a_periodic_window_continues_the_pattern() -> None:
    pattern = np.random.default_rng(3).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    picture = drawn(Quilting, np.tile(pattern, (8, 8, 1)), (100, 132))
    np.testing.assert_array_equal(picture[16:], picture[:-16])
    np.testing.assert_array_equal(picture[:, 16:], picture[:, :-16])


def test_the_errors_of_overlaps_are_the_sums_of_squares_by_definition() -> None:
    rng = np.random.default_rng(4)
    pixels = rng.integers(0, 256, (37, 29, 3), dtype=np.uint8)
    laid = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    known = np.zeros((12, 12), dtype=bool)
    known[:3] = known[:, :5] = True
    expected = [
        [((pixels[y : y + 12, x : x + 12].astype(int) - laid)[known] ** 2).sum() for x in range(18)] for y in range(26)
    ]
    np.testing.assert_array_equal(OverlapErrors(pixels, 12)(laid, known), expected)


def test_a_cut_errs_no_more_than_any_other() -> None:
    rng = np.random.default_rng(5)
    for width in (1, 2, 3, 4):
        errors = rng.integers(0, 20, (5, width))
        paths = (
            path
            for path in itertools.product(range(width), repeat=5)
            if all(abs(one - other) <= 1 for one, other in itertools.pairwise(path))
        )
        least = min(sum(errors[row, column] for row, column in enumerate(path)) for path in paths)
        beyond = beyond_cut(errors)
        cut = beyond.argmax(axis=1)
        assert (beyond == (np.arange(width) >= cut[:, np.newaxis])).all()
        assert np.abs(np.diff(cut)).max() <= 1
        assert errors[np.arange(5), cut].sum() == least


def test_cuts_lower_the_error_of_the_seams(window: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    """The jumps where two blocks meet, beyond those that the window has in the same places."""

    def excess() -> float:
        source = quilt(window, (200, 200), Blocks(), torch_generator(6))
        picture = window[tuple(source)].astype(float)
        meets = np.diff(source[1], axis=1) != 1
        jumps = (np.diff(picture, axis=1) ** 2).sum(axis=-1)
        return float(jumps[meets].mean())

    with_cuts = excess()
    monkeypatch.setattr("inng_bench.baselines.quilting.beyond_cut", lambda errors: np.ones(errors.shape, dtype=bool))
    assert with_cuts < 0.8 * excess()


def test_a_block_larger_than_the_window_is_refused() -> None:
    with pytest.raises(InputError, match="a block of 48 px does not fit into a window of 40×64 px"):
        Quilting({}, Execution()).train(torch.zeros(3, 40, 64), seed=0, budget=0.0)


def test_a_window_of_one_block_is_enough(window: Pixels) -> None:
    assert drawn(Quilting, window[:48, :48], (70, 50)).shape == (70, 50, 3)


def test_an_overlap_of_more_than_half_a_block_is_refused() -> None:
    with pytest.raises(InputError, match="more than half a block"):
        Quilting({"overlap": 30}, Execution())


@pytest.mark.parametrize("kind", [Mirror, Quilting])
@pytest.mark.parametrize("size", [(16, 16), (16, 300), (127, 131)])
def test_every_supported_size_is_drawn(kind: type[Method], size: tuple[int, int], window: Pixels) -> None:
    method = kind({}, Execution())
    assert method.supports(size)
    assert drawn(kind, window, size).shape == (*size, 3)


def test_a_flat_window_is_quilted_flat() -> None:
    flat: Tensor = torch.full((3, 64, 64), 0.25)
    method = Quilting({}, Execution())
    method.train(flat, seed=0, budget=0.0)
    assert (method.sample(1, (100, 100), generator=torch_generator(1)) == 0.25).all()
