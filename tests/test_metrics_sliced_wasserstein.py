import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import convolve
from scipy.stats import wasserstein_distance

from inng_bench.metrics.comparison import Pictures
from inng_bench.metrics.sliced_wasserstein import PATCHES, PROJECTIONS, enlarge, laplacian_pyramid, sliced_wasserstein
from inng_bench.metrics.tiles import tiles
from inng_bench.textures.procedural import PAINTERS, realise

Pixels = NDArray[np.uint8]
KERNEL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256


def _noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def _mean(samples: Pixels, reference: Pixels, seed: int = 0) -> float:
    distances = sliced_wasserstein(laplacian_pyramid(samples), laplacian_pyramid(reference), seed=seed)
    return float(np.mean(list(distances.values())))


def test_the_bands_of_the_pyramid_add_up_to_the_picture() -> None:
    pictures = _noise(0, 2, 64, 32)
    fine, middle, coarse = laplacian_pyramid(pictures)
    assert coarse.shape == (2, 16, 8, 3)
    np.testing.assert_allclose(fine + enlarge(middle + enlarge(coarse)), pictures, atol=1e-3)


def test_a_flat_picture_stands_in_the_last_band_alone() -> None:
    fine, middle, coarse = laplacian_pyramid(np.full((1, 64, 64, 3), 77, np.uint8))
    np.testing.assert_allclose(coarse, 77, rtol=1e-6)
    np.testing.assert_allclose(np.abs(fine).max(), 0, atol=1e-4)
    np.testing.assert_allclose(np.abs(middle).max(), 0, atol=1e-4)


def test_it_is_what_the_published_steps_give_one_by_one() -> None:
    """The same from its description: filters in two dimensions, patch by patch, distances by scipy."""
    first, second = _noise(1, 3, 64, 64), _noise(2, 3, 64, 64) // 4 * 2
    expected = {}
    generator = np.random.default_rng(5)
    levels = [[side.astype(float) for side in (first, second)]]
    for _ in range(2):
        levels.append([_filtered(side, KERNEL)[:, ::2, ::2] for side in levels[-1]])
    for level in range(3):
        sides = levels[level]
        if level < 2:
            sides = [side - _upsampled(coarse) for side, coarse in zip(sides, levels[level + 1], strict=True)]
        columns = sides[0].shape[2] - 6
        chosen = generator.permutation(columns**2)[:PATCHES]
        directions = generator.standard_normal((147, PROJECTIONS))
        directions /= np.linalg.norm(directions, axis=0)
        projected = []
        for side in sides:
            patches = np.stack(
                [picture[n // columns :, n % columns :][:7, :7] for picture in side for n in chosen]
            ).transpose(0, 3, 1, 2)
            patches = (patches - patches.mean((0, 2, 3), keepdims=True)) / patches.std((0, 2, 3), keepdims=True)
            projected.append(patches.reshape(len(patches), -1) @ directions)
        distances = [wasserstein_distance(*pair) for pair in zip(projected[0].T, projected[1].T, strict=True)]
        expected[f"{2**level} px"] = np.mean(distances)
    found = sliced_wasserstein(laplacian_pyramid(first), laplacian_pyramid(second), seed=5)
    assert found == pytest.approx(expected, rel=1e-4)


def _filtered(pictures: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(convolve(pictures, kernel[None, :, :, None], mode="mirror"))


def _upsampled(pictures: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = np.kron(pictures, np.array([[1, 0], [0, 0]])[None, :, :, None])
    return _filtered(spread, 4 * KERNEL)


def test_it_is_symmetric_zero_for_the_same_pictures_and_blind_to_their_order() -> None:
    first, second = _noise(3, 8, 64, 64), _noise(4, 8, 64, 64) // 2
    assert _mean(first, first) == 0
    assert _mean(first, second) == pytest.approx(_mean(second, first), rel=1e-6)
    assert _mean(first[::-1], second) == pytest.approx(_mean(first, second), rel=1e-6)
    assert _mean(first, second, seed=1) == pytest.approx(_mean(first, second), rel=0.3)
    assert _mean(first, second, seed=1) != _mean(first, second)


def test_fewer_pictures_count_as_if_each_stood_there_several_times() -> None:
    few, many = _noise(5, 2, 64, 64), _noise(6, 8, 64, 64) // 2
    assert _mean(few, many) == pytest.approx(_mean(np.repeat(few, 4, axis=0), many), rel=1e-5)


def test_brightness_and_contrast_make_no_difference_as_its_catalogue_entry_says() -> None:
    pictures = _noise(7, 4, 64, 64) // 4 * 2
    assert _mean(pictures, pictures + np.array([100, 20, 0], np.uint8)) == pytest.approx(0, abs=1e-5)
    assert _mean(pictures, pictures // 2) == pytest.approx(0, abs=1e-5)


def test_a_flat_picture_has_a_finite_distance() -> None:
    flat = np.full((4, 64, 64, 3), 120, np.uint8)
    assert _mean(flat, flat) == 0
    assert 0.1 < _mean(flat, _noise(8, 4, 64, 64)) < 1


@pytest.mark.parametrize("name", PAINTERS)
def test_another_realisation_is_nearer_than_its_pixels_in_random_blocks(name: str) -> None:
    first, second = (realise(name, (256, 256), np.random.default_rng(seed))[None] for seed in (1, 2))
    blocks = second.reshape(32, 8, 32, 8, 3).swapaxes(1, 2).reshape(1024, 8, 8, 3)
    shuffled = np.random.default_rng(0).permutation(blocks).reshape(32, 32, 8, 8, 3).swapaxes(1, 2)
    reference, real, worse = (tiles(Pictures(each.reshape(1, 256, 256, 3))) for each in (first, second, shuffled))
    assert 1.5 * _mean(real, reference) < _mean(worse, reference)
