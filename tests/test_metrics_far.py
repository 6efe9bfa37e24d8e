"""The far eye: what it is computed of, and that layout counts before fine detail."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inng_bench.ladder.degradations import Degrade, blurred, random_phase, shuffled
from inng_bench.metrics import crops, fidelity
from inng_bench.metrics.catalogue import CROP, FAR_CROPS, FAR_SCALE
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.far import gram_far, patch_fid_far, scaled_down
from inng_bench.metrics.gram import gram_matrix, relative_distance
from inng_bench.textures import load_texture

Pixels = NDArray[np.uint8]


def measured(samples: Pixels, window: Pictures) -> tuple[float, float]:
    comparison = Comparison(Pictures(samples[None]), window, seed=0)
    values = (gram_far(comparison).value, patch_fid_far(comparison).value)
    assert values[0] is not None
    assert values[1] is not None
    return values[0], values[1]


def test_a_scaled_down_picture_has_the_means_of_its_blocks_and_loses_a_rest() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 9, 8, 3), dtype=np.uint8)
    found = scaled_down(pixels, 4)
    assert found.shape == (2, 2, 2, 3)
    assert found.dtype == np.uint8
    assert found[1, 1, 0].tolist() == np.rint(pixels[1, 4:8, :4].mean((0, 1))).tolist()


def test_both_are_the_near_distances_of_pictures_scaled_down() -> None:
    texture = load_texture("pebbles")
    far = [scaled_down(picture[None], FAR_SCALE) for picture in (texture.held_out[0], texture.train)]
    places = crops.grid(FAR_CROPS, 1, far[0].shape[1:3], CROP)
    one, other = (fidelity.extract(crops.cut(pixels, places, CROP), fidelity.LAYERS) for pixels in far)
    window = Pictures(texture.train[None])
    gram, fid = measured(texture.held_out[0], window)
    expected = [relative_distance(gram_matrix(one[tap]), gram_matrix(other[tap])) for tap in fidelity.GRAMS]
    assert gram == pytest.approx(np.mean(expected), rel=1e-5)
    expected = [fidelity.frechet_distance(one[tap], other[tap]) / width for tap, width in fidelity.TAPS.items()]
    assert fid == pytest.approx(np.mean(expected), rel=1e-5)
    assert measured(texture.train, window) == pytest.approx((0, 0), abs=1e-6)


@pytest.mark.parametrize("texture", ["brick", "pebbles", "roof-tiles"])
def test_broken_layout_is_farther_than_a_slight_blur_and_no_structure_farther_still(texture: str) -> None:
    found = load_texture(texture)
    window = Pictures(found.train[None])  # which keeps its features
    draw = np.random.default_rng(0)

    def mean_of(degrade: Degrade) -> NDArray[np.float64]:
        values = [measured(degrade(real, draw), window) for real in found.held_out[:2]]
        return np.asarray(np.mean(values, axis=0))

    blur, blocks, phase = (mean_of(degrade) for degrade in (blurred(0.7), shuffled(32), random_phase))
    assert (blur < blocks).all(), (texture, blur, blocks)
    assert (blocks < phase).all(), (texture, blocks, phase)
