import numpy as np
import pytest

from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.tiles import TILE, TILES, compare_tiles, luminance, tiles
from inng_bench.records.schema import Against


def _noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def test_canvases_are_cut_without_a_rest_and_small_pictures_are_tiles_themselves() -> None:
    canvases = _noise(0, 4, 256, 256)
    cut = tiles(Pictures(canvases))
    assert cut.shape == (TILES, TILE, TILE, 3)
    whole = canvases.reshape(4, 4, 64, 4, 64, 3).swapaxes(2, 3).reshape(64, 64, 64, 3)
    np.testing.assert_array_equal(cut, whole)
    np.testing.assert_array_equal(tiles(Pictures(whole)), whole)


def test_a_group_of_canvases_has_the_tiles_that_the_same_area_of_tiles_has() -> None:
    canvases, window = Pictures(_noise(1, 4, 256, 256)), Pictures(_noise(4, 1, 128, 128))
    outcomes = [
        compare_tiles(
            Comparison(samples, window, Against.TRAIN, seed=0, grouped=True),
            lambda pixels: float(pixels.mean()),
            lambda found, _: {"mean": found},
        )
        for samples in (canvases, Pictures(tiles(canvases)))
    ]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].per_image == pytest.approx(canvases.pixels.mean((1, 2, 3)))


def test_a_comparison_has_the_mean_of_its_parts_and_each_group_alone() -> None:
    samples, window = Pictures(_noise(2, 4, 128, 128)), Pictures(_noise(3, 1, 200, 100))

    def brightness(pixels: Pixels) -> float:
        return float(pixels.mean())

    def distance(found: float, wanted: float) -> dict[str, float]:
        return {"one": found - wanted, "three": 3 * (found - wanted)}

    expected = 2 * (tiles(samples).mean() - tiles(window).mean())
    alone = [2 * (tiles(samples)[first : first + 16].mean() - tiles(window).mean()) for first in (0, 16, 32, 48)]
    grouped = Comparison(samples, window, Against.HELD_OUT, seed=0, grouped=True)
    outcome = compare_tiles(grouped, brightness, distance)
    assert outcome.value == pytest.approx(expected)
    assert outcome.parts == pytest.approx({"one": expected / 2, "three": 1.5 * expected})
    assert outcome.per_image == pytest.approx(alone)
    assert (outcome.n, outcome.crop) == (TILES, TILE)
    once = compare_tiles(Comparison(samples, window, Against.TRAIN, seed=0), brightness, distance, summarise=max)
    assert once.value == pytest.approx(max(expected / 2, 1.5 * expected))
    assert once.per_image == ()


def test_luminance_keeps_greys_and_weighs_colours() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)[None]
    np.testing.assert_array_equal(luminance(grey), [np.arange(256)])
    np.testing.assert_array_equal(luminance(255 * np.eye(3, dtype=np.uint8)[None]), [[76, 150, 29]])
