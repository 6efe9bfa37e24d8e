"""Operations that are counted agree with arithmetic, and a budget of them with what a training spends."""

import math
from itertools import pairwise
from typing import Any

import pytest
from small_cascades import SMALL, changed, stripes, trained

from inng_bench.contract import Execution, Progress
from inng_bench.inng.costs import Prices, usual_stages
from inng_bench.inng.method import INNg
from inng_bench.inng.presets import Recipe
from inng_bench.inng.state import Work
from inng_bench.inng.windows import DenseTorus, RandomPatches, evaluation_flops

SETTINGS = SMALL.model_dump(mode="json")


def test_counted_operations_agree_with_arithmetic() -> None:
    shapes = [(62, 3, 32), (30, 32, 64), (14, 64, 128), (6, 128, 256)]
    forward = [2 * side**2 * 16 * before * after for side, before, after in shapes] + [2 * 25 * 4 * 256]
    backward = 2 * sum(forward) - forward[0]  # the first layer needs no gradient of the picture
    prices = Prices.of(Recipe(filters=32, crops=6, crop_side=126))
    assert prices.classifier_step == pytest.approx(12 * (sum(forward) + backward))
    assert prices.classifier_pass == pytest.approx(12 * sum(forward))
    assert prices.of_work(Work(2, 3, 5)) == pytest.approx(
        2 * prices.classifier_step + 3 * prices.classifier_pass + 5 * prices.evaluation
    )


def test_a_gradient_costs_twice_a_forward_pass_and_grows_with_the_area() -> None:
    classifier = trained().training.stages[0].classifier
    channels = [3, 4, 8, 16, 32]
    forward = sum(2 * (128 // 2**i) ** 2 * 16 * a * b for i, (a, b) in enumerate(pairwise(channels), 1))
    head = 2 * 8 * 8 * 4 * 32
    one, two = (evaluation_flops(classifier, DenseTorus(), size) for size in ((128, 128), (256, 128)))
    assert one == pytest.approx(2 * forward + head, rel=0.05)
    assert two == pytest.approx(2 * one, rel=0.02)
    some, more = (evaluation_flops(classifier, RandomPatches(62, n, 128**2), (128, 128)) for n in (2, 6))
    assert more == pytest.approx(3 * some)


def test_a_training_counts_its_steps_passes_and_evaluations() -> None:
    fields: dict[str, Any] = {"loss_check_steps": 2, "loss_check_batches": 2, "loss_target": 0.6, "output": "softmax"}
    whole, recipe = trained(**fields), changed(**fields)
    steps = sum(len(report.losses) for report in whole.reports)
    looks = sum(len(report.losses) >= recipe.classifier_least_steps for report in whole.reports)
    work = whole.training.work
    assert work.classifier_steps == steps
    assert work.classifier_passes == 6 * len(whole.reports) + 2 * looks  # recalibration, and looks at the loss
    assert work.evaluations == sum(int((report.climb.steps + 1).sum()) for report in whole.reports)


def train(budget: float, **settings: Any) -> tuple[float, tuple[str, ...], list[Progress]]:
    heard: list[Progress] = []
    training = INNg(SETTINGS | settings, Execution()).train(stripes(), seed=0, budget=budget, events=heard.append)
    return training.flops, training.warnings, heard


def test_the_budget_ends_a_training_within_one_stage_of_itself() -> None:
    spent, _, whole = train(math.inf)
    assert spent == whole[-1].flops
    costs = [after - before for before, after in pairwise([0.0, *(progress.flops for progress in whole)])]
    budget = whole[1].flops
    flops, _, heard = train(budget)
    assert abs(flops - budget) <= max(costs)
    assert len(heard) < len(whole)


def test_a_first_stage_beyond_the_budget_is_told() -> None:
    assert any("times the budget; lower the preset's scale" in warning for warning in train(1.0)[1])


@pytest.mark.parametrize("budget", [1e15, 1e6])
def test_a_training_that_leaves_most_of_its_budget_says_so(budget: float) -> None:
    told = [warning for warning in train(budget, max_stages=1)[1] if "of its budget" in warning]
    assert len(told) == (budget == 1e15)
    assert not told or "ended after 1 stages (max_stages is 1) and spent 0 % of its budget" in told[0]


def test_the_usual_number_of_stages_grows_with_the_budget_up_to_the_most() -> None:
    recipe = Recipe()
    few, more = (usual_stages(recipe, budget) for budget in (1e12, 4e12))
    assert 1 <= few < more
    assert usual_stages(recipe, 1e18) == recipe.max_stages
