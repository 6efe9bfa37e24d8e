import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.two_sample import accuracy, halve, two_sample
from inng_bench.records.schema import Against

Pixels = NDArray[np.uint8]


def _noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def test_the_two_parts_of_a_side_have_no_pixel_in_common() -> None:
    tall = np.arange(12 * 6, dtype=np.uint8).reshape(1, 12, 6, 1).repeat(3, axis=3)
    for pictures in (tall, tall.swapaxes(1, 2), np.concatenate([tall, tall + 100])):
        side = halve(pictures)
        assert not set(side.seen.ravel().tolist()) & set(side.unseen.ravel().tolist())
        assert side.seen.size + side.unseen.size == pictures.size
    assert halve(tall).seen.shape == (1, 6, 6, 3)


def test_what_differs_is_told_apart_and_what_does_not_is_not() -> None:
    first, second = halve(_noise(0, 4, 64, 64)), halve(_noise(1, 4, 64, 64))
    darker = halve(_noise(2, 4, 64, 64) // 2)
    assert accuracy(first, second, seed=0) == pytest.approx(0.5, abs=0.1)
    assert accuracy(first, darker, seed=0) > 0.98


def test_samples_like_the_train_window_have_no_excess_and_others_do() -> None:
    """The held-out window is darker: whoever tells the windows apart by that is forgiven for it."""
    train, held_out = Pictures(_noise(3, 1, 128, 64)), Pictures(_noise(4, 1, 128, 64) // 2)
    like_train, like_held_out = Pictures(_noise(5, 4, 64, 64)), Pictures(_noise(6, 4, 64, 64) // 2)
    excess = {
        name: two_sample(Comparison(samples, train, Against.TRAIN, seed=0, held_out=held_out))
        for name, samples in (("train", like_train), ("held-out", like_held_out), ("real", held_out))
    }
    assert excess["train"].value == pytest.approx(0, abs=0.02)
    assert excess["train"].parts["honest"] > 0.98
    assert excess["held-out"].value is not None
    assert excess["held-out"].value < -0.3
    assert excess["real"].value == 0


def test_without_a_held_out_window_the_halves_of_the_train_window_are_the_measure() -> None:
    train = Pictures(_noise(7, 1, 128, 128))
    outcome = two_sample(Comparison(Pictures(_noise(8, 4, 64, 64) // 2), train, Against.TRAIN, seed=0))
    assert outcome.parts["honest"] == pytest.approx(0.5, abs=0.1)
    assert outcome.parts["accuracy"] > 0.98


def test_one_seed_gives_one_figure_and_leaves_the_global_random_state_alone() -> None:
    first, second = halve(_noise(9, 2, 64, 64)), halve(_noise(10, 2, 64, 64) // 4 * 3 + 40)
    before = torch.random.get_rng_state()
    assert accuracy(first, second, seed=1) == accuracy(first, second, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
