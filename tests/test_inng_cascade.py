import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.contract import NO_CHECKPOINT, Checkpoint, Execution, Progress, Snapshot
from inng_bench.errors import InputError
from inng_bench.inng.cascade import CascadeTraining, Round, StageReport, fresh_count, makes_progress, train_cascade
from inng_bench.inng.choices import (
    Architecture,
    Ascended,
    Canvas,
    Directions,
    FirstNegatives,
    Output,
    Overlap,
    Scope,
    Start,
    Stop,
    Together,
    Update,
)
from inng_bench.inng.costs import classifier_flops, snapshot_bytes
from inng_bench.inng.field import Reading, _dense_expanded, evaluation_flops
from inng_bench.inng.frozen import FrozenClassifier, freeze, picture_logits, torus_logits_and_gradient
from inng_bench.inng.langevin import ascend
from inng_bench.inng.learning import classifier_loss
from inng_bench.inng.method import INNg
from inng_bench.inng.network import WINDOW_STEP, Classifier
from inng_bench.inng.presets import AUTHORS, COUNTS, PAPER, PRESETS, CascadeConfig, configure
from inng_bench.inng.synthesis import Stage, climb, synthesise
from inng_bench.pixels import random_crops
from inng_bench.resume import decode, encode
from inng_bench.seeds import torch_generator
from inng_bench.textures import load_texture, to_tensor

# Stripes are random phase noise of their own spectrum, so that p0 and the steps must know less of them here.
SMALL = CascadeConfig(
    filters=4,
    canvases=2,
    canvas_side=64,
    crops=2,
    classifier_steps=6,
    max_steps=8,
    max_stages=4,
    first_negatives=FirstNegatives.MATCHED,
    directions=Directions.PRINCIPAL_COLOURS,
)


def stripes() -> Tensor:
    return (torch.arange(96) % 12 < 6).float().mul(1.6).sub(0.8).expand(3, 96, 96).contiguous()


def changed(config: CascadeConfig = SMALL, **fields: Any) -> CascadeConfig:
    return CascadeConfig.model_validate(config.model_dump() | fields)


def begin(config: CascadeConfig = SMALL, seed: int = 0) -> CascadeTraining:
    return CascadeTraining(stripes(), config, dtype=torch.float32, generator=torch.Generator().manual_seed(seed))


def train(
    config: CascadeConfig = SMALL, budget: float = math.inf, seed: int = 0
) -> tuple[CascadeTraining, list[StageReport]]:
    reports: list[StageReport] = []
    training = begin(config, seed)
    train_cascade(training, budget=budget, on_round=reports.append)
    return training, reports


def weights(training: CascadeTraining) -> list[Tensor]:
    return [weight for stage in training.stages for weight in stage.classifier.weights]


def test_real_and_pseudo_negative_windows_are_equally_many_in_the_loss() -> None:
    class Constant(torch.nn.Module):
        def forward(self, pictures: Tensor) -> Tensor:
            return torch.full((len(pictures), 1, 5, 5), 1.5)

    crops = torch.zeros(6, 3, 126, 126)
    loss, _ = classifier_loss(Constant(), crops, crops, torch.float32)  # type: ignore[arg-type]
    expected = (math.log1p(math.exp(-1.5)) + math.log1p(math.exp(1.5))) / 2
    assert float(loss) == pytest.approx(expected)


def test_a_stage_raises_the_logit_of_its_samples_to_the_boundary() -> None:
    training, reports = train(changed(max_steps=60, classifier_steps=40, max_stages=2))
    assert any(report.ascent.steps.max() > 0 for report in reports)
    for report in reports:
        stopped = report.ascent.steps < 60
        assert bool((report.ascent.logits[stopped] >= 0).all())
        assert (report.number in training.missed) == bool((report.ascent.logits < 0).any())


def test_one_seed_gives_the_same_cascade_and_another_seed_another() -> None:
    first, same, other = (weights(train(seed=seed)[0]) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, same, strict=True))
    assert not torch.equal(first[0], other[0])


def test_the_budget_ends_a_training_within_one_stage_of_itself() -> None:
    _, whole = train()
    costs = [after.flops - before for after, before in zip(whole, [0.0, *(s.flops for s in whole)], strict=False)]
    budget = whole[1].flops
    assert abs(train(budget=budget)[0].flops - budget) <= max(costs)


