"""Metrics of sets: closed forms, planted copies, and the order of rows that anybody would agree on."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from inng_bench.metrics import sets
from inng_bench.metrics.catalogue import BY_NAME, COPIES_ABOVE, OF_SETS, Compared, Scope, selected_of_sets
from inng_bench.metrics.probe import linear_probe
from inng_bench.metrics.sets import evaluate_set, nearest, share_within
from inng_bench.records.schema import Against

Pixels = NDArray[np.uint8]

COUNT, SIDE = 24, 16


def discs(count: int, seed: int) -> Pixels:
    """Coloured discs of random place and size on white."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    pictures = np.full((count, SIDE, SIDE, 3), 255, np.uint8)
    for picture in pictures:
        place, radius = random.uniform(5, 11, 2), random.uniform(3, 6)
        picture[np.hypot(rows - place[0], columns - place[1]) < radius] = random.integers(0, 200, 3)
    return pictures


TRAIN, HELD_OUT = discs(3 * COUNT, 0), discs(COUNT, 1)


def noise(count: int = COUNT) -> Pixels:
    return np.random.default_rng(2).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def figures(samples: Pixels | None, *names: str) -> dict[str, float]:
    found = evaluate_set(samples, TRAIN, HELD_OUT, seed=0, metrics=names or None)
    return {one.metric: one.value for one in found if one.value is not None}


def test_the_catalogue_has_a_function_of_each_metric_of_sets() -> None:
    assert tuple(sets._MEASURES) == selected_of_sets(None) == tuple(metric.name for metric in OF_SETS)
    assert all(BY_NAME[name].scope is Scope.SETS for name in sets._MEASURES)


def test_rows_stand_in_the_order_that_the_eye_sees() -> None:
    real, other, worst = figures(None), figures(discs(COUNT, 3)), figures(noise())
    for metric in ("set_fid", "set_kid"):
        assert max(real[metric], other[metric]) < worst[metric] / 5
    for metric in ("set_precision", "set_recall"):
        assert min(real[metric], other[metric]) > 0.5 > worst[metric] == 0
    assert real["set_nearest"] == 1.0
    assert max(real["set_copy_rate"], other["set_copy_rate"], worst["set_copy_rate"]) <= COPIES_ABOVE


def test_the_held_out_pictures_themselves_have_no_distance() -> None:
    found = figures(HELD_OUT, "set_fid", "set_precision", "set_recall")
    assert found["set_fid"] == pytest.approx(0, abs=1e-6)
    assert (found["set_precision"], found["set_recall"]) == (1.0, 1.0)


COPIES = {
    "as they are": TRAIN[:COUNT],
    "mirrored": TRAIN[:COUNT, :, ::-1],
    "with noise": np.clip(TRAIN[:COUNT] + np.random.default_rng(4).normal(0, 8, TRAIN[:COUNT].shape), 0, 255),
}


@pytest.mark.parametrize("copies", COPIES.values(), ids=COPIES)
def test_planted_copies_are_found(copies: Pixels) -> None:
    found = figures(copies.astype(np.uint8), "set_copy_rate", "set_nearest")
    assert found["set_copy_rate"] > 0.9
    assert found["set_nearest"] < 0.4


def test_half_as_many_copies_are_half_the_rate() -> None:
    mixed = np.concatenate([TRAIN[: COUNT // 2], noise(COUNT // 2)])
    assert figures(mixed, "set_copy_rate") == {"set_copy_rate": 0.5}


def test_the_nearest_picture_is_found_whatever_the_number_that_is_read_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = [5, 40, 71]
    for at_once in (7, 4096):
        monkeypatch.setattr(sets, "AT_ONCE", at_once)
        distance, number = nearest(TRAIN[wanted], TRAIN)
        assert number.tolist() == wanted
        assert float(distance.max()) == pytest.approx(0, abs=1e-3)


def test_a_distance_is_the_root_mean_square_of_the_pixels() -> None:
    dark, light = np.zeros((1, SIDE, SIDE, 3), np.uint8), np.full((1, SIDE, SIDE, 3), 255, np.uint8)
    assert float(nearest(dark, light)[0]) == pytest.approx(2.0)


def test_balls_reach_to_the_third_nearest_centre() -> None:
    centres = torch.tensor([[0.0], [1.0], [2.0], [3.0], [100.0]], dtype=torch.float64)
    points = torch.tensor([[-3.0], [-3.1], [199.0], [500.0]], dtype=torch.float64)
    assert share_within(points, centres) == 0.25 + 0.25  # -3 lies in the ball about 0, 199 in the one about 100


def test_distances_are_told_of_held_out_pictures_and_copies_of_those_that_were_learnt_as_the_catalogue_says() -> None:
    found = {one.metric: one for one in evaluate_set(noise(5), TRAIN, HELD_OUT, seed=0)}
    assert {(one.n, one.images) for one in found.values()} == {(5, 5)}
    of_train = {"set_nearest", "set_copy_rate"}
    assert {name for name, one in found.items() if one.against is Against.TRAIN} == of_train
    assert {name for name, one in found.items() if one.against is Against.HELD_OUT} == found.keys() - of_train
    assert {info.name for info in OF_SETS if info.compared is Compared.TRAIN} == of_train


def test_a_linear_probe_separates_what_a_plane_separates_and_guesses_what_has_no_order() -> None:
    random = torch.Generator().manual_seed(0)
    classes = torch.arange(300) % 3
    features = torch.randn((300, 5), generator=random)
    shifted = features.clone()
    shifted[torch.arange(300), classes] += 8
    half = slice(0, 150), slice(150, 300)
    assert linear_probe(shifted[half[0]], classes[half[0]], shifted[half[1]], classes[half[1]]) == 0
    assert linear_probe(features[half[0]], classes[half[0]], features[half[1]], classes[half[1]]) > 0.5
