import math

import pytest
import torch

from inng_bench.inng.negatives import PseudoNegatives


def flat_canvases(level: float) -> torch.Tensor:
    return torch.full((2, 3, 64, 64), level)


@pytest.mark.parametrize(("decay", "expected"), [(0.5, [4 / 7, 2 / 7, 1 / 7]), (1.0, [1 / 3] * 3), (0.0, [1.0, 0, 0])])
def test_ages_are_drawn_with_the_stated_frequencies(decay: float, expected: list[float]) -> None:
    negatives = PseudoNegatives(capacity=3, decay=decay)
    for level in (0.0, 0.25, 0.5, 0.75):  # the oldest falls out
        negatives.append(flat_canvases(level))
    count = 3000
    crops = negatives.draw(count, 2, torch.Generator().manual_seed(0))
    shares = [float((crops[:, 0, 0, 0] == level).float().mean()) for level in (0.75, 0.5, 0.25)]
    for share, probability in zip(shares, expected, strict=True):
        assert abs(share - probability) <= 4 * math.sqrt(probability * (1 - probability) / count)


def test_crops_of_pseudo_negatives_wrap_around_their_canvas() -> None:
    canvas = torch.arange(64.0).expand(1, 3, 64, 64) / 64  # the value names the column
    negatives = PseudoNegatives(capacity=1, decay=0.5)
    negatives.append(canvas)
    rows = negatives.draw(50, 40, torch.Generator().manual_seed(0))[:, 0, 0] * 64
    steps = rows.diff(dim=1) % 64
    assert bool((steps == 1).all())
    assert bool((rows.diff(dim=1) < 0).any())


def test_the_history_takes_the_memory_of_its_formula_however_many_stages_there_were() -> None:
    negatives = PseudoNegatives(capacity=5, decay=0.5)
    for _ in range(12):
        negatives.append(torch.zeros(4, 3, 64, 80))
    taken = sum(stage.numel() * stage.element_size() for stage in negatives.state().values())
    assert taken == 5 * 4 * 3 * 64 * 80 * 2
