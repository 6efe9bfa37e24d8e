"""Generative discriminative learning where all can be computed: on a grid in one dimension, with exact draws."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import optimize
from torch import Tensor

from inng_bench.inng.network import cross_entropy

POINTS = 64
GRID = torch.linspace(-math.pi, math.pi, POINTS + 1, dtype=torch.float64)[:-1]
DRAWS = 200_000

Feature = Callable[[Tensor], Tensor]


def as_pictures(values: Tensor) -> Tensor:
    """Return values as pictures of one pixel, whose logit is that of one window."""
    return values.float()[:, None, None, None].expand(-1, 3, 1, 1)


class Weak(torch.nn.Module):
    """A logistic regression on one feature of the point that a picture stands for."""

    def __init__(self, feature: Feature) -> None:
        super().__init__()
        self.feature = feature
        self.slope, self.bias = (torch.nn.Parameter(torch.zeros(())) for _ in range(2))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.slope * self.feature(pictures[:, :1]) + self.bias


class Table(torch.nn.Module):
    """A classifier with a free logit for each point, which a picture names by its number."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(logits.float())

    def forward(self, pictures: Tensor) -> Tensor:
        return self.logits[pictures[:, :1].long()]


def loss_of(classifier: torch.nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return cross_entropy(classifier, as_pictures(real), as_pictures(fake))[0]


def fit(classifier: Weak, real: Tensor, fake: Tensor) -> None:
    optimiser = torch.optim.LBFGS(classifier.parameters(), max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = loss_of(classifier, real, fake)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]


def draw(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    return GRID[torch.multinomial(probabilities, DRAWS, replacement=True, generator=generator)]


def divergence(target: Tensor, model: Tensor) -> float:
    return float((target * (target / model).log()).sum())


def normalised(log_weights: Tensor) -> Tensor:
    return torch.softmax(log_weights, 0)


def best_weak_logit(feature: Tensor, target: Tensor, model: Tensor) -> Tensor:
    """The logit at every point of the logistic regression that is best for the whole distributions, by scipy."""
    columns = np.stack([feature.numpy(), np.ones(POINTS)], 1)

    def loss(parameters: np.ndarray) -> float:
        logits = columns @ parameters
        return float(target.numpy() @ np.logaddexp(0, -logits) + model.numpy() @ np.logaddexp(0, logits))

    return torch.from_numpy(columns @ optimize.minimize(loss, np.zeros(2), tol=1e-12).x)


def test_stages_that_learn_from_draws_end_where_those_of_the_whole_distributions_do() -> None:
    generator = torch.Generator().manual_seed(0)
    target = normalised(2.0 * torch.cos(GRID - 0.7) + torch.sin(2 * GRID) - 0.5 * torch.cos(3 * GRID))
    features: list[Feature] = [torch.cos, torch.sin, lambda x: torch.sin(2 * x), lambda x: torch.cos(3 * x)]
    learnt, exact = (torch.full((POINTS,), 1 / POINTS, dtype=torch.float64) for _ in range(2))
    for stage in range(8):
        feature = features[stage % len(features)]
        classifier = Weak(feature)
        fit(classifier, draw(target, generator), draw(learnt, generator))
        with torch.no_grad():
            logits = classifier(as_pictures(GRID))[:, 0, 0, 0].double()
        learnt = normalised(learnt.log() + logits)
        exact = normalised(exact.log() + best_weak_logit(feature(GRID), target, exact))
        assert divergence(exact, learnt) < 20 / DRAWS  # each stage's two parameters cost 1 / DRAWS on average
        assert divergence(target, learnt) == pytest.approx(divergence(target, exact), abs=0.005)


def test_each_weak_stage_lowers_the_divergence_by_its_closed_form() -> None:
    # KL(p+ || p_t) = KL(p+ || p_{t-1}) - E+[ln g_t] + ln Z_t with Z_t = E_{t-1}[g_t]; p_T is p_0 exp(sum of logits).
    generator = torch.Generator().manual_seed(0)
    target = normalised(2.0 * torch.cos(GRID - 0.7) + torch.sin(2 * GRID) - 0.5 * torch.cos(3 * GRID))
    features: list[Feature] = [
        lambda x: torch.cos(x),
        lambda x: torch.sin(x),
        lambda x: torch.sin(2 * x),
        lambda x: torch.cos(3 * x),
    ]
    model, total = torch.full((POINTS,), 1 / POINTS, dtype=torch.float64), torch.zeros(POINTS, dtype=torch.float64)
    found = [divergence(target, model)]
    expected = found[0]
    for stage in range(12):
        classifier = Weak(features[stage % len(features)])
        fit(classifier, draw(target, generator), draw(model, generator))
        with torch.no_grad():
            logits = classifier(as_pictures(GRID))[:, 0, 0, 0].double()
        expected += float(-(target * logits).sum() + (model * logits.exp()).sum().log())
        total += logits
        model = normalised(total)
        found.append(divergence(target, model))
        assert found[-1] == pytest.approx(expected, abs=1e-9)
        # Two parameters that are fitted to so many draws cost 1 / DRAWS on average; seven times that is no chance.
        assert found[-1] <= found[-2] + 7 / DRAWS
    assert found[0] > 0.9
    assert found[4] < 0.5 * found[0]
    assert found[-1] < 0.02


def test_a_classifier_of_equal_numbers_is_the_log_ratio_and_unequal_ones_shift_it_by_their_own() -> None:
    # With a free logit for each point the cross-entropy is least where its derivative vanishes.
    real = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 3], dtype=torch.float64)
    fake = torch.tensor([0, 1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3], dtype=torch.float64)

    def shares(points: Tensor) -> Tensor:
        return points.long().bincount(minlength=4).double() / len(points)

    log_ratio = (shares(real) / shares(fake)).log()
    for times in (1, 3):
        table = Table(log_ratio + math.log(times))
        loss_of(table, real.repeat(times), fake).backward()  # type: ignore[no-untyped-call]
        assert table.logits.grad is not None
        torch.testing.assert_close(table.logits.grad, torch.zeros(4), atol=1e-7, rtol=0)
    elsewhere = Table(log_ratio)
    loss_of(elsewhere, real.repeat(3), fake).backward()  # type: ignore[no-untyped-call]
    assert elsewhere.logits.grad is not None
    assert bool((elsewhere.logits.grad < -0.01).all())
