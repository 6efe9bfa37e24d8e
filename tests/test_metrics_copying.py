import subprocess
import sys

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from inng_bench.metrics.copied_piece import largest_piece
from inng_bench.metrics.copying import copying, honest_distances, nearest_patch, nearest_patches

Pixels = NDArray[np.uint8]


def _noise(seed: int, height: int, width: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _texture(name: str) -> tuple[Pixels, Pixels]:
    half_size = getattr(skimage.data, name)().reshape(256, 2, 256, 2).mean((1, 3))[:160]
    pixels = np.repeat(np.rint(half_size).astype(np.uint8)[..., None], 3, axis=2)
    return pixels[:, :128], pixels[:, 128:]


@pytest.mark.parametrize("name", ["brick", "grass"])
@pytest.mark.parametrize("with_held_out", [True, False])
def test_a_copy_is_found_also_rolled_or_tiled_and_real_material_is_not_one(name: str, with_held_out: bool) -> None:
    train, held_out = _texture(name)
    known = held_out if with_held_out else None
    assert copying(train[None], train, known).rate >= 0.95
    assert copying(np.roll(train, (37, 51), (0, 1))[None], train, known).rate >= 0.85
    assert copying(np.tile(train, (1, 2, 1))[None], train, known).rate >= 0.85
    assert copying(held_out[None], train, known).rate <= 0.02


def test_a_copy_among_honest_pictures_counts_by_its_share() -> None:
    train, held_out = _texture("grass")
    found = copying(np.stack([train, held_out, held_out, held_out]), train, held_out)
    assert found.rate == pytest.approx(0.25, abs=0.01)
    assert found.per_group[0] == 1
    assert max(found.per_group[1:]) <= 0.02


def test_the_nearest_ratio_falls_with_the_share_of_copied_pictures_and_forgives_no_recolouring() -> None:
    train, held_out = _texture("grass")
    assert copying(train[None], train, held_out).nearest_ratio == 0
    faint = np.clip(train + np.random.default_rng(0).normal(0, 5, train.shape), 0, 255).astype(np.uint8)
    ratios = [
        copying(np.stack(pictures), train, held_out).nearest_ratio
        for pictures in ([faint], [faint, faint, held_out], [held_out, held_out, faint], [held_out])
    ]
    assert ratios == sorted(ratios)
    assert ratios[0] < 0.4
    assert ratios[-1] == 1


def test_another_realisation_of_noise_is_no_copy() -> None:
    found = copying(_noise(1, 128, 128)[None], _noise(2, 128, 128), _noise(3, 128, 128))
    assert found.rate == 0
    assert found.largest_piece == 0
    assert found.nearest_ratio == pytest.approx(1, abs=0.01)


def test_the_largest_piece_of_a_copy_is_all_of_it_also_rolled_or_tiled() -> None:
    train, held_out = _texture("grass")
    whole = np.sqrt(train.shape[0] * train.shape[1])
    assert copying(train[None], train, held_out).largest_piece == pytest.approx(whole)
    assert copying(np.roll(train, (37, 51), (0, 1))[None], train, held_out).largest_piece == pytest.approx(whole)
    tiled = copying(np.tile(train, (1, 2, 1))[None], train, held_out)
    assert tiled.largest_piece == pytest.approx(np.sqrt(2) * whole)
    # Honest material has pieces of a few patches at the most.
    assert copying(held_out[None], train, held_out).largest_piece < 64


@pytest.mark.parametrize("side", [48, 80])
def test_a_planted_piece_is_measured_but_for_a_patch_at_its_border(side: int) -> None:
    train, held_out = _texture("brick")
    sample = held_out.copy()
    sample[24 : 24 + side, 16 : 16 + side] = train[50 : 50 + side, 30 : 30 + side]
    piece = copying(sample[None], train, held_out).largest_piece
    assert side - 16 < piece < side + 16


def test_the_largest_piece_counts_the_pixels_of_one_connected_set_of_patches() -> None:
    train, sample = _noise(11, 60, 70), _noise(12, 50, 64)
    sample[5:25, 8:40] = train[10:30, 3:35]
    sample[30:48, 8:26] = train[35:53, 3:21]
    offsets = np.array([[0, 5, -5], [0, 65, 65], [0, 7, 7]])
    assert largest_piece(sample[None], train, offsets, 16, threshold=1) == pytest.approx(np.sqrt(20 * 32))
    assert largest_piece(sample[None], train, offsets[2:], 16, threshold=1) == 0
    assert largest_piece(sample[None], train, offsets[:0], 16, threshold=1) == 0


def test_a_flat_texture_is_no_copy_of_itself() -> None:
    flat = np.full((128, 128, 3), 120, np.uint8)
    assert copying(flat[None], flat, flat).rate == 0
    faint = [
        np.clip(flat + np.random.default_rng(seed).normal(0, 1, flat.shape), 0, 255).astype(np.uint8)
        for seed in range(3)
    ]
    assert copying(faint[0][None], faint[1], faint[2]).rate == 0


def test_a_period_that_the_held_out_window_shares_is_no_copying() -> None:
    period = np.tile(_noise(4, 32, 32), (4, 4, 1))
    assert copying(period[None], period, period).rate == 0


def test_a_planted_patch_is_found_at_its_place_and_distance() -> None:
    train = _noise(5, 70, 90)
    sample = train[20:52, 30:62].copy()
    sample[:16, :16] ^= 1
    matches = nearest_patches(sample[None], train)
    assert (matches.offset == [20, 30]).all()
    assert matches.distance[0, 0, 0] == 1
    assert matches.distance[0, 2, 2] == 0
    assert (matches.places == [0, 0, 0]).all()


def test_the_search_finds_what_an_exhaustive_comparison_finds() -> None:
    train, sample = _noise(6, 24, 30), _noise(7, 32, 32)
    matches = nearest_patches(sample[None], train)
    continued = np.tile(train, (2, 2, 1)).astype(float)
    patch = sample[8:24, 16:32].astype(float)
    distances = [
        [np.sqrt(((continued[y : y + 16, x : x + 16] - patch) ** 2).mean()) for x in range(30)] for y in range(24)
    ]
    assert matches.distance[0, 1, 2] == pytest.approx(np.min(distances), rel=1e-12)
    place = np.unravel_index(np.argmin(distances), (24, 30))
    assert tuple(matches.offset[0, 1, 2] + [8, 16]) == place


def test_the_threshold_leaves_a_hundredth_of_the_held_out_patches_below_it() -> None:
    train, held_out = _texture("grass")
    found = copying(held_out[None], train, held_out)
    assert found.close == pytest.approx(0.01, abs=0.003)
    assert found.nearest_ratio == 1
    np.testing.assert_array_equal(nearest_patches(held_out[None], train).distance, honest_distances(train, held_out))


def test_the_nearest_patch_of_a_piece_of_the_window_is_that_piece() -> None:
    train = _noise(8, 100, 120)
    patch, nearest, distance = nearest_patch(train[7:87, 21:101], train)
    np.testing.assert_array_equal(patch, train[15:79, 29:93])
    np.testing.assert_array_equal(nearest, patch)
    assert distance == 0


def test_the_nearest_patch_is_the_least_distant_of_all() -> None:
    sample, train = _noise(9, 40, 20), _noise(10, 25, 28)
    patch, nearest, distance = nearest_patch(sample, train)
    assert patch.shape == nearest.shape == (20, 20, 3)
    np.testing.assert_array_equal(patch, sample[10:30])
    distances = [
        np.sqrt(((train[y : y + 20, x : x + 20].astype(float) - patch) ** 2).mean()) for y in range(6) for x in range(9)
    ]
    assert distance == pytest.approx(min(distances), rel=1e-12)


def test_a_report_can_use_copying_and_catalogue_without_torch() -> None:
    code = "import sys, inng_bench.metrics.copying, inng_bench.metrics.catalogue; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
