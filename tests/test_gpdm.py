"""GPDM: its distance is the one-dimensional Wasserstein distance, and descent on it brings the window's patches."""

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor
from torch.nn import functional as F

from inng_bench.baselines.gpdm import GPDM, enlarged
from inng_bench.baselines.transport import in_order, partners
from inng_bench.contract import Execution
from inng_bench.errors import InputError
from inng_bench.seeds import torch_generator
from inng_bench.testing import make_window

SMALL = {"coarse_side": 32, "steps": 25, "projections": 16}


def samples(count: int, seed: int) -> Tensor:
    return torch.randn((5, count), generator=torch_generator(seed)) * torch.arange(1, 6)[:, None]


def distances(found: Tensor, wanted: Tensor) -> Tensor:
    means: Tensor = (found - partners(found, wanted)).abs().mean(1)
    return means


@pytest.mark.parametrize("share", [1, 2, 5])
def test_the_distance_is_scipys_where_one_sample_is_a_multiple_of_the_other(share: int) -> None:
    found, wanted = samples(200, 0) + 1.0, samples(200 // share, 1).sort(1).values
    expected = [scipy.stats.wasserstein_distance(*pair) for pair in zip(found.numpy(), wanted.numpy(), strict=True)]
    np.testing.assert_allclose(distances(found, wanted).numpy(), expected, rtol=1e-5)


def test_samples_of_other_lengths_are_compared_by_their_quantiles() -> None:
    found, wanted = samples(3000, 0) + 1.0, samples(2000, 1).sort(1).values
    expected = [scipy.stats.wasserstein_distance(*pair) for pair in zip(found.numpy(), wanted.numpy(), strict=True)]
    np.testing.assert_allclose(distances(found, wanted).numpy(), expected, rtol=0.01)


def test_the_same_values_in_another_order_are_their_own_partners() -> None:
    found = samples(60, 2)
    torch.testing.assert_close(partners(found, in_order(found.flip(1))), found, rtol=0, atol=0)


def test_the_gradient_is_that_of_the_distance() -> None:
    found, wanted = samples(50, 2).requires_grad_(), samples(50, 3).sort(1).values
    before = distances(found, wanted)
    (gradient,) = torch.autograd.grad(before.sum(), found)
    direction = samples(50, 4)
    after = distances(found.detach() + 1e-3 * direction, wanted)  # no value passes another
    torch.testing.assert_close(after - before.detach(), 1e-3 * (gradient * direction).sum(1), rtol=0.05, atol=1e-5)


def trained(**changes: float) -> GPDM:
    method = GPDM(SMALL | changes, Execution())
    assert method.train(make_window(), seed=0, budget=0.0).flops == 0.0
    return method


def test_patches_of_samples_are_distributed_nearly_as_those_of_the_window() -> None:
    window = make_window()[None]
    noise = window.mean((2, 3), keepdim=True) + torch.randn((1, 3, 128, 192), generator=torch_generator(0))
    sample = trained().sample(1, (128, 192), generator=torch_generator(1))
    filters = F.normalize(torch.randn((32, 147), generator=torch_generator(2))).reshape(32, 3, 7, 7)
    real, drawn, begun = (F.conv2d(each, filters).flatten(2)[0] for each in (window, sample, noise))
    far, near = (distances(each, in_order(real)).mean() for each in (begun, drawn))
    assert near < 0.15 * far


def test_a_torus_is_enlarged_as_a_torus_and_stays_as_it_is_at_its_own_size() -> None:
    torus = torch.randn((1, 3, 12, 10), generator=torch_generator(5))
    torch.testing.assert_close(enlarged(torus, (12, 10)), torus)
    larger = enlarged(torus, (24, 30))
    torch.testing.assert_close(enlarged(torus.roll((3, 5), (2, 3)), (24, 30)), larger.roll((6, 15), (2, 3)))


def test_the_borders_of_a_sample_meet() -> None:
    method = trained()
    assert method.tiles((64, 96))
    sample = method.sample(1, (64, 96), generator=torch_generator(1))[0]
    for axis in (1, 2):
        seam = (sample.roll(1, axis) - sample).abs().mean((0, 3 - axis))[0]
        assert seam < 2 * (sample.diff(dim=axis)).abs().mean()


def test_a_window_smaller_than_the_coarsest_level_is_refused() -> None:
    with pytest.raises(InputError, match="a coarse_side of 32 px does not fit into a window of 20×60 px"):
        GPDM(SMALL, Execution()).train(torch.zeros(3, 20, 60), seed=0, budget=0.0)