def test_every_classifier_of_the_cascade_is_kept_as_it_was_when_its_stage_ended() -> None:
    firsts = [stage.classifier.weights[0] for stage in train()[0].stages]
    assert len(firsts) == SMALL.max_stages
    assert not any(torch.equal(a, b) for a, b in pairwise(firsts))


def test_synthesis_is_the_ascent_through_all_classifiers_in_order() -> None:
    training, _ = train()
    noise = torch.randn((1, 3, 64, 80), generator=torch.Generator().manual_seed(3)).clamp(-1, 1)
    expected, generator = noise, torch.Generator().manual_seed(4)
    for stage in training.stages:
        expected = climb([stage], expected, training.dynamics, generator).canvases
    drawn = synthesise(training.stages, noise, training.dynamics, torch.Generator().manual_seed(4))
    assert torch.equal(drawn, expected)


def test_canvases_that_move_in_several_batches_are_bounded_in_number_and_all_there() -> None:
    config = changed(sampler_batch=2)
    training, _ = train(config)
    noise = training.prior.draw(5, (64, 64), torch.Generator().manual_seed(3))
    ascent = climb(training.stages[:1], noise, training.dynamics, torch.Generator().manual_seed(4))
    assert ascent.canvases.shape == noise.shape
    assert len(ascent.steps) == 5
    first = climb(
        training.stages[:1],
        noise[:2],
        training.dynamics,
        torch.Generator().manual_seed(4),
    )
    assert torch.equal(ascent.canvases[:2], first.canvases)


@pytest.mark.parametrize("directions", ["principal-colours", "spectrum"])
def test_a_start_that_is_shifted_by_the_grid_s_step_gives_the_shifted_result(directions: str) -> None:
    config = changed(temperature=0.0, directions=directions, first_negatives="random-phase")
    training, _ = train(config)
    noise = training.prior.draw(1, (64, 96), torch.Generator().manual_seed(3))

    def drawn(start: Tensor) -> Tensor:
        return synthesise(training.stages, start, training.dynamics, torch.Generator().manual_seed(4))

    shifted = drawn(noise.roll((16, 48), (2, 3)))
    torch.testing.assert_close(shifted, drawn(noise).roll((16, 48), (2, 3)), atol=1e-3, rtol=0)


@pytest.mark.parametrize("shift", [(1, 0), (5, 7), (11, 30), (63, 95)])
def test_a_start_that_is_shifted_by_any_pixels_gives_the_shifted_result_on_grids_that_are_shifted_alike(
    shift: tuple[int, int],
) -> None:
    config = changed(directions="spectrum", first_negatives="random-phase", update="langevin")
    training, _ = train(config)
    noise = training.prior.draw(1, (64, 96), torch.Generator().manual_seed(3)).double()
    sampler = replace(training.stages[0].sampler, max_steps=8, step_size=5.0, temperature=0.0, threshold=math.inf)
    state = training.stages[0].classifier.state()
    classifier = FrozenClassifier.restore(state, config.architecture, torch.device("cpu"), torch.float64)
    places = torch.randint(16, (9, 2), generator=torch.Generator().manual_seed(4))

    def drawn(start: Tensor, by: tuple[int, int]) -> Tensor:
        def field(current: Tensor, step: int, images: Tensor) -> tuple[Tensor, Tensor]:
            down, right = ((int(place) - moved) % 16 for place, moved in zip(places[step], by, strict=True))
            return torus_logits_and_gradient(classifier, current, roll=(down, right))

        return ascend(field, start, training.preconditioner, sampler, torch.Generator()).canvases

    expected = drawn(noise, (0, 0)).roll(shift, (2, 3))
    assert float((expected - noise.roll(shift, (2, 3))).abs().max()) > 0.01
    torch.testing.assert_close(drawn(noise.roll(shift, (2, 3)), shift), expected)


def test_a_cascade_that_keeps_every_classifier_is_the_compact_one_of_b_1_and_b_counts_what_is_kept() -> None:
    trained = {b: train(changed(keep_every=b, max_stages=5))[0] for b in (1, 2, 5, 0)}
    assert {b: len(training.stages) for b, training in trained.items()} == {1: 5, 2: 3, 5: 1, 0: 1}
    # Until the first classifier is dropped all variants are one.
    assert torch.equal(
        trained[1].stages[0].classifier.weights[0], train(changed(max_stages=1))[0].stages[0].classifier.weights[0]
    )
    assert trained[5].stages[0].sampler.max_steps == 5 * SMALL.max_steps
    assert [stage.sampler.max_steps for stage in trained[2].stages] == [16, 16, 8]


