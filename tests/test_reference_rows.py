"""The rows `noise` and `random-phase`: what they keep of the window, and nothing else."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from inng_bench.baselines.reference_rows import MatchedNoise, RandomPhase
from inng_bench.contract import Execution, Method
from inng_bench.errors import InputError
from inng_bench.random_phase import periodic_component
from inng_bench.seeds import torch_generator
from inng_bench.textures import to_tensor
from inng_bench.textures.procedural import realise

ROWS = [MatchedNoise, RandomPhase]


@pytest.fixture(scope="module")
def window() -> Tensor:
    """A field of low contrast, so that clipping plays no part; its sides differ and one is odd."""
    return 0.6 * to_tensor(realise("field", (141, 96), np.random.default_rng(5)))


def trained(kind: type[Method], window: Tensor) -> Method:
    method = kind({}, Execution())
    training = method.train(window, seed=0, budget=0.0)
    assert training.flops == 0.0
    return method


def covariance(picture: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.cov(picture.double().flatten(1).numpy(), bias=True)


def autocovariance(channel: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """On the torus, by definition: the mean of x(p) x(p + lag), for lags of up to 5 px."""
    values = channel.double().numpy()
    values = values - values.mean()
    lags = itertools.product(range(6), repeat=2)
    return np.array([np.mean(values * np.roll(values, (-down, -right), (0, 1))) for down, right in lags])


def test_noise_has_the_mean_and_the_covariance_of_the_window(window: Tensor) -> None:
    method = trained(MatchedNoise, window)
    pixels = method.sample(4, (128, 128), generator=torch_generator(1)).double().transpose(0, 1).flatten(1).numpy()
    n = pixels.shape[1]
    expected = covariance(window)
    mean_error = (pixels.mean(axis=1) - window.double().flatten(1).mean(dim=1).numpy()) / np.sqrt(np.diag(expected) / n)
    # The variance of a Gaussian sample covariance is (c_ij^2 + c_ii c_jj) / n.
    spread = np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / n)
    assert np.abs(mean_error).max() < 4.5
    assert np.abs((np.cov(pixels) - expected) / spread).max() < 4.5


def test_noise_pixels_are_independent_of_their_neighbours(window: Tensor) -> None:
    picture = trained(MatchedNoise, window).sample(1, (200, 200), generator=torch_generator(2))[0, 0]
    correlations = autocovariance(picture)[1:] / autocovariance(picture)[0]
    assert np.abs(correlations).max() < 4.5 / 200


def test_noise_of_a_grey_window_is_grey() -> None:
    grey = torch.linspace(-0.5, 0.5, 64 * 64).reshape(1, 64, 64).expand(3, -1, -1)
    picture = trained(MatchedNoise, grey).sample(1, (64, 64), generator=torch_generator(3))[0]
    assert picture[0].std() > 0.2
    assert (picture - picture[:1]).abs().max() < 1e-3


def test_the_periodic_component_solves_moisans_equation(window: Tensor) -> None:
    picture = window.double()
    smooth = (picture - periodic_component(picture)).numpy()
    laplacian = -4.0 * smooth
    for axis, step in itertools.product((1, 2), (1, -1)):
        laplacian += np.roll(smooth, step, axis)
    jumps = np.zeros_like(smooth)
    values = picture.numpy()
    # Jumps between each border pixel and its neighbour across the border of the torus.
    jumps[:, 0, :] += values[:, -1, :] - values[:, 0, :]
    jumps[:, -1, :] += values[:, 0, :] - values[:, -1, :]
    jumps[:, :, 0] += values[:, :, -1] - values[:, :, 0]
    jumps[:, :, -1] += values[:, :, 0] - values[:, :, -1]
    np.testing.assert_allclose(laplacian, jumps, atol=1e-12)
    np.testing.assert_allclose(smooth.mean(axis=(1, 2)), 0.0, atol=1e-12)


@pytest.mark.parametrize(("size", "seed", "tolerance"), [((141, 96), 4, 0.02), ((300, 260), 5, 0.06)])
def test_random_phase_at_the_windows_size_and_larger_keeps_mean_covariance_and_autocovariance(
    window: Tensor, size: tuple[int, int], seed: int, tolerance: float
) -> None:
    picture = trained(RandomPhase, window).sample(1, size, generator=torch_generator(seed))[0]
    torch.testing.assert_close(picture.mean(dim=(1, 2)), window.mean(dim=(1, 2)), atol=1e-5, rtol=0.0)
    np.testing.assert_allclose(covariance(picture), covariance(window), atol=1e-6)
    periodic = periodic_component(window.double())
    for channel in range(3):
        of_window = autocovariance(periodic[channel])
        of_picture = autocovariance(picture[channel])
        np.testing.assert_allclose(of_picture / of_picture[0], of_window / of_window[0], atol=tolerance)


def test_random_phase_forgets_where_things_are(window: Tensor) -> None:
    picture = trained(RandomPhase, window).sample(1, (141, 96), generator=torch_generator(6))[0, 0].numpy()
    original = window[0].numpy()
    spectra = np.fft.fft2(picture - picture.mean()), np.fft.fft2(original - original.mean())
    shifted = np.fft.ifft2(spectra[0] * np.conj(spectra[1])).real / (picture.size * picture.std() * original.std())
    assert np.abs(shifted).max() < 0.5


def test_random_phase_of_a_single_pixel_keeps_a_flat_spectrum_whatever_the_canvas() -> None:
    """An impulse has no correlations, so that its random phase noise is white on every canvas."""
    impulse = torch.zeros(3, 32, 32)
    impulse[:, 16, 16] = 1.0
    for size in ((32, 32), (64, 48)):
        picture = trained(RandomPhase, impulse).sample(1, size, generator=torch_generator(7))[0, 0]
        correlations = autocovariance(picture)[1:] / autocovariance(picture)[0]
        assert np.abs(correlations).max() < 0.01


@pytest.mark.parametrize("kind", ROWS)
def test_the_same_generator_gives_the_same_bytes_and_another_one_does_not(kind: type[Method], window: Tensor) -> None:
    method = trained(kind, window)
    first, again, other = (method.sample(2, (40, 64), generator=torch_generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first[0], first[1])


@pytest.mark.parametrize("kind", ROWS)
def test_sampling_leaves_the_global_generator_alone(kind: type[Method], window: Tensor) -> None:
    before = torch.get_rng_state()
    trained(kind, window).sample(1, (32, 32), generator=torch_generator(1))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("size", [(16, 16), (141, 300), (300, 20), (127, 131)])
def test_every_supported_size_is_drawn_in_range(kind: type[Method], size: tuple[int, int], window: Tensor) -> None:
    method = trained(kind, window)
    pictures = method.sample(2, size, generator=torch_generator(1))
    assert method.supports(size)
    assert pictures.shape == (2, 3, *size)
    assert pictures.dtype is torch.float32
    assert pictures.abs().max() <= 1.0


@pytest.mark.parametrize("kind", ROWS)
def test_high_contrast_is_clipped(kind: type[Method]) -> None:
    stripes = torch.ones(3, 64, 64)
    stripes[:, ::2] = -1.0
    pictures = trained(kind, stripes).sample(1, (64, 64), generator=torch_generator(1))
    assert pictures.abs().max() == 1.0


@pytest.mark.parametrize("kind", ROWS)
def test_pictures_under_16_px_are_not_supported(kind: type[Method]) -> None:
    assert not kind({}, Execution()).supports((15, 64))


@pytest.mark.parametrize("kind", ROWS)
def test_a_stored_model_samples_the_same(kind: type[Method], window: Tensor, tmp_path: Path) -> None:
    method = trained(kind, window)
    method.save(tmp_path)
    loaded = kind.load(tmp_path, Execution())
    expected = method.sample(2, (48, 160), generator=torch_generator(9))
    assert torch.equal(loaded.sample(2, (48, 160), generator=torch_generator(9)), expected)


@pytest.mark.parametrize("kind", ROWS)
def test_settings_are_refused_by_name(kind: type[Method]) -> None:
    with pytest.raises(InputError, match=r"no settings; remove colour|noise has no setting 'colour'"):
        kind({"colour": "red"}, Execution())


@pytest.mark.parametrize("kind", ROWS)
def test_an_incomplete_model_is_refused(kind: type[Method]) -> None:
    with pytest.raises(InputError, match="incomplete"):
        kind({}, Execution()).restore({"mean": torch.zeros(3)})


@pytest.mark.parametrize("kind", ROWS)
def test_sampling_before_training_says_so(kind: type[Method]) -> None:
    with pytest.raises(RuntimeError, match="trained or restored"):
        kind({}, Execution()).sample(1, (32, 32), generator=torch_generator(1))
