"""Precision and coverage against loops that spell the definitions out, and against torch-fidelity."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, prc_features_to_metric

from inng_bench.metrics import prdc
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.prdc import NEIGHBOUR, Cloud

BOTH = {"precision": prdc.precision, "coverage": prdc.coverage}


def cloud(seed: int, count: int, *, shift: float = 0.0, step: int = 48) -> Cloud:
    """Points that stand for crops in a row of one picture, ``step`` pixels apart."""
    points = np.random.default_rng(seed).normal(shift, 1, (count, 6))
    return Cloud(points, np.array([(0, 0, step * place) for place in range(count)]))


def measure(samples: Cloud, window: Cloud) -> dict[str, float]:
    empty = Pictures(np.zeros((1, 64, 64, 3), np.uint8)), Pictures(np.zeros((1, 64, 64, 3), np.uint8))
    comparison = Comparison(*empty, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prdc, "_cloud", lambda pictures: samples if pictures is empty[0] else window)
        return {name: function(comparison).value or 0.0 for name, function in BOTH.items()}


def by_loops(samples: Cloud, window: Cloud) -> dict[str, float]:
    def radius(of: Cloud, centre: int) -> float:
        distances = [
            float(np.linalg.norm(of.points[centre] - of.points[other]))
            for other in range(len(of.points))
            if abs(int(of.places[centre, 2] - of.places[other, 2])) >= 48
        ]
        return sorted(distances)[NEIGHBOUR - 1]

    def inside(point: NDArray[np.float64], of: Cloud) -> list[bool]:
        return [float(np.linalg.norm(point - of.points[ball])) <= radius(of, ball) for ball in range(len(of.points))]

    in_window = [inside(point, window) for point in samples.points]
    return {
        "precision": float(np.mean([any(row) for row in in_window])),
        "coverage": float(np.mean([any(row[ball] for row in in_window) for ball in range(len(window.points))])),
    }


@pytest.mark.parametrize("step", [48, 20])
def test_both_are_what_their_definitions_say(step: int) -> None:
    samples, window = cloud(0, 30, shift=0.8, step=step), cloud(1, 40, step=step)
    found = measure(samples, window)
    assert found == pytest.approx(by_loops(samples, window), rel=1e-9)
    assert 0 < found["precision"] < 1
    assert 0 < found["coverage"] < 1


def test_without_overlap_precision_is_that_of_torch_fidelity() -> None:
    samples, window = cloud(2, 60, shift=0.9), cloud(3, 70)
    points = [torch.from_numpy(one.points) for one in (samples, window)]
    theirs = prc_features_to_metric(*points, prc_neighborhood=NEIGHBOUR, verbose=False)
    found = measure(samples, window)
    assert found["precision"] == pytest.approx(theirs[KEY_METRIC_PRECISION], abs=1e-6)


def test_a_cloud_lies_within_itself_and_a_far_one_does_not() -> None:
    window = cloud(4, 50)
    assert measure(window, window)["precision"] == measure(window, window)["coverage"] == 1
    assert set(measure(cloud(5, 50, shift=50.0), window).values()) == {0.0}


def test_shifted_copies_of_a_crop_are_no_neighbours() -> None:
    """As in one texture, whose crops stand a few pixels apart: with them every ball would have no size."""
    places = np.array([(0, 0, 4 * place) for place in range(60)])
    slowly = np.cumsum(np.random.default_rng(6).normal(0, 0.1, (60, 6)), axis=0)
    distances = np.linalg.norm(slowly[:, None] - slowly, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (Cloud(slowly, places).radii > np.sort(distances, axis=1)[:, NEIGHBOUR - 1]).all()


def test_a_picture_without_enough_crops_apart_has_no_value_and_says_why() -> None:
    pictures = Pictures(np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prdc, "_cloud", lambda _: cloud(0, 30, step=1))
        found = prdc.precision(Comparison(pictures, pictures, 0))
    assert found.value is None
    assert "that do not overlap" in found.note
