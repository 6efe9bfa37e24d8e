"""A training that is killed goes on with the same bytes, from wherever it was; and what its snapshots hold."""

from typing import Any

import pytest
import torch
from small_cascades import SMALL, begin, changed, to_the_end, trained

from inng_bench.contract import Snapshot
from inng_bench.errors import InputError
from inng_bench.inng.algorithm import StageReport, train
from inng_bench.inng.costs import snapshot_bytes
from inng_bench.inng.presets import Recipe
from inng_bench.inng.resume import restore, snapshot
from inng_bench.inng.state import Training
from inng_bench.resume import decode, encode

PLACES = "within learning", "within a climb", "between stages"

VARIANTS = pytest.mark.parametrize(
    "fields",
    [
        {},  # every classifier kept, Adam, noise
        {"keep_every": 3},
        {"keep_every": 0},
        {"optimiser": "sgd"},
        {"balanced": True, "aimed_steps": 2.0, "update": "image-adam"},
        {"update": "langevin", "temperature": 0.01},
        {"windows": "patches", "patches": 2, "temperature": 0.0, "stop": "batch-loss", "threshold": 0.66},
        {"loss_check_steps": 2, "loss_check_batches": 2, "loss_target": 0.6, "output": "softmax"},
        {"normalisation": "running", "threshold": 50.0, "history_stages": 2},
        {"first_negatives": "random-phase", "directions": "spectrum"},
    ],
    ids=str,
)


def place_of(taken: Snapshot) -> str:
    if "climb" in taken.values:
        return "within a climb"
    return "within learning" if taken.values["losses"] else "between stages"


def middles(borders: list[bytes]) -> dict[str, int]:
    """Return the number of the middle one of the borders of each place of the algorithm."""
    found: dict[str, list[int]] = {place: [] for place in PLACES}
    for number, content in enumerate(borders):
        found[place_of(decode(content))].append(number)
    return {place: numbers[len(numbers) // 2] for place, numbers in found.items()}


def in_a_new_process(recipe: Recipe, content: bytes) -> Training:
    training = begin(recipe, seed=99)
    restore(training, decode(content))
    return training


def told(report: StageReport | None) -> tuple[Any, ...]:
    assert report is not None
    climb = report.climb
    figures = climb.steps.tolist(), climb.logits.tolist(), climb.reached.tolist(), climb.evaluations
    return report.number, report.losses, report.energy_gap, figures


@VARIANTS
def test_a_training_that_is_killed_after_every_step_has_the_same_bytes_at_each(fields: dict[str, Any]) -> None:
    whole, recipe = trained(**fields), changed(**fields)
    training, reports = begin(recipe), []
    for border in whole.borders:
        reports.append(next(train(training, to_the_end(training))))
        assert encode(snapshot(training)) == border
        training = in_a_new_process(recipe, border)
    assert list(train(training, to_the_end(training))) == []
    assert [told(report) for report in reports if report is not None] == [told(report) for report in whole.reports]


@pytest.mark.parametrize("fields", [{}, {"keep_every": 0}, {"update": "langevin", "temperature": 0.01}], ids=str)
def test_a_training_that_goes_on_from_any_place_has_the_same_bytes_ever_after(fields: dict[str, Any]) -> None:
    whole, recipe = trained(**fields), changed(**fields)
    for number in middles(whole.borders).values():
        training = in_a_new_process(recipe, whole.borders[number])
        after = [encode(snapshot(training)) for _ in train(training, to_the_end(training))]
        assert after == whole.borders[number + 1 :]


def test_those_bytes_are_also_of_climbs_in_which_one_image_is_at_rest() -> None:
    climbing = [len(one.tensors["climb.active"]) for one in map(decode, trained().borders) if "climb" in one.values]
    assert set(climbing) == {1, 2}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"keep_every": 3},
        {"keep_every": 0},
        {"optimiser": "sgd"},
        {"windows": "patches", "patches": 2, "temperature": 0.0, "stop": "batch-loss", "threshold": 0.66},
        {"filters": 16, "max_stages": 2},
    ],
    ids=str,
)
def test_the_estimated_size_of_a_snapshot_is_that_of_the_largest_one(fields: dict[str, Any]) -> None:
    recipe = changed(**fields)
    largest = max(len(content) for content in trained(**fields).borders)
    states = 3 * 5056  # of generators, which are nothing beside the tensors of a training that is not a test's
    expected = snapshot_bytes(recipe, torch.float32, stages=recipe.max_stages - 1) + states
    assert expected == pytest.approx(largest, rel=0.1)


@pytest.mark.parametrize("place", ["within learning", "within a climb"])
def test_a_stage_that_has_begun_is_brought_to_its_end_although_no_other_may_begin(place: str) -> None:
    borders = trained().borders
    training = in_a_new_process(SMALL, borders[middles(borders)[place]])
    before = training.number
    list(train(training, lambda: False))
    assert training.number == before + 1
    assert list(train(training, lambda: False)) == []


def test_a_snapshot_with_a_part_missing_is_refused_by_its_name() -> None:
    borders = trained().borders
    taken = decode(borders[middles(borders)["within a climb"]])
    for name in taken.tensors:
        tensors = {key: value for key, value in taken.tensors.items() if key != name}
        with pytest.raises(InputError, match=f"'{name}'"):
            restore(begin(SMALL), Snapshot(tensors, taken.values))
    for name in taken.values.keys() - {"climb"}:
        values = {key: value for key, value in taken.values.items() if key != name}
        with pytest.raises(InputError, match=f"'{name}'"):
            restore(begin(SMALL), Snapshot(taken.tensors, values))


def test_a_snapshot_of_another_recipe_is_refused() -> None:
    borders = trained().borders
    with pytest.raises(InputError, match="of another shape; delete it and train from the start"):
        in_a_new_process(changed(filters=5), borders[0])


def test_the_history_is_that_of_the_last_stages_and_half_as_large_as_their_canvases() -> None:
    fields: dict[str, Any] = {"normalisation": "running", "threshold": 50.0, "history_stages": 2}
    history = trained(**fields).training.history
    assert len(history) == 2
    assert sum(stage.numel() * stage.element_size() for stage in history) == 2 * 2 * 3 * 64 * 64 * 2
    chains = [report.climb.canvases.half() for report in trained(**fields).reports]
    assert all(torch.equal(one, other) for one, other in zip(history, chains[-2:], strict=True))
