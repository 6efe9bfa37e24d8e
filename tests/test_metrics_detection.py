from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from inng_bench.harness import detection as harness_detection
from inng_bench.metrics.detection import BLOCK, area_under_curve, detect, make_foils, recoloured, shuffled
from inng_bench.pixels import colour_statistics, gaussian_pixels
from inng_bench.records.schema import Against


def waves(height: int = 96, width: int = 128) -> Tensor:
    """A smooth coloured texture that is not its own mirror image in its grey values."""
    along = torch.arange(width).float()[None, :] / 9 + torch.arange(height).float()[:, None] / 17
    one, other = torch.sin(along), torch.cos(2 * along + 0.3)
    return torch.stack([0.5 * one, 0.3 * one + 0.3 * other, 0.4 * other - 0.2])


def smoothness(pictures: Tensor) -> Tensor:
    """Prefer small steps between neighbours, on a grid of 8 px."""
    steps = pictures.diff(dim=3).square().mean(1)[:, :-8, :-8]
    return -steps.unfold(1, 8, 8).unfold(2, 8, 8).mean((3, 4))


def indifference(pictures: Tensor) -> Tensor:
    """Prefer nothing, on the same grid."""
    return torch.zeros_like(smoothness(pictures))


@dataclass(frozen=True)
class Told:
    """A density made of two functions."""

    log_ratio: Callable[[Tensor], Tensor]
    log_prior: Callable[[Tensor], Tensor]
    window: int = 8
    window_step: int = 8


@pytest.mark.parametrize("levels", [5, 10**6])
def test_the_area_under_the_curve_is_the_share_of_pairs_in_order_with_ties_as_halves(levels: int) -> None:
    random = np.random.default_rng(0)
    real, foil = (random.integers(levels, size=size).astype(np.float64) for size in (40, 25))
    higher, equal = real[:, None] > foil, real[:, None] == foil
    assert area_under_curve(real, foil) == pytest.approx((higher + 0.5 * equal).mean())


def test_each_foil_shares_what_it_promises_with_the_texture() -> None:
    real = waves()
    other = torch.rand((3, 80, 72), generator=torch.Generator().manual_seed(1)) * 2 - 1
    foils = make_foils(real, other, torch.Generator().manual_seed(0))
    assert list(foils) == ["noise", "random-phase", "shuffled", "other-texture"]
    wanted = torch.cov(real.flatten(1))
    for name in ("noise", "random-phase", "shuffled"):
        torch.testing.assert_close(torch.cov(foils[name].flatten(1)), wanted, atol=0.03, rtol=0.1)
    power = torch.fft.rfft2(foils["random-phase"]).abs()[:, 1:, 1:], torch.fft.rfft2(real).abs()[:, 1:, 1:]
    assert float(torch.corrcoef(torch.stack([one.flatten() for one in power]))[0, 1]) > 0.9
    noise_steps, real_steps = (float(one.diff(dim=2).square().mean()) for one in (foils["noise"], real))
    assert noise_steps > 5 * real_steps
    for foil in foils.values():  # 8 bits, as the texture
        levels = (foil + 1) * 127.5
        torch.testing.assert_close(levels, levels.round(), atol=1e-3, rtol=0)


def test_shuffling_moves_whole_blocks_and_keeps_them() -> None:
    real = waves(70, 100)
    mixed = shuffled(real, torch.Generator().manual_seed(0))
    assert mixed.shape == (3, 64, 96)

    def blocks(picture: Tensor) -> list[tuple[float, ...]]:
        cut = picture[:, :64, :96].unfold(1, BLOCK, BLOCK).unfold(2, BLOCK, BLOCK).permute(1, 2, 0, 3, 4)
        return [tuple(block.flatten().tolist()) for block in cut.flatten(0, 1)]

    assert blocks(mixed) != blocks(real)
    assert sorted(blocks(mixed)) == sorted(blocks(real))


def test_another_texture_takes_the_colours_over_as_far_as_its_own_vary() -> None:
    like = waves() * 0.5
    coloured = torch.randn((3, 64, 64), generator=torch.Generator().manual_seed(1)) * 0.2
    mean, factor = colour_statistics(recoloured(coloured, like))
    wanted_mean, wanted_factor = colour_statistics(like)
    torch.testing.assert_close(mean, wanted_mean, atol=1e-3, rtol=0)
    torch.testing.assert_close(factor @ factor.T, wanted_factor @ wanted_factor.T, atol=2e-3, rtol=0)
    grey = coloured[:1].expand(3, -1, -1)
    varied = torch.linalg.matrix_rank(torch.cov(recoloured(grey, like).flatten(1).double()), rtol=1e-4)
    assert int(varied) == 1


