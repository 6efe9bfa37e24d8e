import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from inng_bench.contract import Execution, Progress
from inng_bench.errors import InputError
from inng_bench.inng.cascade import (
    Stage,
    classifier_loss,
    classifier_step_flops,
    climb,
    gradient_flops,
    synthesise,
    train_cascade,
)
from inng_bench.inng.method import INNg
from inng_bench.inng.network import FrozenClassifier
from inng_bench.inng.presets import PRESETS, CascadeConfig

SMALL = CascadeConfig(filters=4, canvases=2, canvas_side=64, crops=2, classifier_steps=6, max_steps=8, max_stages=4)


COLOURS = 0.3 * torch.eye(3)


def stripes() -> Tensor:
    return (torch.arange(96) % 12 < 6).float().mul(1.6).sub(0.8).expand(3, 96, 96).contiguous()


def train(config: CascadeConfig = SMALL, budget: float = math.inf, seed: int = 0) -> list[Stage]:
    stages: list[Stage] = []
    generator = torch.Generator().manual_seed(seed)
    train_cascade(stripes(), config, budget=budget, dtype=torch.float32, generator=generator, on_stage=stages.append)
    return stages


def states(stages: list[Stage]) -> list[Tensor]:
    return [weight for stage in stages for weight in stage.classifier.weights]


def test_real_and_pseudo_negative_windows_are_equally_many_in_the_loss() -> None:
    class Constant(torch.nn.Module):
        def forward(self, pictures: Tensor) -> Tensor:
            return torch.full((len(pictures), 1, 5, 5), 1.5)

    crops = torch.zeros(6, 3, 126, 126)
    loss = classifier_loss(Constant(), crops, crops, torch.float32)  # type: ignore[arg-type]
    expected = (math.log1p(math.exp(-1.5)) + math.log1p(math.exp(1.5))) / 2
    assert float(loss) == pytest.approx(expected)


def test_a_stage_raises_the_logit_of_its_samples_to_the_boundary() -> None:
    stages = train(
        SMALL.model_copy(update={"max_steps": 60, "classifier_steps": 40, "norm_momentum": 0.5, "max_stages": 2})
    )
    assert any(stage.ascent.steps.max() > 0 for stage in stages)
    for stage in stages:
        stopped = stage.ascent.steps < 60
        assert bool((stage.ascent.logits[stopped] >= 0).all())


def test_one_seed_gives_the_same_cascade_and_another_seed_another() -> None:
    first, same, other = states(train()), states(train()), states(train(seed=1))
    assert all(torch.equal(a, b) for a, b in zip(first, same, strict=True))
    assert not torch.equal(first[0], other[0])


def test_the_budget_ends_a_training_within_one_stage_of_itself() -> None:
    whole = train()
    costs = [after.flops - before for after, before in zip(whole, [0.0, *(s.flops for s in whole)], strict=False)]
    budget = whole[1].flops
    spent = train(budget=budget)[-1].flops
    assert abs(spent - budget) <= max(costs)


def test_every_classifier_of_the_cascade_is_kept_as_it_was_when_its_stage_ended() -> None:
    stages = train()
    weights = [stage.classifier.weights[0] for stage in stages]
    assert len(weights) == SMALL.max_stages
    assert not any(torch.equal(a, b) for a, b in pairwise(weights))


def test_synthesis_is_the_ascent_through_all_classifiers_in_order() -> None:
    classifiers = [stage.classifier for stage in train()]
    noise = torch.randn((1, 3, 64, 80), generator=torch.Generator().manual_seed(3)).clamp(-1, 1)
    expected, generator = noise, torch.Generator().manual_seed(4)
    for classifier in classifiers:
        expected = climb(classifier, expected, COLOURS, SMALL.sampler(), generator).canvases
    drawn = synthesise(classifiers, noise, COLOURS, SMALL.sampler(), torch.Generator().manual_seed(4))
    assert torch.equal(drawn, expected)


def test_counted_operations_agree_with_arithmetic() -> None:
    config = CascadeConfig(filters=32, crops=6, crop_side=126)
    shapes = [(62, 3, 32), (30, 32, 64), (14, 64, 128), (6, 128, 256)]
    forward = [2 * side**2 * 16 * before * after for side, before, after in shapes] + [2 * 25 * 4 * 256]
    backward = 2 * sum(forward) - forward[0]  # the first layer needs no gradient of the picture
    assert classifier_step_flops(config) == pytest.approx(12 * (sum(forward) + backward))


