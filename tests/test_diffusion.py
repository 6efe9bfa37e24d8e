"""Diffusion: noising and denoising in closed form, and a denoiser that sees no farther than it says."""

import math

import pytest
import torch
from torch import Tensor, nn

from inng_bench.baselines.diffusion import (
    LARGEST_NOISE,
    LEAST_NOISE,
    Diffusion,
    DiffusionConfig,
    denoise,
    denoising_loss,
    diffuse,
    draw,
    new_network,
    noise_levels,
    step_flops,
)
from inng_bench.contract import Execution
from inng_bench.errors import InputError
from inng_bench.seeds import torch_generator
from inng_bench.testing import make_window

SMALL = {"channels": 4, "batch": 1, "crop": 64, "levels": 3}
CONFIG = DiffusionConfig.model_validate(SMALL)


class Silent(nn.Module):
    """Gives nothing, which is right for independent Gaussian pixels."""

    def forward(self, pictures: Tensor, level: Tensor) -> Tensor:
        del level
        return torch.zeros_like(pictures)


def test_noise_of_each_level_is_added() -> None:
    random = torch_generator(0)
    clean, noise = torch.randn((2, 2, 3, 64, 64), generator=random)
    noisy = diffuse(clean, noise, torch.tensor([0.5, 3.0]))
    torch.testing.assert_close(noisy[1], clean[1] + 3.0 * noise[1])
    assert float((noisy - clean).std((1, 2, 3))[0]) == pytest.approx(0.5, rel=0.02)


def test_without_a_network_the_denoiser_is_the_exact_one_of_independent_gaussian_pixels() -> None:
    """The mean of y given x = y + σn is s² / (s² + σ²) x, with the error s²σ² / (s² + σ²)."""
    deviation, sigma = 0.4, torch.tensor([0.1, 0.7])
    clean, noise = torch.randn((2, 2, 3, 128, 128), generator=torch_generator(1))
    clean = deviation * clean
    noisy = diffuse(clean, noise, sigma)
    shares = deviation**2 / (deviation**2 + sigma**2)
    torch.testing.assert_close(denoise(Silent(), noisy, sigma, deviation), shares[:, None, None, None] * noisy)
    assert float(denoising_loss(Silent(), clean, noise, sigma, deviation, rim=16)) == pytest.approx(1.0, rel=0.02)


def test_samples_of_the_exact_denoiser_have_the_gaussians_deviation() -> None:
    deviation = 0.4
    noise = torch.randn((1, 3, 100, 100), generator=torch_generator(2))

    def exact(noisy: Tensor, sigma: float) -> Tensor:
        estimate: Tensor = denoise(Silent(), noisy, torch.tensor([sigma]), deviation)
        return estimate

    drawn = draw(exact, noise, noise_levels(30))
    # The flow scales the noise, by s / √(s² + σ²) from the highest level σ to none.
    expected = LARGEST_NOISE * deviation / math.hypot(LARGEST_NOISE, deviation)
    torch.testing.assert_close(drawn, expected * noise, rtol=0.01, atol=1e-4)


def test_levels_of_noise_fall_from_the_largest_to_none() -> None:
    levels = noise_levels(10)
    assert levels == sorted(levels, reverse=True)
    assert (levels[0], levels[-2], levels[-1]) == pytest.approx((LARGEST_NOISE, LEAST_NOISE, 0.0))


def test_a_pixel_of_the_denoiser_sees_at_most_94_pixels_and_across_the_border() -> None:
    network = new_network(CONFIG, torch_generator(0))
    for parameter in network.parameters():  # those that begin at 0 would hide what is seen
        nn.init.normal_(parameter, 0.0, 0.3, generator=torch_generator(1))
    picture = torch.randn((1, 3, 160, 160), generator=torch_generator(2), requires_grad=True)
    output = network(picture, torch.zeros(1))
    widths = []
    for place in (80, 81, 0):
        (gradient,) = torch.autograd.grad(output[0, 0, place, place], picture, retain_graph=True)
        seen = gradient.abs().sum((0, 1)) > 0
        widths.append(int(seen.any(0).sum()))
    assert max(widths) <= 94
    assert bool(seen[-1, -1])


def test_the_loss_falls() -> None:
    losses: list[float] = []
    method = Diffusion(SMALL | {"rate": 1e-2}, Execution())
    budget = 60 * step_flops(CONFIG)
    method.train(make_window(), seed=0, budget=budget, events=lambda report: losses.append(report.values["loss"]))
    assert sum(losses[-4:]) < 0.8 * sum(losses[:4])


def test_a_grey_window_has_grey_samples() -> None:
    grey = make_window()[:1].expand(3, -1, -1).contiguous()
    method = Diffusion(SMALL, Execution())
    method.train(grey, seed=0, budget=2 * step_flops(CONFIG))
    sample = method.sample(1, (33, 70), generator=torch_generator(0))
    assert float((sample - sample.mean(1, keepdim=True)).abs().max()) < 1e-5


def test_a_crop_larger_than_the_window_is_refused() -> None:
    with pytest.raises(InputError, match="a crop of 64 px does not fit into a window of 60×100 px"):
        Diffusion(SMALL, Execution()).train(torch.zeros(3, 60, 100), seed=0, budget=1e9)


def test_weights_of_other_settings_are_refused() -> None:
    state = Diffusion(SMALL, Execution()).state()
    with pytest.raises(InputError, match="lacks weights or has others than its settings"):
        Diffusion(SMALL | {"channels": 5}, Execution()).restore(state)
