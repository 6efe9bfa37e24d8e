"""The rules of a step against closed forms, and who stops when."""

import math

import pytest
import torch
from known_windows import Gaussian, Uphill, climbed, climbing
from torch import Tensor

from inng_bench.inng.algorithm import at_boundary, langevin
from inng_bench.inng.alternatives import adam_ascent, below_batch_loss, image_adam_ascent, saturating
from inng_bench.inng.preconditioner import Preconditioner
from inng_bench.inng.state import Update

HALF = Gaussian(0.5)
UPDATES = pytest.mark.parametrize("update", [langevin, adam_ascent])


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 0.05


def test_langevin_on_a_gaussian_has_the_variance_of_its_discretised_chain() -> None:
    # x' = (1 - ε/2σ²) x + N(0, εT) has the stationary variance Tσ² / (1 - ε/4σ²).
    variance, step_size, temperature = 0.01, 0.008, 0.7
    last = climbed(draw(2, 3, 48, 48), climbing(Gaussian(variance), step_size, temperature), steps=60).canvases
    expected = temperature * variance / (1 - step_size / (4 * variance))
    z = math.log(float(last.square().mean()) / expected) / math.sqrt(2 / last.numel())
    assert abs(z) < 4


def test_a_chain_along_the_colours_has_the_covariance_of_its_discretisation() -> None:
    # x' = (I - ε/2σ² P) x + N(0, ε P) with P = A Aᵀ has the stationary covariance σ² (I - ε/4σ² P)⁻¹.
    variance, step_size = 0.01, 0.05
    colours = torch.tensor([[0.5, 0.0, 0.0], [0.2, 0.3, 0.0], [0.1, 0.0, 0.4]], dtype=torch.float64)
    sampler = climbing(Gaussian(variance), step_size, 1.0, directions=Preconditioner(colours))
    last = climbed(draw(2, 3, 96, 96), sampler, steps=80).canvases
    pull = torch.eye(3, dtype=torch.float64) - step_size / (4 * variance) * colours @ colours.T
    expected = variance * torch.linalg.inv(pull)
    found = torch.cov(last.transpose(0, 1).flatten(1))
    standard_error = float(expected.max()) * math.sqrt(2 / (2 * 96 * 96))
    torch.testing.assert_close(found, expected, atol=4 * standard_error, rtol=0)


@UPDATES
def test_a_grey_texture_stays_grey(update: Update) -> None:
    grey = torch.zeros((3, 3), dtype=torch.float64)
    grey[:, 0] = 0.2
    start = draw(1, 1, 16, 16).expand(1, 3, 16, 16)
    moved = climbed(start, climbing(HALF, 0.05, 1.0, update=update, directions=Preconditioner(grey))).canvases
    torch.testing.assert_close(moved[:, 0], moved[:, 1])
    torch.testing.assert_close(moved[:, 0], moved[:, 2])
    assert not torch.equal(moved, start)


