import numpy as np

from inng_bench.metrics.tiles import TILE, TILES, luminance, places, tiles


def test_canvases_are_cut_without_a_rest_and_small_pictures_are_tiles_themselves() -> None:
    canvases = np.random.default_rng(0).integers(0, 256, (4, 256, 256, 3), dtype=np.uint8)
    cut = tiles(canvases)
    assert cut.shape == (TILES, TILE, TILE, 3)
    whole = canvases.reshape(4, 4, 64, 4, 64, 3).swapaxes(2, 3).reshape(64, 64, 64, 3)
    np.testing.assert_array_equal(cut, whole)
    np.testing.assert_array_equal(tiles(whole), whole)
    np.testing.assert_array_equal(np.bincount(places(canvases)[:, 0]), [16] * 4)


def test_luminance_keeps_greys_and_weighs_colours() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)[None]
    np.testing.assert_array_equal(luminance(grey), [np.arange(256)])
    np.testing.assert_array_equal(luminance(255 * np.eye(3, dtype=np.uint8)[None]), [[76, 150, 29]])
