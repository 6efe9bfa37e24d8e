import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.signal import welch

from inng_bench.metrics.comparison import Pictures
from inng_bench.metrics.spectrum import PERIODS, grid_peaks, power_spectrum, radial_decibels, spectral_distance
from inng_bench.metrics.tiles import tiles
from inng_bench.textures import load_texture, texture_names
from inng_bench.textures.catalogue import PAPER_PREFIX
from inng_bench.textures.procedural import PAINTERS, realise

Pixels = NDArray[np.uint8]
BUNDLED = [name for name in texture_names() if not name.startswith(PAPER_PREFIX)]


def _gaussian(seed: int, deviation: float, count: int = 64) -> NDArray[np.float64]:
    return 128 + np.random.default_rng(seed).normal(0, deviation, (count, 64, 64, 3))


def _pixels(values: NDArray[np.float64]) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _wave(period: int) -> NDArray[np.float64]:
    """A wave of amplitude 1 along both axes, (64, 64, 1); for the period of 2 px a checkerboard."""
    axis = np.cos(2 * np.pi * np.arange(64) / period)
    return np.outer(axis, axis)[..., None]


def test_white_noise_has_its_variance_at_every_frequency() -> None:
    spectrum = power_spectrum(_pixels(_gaussian(0, 20, count=400)))[2:, 2:]
    assert spectrum.mean() == pytest.approx(400, rel=0.01)
    assert spectrum.std() / spectrum.mean() == pytest.approx(np.sqrt(1 / 1200), rel=0.1)


def test_along_an_axis_it_is_the_spectrum_that_scipy_estimates() -> None:
    rows = np.random.default_rng(1).integers(0, 256, 64).astype(np.uint8)
    picture = np.broadcast_to(rows[None, :, None, None], (1, 64, 64, 3))
    _, expected = welch(rows.astype(float), window="hann", nperseg=64, detrend="constant", return_onesided=False)
    # Across, the picture is constant, so that its window's mean square stands in place of its power.
    across = (64 / 2) ** 2 / (64 * 3 / 8)
    np.testing.assert_allclose(power_spectrum(picture)[:, 0], expected * across, rtol=1e-9)


@pytest.mark.parametrize("factor", [2, 4])
def test_twice_the_contrast_is_six_decibels_in_every_octave(factor: int) -> None:
    pictures = np.random.default_rng(2).integers(0, 60, (8, 64, 64, 3), dtype=np.uint8)
    octaves = spectral_distance(power_spectrum(pictures * np.uint8(factor)), power_spectrum(pictures))
    assert list(octaves) == ["32-16 px", "16-8 px", "8-4 px", "4-2 px"]
    assert list(octaves.values()) == pytest.approx([20 * np.log10(factor)] * 4, rel=1e-3)


def test_a_blur_takes_what_its_transfer_function_says() -> None:
    noise = _gaussian(3, 25)
    blurred = gaussian_filter(noise, (0, 1, 1, 0), mode="wrap")
    found = radial_decibels(power_spectrum(_pixels(blurred))) - radial_decibels(power_spectrum(_pixels(noise)))
    cycles = np.arange(4, 20) / 64
    expected = 10 * np.log10(np.exp(-(2 * np.pi**2) * 2 * cycles**2))
    np.testing.assert_allclose(found[4:20], expected, atol=0.35)


@pytest.mark.parametrize(("period", "amplitude"), [(2, 1.0), (4, 3.0), (8, 6.0), (16, 12.0)])
def test_a_planted_wave_stands_out_at_its_period_alone_as_high_as_its_amplitude_says(
    period: int, amplitude: float
) -> None:
    deviation = 10.0
    peaks = grid_peaks(power_spectrum(_pixels(_gaussian(4, deviation) + amplitude * _wave(period))))
    frequencies = {2: 3, 4: 12, 8: 48, 16: 192}[period]
    # A cosine is two waves of half its amplitude along each axis, but at half the sampling rate. The window leaves a
    # wave (Σw)² / Σw² = 2/3 · 64 times the power of noise along each axis; noise has its variance, rounding included.
    waves = 1 if period == 2 else 4
    power = waves * (amplitude / waves) ** 2 * (64 * 2 / 3) ** 2
    expected = 1 + power / (deviation**2 + 2 / 12) / frequencies
    assert peaks.pop(period) == pytest.approx(expected, rel=0.1)
    assert list(peaks.values()) == pytest.approx([1, 1, 1], abs=0.15)


