import subprocess
import sys

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from inng_bench.metrics.copying import copying, honest_distance, nearest_patch, nearest_patches

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


def test_another_realisation_of_noise_is_no_copy() -> None:
    assert copying(_noise(1, 128, 128)[None], _noise(2, 128, 128), _noise(3, 128, 128)).rate == 0


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
    matches, image = nearest_patches(sample[None], train)
    assert (matches.offset == [20, 30]).all()
    assert matches.distance[0, 0, 0] == 1
    assert matches.distance[0, 2, 2] == 0
    assert (image == 0).all()


def test_the_search_finds_what_an_exhaustive_comparison_finds() -> None:
    train, sample = _noise(6, 24, 30), _noise(7, 32, 32)
    matches, _ = nearest_patches(sample[None], train)
    continued = np.tile(train, (2, 2, 1)).astype(float)
    patch = sample[8:24, 16:32].astype(float)
    distances = [
        [np.sqrt(((continued[y : y + 16, x : x + 16] - patch) ** 2).mean()) for x in range(30)] for y in range(24)
    ]
    assert matches.distance[0, 1, 2] == pytest.approx(np.min(distances), rel=1e-12)
    place = np.unravel_index(np.argmin(distances), (24, 30))
    assert tuple(matches.offset[0, 1, 2] + [8, 16]) == place


def test_the_honest_distance_leaves_a_hundredth_of_the_held_out_patches_below_it() -> None:
    train, held_out = _texture("grass")
    below = nearest_patches(held_out[None], train)[0].distance < honest_distance(train, held_out)
    assert below.mean() == pytest.approx(0.01, abs=0.003)


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