def test_compact_with_b_1_is_the_plain_cascade_of_the_paper_bit_for_bit() -> None:
    config = changed(keep_every=1, max_stages=4)
    training, plain = train(config)[0], begin(config)
    canvases, stages = plain.canvases, []
    for _ in range(4):  # the paper's loop: nothing is dropped, and samples go on from where they are
        plain._train_classifier(Round(0.0, config.data_noise), NO_CHECKPOINT)
        stages.append(Stage(freeze(plain.classifier, torch.float32), config.sampler()))
        canvases = climb(stages[-1:], canvases, plain.dynamics, plain._generator).canvases
        plain.negatives.append(canvases)
    assert torch.equal(training.canvases, canvases)
    mine = [weight for stage in stages for weight in stage.classifier.weights]
    assert len(mine) == len(weights(training))
    assert all(torch.equal(one, other) for one, other in zip(mine, weights(training), strict=True))


@pytest.mark.parametrize("history_decay", [0.0, 0.5, 1.0])
def test_each_update_sees_as_many_pseudo_negatives_as_real_crops(
    history_decay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []

    def counted(classifier: Classifier, real: Tensor, fake: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        seen.append((len(real), len(fake)))
        return classifier_loss(classifier, real, fake, dtype)

    monkeypatch.setattr("inng_bench.inng.cascade.classifier_loss", counted)
    _, reports = train(changed(history_decay=history_decay))
    assert len(seen) >= sum(len(report.losses) for report in reports)
    assert set(seen) == {(SMALL.crops, SMALL.crops)}


def test_rounds_between_kept_classifiers_begin_at_the_samples_of_the_last_kept_one() -> None:
    training = CascadeTraining(
        stripes(), changed(keep_every=2), dtype=torch.float32, generator=torch.Generator().manual_seed(0)
    )
    noise = training.base
    training.round()
    assert torch.equal(training.base, noise)
    training.round()
    assert torch.equal(training.base, training.canvases)
    assert not torch.equal(training.base, noise)


def test_each_round_of_a_single_classifier_begins_at_new_noise() -> None:
    training = CascadeTraining(
        stripes(), changed(keep_every=0), dtype=torch.float32, generator=torch.Generator().manual_seed(0)
    )
    starts = [training.base]
    for _ in range(2):
        training.round()
        starts.append(training.base)
    assert not any(torch.equal(one, other) for one, other in pairwise(starts))
    spread = [float(start.std()) for start in starts]
    assert spread == pytest.approx([spread[0]] * 3, rel=0.05)  # all are p0, not samples that have climbed
    assert [stage.sampler.max_steps for stage in training.stages] == [2 * SMALL.max_steps]


def test_rounds_without_progress_end_a_training_that_says_so() -> None:
    # No image can reach a logit of 50 in one step.
    hopeless: dict[str, Any] = {"threshold": 50.0, "max_steps": 1, "max_stages": 4}
    settings = changed(no_progress_stages=2, **hopeless).model_dump(mode="json")
    method = INNg(settings, Execution())
    outcome = method.train(stripes(), seed=0, budget=math.inf)
    assert len(method.stages) == 2
    assert any("the last 2 rounds made no progress" in warning for warning in outcome.warnings)
    assert method.sample(1, (64, 64), generator=torch.Generator().manual_seed(0)).isfinite().all()
    endless = INNg(changed(**hopeless).model_dump(mode="json"), Execution())
    told = endless.train(stripes(), seed=0, budget=math.inf).warnings
    assert len(endless.stages) == 4  # 0 never ends one
    assert any("the last 4 rounds made no progress" in warning for warning in told)


def test_a_classifier_no_better_than_chance_makes_no_progress() -> None:
    ascent = train(changed(max_stages=1, threshold=-1e9))[1][0].ascent
    assert bool(ascent.reached.all())
    assert makes_progress([2.0] * 9 + [0.5, 0.6, 0.5], ascent)
    assert not makes_progress([0.1] * 9 + [0.7, 0.69, 0.7], ascent)
    assert not makes_progress([0.1] * 9, replace(ascent, reached=torch.zeros_like(ascent.reached)))


def test_the_authors_settings_make_progress_with_a_two_hundredth_of_their_counts() -> None:
    config = configure({"preset": "authors", "scale": 0.005})[2]
    window = to_tensor(load_texture("pebbles").train)
    training = CascadeTraining(window, config, dtype=torch.float32, generator=torch_generator(0))
    steps = [int(training.round().ascent.steps.max()) for _ in range(2)]
    assert training.stalled == 0
    assert 0 < steps[1] < AUTHORS.max_steps  # the first classifier, of four steps, may call its negatives real


class Keeper(Checkpoint):
    """Keeps a snapshot of every moment at which a training could go on."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def offer(self, take: Callable[[], Snapshot]) -> None:
        self.kept.append(encode(take()))

    def by_place(self) -> dict[str, Snapshot]:
        """Return the middle one of the snapshots of each place of the algorithm."""
        places: dict[str, list[bytes]] = {}
        for content in self.kept:
            places.setdefault(place_of(decode(content)), []).append(content)
        return {place: decode(contents[len(contents) // 2]) for place, contents in places.items()}


def place_of(snapshot: Snapshot) -> str:
    values = snapshot.values
    if values["round"] is None:
        return "between rounds"
    if "fresh" in values:
        return "within the fresh canvases' ascents"
    if "ascent" not in values:
        return "within the classifier's training"
    return f"within batch {1 + len(snapshot.tensors['ascent.steps'])} of the ascent"


ALWAYS = {"between rounds", "within the classifier's training", "within batch 1 of the ascent"}


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({}, ALWAYS),
        ({"no_progress_stages": 2, "threshold": 50.0, "max_steps": 1}, ALWAYS),
        ({"keep_every": 2}, ALWAYS),
        ({"keep_every": 0}, ALWAYS),
        ({"optimiser": "sgd"}, ALWAYS),
        ({"fresh_share": 0.5}, ALWAYS | {"within the fresh canvases' ascents"}),
        ({"stop": Stop.REAL_QUANTILE}, ALWAYS),
        ({"sampler_batch": 1}, ALWAYS | {"within batch 2 of the ascent"}),
        ({"classifier_start": Start.NEW, "update": Update.LANGEVIN, "temperature": 0.01}, ALWAYS),
        ({"overlap": Overlap.RANDOM_PATCHES, "temperature": 0.0, "together": Together.BATCH}, ALWAYS),
        ({"loss_check_steps": 2, "loss_check_batches": 2, "loss_target": 0.6}, ALWAYS),
        ({"scope": Scope.SUM}, ALWAYS),
    ],
)
def test_a_training_that_goes_on_from_any_place_ends_with_the_same_bytes(
    fields: dict[str, Any], places: set[str]
) -> None:
    config, keeper = changed(max_stages=3, **fields), Keeper()
    whole = begin(config)
    reports: list[StageReport] = []
    train_cascade(whole, budget=math.inf, on_round=reports.append, checkpoint=keeper)
    snapshots = keeper.by_place()
    assert snapshots.keys() == places
    for snapshot in snapshots.values():
        resumed = begin(config, seed=99)
        resumed.restore(snapshot)
        left: list[StageReport] = []
        train_cascade(resumed, budget=math.inf, on_round=left.append)
        assert torch.equal(resumed.canvases, whole.canvases)
        assert [stage.sampler for stage in resumed.stages] == [stage.sampler for stage in whole.stages]
        assert all(torch.equal(a, b) for a, b in zip(weights(resumed), weights(whole), strict=True))
        assert (resumed.flops, resumed.missed) == (whole.flops, whole.missed)
        assert [told(report) for report in left] == [told(report) for report in reports[len(reports) - len(left) :]]


def told(report: StageReport) -> tuple[Any, ...]:
    ascent = report.ascent
    figures = ascent.steps.tolist(), ascent.logits.tolist(), ascent.reached.tolist(), ascent.evaluations
    return report.number, report.losses, report.energy_gap, figures, report.flops


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"keep_every": 2},
        {"keep_every": 0},
        {"optimiser": "sgd", "sampler_batch": 1},
        {"canvas": "expanded"},
        {"filters": 16},
    ],
)
def test_the_estimated_size_of_a_snapshot_is_that_of_the_largest_one(fields: dict[str, Any]) -> None:
    config, keeper = changed(max_stages=4, **fields), Keeper()
    train_cascade(begin(config), budget=math.inf, on_round=lambda _: None, checkpoint=keeper)
    largest = max(len(content) for content in keeper.kept)
    states = 3 * 5056  # of generators, which are nothing beside the tensors of a training that is not a test's
    assert snapshot_bytes(config, torch.float32, rounds=3) + states == pytest.approx(largest, rel=0.1)


def test_a_round_that_has_begun_is_brought_to_its_end_although_its_budget_is_spent() -> None:
    keeper = Keeper()
    train_cascade(begin(changed(max_stages=1)), budget=math.inf, on_round=lambda _: None, checkpoint=keeper)
    resumed = begin(changed(max_stages=1))
    resumed.restore(keeper.by_place()["within batch 1 of the ascent"])
    train_cascade(resumed, budget=1.0, on_round=lambda _: None)
    assert resumed.rounds == 1


def test_a_snapshot_with_a_part_missing_is_refused_by_its_name() -> None:
    keeper = Keeper()
    train_cascade(begin(changed(max_stages=2)), budget=math.inf, on_round=lambda _: None, checkpoint=keeper)
    snapshot = keeper.by_place()["within batch 1 of the ascent"]
    training = begin()

    def go_on(snapshot: Snapshot) -> None:
        training.restore(snapshot)
        training.round()

    for name in snapshot.tensors:
        tensors = {key: value for key, value in snapshot.tensors.items() if key != name}
        with pytest.raises(InputError, match=name.rpartition("batch.")[2].removeprefix("ascent.")):
            go_on(Snapshot(tensors, snapshot.values))
    for name in snapshot.values.keys() - {"ascent"}:
        values = {key: value for key, value in snapshot.values.items() if key != name}
        with pytest.raises(InputError, match=name):
            go_on(Snapshot(snapshot.tensors, values))


def test_a_share_of_canvases_is_rounded_up_but_for_round_off() -> None:
    # 0.14 · 100 is 14.000000000000002 in floating point.
    for share, count, expected in ((0.14, 100, 14), (0.28, 25, 7), (0.1, 4, 1), (0.26, 4, 2), (0.0, 4, 0)):
        assert fresh_count(share, count) == expected


def test_a_share_of_fresh_chains_takes_the_place_of_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[Tensor] = []

    def watched(stages: Any, canvases: Tensor, *others: Any) -> Any:
        starts.append(canvases)
        return climb(stages, canvases, *others)

    config = changed(canvases=4, fresh_share=0.1, max_stages=3)  # a tenth of four is one
    training = CascadeTraining(stripes(), config, dtype=torch.float32, generator=torch.Generator().manual_seed(0))
    training.round()
    before = training.canvases
    for module in ("cascade", "synthesis"):
        monkeypatch.setattr(f"inng_bench.inng.{module}.climb", watched)
    training.round()
    fresh, start = starts
    assert fresh.shape[0] == 1
    assert start.shape == before.shape
    assert torch.equal(start[:3], before[1:])
    assert not torch.equal(start[3], before[0])


def test_a_gaussian_start_has_the_colours_that_steps_along_a_grey_texture_can_reach() -> None:
    method = INNg(changed(first_negatives=FirstNegatives.GAUSSIAN, max_stages=2).model_dump(mode="json"), Execution())
    method.train(stripes(), seed=0, budget=math.inf)
    drawn = method.sample(1, (64, 64), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn[:, 0], drawn[:, 1], atol=1e-5, rtol=0)
    coloured = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(1)) * 2 - 1
    started = method.continue_from(coloured, stage=1, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(started[:, 0], started[:, 1], atol=1e-5, rtol=0)


def test_margins_of_expanded_canvases_are_cut_off_again() -> None:
    settings = changed(canvas=Canvas.EXPANDED, max_stages=1).model_dump(mode="json")
    method = INNg(settings, Execution())
    heard: list[Progress] = []
    method.train(stripes(), seed=0, budget=math.inf, events=heard.append)
    assert heard[0].pictures is not None
    assert heard[0].pictures.shape == (2, 3, 64, 64)
    state = method.state() | {"thresholds": torch.tensor([-1e9], dtype=torch.float64)}  # every image stops at once
    method.restore(state)
    picture = stripes()[None, :, :64, :75]
    drawn = method.continue_from(picture, stage=1, generator=torch.Generator())
    torch.testing.assert_close(drawn, picture, atol=1e-5, rtol=0)  # but for the projection onto the colours


def test_the_real_quantile_is_that_share_of_the_real_crops_logits() -> None:
    config = changed(stop=Stop.REAL_QUANTILE, threshold=0.25, max_stages=1)
    training = CascadeTraining(stripes(), config, dtype=torch.float32, generator=torch.Generator().manual_seed(0))
    training.round()
    (stage,) = training.stages
    crops = random_crops(stripes(), 400, 96, torch.Generator().manual_seed(5))
    logits = picture_logits(stage.classifier, crops).mean((1, 2))
    assert stage.sampler.threshold == pytest.approx(float(logits.quantile(0.25)), abs=0.3 * float(logits.std()) + 1e-3)


def test_a_picture_below_one_window_is_refused() -> None:
    with pytest.raises(InputError, match=r"60x96 px is smaller than a window of the classifier, 62 px"):
        INNg(SMALL.model_dump(mode="json"), Execution()).train(stripes()[:, :, :60], seed=0, budget=1e12)


def test_a_first_round_beyond_the_budget_is_told() -> None:
    training = INNg(SMALL.model_dump(mode="json"), Execution()).train(stripes(), seed=0, budget=1.0)
    assert any("times the budget; lower the preset's scale" in warning for warning in training.warnings)


def test_an_untrained_cascade_says_so() -> None:
    with pytest.raises(RuntimeError, match="has to be trained or restored"):
        INNg({}, Execution()).sample(1, (64, 64), generator=torch.Generator())


@pytest.mark.parametrize(
    "fields",
    [
        {"classifier_start": Start.NEW},
        {"ascended": Ascended.LOG_SIGMOID},
        {"scope": Scope.SUM},
        {"scope": Scope.SUM, "first_negatives": FirstNegatives.RANDOM_PHASE},
        {"overlap": Overlap.RANDOM_PATCHES, "patches": 2},
        {"canvas": Canvas.EXPANDED},
        {"first_negatives": FirstNegatives.RANDOM_PHASE},
        {"first_negatives": FirstNegatives.RANDOM_PHASE, "directions": Directions.SPECTRUM},
        {"directions": Directions.PIXELS},
        {"first_negatives": FirstNegatives.GAUSSIAN},
        {"output": Output.SOFTMAX},
        {"stop": Stop.REAL_QUANTILE, "threshold": 0.1},
        {"stop": Stop.LOSS, "threshold": 5.0},
        {"keep_every": 3},
        {"stretch": 1.25},
        {"data_noise": 0.0},
        {"loss_check_steps": 2, "loss_check_batches": 2, "loss_target": 0.6},
    ],
)
def test_each_switch_trains_stores_and_samples_the_same_from_storage(fields: dict[str, Any]) -> None:
    settings = changed(max_stages=3, **fields).model_dump(mode="json")
    method = INNg(settings, Execution())
    method.train(stripes(), seed=0, budget=math.inf)
    again = INNg(settings, Execution())
    again.restore(method.state())
    drawn, same = (one.sample(2, (64, 80), generator=torch.Generator().manual_seed(1)) for one in (method, again))
    assert drawn.shape == (2, 3, 64, 80)
    assert torch.equal(drawn, same)
    plain = INNg(changed(max_stages=3).model_dump(mode="json"), Execution())
    plain.train(stripes(), seed=0, budget=math.inf)
    assert not torch.equal(drawn, plain.sample(2, (64, 80), generator=torch.Generator().manual_seed(1)))


def test_the_authors_preset_at_a_small_scale_is_the_same_method_on_smaller_counts() -> None:
    name, scale, config = configure({"preset": "authors", "scale": 0.01})
    assert (name, scale) == ("authors", 0.01)
    assert (config.canvases, config.crops, config.classifier_steps, config.max_steps) == (2, 5, 9, 500)
    scaled = set(COUNTS)
    assert config.model_dump(exclude=scaled) == AUTHORS.model_dump(exclude=scaled)
    settings = {"preset": "authors", "scale": 0.01, "filters": 4, "canvas_side": 64, "max_stages": 2, "max_steps": 5}
    method = INNg(settings, Execution())
    method.train(stripes(), seed=0, budget=math.inf)
    assert len(method.stages) == 2
    assert INNg(method.configuration(), Execution()).configuration() == method.configuration()
    assert method.sample(1, (64, 64), generator=torch.Generator().manual_seed(0)).isfinite().all()


def test_the_paper_s_preset_is_langevin_dynamics_on_the_logit_to_the_boundary() -> None:
    chosen = {"update", "ascended", "stop", "threshold", "output", "overlap", "first_negatives", "keep_every"}
    assert PAPER.model_dump(mode="json", include=chosen) == {
        "update": "langevin",
        "ascended": "logit",
        "stop": "logit",
        "threshold": 0.0,
        "output": "logit",
        "overlap": "dense",
        "first_negatives": "gaussian",
        "keep_every": 1,
    }
    assert PAPER.temperature > 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"architecture": "padded"}, "set overlap to 'random-patches'"),
        ({"architecture": "padded", "overlap": "random-patches"}, "set crop_side to 64"),
        ({"first_negatives": "matched"}, "set directions to 'principal-colours'"),
        ({"scope": "sum", "keep_every": 2}, "set keep_every to 1"),
        ({"scope": "sum", "ascended": "log-sigmoid"}, "set ascended to 'logit'"),
        ({"keep_every": 0, "fresh_share": 0.5}, "set fresh_share to 0"),
        ({"scope": "sum", "canvas": "expanded"}, "set canvas to 'torus'"),
        ({"stop": "loss"}, "set threshold, such as 0.62"),
        ({"stop": "real-quantile", "threshold": 2.0}, "a share from 0 to 1"),
        ({"canvas": "expanded", "canvas_side": 64, "crop_side": 200}, "crops are larger than the canvases"),
        ({"threshold": math.nan}, "'threshold' of inng is wrong"),
        ({"preset": ["fast"]}, "did you mean"),
        ({"scale": True}, "'scale' of inng must be a number above 0"),
        ({"scale": 0}, "'scale' of inng must be a number above 0"),
        ({"scale": "half"}, "'scale' of inng must be a number above 0"),
    ],
)
def test_choices_that_do_not_go_together_are_refused_with_the_way_out(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        INNg(fields, Execution())


def test_a_loss_that_is_not_a_number_ends_the_training_with_a_sentence() -> None:
    training = CascadeTraining(stripes(), SMALL, dtype=torch.float32, generator=torch.Generator().manual_seed(0))
    torch.nn.init.constant_(training.classifier.head.weight, math.nan)
    with pytest.raises(FloatingPointError, match="lower classifier_rate"):
        training.round()


def test_counted_operations_agree_with_arithmetic() -> None:
    config = CascadeConfig(filters=32, crops=6, crop_side=126)
    shapes = [(62, 3, 32), (30, 32, 64), (14, 64, 128), (6, 128, 256)]
    forward = [2 * side**2 * 16 * before * after for side, before, after in shapes] + [2 * 25 * 4 * 256]
    backward = 2 * sum(forward) - forward[0]  # the first layer needs no gradient of the picture
    step, passed = classifier_flops(config, 126)
    assert step == pytest.approx(12 * (sum(forward) + backward))
    assert passed == pytest.approx(12 * sum(forward))


def test_a_gradient_costs_twice_a_forward_pass_and_grows_with_the_area() -> None:
    classifier = train(changed(max_stages=1))[0].stages[0].classifier
    channels = [3, 4, 8, 16, 32]
    forward = sum(2 * (128 // 2**i) ** 2 * 16 * a * b for i, (a, b) in enumerate(pairwise(channels), 1))
    head = 2 * 8 * 8 * 4 * 32
    assert evaluation_flops(classifier, Reading(), (128, 128)) == pytest.approx(2 * forward + head, rel=0.05)
    assert evaluation_flops(classifier, Reading(), (256, 128)) == pytest.approx(
        2 * evaluation_flops(classifier, Reading(), (128, 128)), rel=0.02
    )


def test_on_an_expanded_canvas_operations_are_the_mean_over_the_offsets_of_the_grid() -> None:
    classifier = train(changed(max_stages=1))[0].stages[0].classifier.to_meta()
    canvas, counts = torch.empty((1, 3, 112, 96), device="meta"), []
    for offset in product(range(WINDOW_STEP), repeat=2):
        with FlopCounterMode(display=False) as counter:
            _dense_expanded(classifier, canvas, torch.tensor(offset), Ascended.LOGIT)
        counts.append(counter.get_total_flops())
    assert min(counts) < 0.9 * max(counts)
    mean = sum(counts) / len(counts)
    assert evaluation_flops(classifier, Reading(canvas=Canvas.EXPANDED), (112, 96)) == pytest.approx(mean, rel=1e-9)


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
    expected = {"loss_first", "loss_last", "classifier_steps", "energy_gap", "sampler_steps", "logit", "missed"}
    assert expected == set(heard[0].values)
    assert heard[0].pictures is not None
    assert heard[0].pictures.shape == (2, 3, 64, 64)


def test_stages_that_miss_their_boundary_are_named() -> None:
    settings = SMALL.model_dump(mode="json") | {"threshold": 50.0, "max_steps": 1, "max_stages": 2}
    training = INNg(settings, Execution()).train(stripes(), seed=0, budget=math.inf)
    assert training.warnings == ("rounds 1, 2 of 2 ended before every image met the stop rule.",)


@pytest.mark.parametrize("missing", ["stage.0002.bias.3", "stage.0004", "thresholds", "prior.mean"])
def test_a_cascade_with_a_part_missing_is_refused_by_its_name(missing: str) -> None:
    method = INNg(SMALL.model_dump(mode="json"), Execution())
    method.train(stripes(), seed=0, budget=1e12)
    state = {name: tensor for name, tensor in method.state().items() if not name.startswith(missing)}
    with pytest.raises(InputError, match=f"has no '{missing}"):
        method.restore(state)


def test_a_cascade_with_weights_of_another_shape_is_refused() -> None:
    method = INNg(SMALL.model_dump(mode="json"), Execution())
    method.train(stripes(), seed=0, budget=1e12)
    with pytest.raises(InputError, match=r"'stage\.0001\.weight\.0' of another shape"):
        INNg(SMALL.model_dump(mode="json") | {"filters": 5}, Execution()).restore(method.state())


def test_an_unknown_preset_or_setting_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match="did you mean 'fast'"):
        INNg({"preset": "fats"}, Execution())
    with pytest.raises(InputError, match="did you mean 'filters'"):
        INNg({"filter": 3}, Execution())


def test_a_frozen_classifier_survives_storage() -> None:
    classifier = train(changed(max_stages=1))[0].stages[0].classifier
    again = FrozenClassifier.restore(classifier.state(), Architecture.UNPADDED, torch.device("cpu"), torch.float32)
    assert all(torch.equal(a, b) for a, b in zip(again.weights, classifier.weights, strict=True))


@pytest.mark.parametrize("name", ["fast-0", "paper", "authors"])
def test_a_preset_that_others_are_measured_by_never_changes(name: str) -> None:
    """``authors`` was held against jlazarow/inn at 09e8fe7, experiments/iccv/learn-texture.py; no default is left."""
    pinned = json.loads(Path(__file__).with_name("presets.json").read_text())[name]
    assert PRESETS[name].model_dump(mode="json") == pinned
    assert PRESETS[name].model_fields_set == set(pinned)


def test_fast_0_still_draws_pictures_of_the_mean_and_spread_of_its_first_day() -> None:
    # Two short stages on the stripes: longer ones multiply the rounding, which differs from processor to processor.
    few = {"filters": 4, "canvases": 2, "crops": 2, "max_stages": 2, "classifier_steps": 10, "max_steps": 8}
    config = PRESETS["fast-0"].model_copy(update=few)
    method = INNg({"preset": "fast-0"} | config.model_dump(mode="json"), Execution())
    method.train(stripes(), seed=0, budget=math.inf)
    drawn = method.sample(1, (64, 64), generator=torch.Generator().manual_seed(1))
    assert float(drawn.mean()) == pytest.approx(0.0, abs=0.03)
    assert float(drawn.std()) == pytest.approx(0.6116, rel=0.02)
