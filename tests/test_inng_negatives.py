"""Which samples of earlier stages a classifier is trained against, and where they are cut."""

import math

import pytest
import torch

from inng_bench.inng.negatives import draw_negatives


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(("decay", "expected"), [(0.5, [4 / 7, 2 / 7, 1 / 7]), (1.0, [1 / 3] * 3), (0.0, [1.0, 0, 0])])
def test_ages_are_drawn_with_the_stated_frequencies(decay: float, expected: list[float]) -> None:
    history = [torch.full((2, 3, 64, 64), level).half() for level in (0.25, 0.5, 0.75)]
    count = 3000
    crops = draw_negatives(history, count, 2, decay, generator())
    shares = [float((crops[:, 0, 0, 0] == level).float().mean()) for level in (0.75, 0.5, 0.25)]
    for share, probability in zip(shares, expected, strict=True):
        assert abs(share - probability) <= 4 * math.sqrt(probability * (1 - probability) / count)


@pytest.mark.parametrize("wraps", [True, False])
def test_crops_reach_over_the_border_of_a_torus_and_of_no_other_canvas(wraps: bool) -> None:
    canvas = torch.arange(64.0).expand(1, 3, 64, 64) / 64  # the value names the column
    rows = draw_negatives([canvas.half()], 50, 40, 0.5, generator(), wraps=wraps)[:, 0, 0] * 64
    assert bool((rows.diff(dim=1) % 64 == 1).all())
    assert bool((rows.diff(dim=1) < 0).any()) == wraps
    assert len(rows[:, 0].unique()) > 15