def test_noise_among_the_foils_is_not_clipped_since_that_alone_would_tell_it() -> None:
    bright = (waves() + 0.5).clamp(-1, 1)
    foils = make_foils(bright, waves(), torch.Generator().manual_seed(0))
    for name in ("noise", "random-phase"):
        assert float(foils[name].max()) > 1.1
        mean = foils[name].mean((1, 2))
        torch.testing.assert_close(mean, bright.mean((1, 2)), atol=0.05, rtol=0)


def test_a_density_that_knows_smoothness_detects_what_is_rough_and_one_that_knows_nothing_nothing() -> None:
    real, other = waves(), torch.rand((3, 96, 96), generator=torch.Generator().manual_seed(1)) * 2 - 1
    knowing, blind = Told(smoothness, indifference), Told(indifference, indifference)
    found = {one.foil: one for one in detect(knowing, real, real, other, Against.HELD_OUT, torch.Generator())}
    assert found["noise"].auc == 1.0
    assert found["other-texture"].auc == 1.0
    assert 0.2 < found["random-phase"].auc < 0.9
    assert {one.windows for one in found.values()} == {smoothness(real[None]).numel()}
    nothing = detect(blind, real, real, other, Against.TRAIN, torch.Generator())
    assert [(one.auc, one.whole_auc, one.typical_auc, one.against) for one in nothing] == [
        (0.5, 0.5, 0.5, Against.TRAIN)
    ] * 4


def test_the_whole_density_knows_what_its_start_knows_and_the_ratio_does_not() -> None:
    real, other = waves(), torch.rand((3, 96, 96), generator=torch.Generator().manual_seed(1)) * 2 - 1
    of_start = detect(Told(indifference, smoothness), real, real, other, Against.TRAIN, torch.Generator())
    of_ratio = detect(Told(smoothness, indifference), real, real, other, Against.TRAIN, torch.Generator())
    assert [one.auc for one in of_start] == [0.5] * 4
    assert [one.whole_auc for one in of_start] == [one.auc for one in of_ratio] == [one.whole_auc for one in of_ratio]


def roughness(pictures: Tensor) -> Tensor:
    return -smoothness(pictures)


@pytest.mark.parametrize("parts", [(roughness, indifference), (indifference, roughness), (roughness, roughness)])
def test_what_is_too_likely_is_as_untypical_as_what_is_too_unlikely(
    parts: tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]],
) -> None:
    texture, rough = waves(96, 256), torch.rand((3, 96, 96), generator=torch.Generator().manual_seed(1)) * 2 - 1
    train, real = texture[:, :, :128], texture[:, :, 128:]
    found = {one.foil: one for one in detect(Told(*parts), train, real, rough, Against.HELD_OUT, torch.Generator())}
    for foil in ("noise", "other-texture"):
        assert (found[foil].whole_auc, found[foil].typical_auc) == (0.0, 1.0)


def test_what_is_typical_is_read_from_the_train_window_and_not_from_the_one_that_is_judged() -> None:
    real, other = waves(), torch.rand((3, 96, 96), generator=torch.Generator().manual_seed(1)) * 2 - 1
    noisy = gaussian_pixels(*colour_statistics(real), 1, (96, 128), torch.Generator().manual_seed(2))[0]
    density = Told(smoothness, indifference)
    found = {
        name: next(iter(detect(density, train, real, other, Against.HELD_OUT, torch.Generator())))
        for name, train in (("texture", real), ("noise", noisy))
    }
    assert {one.foil for one in found.values()} == {"noise"}
    assert (found["texture"].typical_auc, found["noise"].typical_auc) == (1.0, 0.0)
    assert found["noise"].auc == found["texture"].auc == 1.0


@pytest.mark.parametrize("has_held_out", [True, False])
def test_a_run_gives_its_density_the_train_window_and_the_unseen_one(
    has_held_out: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(harness_detection, "detect", lambda *arguments: given.extend(arguments))
    train, held_out = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    density = Told(smoothness, indifference)
    harness_detection.detect_of_texture(density, "brick", train, [held_out] if has_held_out else [], seed=0)
    assert given[0] is density
    assert (float(given[1].mean()), float(given[2].mean())) == (-1.0, 1.0 if has_held_out else -1.0)
    assert given[4] is (Against.HELD_OUT if has_held_out else Against.HALVES)


@pytest.mark.parametrize("broken", [0, 1])
def test_a_density_that_is_not_finite_is_refused(broken: int) -> None:
    real, functions = waves(), [indifference, indifference]
    functions[broken] = lambda pictures: indifference(pictures) * float("nan")
    with pytest.raises(ValueError, match="not finite"):
        detect(Told(functions[0], functions[1]), real, real, real, Against.TRAIN, torch.Generator())
