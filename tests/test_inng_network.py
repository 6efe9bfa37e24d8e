import pytest
import torch
from torch import Tensor

from inng_bench.inng.network import (
    OVERLAP,
    WINDOW,
    WINDOW_STEP,
    Classifier,
    freeze,
    logits_and_gradient,
    window_logits,
)
from inng_bench.weights import initialised

HEIGHT, WIDTH = 96, 64


@pytest.fixture
def classifier() -> Classifier:
    """A classifier in evaluation mode whose batch normalisation is far from the identity."""
    generator = torch.Generator().manual_seed(3)
    network = initialised(lambda: Classifier(4), generator).double().eval()
    for norm in network.norms:
        assert isinstance(norm, torch.nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.normal_(generator=generator)
        norm.running_var.uniform_(0.5, 2.0, generator=generator)
    return network


@pytest.fixture
def canvases() -> Tensor:
    return torch.rand((2, 3, HEIGHT, WIDTH), dtype=torch.float64, generator=torch.Generator().manual_seed(4)) * 2 - 1


def explicit_windows(canvases: Tensor) -> Tensor:
    """Cut every window of the grid out of the torus, (N, rows, columns, 3, 62, 62)."""
    grid = [
        [canvases.roll((-top, -left), (2, 3)) for left in range(0, WIDTH, WINDOW_STEP)]
        for top in range(0, HEIGHT, WINDOW_STEP)
    ]
    return torch.stack([torch.stack([tile(window) for window in row], 1) for row in grid], 1)


def tile(rolled: Tensor) -> Tensor:
    wrapped = torch.cat([rolled, rolled], 3) if rolled.shape[3] < WINDOW else rolled
    return wrapped[:, :, :WINDOW, :WINDOW]


def test_the_window_is_62_pixels_and_the_grid_step_16() -> None:
    assert (WINDOW, WINDOW_STEP) == (62, 16)


def test_one_dense_pass_gives_the_logit_of_every_window_of_the_grid(classifier: Classifier, canvases: Tensor) -> None:
    windows = explicit_windows(canvases)
    expected = classifier(windows.flatten(0, 2)).reshape(windows.shape[:3])
    torch.testing.assert_close(window_logits(freeze(classifier, torch.float64), canvases), expected)


@pytest.mark.parametrize("roll", [(0, 0), (1, 0), (7, 13), (15, 15)])
def test_the_dense_gradient_is_the_mean_of_the_gradients_of_the_windows(
    classifier: Classifier, canvases: Tensor, roll: tuple[int, int]
) -> None:
    rolled = canvases.roll(roll, (2, 3)).requires_grad_()
    windows = explicit_windows(rolled)
    logits = classifier(windows.flatten(0, 2)).reshape(windows.shape[:3])
    (expected,) = torch.autograd.grad(logits.sum(), rolled)
    values, gradient = logits_and_gradient(freeze(classifier, torch.float64), rolled.detach())
    torch.testing.assert_close(values, logits.mean((1, 2)))
    torch.testing.assert_close(gradient * OVERLAP, expected)


def test_folded_norms_and_wrapping_per_layer_equal_the_classifier_on_one_halo_around_the_canvas(
    classifier: Classifier, canvases: Tensor
) -> None:
    halo = WINDOW - WINDOW_STEP
    wrapped = torch.cat([canvases, canvases[:, :, :halo]], 2)
    wrapped = torch.cat([wrapped, wrapped[:, :, :, :halo]], 3)
    torch.testing.assert_close(window_logits(freeze(classifier, torch.float64), canvases), classifier(wrapped)[:, 0])


def test_bfloat16_logits_stay_near_the_exact_ones(classifier: Classifier, canvases: Tensor) -> None:
    exact = window_logits(freeze(classifier, torch.float64), canvases)
    rough = window_logits(freeze(classifier.float(), torch.bfloat16), canvases.float())
    assert (rough - exact).abs().max() < 0.02 * exact.abs().max()


def test_building_a_network_leaves_the_global_random_state_untouched() -> None:
    before = torch.random.get_rng_state()
    initialised(lambda: Classifier(2), torch.Generator().manual_seed(0))
    assert torch.equal(torch.random.get_rng_state(), before)
