"""The weight-free eye: its bank and descriptors against closed forms, and its order of known degradations."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from inng_bench.ladder.degradations import blurred, noisy, quilted, random_phase, shuffled
from inng_bench.metrics.catalogue import CROP, WAVELET_CROPS
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.crops import grid
from inng_bench.metrics.patch_distances import patch_fid_wavelet
from inng_bench.metrics.wavelets import (
    BANDS,
    COLOUR_WEIGHT,
    DIMENSION,
    NOISE,
    ORIENTATIONS,
    SCALES,
    SIDE,
    SPARSITY_WEIGHT,
    WAVELENGTH,
    band_moduli,
    colour_axes,
    crop_means,
    describe,
    wavelets,
)
from inng_bench.textures import load_texture

Pixels = NDArray[np.uint8]


def grain(seed: int, *shape: int, deviation: float = 20.0) -> Pixels:
    levels = np.random.default_rng(seed).normal(128.0, deviation, (*shape, 3))
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def described(picture: Pixels, count: int = 16) -> NDArray[np.float64]:
    places = grid(count, 1, picture.shape[:2], CROP)
    return describe(picture[None], places, CROP).numpy()


def split(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return colours, logarithms of energies and sparsities, the latter by scale and band."""
    rest = rows[:, 3:].reshape(len(rows), SCALES, 2, BANDS)
    return rows[:, :3], rest[:, :, 0], rest[:, :, 1]


def distance(samples: Pixels, window: Pixels) -> float:
    value = patch_fid_wavelet(Comparison(Pictures(samples[None]), Pictures(window[None]), seed=0)).value
    assert value is not None
    return value


def test_the_filters_have_no_mean_norm_one_and_turn_into_one_another() -> None:
    bank = wavelets()[:, 0].double()
    assert bank.shape == (2 * ORIENTATIONS, SIDE, SIDE)
    assert bank.sum((1, 2)).numpy() == pytest.approx(np.zeros(len(bank)), abs=1e-6)
    assert torch.linalg.norm(bank, dim=(1, 2)).numpy() == pytest.approx(np.ones(len(bank)))
    quarter = torch.rot90(bank[:2], -1, (1, 2))
    np.testing.assert_allclose(quarter[0], bank[4], atol=1e-7)
    np.testing.assert_allclose(quarter[1].abs(), bank[5].abs(), atol=1e-7)


@pytest.mark.parametrize("number", range(ORIENTATIONS))
def test_a_wave_answers_most_in_its_direction_with_the_amplitude_of_the_filters_response(number: int) -> None:
    angle = math.pi * number / ORIENTATIONS
    down, right = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    wave = torch.cos(2 * math.pi / WAVELENGTH * (right * math.cos(angle) + down * math.sin(angle)) + 0.3)
    moduli = band_moduli(torch.stack([wave, 0 * wave, 2 * wave])[None])[0]
    moduli = moduli.reshape(3, ORIENTATIONS, *moduli.shape[1:])
    means = moduli.mean((2, 3))
    assert int(means[0].argmax()) == number
    assert means[0, number] > 2 * means[0].topk(2).values[1]
    assert moduli[0, number].std() < 0.15 * means[0, number]  # a local amplitude, whatever the phase
    torch.testing.assert_close(means[2], 2 * means[0])
    assert means[1].max() == 0


def test_the_colour_axes_are_a_rotation() -> None:
    pixels = grain(0, 2, 8, 8)
    found = colour_axes(pixels).double()
    assert found.square().sum() == pytest.approx(((pixels / 255 - 0.5) ** 2).sum(), rel=1e-5)
    grey = colour_axes(np.full((1, 8, 8, 3), 200, np.uint8))
    assert grey[0, 0].numpy() == pytest.approx(np.full((8, 8), math.sqrt(3) * (200 / 255 - 0.5)), rel=1e-5)
    assert grey[0, 1:].abs().max() < 1e-6