def test_a_gradient_costs_twice_a_forward_pass_and_grows_with_the_area() -> None:
    classifier = train(SMALL.model_copy(update={"max_stages": 1}))[0].classifier
    channels = [3, 4, 8, 16, 32]
    forward = sum(2 * (128 // 2**i) ** 2 * 16 * a * b for i, (a, b) in enumerate(pairwise(channels), 1))
    head = 2 * 8 * 8 * 4 * 32
    assert gradient_flops(classifier, (128, 128)) == pytest.approx(2 * forward + head, rel=0.05)
    assert gradient_flops(classifier, (256, 128)) == pytest.approx(2 * gradient_flops(classifier, (128, 128)), rel=0.02)


def test_a_picture_of_a_size_between_the_grid_steps_is_the_crop_of_the_next_torus() -> None:
    method = INNg(SMALL.model_dump(mode="json"), Execution())
    method.train(stripes(), seed=0, budget=1e12)
    odd = method.sample(1, (70, 90), generator=torch.Generator().manual_seed(5))
    whole = method.sample(1, (80, 96), generator=torch.Generator().manual_seed(5))
    assert torch.equal(odd, whole[:, :, :70, :90])


def test_events_report_losses_steps_and_canvases_of_each_stage() -> None:
    heard: list[Progress] = []
    INNg(SMALL.model_dump(mode="json"), Execution()).train(stripes(), seed=0, budget=1e12, events=heard.append)
    assert [progress.step for progress in heard] == [1, 2, 3, 4]
    assert {"loss_first", "loss_last", "classifier_steps", "sampler_steps", "logit"} <= set(heard[0].values)
    assert heard[0].pictures is not None
    assert heard[0].pictures.shape == (2, 3, 64, 64)


def test_stages_that_miss_their_boundary_are_named() -> None:
    settings = SMALL.model_dump(mode="json") | {"threshold": 50.0, "max_steps": 1, "max_stages": 2}
    training = INNg(settings, Execution()).train(stripes(), seed=0, budget=1e12)
    assert training.warnings == ("stages 1, 2 of 2 ended before every image reached the decision boundary.",)


@pytest.mark.parametrize("missing", ["stage.0002.bias.3", "stage.0004", "stages", "mean"])
def test_a_cascade_with_a_part_missing_is_refused_by_its_name(missing: str) -> None:
    method = INNg(SMALL.model_dump(mode="json"), Execution())
    method.train(stripes(), seed=0, budget=1e12)
    state = {name: tensor for name, tensor in method.state().items() if not name.startswith(missing)}
    with pytest.raises(InputError, match=f"has no '{missing}"):
        method.restore(state)


def test_a_cascade_with_weights_of_another_shape_is_refused() -> None:
    method = INNg(SMALL.model_dump(mode="json"), Execution())
    method.train(stripes(), seed=0, budget=1e12)
    with pytest.raises(InputError, match=r"stage 1 .* weight\.0 of another shape"):
        INNg(SMALL.model_dump(mode="json") | {"filters": 5}, Execution()).restore(method.state())


def test_an_unknown_preset_or_setting_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match="did you mean 'fast'"):
        INNg({"preset": "fats"}, Execution())
    with pytest.raises(InputError, match="did you mean 'filters'"):
        INNg({"filter": 3}, Execution())


def test_a_frozen_classifier_survives_storage() -> None:
    classifier = train(SMALL.model_copy(update={"max_stages": 1}))[0].classifier
    again = FrozenClassifier.restore(classifier.state(), Execution())
    assert all(torch.equal(a, b) for a, b in zip(again.weights, classifier.weights, strict=True))


def test_fast_0_never_changes() -> None:
    assert PRESETS["fast-0"].model_dump(mode="json") == {
        "filters": 32,
        "max_stages": 200,
        "canvases": 6,
        "canvas_side": 128,
        "crop_side": 126,
        "crops": 6,
        "classifier_steps": 40,
        "classifier_least_steps": 5,
        "norm_momentum": 0.5,
        "classifier_rate": 5e-4,
        "classifier_momentum": 0.5,
        "loss_target": 0.005,
        "history_stages": 24,
        "history_decay": 0.5,
        "update": "adam",
        "step_size": 0.06,
        "temperature": 0.5,
        "momentum": 0.5,
        "max_steps": 40,
        "final_step_share": 0.1,
        "threshold": 0.0,
    }