def test_langevin_without_temperature_is_gradient_ascent() -> None:
    start = draw(1, 3, 16, 16)
    moved = climbed(start, climbing(HALF, 0.1), steps=7).canvases
    expected = start
    for _ in range(7):
        expected = expected + 0.05 * -expected / 0.5
    torch.testing.assert_close(moved, expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(moved, start * (1 - 0.05 / 0.5) ** 7)


def test_adam_ascent_equals_the_library_s_adam() -> None:
    start = draw(2, 3, 16, 16)
    parameter = torch.nn.Parameter(start.clone())
    optimiser = torch.optim.Adam([parameter], lr=0.01, betas=(0.5, 0.999))
    for _ in range(9):
        parameter.grad = parameter.detach() / 0.5
        optimiser.step()
    moved = climbed(start, climbing(HALF, 0.01, update=adam_ascent), steps=9).canvases
    torch.testing.assert_close(moved, parameter.detach())


@UPDATES
def test_the_noise_of_a_step_has_the_variance_of_its_rule(update: Update) -> None:
    step_size, temperature = 0.05, 0.3
    start = torch.zeros((2, 3, 64, 64), dtype=torch.float64)  # where the gradient vanishes
    moved = climbed(start, climbing(HALF, step_size, temperature, update=update), steps=1).canvases
    expected = temperature * (step_size if update is langevin else step_size**2)
    assert abs(math.log(float(moved.square().mean()) / expected)) < 4 * math.sqrt(2 / moved.numel())


def test_the_layout_of_the_start_does_not_matter() -> None:
    start = draw(2, 3, 16, 16)
    sampler = climbing(HALF, 0.01, update=adam_ascent)
    expected = climbed(start, sampler).canvases
    for laid_out in (start.contiguous(memory_format=torch.channels_last), start.mT.contiguous().mT):
        assert torch.equal(climbed(laid_out, sampler).canvases, expected)


@UPDATES
def test_each_image_stops_at_its_own_decision_and_no_image_influences_another(update: Update) -> None:
    starts = torch.cat([draw(1, 3, 16, 16, seed=seed) * scale for seed, scale in ((1, 1.0), (2, 4.0), (3, 8.0))])
    threshold = -0.001 if update is langevin else -0.005
    sampler = climbing(HALF, 0.02, 1e-4, update=update, threshold=threshold)
    together = climbed(starts, sampler, steps=200)
    assert len(set(together.steps.tolist())) == 3
    assert bool(together.reached.all())
    assert bool((together.logits >= threshold).all())
    changed = starts.clone()
    changed[0] *= 9
    again = climbed(changed, sampler, steps=200)
    assert torch.equal(again.canvases[1:], together.canvases[1:])
    assert not torch.equal(again.canvases[0], together.canvases[0])


def test_an_image_beyond_the_boundary_is_left_as_it_is() -> None:
    start = draw(2, 3, 16, 16)
    outcome = climbed(start, climbing(HALF, 0.02, 0.5, threshold=-1.0))
    assert torch.equal(outcome.canvases, start)
    assert outcome.steps.tolist() == [0, 0]
    assert outcome.evaluations == 2


def test_the_boundary_is_met_image_by_image_at_the_mean_logit() -> None:
    logits = torch.tensor([[2.0, -2.0], [0.2, 0.1], [-8.0, 7.9]])
    assert at_boundary(logits).tolist() == [True, True, False]
    assert at_boundary(logits, 0.1).tolist() == [False, True, False]


def test_the_authors_rule_stops_all_images_together_at_their_mean_cross_entropy() -> None:
    logits = torch.tensor([[3.0, 3.0], [-1.0, -1.0], [-1.0, -1.0]])
    loss = float(torch.log1p(torch.exp(-logits)).mean())
    assert below_batch_loss(logits, loss + 1e-6).tolist() == [True] * 3
    assert below_batch_loss(logits, loss - 1e-6).tolist() == [False] * 3


def test_the_saturating_weight_is_the_slope_of_ln_sigmoid() -> None:
    logits = torch.linspace(-9, 9, 19, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(torch.nn.functional.logsigmoid(logits).sum(), logits)
    torch.testing.assert_close(saturating(logits.detach()), slope)


def test_a_step_limit_ends_a_climb_that_cannot_reach_its_boundary() -> None:
    outcome = climbed(draw(2, 3, 16, 16), climbing(HALF, 1e-3), steps=4)
    assert outcome.steps.tolist() == [4, 4]
    assert outcome.evaluations == 10
    assert not bool(outcome.reached.any())


def test_the_step_size_falls_geometrically_to_its_final_share() -> None:
    start = torch.zeros((1, 3, 16, 16), dtype=torch.float64)
    moved = climbed(start, climbing(Uphill(), 0.02, final_step_share=1 / 16), steps=4).canvases
    torch.testing.assert_close(moved, torch.full_like(moved, 0.01 * (1 + 1 / 2 + 1 / 4 + 1 / 8)))


def test_pixels_stay_within_their_range() -> None:
    moved = climbed(draw(1, 3, 16, 16), climbing(Uphill(), 4.0), steps=3).canvases
    assert float(moved.max()) == 1.0


def test_the_sampler_leaves_its_start_and_the_global_random_state_untouched() -> None:
    start, before = draw(2, 3, 16, 16), torch.random.get_rng_state()
    copy = start.clone()
    climbed(start, climbing(HALF, 1e-3, 0.5))
    assert torch.equal(start, copy)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_one_second_moment_an_image_keeps_the_direction_of_the_gradient() -> None:
    start = draw(2, 3, 16, 16) / 4
    moved = climbed(start, climbing(HALF, 0.01, update=image_adam_ascent), steps=1).canvases - start
    gradient = -start / 0.5
    length = gradient.square().mean((1, 2, 3), keepdim=True).sqrt()
    torch.testing.assert_close(moved, 0.01 * gradient / length, atol=1e-5, rtol=1e-3)
