"""The copy search against planted copies in every pose, against honest pictures, and against exhaustive search."""

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from inng_bench.ladder.copies import COPIES
from inng_bench.ladder.degradations import blurred
from inng_bench.metrics.catalogue import COPIES_ABOVE
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.copying import (
    BLOCK,
    Bank,
    as_soft,
    bank_of,
    copy_rate,
    copying,
    honest_threshold,
    nearest_patch,
    search,
)
from inng_bench.metrics.crops import cut, grid
from inng_bench.textures import load_texture
from inng_bench.textures.procedural import realise

Pixels = NDArray[np.uint8]

SIZES = (96, 128, 192)


@pytest.fixture(autouse=True)
def _half_of_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inng_bench.metrics.copying.BLOCKS", 24)


def _noise(seed: int, height: int, width: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _windows(name: str, side: int) -> tuple[Pixels, Pixels]:
    texture = load_texture(name)
    return texture.train[:side, :side], np.stack([window[:side, :side] for window in texture.held_out])


def _copied(samples: Sequence[Pixels], bank: Bank, threshold: float, blocks: int = 6) -> list[float]:
    """Return the share of copied blocks of each sample."""
    cuts = [cut(sample[None], grid(blocks, 1, sample.shape[:2], BLOCK), BLOCK) for sample in samples]
    scores = search(np.concatenate(cuts), bank)
    ends = np.cumsum([len(blocks) for blocks in cuts])[:-1]
    return [float((part > threshold).mean()) for part in np.split(scores, ends)]


@pytest.mark.parametrize("side", SIZES)
def test_a_copy_is_found_in_every_pose_and_real_material_is_not_one(side: int) -> None:
    train, honest = _windows("gravel", side)
    bank = bank_of(train)
    threshold = honest_threshold(bank, honest[1:])
    samples = [honest[0], *(copy.take(train, np.random.default_rng(0)) for copy in COPIES)]
    on_honest, *found = _copied(samples, bank, threshold)
    assert on_honest == 0
    assert [(copy.name, rate) for copy, rate in zip(COPIES, found, strict=True) if rate < copy.at_least] == []


def test_two_hundred_independent_pictures_hold_no_copies() -> None:

    def drawn(name: str, number: int, side: int) -> Pixels:
        return realise(name, (side, side), np.random.default_rng([7, number]))

    rates = []
    for name in ("cloth", "pebbles"):
        train, *honest = (drawn(name, number, 128) for number in range(4))
        bank = bank_of(train)
        threshold = honest_threshold(bank, np.stack(honest))
        blocks = np.stack([drawn(name, 100 + number, 64)[16:48, 16:48] for number in range(100)])
        rates.append(float((search(blocks, bank) > threshold).mean()))
    assert max(rates) <= 0.02


def test_a_blurred_honest_picture_is_not_marked_as_a_copy() -> None:
    train, honest = _windows("brick", 128)
    bank = bank_of(train)
    threshold = honest_threshold(bank, honest[1:])
    sample = blurred(1.5)(honest[0], np.random.default_rng(0))
    assert _copied([sample], bank, threshold, 24)[0] <= COPIES_ABOVE


@pytest.mark.parametrize("deviation", [2.0, 5.0])
def test_honest_windows_become_as_soft_as_blurred_samples(deviation: float) -> None:
    _, honest = _windows("gravel", 128)
    generator = np.random.default_rng(0)
    blurs = np.stack([blurred(deviation)(window, generator) for window in honest])
    softened = as_soft(honest, blurs)
    assert softened is not None
    assert np.abs(softened.astype(float) - blurs).mean() < np.abs(honest.astype(float) - blurs).mean() / 3
    assert as_soft(honest, honest[::-1]) is None


def test_blurred_samples_are_no_copies_and_a_sharp_copy_is() -> None:
    train, honest = _windows("gravel", 128)
    foreign = np.stack([blurred(6.0)(window, np.random.default_rng(0)) for window in honest[1:]])
    for samples, least, most in ((foreign, 0.0, 0.05), (np.stack([train, train]), 0.9, 1.0)):
        found = copy_rate(Comparison(Pictures(samples), Pictures(train[None]), seed=0, honest=Pictures(honest[:1])))
        assert least <= (found.value or 0.0) <= most


def test_a_copy_among_honest_pictures_counts_by_its_share() -> None:
    train, honest = _windows("gravel", 128)
    bank = bank_of(train)
    found = copying(np.stack([train, *honest]), bank, honest_threshold(bank, honest))
    assert found.rate == pytest.approx(0.25, abs=1 / 24)
    assert found.per_group[0] == 1
    assert sum(found.per_group[1:]) <= 1 / 6  # a single block of three pictures may be an alarm


def test_without_held_out_windows_one_half_of_the_window_says_what_is_honest() -> None:
    train, honest = _windows("gravel", 128)

    source = Pictures(train[None])

    def rate(sample: Pixels) -> float:
        return copy_rate(Comparison(Pictures(sample[None]), source, seed=0)).value or 0.0

    assert rate(np.roll(train[:, ::-1], (37, 51), (0, 1))) >= 0.9
    assert rate(honest[0]) <= 0.02


def test_comparisons_that_share_their_windows_share_the_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(_: Bank, honest: Pixels) -> float:
        calls.append(len(honest))
        return 0.9

    monkeypatch.setattr("inng_bench.metrics.copying.honest_threshold", counted)
    monkeypatch.setattr("inng_bench.metrics.copying.search", lambda blocks, bank: np.zeros(len(blocks)))  # noqa: ARG005
    train, honest, other = (Pictures(_noise(seed, 64, 64)[None]) for seed in range(3))
    for reference in (train, train, other):
        copy_rate(Comparison(Pictures(_noise(9, 64, 64)[None]), reference, seed=0, honest=honest))
    assert calls == [1, 1]


def test_another_realisation_of_noise_is_no_copy() -> None:
    bank = bank_of(_noise(2, 64, 64))
    assert copying(_noise(1, 64, 64)[None], bank, honest_threshold(bank, _noise(3, 64, 64)[None])).rate == 0


def test_a_flat_texture_is_no_copy_of_itself() -> None:
    flat = np.full((64, 64, 3), 120, np.uint8)
    bank = bank_of(flat)
    assert copying(flat[None], bank, honest_threshold(bank, flat[None])).rate == 0
    faint = [
        np.clip(flat + np.random.default_rng(seed).normal(0, 1, flat.shape), 0, 255).astype(np.uint8)
        for seed in range(3)
    ]
    bank = bank_of(faint[1])
    assert copying(faint[0][None], bank, honest_threshold(bank, faint[2][None])).rate == 0


def test_a_period_that_the_held_out_window_shares_is_no_copying() -> None:
    period = np.tile(_noise(4, 32, 32), (4, 4, 1))
    bank = bank_of(period)
    assert copying(period[None], bank, honest_threshold(bank, period[None])).rate == 0


def test_the_score_of_an_upright_block_is_no_less_than_at_its_place() -> None:
    train = _noise(5, 70, 90)
    assert search(train[None, 20:52, 30:62], bank_of(train)) == pytest.approx(1.0, abs=0.01)


def test_the_nearest_patch_of_a_piece_of_the_window_is_that_piece() -> None:
    train = _noise(8, 100, 120)
    patch, nearest, distance = nearest_patch(train[7:87, 21:101], train)
    np.testing.assert_array_equal(patch, train[15:79, 29:93])
    np.testing.assert_array_equal(nearest, patch)
    assert distance == 0


def test_the_nearest_patch_is_the_least_distant_of_all() -> None:
    sample, train = _noise(9, 40, 20), _noise(10, 25, 28)
    patch, nearest, distance = nearest_patch(sample, train)
    assert patch.shape == nearest.shape == (20, 20, 3)
    np.testing.assert_array_equal(patch, sample[10:30])
    distances = [
        np.sqrt(((train[y : y + 20, x : x + 20].astype(float) - patch) ** 2).mean()) for y in range(6) for x in range(9)
    ]
    assert distance == pytest.approx(min(distances), rel=1e-12)


def test_a_report_can_use_copying_and_catalogue_without_torch() -> None:
    code = "import sys, inng_bench.metrics.copying, inng_bench.metrics.catalogue; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_among_honest_windows_a_copy_stands_out_and_the_others_do_not() -> None:
    train, honest = _windows("gravel", 128)
    source = Pictures(train[None])
    real, planted = (Pictures(np.stack(pictures)) for pictures in (list(honest), [train, *honest[1:]]))
    for samples, wanted in ((real, 0.0), (planted, 1 / 3)):
        found = copy_rate(Comparison(samples, source, seed=0, honest=samples)).value
        assert found == pytest.approx(wanted, abs=1.5 / 24)  # one block of 24 may be an alarm
