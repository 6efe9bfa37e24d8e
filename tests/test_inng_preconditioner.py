import math

import numpy as np
import pytest
import torch
from known_windows import Gaussian, climbed, climbing
from torch import Tensor

from inng_bench.inng.preconditioner import BANDS, LONGEST, Preconditioner, band_amplitudes
from inng_bench.pixels import Palette

COLOURS = torch.tensor([[0.5, 0.0, 0.0], [0.2, 0.3, 0.0], [0.1, 0.0, 0.4]])
FALLING = Preconditioner(COLOURS, torch.logspace(0.0, -1.5, BANDS))


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def frequencies(height: int, width: int) -> Tensor:
    return torch.from_numpy(np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.fftfreq(width)))


def power(pictures: Tensor) -> Tensor:
    mean: Tensor = torch.fft.fft2(pictures).abs().square().mean((0, 1)) / pictures[0, 0].numel()
    return mean


def fallen(window: Tensor) -> Tensor:
    """Filter a window so that its amplitude falls as one over the frequency from a wavelength of 32 px on."""
    response = 1 / frequencies(window.shape[-2], window.shape[-1]).clamp(min=1 / 32)
    filtered: Tensor = torch.fft.ifft2(torch.fft.fft2(window) * response).real
    return filtered / filtered.std() * 0.2


@pytest.mark.parametrize("size", [(64, 64), (48, 80), (63, 75)])
def test_white_noise_of_unit_variance_becomes_noise_of_the_texture_s_colours(size: tuple[int, int]) -> None:
    white = draw(40, 3, *size)
    pictures = FALLING.on(white).moved(torch.zeros_like(white), white)
    found = torch.cov(pictures.transpose(0, 1).flatten(1))
    torch.testing.assert_close(found, COLOURS.double() @ COLOURS.T.double(), atol=0.01, rtol=0)


def test_steps_fall_off_as_the_texture_does_below_16_px_and_are_alike_above() -> None:
    window = fallen(draw(3, 192, 160, seed=1)).float()
    preconditioner = Preconditioner.of("spectrum", window, Palette.of(window).factor)
    white = draw(64, 3, 128, 128)
    found = power(preconditioner.on(white).moved(torch.zeros_like(white), white))
    radius = frequencies(128, 128)
    longest = found[(radius > 0) & (radius < 1 / 20)].mean()
    for wavelength in (24.0, 18.0, 8.0, 4.0, 2.5):
        ring = (radius * wavelength - 1).abs() < 0.05
        amplitude = float((found[ring].mean() / longest).sqrt())
        assert amplitude == pytest.approx(min(1.0, wavelength / LONGEST), rel=0.15)


def test_the_coordinates_of_a_gradient_are_its_product_with_the_transposed_factor() -> None:
    gradient, move = draw(2, 3, 48, 33, seed=1), draw(2, 3, 48, 33, seed=2)
    factor = FALLING.on(gradient)
    moved = factor.moved(torch.zeros_like(move), move)
    torch.testing.assert_close((moved * gradient).sum(), (move * factor.coordinates(gradient)).sum())
    start = draw(2, 3, 48, 33, seed=3)
    torch.testing.assert_close(factor.moved(start, move), start + moved)


def test_a_rolled_move_moves_a_rolled_picture() -> None:
    move = draw(1, 3, 64, 48)
    factor = FALLING.on(move)
    expected = factor.moved(torch.zeros_like(move), move).roll((5, -9), (2, 3))
    torch.testing.assert_close(factor.moved(torch.zeros_like(move), move.roll((5, -9), (2, 3))), expected)


def test_a_chain_in_the_texture_s_spectrum_has_the_power_of_its_discretisation() -> None:
    # x' = (I - ε/2σ² P) x + N(0, ε P) with P = A Aᵀ has the stationary covariance σ² (I - ε/4σ² P)⁻¹; P is diagonal in
    # the frequencies, and what they forget fastest is all that is compared: (1 - ε/2σ² P)^(2 · steps) < .001.
    variance, step_size, steps = 0.01, 0.006, 60
    preconditioner = Preconditioner(torch.eye(3), torch.logspace(0.0, -0.5, BANDS))
    start = draw(24, 3, 64, 64) * 0.1
    response = preconditioner.on(start).response
    assert response is not None
    last = climbed(start, climbing(Gaussian(variance), step_size, 1.0, directions=preconditioner), steps).canvases
    squared = response.square()
    fast = (1 - step_size / (2 * variance) * squared).abs() ** (2 * steps) < 0.001
    fast[:, [0, -1]] = False  # whose coefficients are real or pairs of one another
    assert int(fast.sum()) > 100
    expected = variance / (1 - step_size / (4 * variance) * squared)
    ratio = (power(last)[:, : squared.shape[1]] / expected)[fast].mean()
    standard_error = 1 / math.sqrt(24 * 3 * int(fast.sum()))  # of the mean of exponential variables
    assert abs(float(ratio) - 1) < 4 * standard_error + 0.001


def test_a_window_of_one_colour_gives_steps_that_are_alike_at_all_wavelengths() -> None:
    torch.testing.assert_close(band_amplitudes(torch.full((3, 80, 70), 0.25)), torch.full((BANDS,), 2 / 255 / 12**0.5))


def test_the_smallest_window_has_an_amplitude_in_every_band() -> None:
    assert bool(band_amplitudes(draw(3, 62, 62).float()).isfinite().all())


def test_what_is_stored_gives_the_same_steps() -> None:
    again = Preconditioner.restore(FALLING.state(), "spectrum")
    move = draw(1, 3, 32, 32)
    assert torch.equal(again.on(move).coordinates(move), FALLING.on(move).coordinates(move))
    with pytest.raises(KeyError):
        Preconditioner.restore(Preconditioner(COLOURS).state(), "spectrum")
