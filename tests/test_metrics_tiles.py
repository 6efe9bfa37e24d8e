import numpy as np
import pytest

from inng_bench.metrics.catalogue import TILE, TILES
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.crops import Pixels
from inng_bench.metrics.tiles import compare_tiles, luminance, tiles


def _noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def test_a_canvas_is_cut_without_a_rest_and_small_pictures_are_tiles_themselves() -> None:
    canvas = _noise(0, 1, 256, 256)
    cut = tiles(Pictures(canvas))
    assert cut.shape == (TILES, TILE, TILE, 3)
    whole = canvas.reshape(4, 64, 4, 64, 3).swapaxes(1, 2).reshape(16, 64, 64, 3)
    np.testing.assert_array_equal(cut, whole)
    np.testing.assert_array_equal(tiles(Pictures(whole)), whole)


def test_a_comparison_has_the_mean_of_its_parts() -> None:
    samples, window = Pictures(_noise(2, 1, 128, 128)), Pictures(_noise(3, 1, 200, 100))

    def brightness(pictures: Pictures) -> float:
        return float(tiles(pictures).mean())

    def distance(found: float, wanted: float) -> dict[str, float]:
        return {"one": found - wanted, "three": 3 * (found - wanted)}

    expected = 2 * (tiles(samples).mean() - tiles(window).mean())
    comparison = Comparison(samples, window, seed=0)
    outcome = compare_tiles(comparison, brightness, distance)
    assert outcome.value == pytest.approx(expected)
    assert outcome.parts == pytest.approx({"one": expected / 2, "three": 1.5 * expected})
    assert (outcome.n, outcome.crop) == (TILES, TILE)
    once = compare_tiles(comparison, brightness, distance, summarise=max)
    assert once.value == pytest.approx(max(expected / 2, 1.5 * expected))


def test_luminance_keeps_greys_and_weighs_colours() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)[None]
    np.testing.assert_array_equal(luminance(grey), [np.arange(256)])
    np.testing.assert_array_equal(luminance(255 * np.eye(3, dtype=np.uint8)[None]), [[76, 150, 29]])
