"""INNg's training: its three rules by hand, what is kept of every b classifiers, progress, and synthesis."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import torch
from small_cascades import SMALL, Trained, begin, changed, stripes, to_the_end, trained
from torch import Tensor, nn
from torch.nn import functional as F

from inng_bench.inng import algorithm
from inng_bench.inng.algorithm import climb_stage, makes_progress, synthesise, train
from inng_bench.inng.alternatives import measured, sampler_of
from inng_bench.inng.frozen import FrozenClassifier
from inng_bench.inng.network import Classifier, cross_entropy, new_classifier
from inng_bench.inng.presets import AUTHORS, Recipe, configure
from inng_bench.inng.prior import NoisePrior
from inng_bench.inng.state import Stage
from inng_bench.inng.windows import DenseTorus
from inng_bench.pixels import random_crops
from inng_bench.resume import decode
from inng_bench.seeds import torch_generator
from inng_bench.textures import load_texture, to_tensor


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def weights(whole: Trained) -> list[Tensor]:
    return [weight for stage in whole.training.stages for weight in stage.classifier.weights]


class ByHand:
    """The method as its docstring states it, image by image, with autograd through each window; no code of it is used.

    Random numbers are drawn in the order of the training's.
    """

    def __init__(self, recipe: Recipe, seed: int) -> None:
        self.recipe, self.side, self.generator = recipe, recipe.canvas_side, seeded(seed)
        self.classifier = new_classifier(recipe.design, self.generator)
        self.optimiser = torch.optim.Adam(self.classifier.parameters(), recipe.classifier_rate, (0.5, 0.999))
        size = self.side, self.side
        self.chain = NoisePrior.of(recipe.first_negatives, stripes()).draw(recipe.canvases, size, self.generator)
        self.history = [self.chain.half().float()]

    def stages(self) -> Iterator[list[int]]:
        """Go through stages; the steps that each image took."""
        while True:
            for _ in range(self.recipe.classifier_steps):
                self.learn()
            self.average_statistics()
            offsets = torch.randint(16, (self.recipe.max_steps + 1, 2), generator=self.generator).tolist()
            seeds = torch.randint(2**62, (len(self.chain),), generator=self.generator).tolist()
            climbs = [self.climb(image, offsets, seeded(seed)) for image, seed in zip(self.chain, seeds, strict=True)]
            self.chain = torch.stack([image for image, _ in climbs])
            self.history.append(self.chain.half().float())
            yield [steps for _, steps in climbs]

    def learn(self) -> None:
        self.classifier.train()
        real, negative = self.classifier(self.crops()).split(self.recipe.crops)
        loss = (F.softplus(-real).mean() + F.softplus(negative).mean()) / 2
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()

    def crops(self) -> Tensor:
        """Draw real crops, then as many pseudo-negative ones, whose stages are the likelier the newer they are."""
        count, side = self.recipe.crops, self.recipe.crop_side
        crops = list(random_crops(stripes(), count, side, self.generator))
        ages = 0.5 ** torch.arange(len(self.history), dtype=torch.float64)
        for age in torch.multinomial(ages, count, replacement=True, generator=self.generator).tolist():
            image, top, left = (
                int(torch.randint(most, (), generator=self.generator))
                for most in (len(self.chain), self.side, self.side)
            )
            rolled = self.history[-1 - age][image].roll((-top, -left), (1, 2))
            crops.append(rolled.repeat(1, 2, 2)[:, :side, :side])
        return torch.stack(crops)

    def average_statistics(self) -> None:
        norms = [norm for norm in self.classifier.norms if isinstance(norm, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain average
        with torch.no_grad():
            for _ in range(6):
                self.classifier(self.crops())
        self.classifier.eval()

    def climb(self, image: Tensor, offsets: list[list[int]], noise: torch.Generator) -> tuple[Tensor, int]:
        for step, (down, right) in enumerate(offsets):
            image = image.detach().requires_grad_()
            logits = self.window_logits(image.roll((down, right), (1, 2)))
            if bool(logits.mean() >= self.recipe.threshold) or step == self.recipe.max_steps:
                return image.detach(), step
            covering = len(logits) * 62**2 / self.side**2
            (gradient,) = torch.autograd.grad(logits.sum() / covering, image)
            deviation = math.sqrt(self.recipe.step_size * self.recipe.temperature)
            white = torch.empty(image.shape).normal_(0, deviation, generator=noise)
            image = (image.detach() + self.recipe.step_size / 2 * gradient + white).clamp(-1, 1)
        raise AssertionError

    def window_logits(self, image: Tensor) -> Tensor:
        torus, grid = image.repeat(1, 2, 2), range(0, self.side, 16)
        windows = [torus[:, top : top + 62, left : left + 62] for top in grid for left in grid]
        logits: Tensor = self.classifier(torch.stack(windows)).flatten()
        return logits


def test_a_plain_loop_of_the_three_rules_with_autograd_gives_the_same_chain_but_for_round_off() -> None:
    fields: dict[str, Any] = {
        "first_negatives": "gaussian",
        "directions": "pixels",
        "update": "langevin",
        "step_size": 40.0,
        "final_step_share": 1.0,
        "temperature": 1e-4,
        "classifier_rate": 1e-3,
        "threshold": -0.5,  # where some images stop before the others
        "max_stages": 3,
    }
    recipe = changed(**fields)
    training, by_hand = begin(recipe, seed=5), ByHand(recipe, seed=5)
    start, steps = training.chain, []
    reports = [report for report in train(training, to_the_end(training)) if report is not None]
    for report, expected in zip(reports, by_hand.stages(), strict=False):
        assert report.climb.steps.tolist() == expected
        torch.testing.assert_close(report.climb.canvases, by_hand.chain, atol=1e-4, rtol=0)
        steps += expected
    assert torch.equal(training.chain, reports[-1].climb.canvases)
    assert float((training.chain - start).abs().max()) > 0.2
    assert 0 < min(steps) < max(steps) == recipe.max_steps


def test_real_and_pseudo_negative_windows_are_equally_many_in_the_loss() -> None:
    class Constant(nn.Module):
        def forward(self, pictures: Tensor) -> Tensor:
            return torch.full((len(pictures), 1, 5, 5), 1.5)

    crops = torch.zeros(6, 3, 126, 126)
    loss, _ = cross_entropy(Constant(), crops, crops)
    expected = (math.log1p(math.exp(-1.5)) + math.log1p(math.exp(1.5))) / 2
    assert float(loss) == pytest.approx(expected)


@pytest.mark.parametrize("history_decay", [0.0, 0.5, 1.0])
def test_each_update_sees_as_many_pseudo_negatives_as_real_crops(
    history_decay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []

    def counted(classifier: Classifier, real: Tensor, negatives: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        seen.append((len(real), len(negatives)))
        return cross_entropy(classifier, real, negatives, dtype)

    monkeypatch.setattr(algorithm, "cross_entropy", counted)
    training = begin(changed(history_decay=history_decay, max_stages=2))
    reports = [report for report in train(training, to_the_end(training)) if report is not None]
    assert len(seen) >= sum(len(report.losses) for report in reports) == 2 * SMALL.classifier_steps
    assert set(seen) == {(SMALL.crops, SMALL.crops)}


def test_a_stage_raises_the_logit_of_its_samples_to_the_boundary_and_names_itself_where_one_missed_it() -> None:
    whole = trained()
    assert 0 < len(whole.training.missed) < len(whole.reports)
    for report in whole.reports:
        climb = report.climb
        assert bool((climb.logits[climb.steps < SMALL.max_steps] >= 0).all())
        assert torch.equal(climb.reached, climb.logits >= 0)
        assert (report.number in whole.training.missed) == bool((climb.logits < 0).any())


def test_the_step_size_follows_the_steps_that_the_stage_before_took_and_never_rises_above_the_recipe_s() -> None:
    whole = trained(aimed_steps=12.0, max_stages=4)
    share, expected = 1.0, [SMALL.step_size]
    for report in whole.reports[:-1]:
        taken = max(0.1, float(report.climb.steps.double().mean()) / 12.0)
        share = min(1.0, max(0.02, share * taken**0.1))
        expected.append(SMALL.step_size * share)
    assert [stage.step_size for stage in whole.training.stages] == pytest.approx(expected)
    assert min(expected) < SMALL.step_size


def test_one_seed_gives_the_same_cascade_and_another_seed_another() -> None:
    again, other = begin(changed(max_stages=2)), trained(seed=1, max_stages=2)
    list(train(again, to_the_end(again)))
    first = weights(trained())[: len(weights(other))]
    assert all(torch.equal(a, b) for a, b in zip(first, weights(Trained(again, [], [])), strict=True))
    assert not torch.equal(first[0], weights(other)[0])


def test_every_classifier_of_the_cascade_is_kept_as_it_was_when_its_stage_ended() -> None:
    kept = [stage.classifier.weights[0] for stage in trained().training.stages]
    assert len(kept) == SMALL.max_stages
    assert not any(torch.equal(a, b) for a, b in pairwise(kept))
    then = [
        one.tensors for one in map(decode, trained().borders) if "climb" not in one.values and one.values["unkept"] == 0
    ]
    for number, weight in enumerate(kept, start=1):
        stored = [one[name] for one in then if (name := f"stage.{number:04d}.weight.0") in one]
        assert all(torch.equal(weight, one) for one in stored)


def test_synthesis_is_the_climb_through_all_classifiers_in_order() -> None:
    training = trained().training
    noise = torch.randn((1, 3, 64, 80), generator=seeded(3)).clamp(-1, 1)
    expected, generator = noise, seeded(4)
    for stage in training.stages:
        expected = climb_stage(stage, expected, training.sampler, generator).canvases
    assert torch.equal(synthesise(training.stages, noise, training.sampler, seeded(4)), expected)


@pytest.mark.parametrize("directions", ["principal-colours", "spectrum"])
def test_a_start_that_is_shifted_by_the_grid_s_step_gives_the_shifted_result(directions: str) -> None:
    recipe = changed(temperature=0.0, directions=directions, first_negatives="random-phase")
    prior, along = measured(stripes(), recipe)
    sampler, noise = sampler_of(recipe, along), prior.draw(1, (64, 96), seeded(3))

    def drawn(start: Tensor) -> Tensor:
        return synthesise(trained().training.stages, start, sampler, seeded(4))

    shifted = drawn(noise.roll((16, 48), (2, 3)))
    torch.testing.assert_close(shifted, drawn(noise).roll((16, 48), (2, 3)), atol=1e-3, rtol=0)


@dataclass(frozen=True)
class ShiftedGrids(DenseTorus):
    """The grids of a dense torus, moved along with what is read."""

    by: tuple[int, int] = (0, 0)

    def places(self, canvases: Tensor, steps: int, generator: torch.Generator) -> Tensor:
        return (super().places(canvases, steps, generator) - torch.tensor(self.by)) % 16


@pytest.mark.parametrize("shift", [(1, 0), (5, 7), (11, 30), (63, 95)])
def test_a_start_that_is_shifted_by_any_pixels_gives_the_shifted_result_on_grids_that_are_shifted_alike(
    shift: tuple[int, int],
) -> None:
    fields: dict[str, Any] = {"update": "langevin", "step_size": 5.0, "temperature": 0.0, "threshold": 1e9}
    recipe = changed(directions="spectrum", first_negatives="random-phase", **fields)
    prior, along = measured(stripes(), recipe)
    noise = prior.draw(1, (64, 96), seeded(3)).double()
    state = trained().training.stages[0].classifier.state()
    classifier = FrozenClassifier.restore(state, "unpadded", torch.device("cpu"), torch.float64)
    stage = Stage(classifier, max_steps=8, step_size=recipe.step_size)

    def drawn(start: Tensor, by: tuple[int, int]) -> Tensor:
        sampler = replace(sampler_of(recipe, along), windows=ShiftedGrids(by=by))
        return climb_stage(stage, start, sampler, seeded(4)).canvases

    expected = drawn(noise, (0, 0)).roll(shift, (2, 3))
    assert float((expected - noise.roll(shift, (2, 3))).abs().max()) > 0.01
    torch.testing.assert_close(drawn(noise.roll(shift, (2, 3)), shift), expected)


def test_one_classifier_of_b_is_kept_with_the_steps_that_lead_all_the_way() -> None:
    variants = {b: trained(**({} if b == 1 else {"keep_every": b})).training.stages for b in (1, 3, 0)}
    steps = {b: [stage.max_steps // SMALL.max_steps for stage in stages] for b, stages in variants.items()}
    assert steps == {1: [1, 1, 1, 1], 3: [3, 1], 0: [4]}


def test_until_a_classifier_is_dropped_all_variants_are_one() -> None:
    variants: list[dict[str, Any]] = [{}, {"keep_every": 3}, {"keep_every": 0}]
    climbing = [decode(trained(**fields).borders[SMALL.classifier_steps]).tensors for fields in variants]
    first, *others = (tensors["stage.0001.weight.0"] for tensors in climbing)
    assert all(torch.equal(first, other) for other in others)


def starts_and_chains(**fields: Any) -> list[tuple[Tensor, Tensor]]:
    """Return where the samples of the next stage begin, and where those of the last ended, after each stage."""
    after = [one for one in map(decode, trained(**fields).borders) if not one.values["losses"]]
    return [(one.tensors["start"], one.tensors["chain"]) for one in after]


def test_stages_between_kept_classifiers_begin_at_the_samples_of_the_last_kept_one() -> None:
    noise = begin(changed(keep_every=3)).start
    first, second, third, fourth = starts_and_chains(keep_every=3)
    assert torch.equal(first[0], noise)
    assert torch.equal(second[0], noise)
    assert torch.equal(third[0], third[1])
    assert torch.equal(fourth[0], third[1])
    assert not torch.equal(third[1], noise)
    assert all(torch.equal(start, chain) for start, chain in starts_and_chains())


def test_each_stage_of_a_single_classifier_begins_at_new_noise() -> None:
    starts = [begin(changed(keep_every=0)).start, *(start for start, _ in starts_and_chains(keep_every=0))]
    assert not any(torch.equal(one, other) for one, other in pairwise(starts))
    spread = [float(start.std()) for start in starts]
    assert spread == pytest.approx([spread[0]] * len(spread), rel=0.05)  # all are p0, not samples that have climbed


def test_a_classifier_no_better_than_chance_or_out_of_reach_makes_no_progress() -> None:
    one, none = torch.tensor([False, True]), torch.tensor([False, False])
    assert makes_progress([2.0] * 9 + [0.5, 0.6, 0.5], one)
    assert not makes_progress([0.1] * 9 + [0.7, 0.69, 0.7], one)
    assert not makes_progress([0.1] * 9, none)


def test_the_authors_settings_make_progress_with_a_two_hundredth_of_their_counts() -> None:
    recipe = configure({"preset": "authors", "scale": 0.005})[2]
    window = to_tensor(load_texture("pebbles").train)
    prior, directions = measured(window, recipe)
    training = algorithm.begin(
        partial(random_crops, window),
        recipe,
        prior,
        sampler_of(recipe, directions),
        crop_side=recipe.crop_side,
        device=torch.device("cpu"),
        dtype=torch.float32,
        generator=torch_generator(0),
    )
    reports = [report for report in train(training, lambda: training.number < 2) if report is not None]
    assert training.stalled == 0
    # The first classifier, of four steps, may call its negatives real.
    assert 0 < int(reports[1].climb.steps.max()) < AUTHORS.max_steps


def test_a_loss_that_is_not_a_number_ends_the_training_with_a_sentence() -> None:
    training = begin(SMALL)
    nn.init.constant_(training.classifier.head.weight, math.nan)
    with pytest.raises(FloatingPointError, match="lower classifier_rate"):
        next(train(training, to_the_end(training)))


def test_logits_that_are_not_finite_end_the_training_with_a_sentence() -> None:
    training = begin(changed(classifier_steps=1))
    steps = train(training, to_the_end(training))
    next(steps)
    nn.init.constant_(training.classifier.head.weight, math.inf)
    with pytest.raises(
        FloatingPointError, match="stage 1: the logits are not finite; lower classifier_rate or step_size"
    ):
        list(steps)
