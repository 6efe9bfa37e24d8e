from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.diversity import closest_pair, diversity, mean_distance
from inng_bench.textures.procedural import PAINTERS, realise

Pixels = NDArray[np.uint8]


def _noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def test_it_is_the_mean_squared_distance_of_all_pairs_in_units_of_twice_the_variance() -> None:
    pictures = _noise(0, 5, 24, 30) // np.array([1, 2, 3], np.uint8)
    distances = [((first - second.astype(float)) ** 2).mean() for first, second in combinations(pictures, 2)]
    variance = np.mean([pictures[..., channel].var() for channel in range(3)])
    assert mean_distance(pictures) == pytest.approx(np.mean(distances) / (2 * variance), rel=1e-12)


@pytest.mark.parametrize("count", [2, 8])
@pytest.mark.parametrize("side", [32, 128])
def test_independent_pictures_have_one_whatever_their_number_and_size(count: int, side: int) -> None:
    assert mean_distance(_noise(1, count, side, side)) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("name", PAINTERS)
def test_realisations_of_a_texture_differ_and_copies_of_one_do_not(name: str) -> None:
    pictures = np.stack([realise(name, (128, 128), np.random.default_rng(seed)) for seed in range(4)])
    collapsed = np.repeat(pictures[:1], 4, axis=0)
    assert mean_distance(collapsed) == 0
    assert closest_pair(collapsed) == pytest.approx(0, abs=1e-9)
    assert mean_distance(pictures) > 0.3
    assert closest_pair(pictures) > 0.1


def test_a_model_of_two_pictures_has_half_and_a_bit_of_the_diversity() -> None:
    """Of eight pictures 28 pairs, of which the 16 of different pictures are as far as unrelated ones."""
    pictures = np.repeat(_noise(2, 2, 64, 64), 4, axis=0)
    assert mean_distance(pictures) == pytest.approx(16 / 28, abs=0.03)


def test_a_rolled_picture_is_found_by_the_closest_pair_alone() -> None:
    pictures = _noise(3, 4, 64, 64)
    pictures[3] = np.roll(pictures[1], (11, 40), (0, 1))
    assert mean_distance(pictures) == pytest.approx(1, abs=0.03)
    assert closest_pair(pictures) == pytest.approx(0, abs=1e-9)
    assert closest_pair(pictures[:3]) > 0.9


def test_the_closest_pair_is_what_trying_every_roll_gives() -> None:
    pictures = _noise(4, 3, 8, 10)
    rolls = [
        ((first - np.roll(second, (down, right), (0, 1)).astype(float)) ** 2).mean()
        for first, second in combinations(pictures, 2)
        for down in range(8)
        for right in range(10)
    ]
    variance = np.mean([pictures[..., channel].var() for channel in range(3)])
    assert closest_pair(pictures) == pytest.approx(min(rolls) / (2 * variance), rel=1e-9)


def test_flat_pictures_have_no_diversity() -> None:
    flat = np.full((3, 16, 16, 3), 7, np.uint8)
    assert mean_distance(flat) == 0
    assert closest_pair(flat) == 0


def test_the_order_of_the_pictures_makes_no_difference() -> None:
    pictures = _noise(5, 6, 32, 32)
    assert mean_distance(pictures[::-1]) == pytest.approx(mean_distance(pictures), rel=1e-12)
    assert closest_pair(pictures[::-1]) == pytest.approx(closest_pair(pictures), rel=1e-9)


def test_a_single_picture_is_set_beside_the_window() -> None:
    train, held_out = Pictures(_noise(6, 1, 65, 64)), Pictures(_noise(7, 1, 64, 64))
    outcome = diversity(Comparison(train, held_out, seed=0))
    assert outcome.value == pytest.approx(1, abs=0.03)
    assert outcome.n == 2
    assert "beside" in outcome.note
    copy = diversity(Comparison(held_out, held_out, seed=0))
    assert copy.value == 0
    assert copy.parts == {"closest_pair": pytest.approx(0, abs=1e-9)}
