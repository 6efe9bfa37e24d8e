"""ln p0 against closed forms: independent pixels, an autoregression, and the whitening of random phase noise."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor

from inng_bench.inng.linear_prediction import LinearPrediction
from inng_bench.inng.prior import NoisePrior
from inng_bench.pixels import ROUNDING

CORRELATION = 0.8


def coloured_window() -> Tensor:
    """Return smooth coloured noise, float32 (3, 96, 96)."""
    white = torch.randn((3, 96, 96), generator=torch.Generator().manual_seed(0))
    smooth = white + 0.4 * white.roll(1, 1) + 0.4 * white.roll(1, 2)
    smooth[1] += smooth[0].roll((2, -1), (0, 1))  # one colour runs ahead of another
    mixing = torch.tensor([[0.2, 0.0, 0.0], [0.1, 0.1, 0.0], [0.05, 0.1, 0.1]])
    return torch.einsum("ij,jhw->ihw", mixing, smooth)


def test_independent_pixels_have_the_density_of_their_gaussian() -> None:
    factor = torch.tensor([[0.5, 0.0, 0.0], [0.2, 0.3, 0.0], [0.1, 0.0, 0.4]])
    mean = torch.tensor([0.1, -0.2, 0.3])
    prediction = NoisePrior(mean, factor).density
    pictures = torch.rand((2, 3, 7, 9), generator=torch.Generator().manual_seed(0))
    normal = torch.distributions.MultivariateNormal(mean, factor @ factor.T)
    each: Tensor = normal.log_prob(pictures.permute(0, 2, 3, 1))  # type: ignore[no-untyped-call]
    found = prediction.log_density(pictures, 5, 2)
    windows = each.unfold(1, 5, 2).unfold(2, 5, 2).sum((3, 4))
    torch.testing.assert_close(found - found[0, 0, 0], windows - windows[0, 0, 0], rtol=1e-4, atol=1e-3)


def test_an_autoregression_is_found_and_its_windows_have_its_density() -> None:
    """Rows are independent, and each pixel is 0.8 of its left neighbour and something new."""
    frequencies = torch.fft.fftfreq(256, dtype=torch.float64) * 2 * math.pi
    response = (1 - CORRELATION * torch.exp(-1j * frequencies)).reciprocal()
    texton = torch.zeros((3, 64, 256), dtype=torch.float64)
    texton[:, 0] = 100 * torch.fft.ifft(response).real
    variance = float(texton[0].square().mean())
    prediction = LinearPrediction.of_texton(torch.zeros(3), texton)
    innovation = variance * (1 - CORRELATION**2)
    scaled = prediction.filters.sum(1)[0] * math.sqrt(innovation)  # of the same number for all three colours
    assert float(scaled[-1, 4].abs()) == pytest.approx(1, rel=1e-3)
    assert float(scaled[-1, 3] / scaled[-1, 4]) == pytest.approx(-CORRELATION, rel=1e-3)
    rest = scaled.clone()
    rest[-1, 3:5] = 0
    assert float(rest.abs().max()) < 1e-3
    one = torch.randn((1, 1, 20, 24), generator=torch.Generator().manual_seed(1)) * math.sqrt(variance)
    picture = one.expand(1, 3, 20, 24)
    news = (one[..., 1:] - CORRELATION * one[..., :-1])[0, 0]
    expected = -0.5 * news[4:20, 3:15].square().sum() / innovation
    torch.testing.assert_close(prediction.log_density(picture, 20, 4)[0, 0, 0], expected, rtol=1e-3, atol=0)


def test_random_phase_noise_becomes_independent_standard_normal_numbers() -> None:
    prior = NoisePrior.of("random-phase", coloured_window())
    noise = prior.draw(8, (96, 96), torch.Generator().manual_seed(2)).double()
    prediction = prior.density
    new = torch.nn.functional.conv2d(noise - prediction.mean[:, None, None], prediction.filters)
    height, width = new.shape[2:]
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (2, 2), (3, 3)):
        here, there = new[:, :, : height - down, : width - right], new[:, :, down:, right:]
        correlation = torch.einsum("nahw,nbhw->ab", here, there) / here[:, 0].numel()
        expected = torch.eye(3, dtype=torch.float64) * (down == right == 0)
        torch.testing.assert_close(correlation, expected, rtol=0, atol=0.04)


def test_each_window_of_a_picture_has_the_density_of_its_crop() -> None:
    prediction = NoisePrior.of("random-phase", coloured_window()).density
    picture = torch.rand((1, 3, 94, 110), generator=torch.Generator().manual_seed(4)) * 2 - 1
    found = prediction.log_density(picture, 62, 16)
    assert found.shape == (1, 3, 4)
    for row, column in product(range(3), range(4)):
        crop = picture[:, :, 16 * row : 16 * row + 62, 16 * column : 16 * column + 62]
        torch.testing.assert_close(prediction.log_density(crop, 62, 16)[0, 0, 0], found[0, row, column])


def test_a_colour_that_a_texture_has_not_is_as_unlikely_as_rounding_makes_it() -> None:
    grey = coloured_window()[:1].expand(3, -1, -1)
    prediction = NoisePrior.of("random-phase", grey).density
    picture = grey[None]
    tint = torch.tensor([0.1, -0.05, -0.05])
    fall = prediction.log_density(picture, 62, 16) - prediction.log_density(picture + tint[:, None, None], 62, 16)
    pixels = (62 - 4) * (62 - 8)
    expected = float(tint.square().sum()) / (2 * ROUNDING) * pixels  # the tint has no grey, so that it is apart from it
    torch.testing.assert_close(fall, torch.full_like(fall, expected), rtol=1e-3, atol=0)


def test_a_mixture_of_colours_that_hardly_varies_is_never_held_for_stiffer_than_rounding() -> None:
    for variance in (1e-9, ROUNDING, 1.1 * ROUNDING):
        prediction = LinearPrediction.of_pixels(torch.zeros(3), torch.diag(torch.tensor([0.1, 0.1, variance])))
        flat, tinted = torch.zeros((1, 3, 8, 8)), torch.zeros((1, 3, 8, 8))
        tinted[:, 2] = 0.01
        fall = prediction.log_density(flat, 8, 1) - prediction.log_density(tinted, 8, 1)
        assert float(fall) == pytest.approx(64 * 1e-4 / (2 * ROUNDING), rel=0.15)