def test_means_over_crops_are_those_of_numpy() -> None:
    x = torch.randn(2, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    places = torch.tensor([[0, 0, 0], [1, 3, 17], [1, 13, 2]])
    wanted = [x[image, :, top : top + 7, left : left + 7].double().mean((1, 2)).numpy() for image, top, left in places]
    np.testing.assert_allclose(crop_means(x, places, 7), np.stack(wanted), atol=1e-9)


def test_white_noise_has_the_energy_of_its_variance_and_the_sparsity_of_gaussian_amplitudes() -> None:
    # Large crops, since the logarithm of a mean of few answers is less than that of their expectation.
    picture = grain(1, 512, 512)
    colours, energies, sparsities = split(describe(picture[None], grid(16, 1, picture.shape[:2], 128), 128).numpy())
    assert colours[:, 0].mean() == pytest.approx(COLOUR_WEIGHT * math.sqrt(3) * (128 / 255 - 0.5), abs=0.02)
    for scale in range(SCALES):
        # Two filters of norm 1 on pixels that the pyramid has averaged; amplitudes are Rayleigh's, nearly.
        root = math.sqrt(2 * (20**2 + 1 / 12)) / 255 / 2**scale
        assert energies[:, scale].mean() == pytest.approx(math.log(root + NOISE), abs=0.03)
        ratio = (math.sqrt(math.pi) / 2 * root + NOISE) / (root + NOISE)
        assert sparsities[:, scale].mean() == pytest.approx(SPARSITY_WEIGHT * ratio, rel=0.02)


def test_a_flat_picture_is_silent_and_never_without_a_figure() -> None:
    flat = np.full((128, 128, 3), 77, np.uint8)
    _, energies, sparsities = split(described(flat))
    assert energies == pytest.approx(np.full(energies.shape, math.log(NOISE)), abs=1e-3)
    assert sparsities == pytest.approx(np.full(sparsities.shape, SPARSITY_WEIGHT), abs=1e-3)
    assert distance(flat, flat) == pytest.approx(0, abs=1e-6)
    assert distance(grain(2, 128, 128), flat) > 1


def test_a_change_of_colour_moves_the_mean_alone() -> None:
    window = grain(3, 128, 128)
    brighter = window + np.uint8(10)
    expected = (COLOUR_WEIGHT * math.sqrt(3) * 10 / 255) ** 2 / DIMENSION
    assert distance(brighter, window) == pytest.approx(expected, rel=0.05)
    assert distance(window, window) == pytest.approx(0, abs=1e-6)


def test_a_canvas_and_the_tiles_that_it_is_cut_into_are_described_by_the_same_numbers() -> None:
    canvas = grain(4, 256, 256)
    tiles = canvas.reshape(4, 64, 4, 64, 3).swapaxes(1, 2).reshape(16, 64, 64, 3)
    in_tiles = np.array([(tile, 8, 12) for tile in range(16)])
    in_canvas = np.array([(0, 64 * (tile // 4) + 8, 64 * (tile % 4) + 12) for tile in range(16)])
    whole, cut = describe(canvas[None], in_canvas, CROP).numpy(), describe(tiles, in_tiles, CROP).numpy()
    np.testing.assert_allclose(whole, cut, rtol=1e-4, atol=1e-5)


def test_a_turned_picture_has_the_same_energies_in_turned_bands() -> None:
    picture = load_texture("wood").train
    straight, turned = (split(described(one, 9)) for one in (picture, np.rot90(picture).copy()))
    swapped = straight[1].mean(0).reshape(SCALES, 3, ORIENTATIONS)[..., [2, 3, 0, 1]]
    np.testing.assert_allclose(turned[1].mean(0).reshape(SCALES, 3, ORIENTATIONS), swapped, atol=0.15)


@pytest.mark.parametrize("texture", ["brick", "pebbles", "gravel"])
def test_each_degradation_is_farther_than_real_texture_and_the_stronger_the_farther(texture: str) -> None:
    found = load_texture(texture)
    real, window = found.held_out[0], found.train

    def seen(pixels: Pixels) -> float:
        return distance(pixels, window)

    draw = np.random.default_rng(0)
    floor = seen(real)
    for ladder in (
        [blurred(0.7), blurred(1.5)],
        [shuffled(32), shuffled(16), shuffled(8)],
        [noisy(20.0)],
        [random_phase],
    ):
        rungs = [floor, *(seen(degrade(real, draw)) for degrade in ladder)]
        assert rungs == sorted(rungs), (texture, rungs)
        assert rungs[1] > 1.05 * floor


@pytest.mark.parametrize("texture", ["brick", "pebbles", "gravel"])
def test_random_phase_is_worse_than_real_blocks_laid_anew_and_noise_worse_still(texture: str) -> None:
    found = load_texture(texture)
    real, window = found.held_out[0], found.train
    draw = np.random.default_rng(1)
    blocks, phase = (distance(degrade(real, draw), window) for degrade in (quilted(48), random_phase))
    pixels = draw.permutation(real.reshape(-1, 3)).reshape(real.shape)
    assert 1.5 * blocks < phase < distance(pixels, window)


def test_the_distance_is_frechets_of_the_descriptors() -> None:
    samples, window = grain(5, 128, 128), grain(6, 128, 128, deviation=30.0)
    one, other = (described(picture, WAVELET_CROPS) for picture in (samples, window))
    left, right = ((rows - rows.mean(0)) / math.sqrt(len(rows) - 1) for rows in (one, other))
    nuclear = np.linalg.svd(left @ right.T, compute_uv=False).sum()
    expected = ((one.mean(0) - other.mean(0)) ** 2).sum() + (left**2).sum() + (right**2).sum() - 2 * nuclear
    assert distance(samples, window) == pytest.approx(expected / DIMENSION, rel=1e-3)