def test_a_grid_of_dots_stands_out_at_its_period_wherever_a_tile_begins() -> None:
    dots = np.zeros((256, 256, 1))
    dots[3::8, 5::8] = 16
    noise = np.random.default_rng(5).normal(128, 10, (256, 256, 3))
    peaks = grid_peaks(power_spectrum(tiles(Pictures(_pixels(noise + dots)[None, :-7, 4:]))))
    # Every multiple of 1/8 has the same amplitude of 16 / 64 levels.
    expected = 1 + (16 / 64) ** 2 * (64 * 2 / 3) ** 2 / (10**2 + 2 / 12)
    assert [peaks[8], peaks[4], peaks[2]] == pytest.approx([expected] * 3, rel=0.15)
    assert peaks[16] == pytest.approx(1, abs=0.1)


def test_white_noise_and_flat_pictures_have_no_grid() -> None:
    assert list(grid_peaks(power_spectrum(_pixels(_gaussian(6, 20)))).values()) == pytest.approx([1] * 4, abs=0.15)
    assert list(grid_peaks(power_spectrum(np.full((4, 64, 64, 3), 9, np.uint8))).values()) == pytest.approx([1] * 4)


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
def test_a_spectrum_that_falls_as_a_power_has_no_grid(exponent: float) -> None:
    cycles = np.fft.fftfreq(64, 1 / 64)
    frequency = np.hypot(cycles[:, None], cycles)
    frequency[0, 0] = 1
    peaks = grid_peaks(1e6 * frequency**-exponent)
    assert list(peaks.values()) == pytest.approx([1] * 4, abs=0.06 * exponent)


@pytest.mark.parametrize("name", BUNDLED)
def test_of_a_bundled_texture_the_windows_agree_and_a_faint_checkerboard_is_found(name: str) -> None:
    texture = load_texture(name)
    floor = grid_peaks(power_spectrum(tiles(Pictures(texture.held_out[0][None]))))
    real = grid_peaks(power_spectrum(tiles(Pictures(texture.train[None]))))
    assert max(real[period] / floor[period] for period in PERIODS) < 2
    board = np.indices(texture.train.shape[:2]).sum(0)[..., None] % 2
    marked = _pixels(texture.train + 2.0 - 4.0 * board)
    assert grid_peaks(power_spectrum(tiles(Pictures(marked[None]))))[2] > 2.5 * real[2]


@pytest.mark.parametrize("name", PAINTERS)
def test_another_realisation_is_nearer_than_its_blurred_self(name: str) -> None:
    first, second = (realise(name, (256, 256), np.random.default_rng(seed)) for seed in (1, 2))
    reference = power_spectrum(tiles(Pictures(first[None])))
    distances = [
        np.mean(list(spectral_distance(power_spectrum(tiles(Pictures(picture[None]))), reference).values()))
        for picture in (second, gaussian_filter(second, (1.5, 1.5, 0)))
    ]
    assert distances[0] < 0.5 * distances[1]


def test_the_order_of_the_pictures_and_of_their_axes_makes_no_difference() -> None:
    pictures = np.random.default_rng(7).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    first, second = power_spectrum(pictures), power_spectrum(pictures[::-1].swapaxes(1, 2))
    np.testing.assert_allclose(first, second.T, rtol=1e-9)
    assert grid_peaks(first) == pytest.approx(grid_peaks(second), rel=1e-9)
    np.testing.assert_allclose(radial_decibels(first), radial_decibels(second), rtol=1e-9)
