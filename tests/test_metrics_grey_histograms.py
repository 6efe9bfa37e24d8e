import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.grey_histograms import PATTERNS, binary_patterns, cooccurrences, glcm, lbp, total_variation
from inng_bench.records.schema import Against
from inng_bench.textures.procedural import PAINTERS, realise

Pixels = NDArray[np.uint8]
METRICS = {"glcm": glcm, "lbp": lbp}


def _noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def _grey(values: Pixels) -> Pixels:
    return np.repeat(values[..., None], 3, axis=-1)


def _value(metric: str, samples: Pixels, reference: Pixels) -> float:
    value = METRICS[metric](Comparison(Pictures(samples), Pictures(reference), Against.TRAIN, seed=0)).value
    assert value is not None
    return value


def test_total_variation_is_the_share_to_be_moved() -> None:
    first = {"near": np.array([[0.5, 0.5, 0]]), "far": np.array([[1.0, 0], [0.5, 0.5]])}
    second = {"near": np.array([[0.5, 0.25, 0.25]]), "far": np.array([[0, 1.0], [0.5, 0.5]])}
    assert total_variation(first, second) == {"near": 0.25, "far": 0.5}


def test_cooccurrences_of_stripes_are_the_two_levels_in_turn() -> None:
    found = cooccurrences(_grey(np.tile(np.array([0, 255], np.uint8), (1, 16, 8))))
    across, _, along, _ = (matrix.reshape(32, 32) for matrix in found["1 px"])
    assert across[0, 31] == across[31, 0] == 0.5
    assert along[0, 0] == along[31, 31] == 0.5
    np.testing.assert_array_equal(found["2 px"][0], along.ravel())


def test_cooccurrences_are_what_counting_pairs_gives() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 20, 24), dtype=np.uint8)
    counts = np.zeros((32, 32))
    for picture in pictures // 8:
        for y in range(20):
            for x in range(22):
                counts[picture[y, x], picture[y, x + 2]] += 1
                counts[picture[y, x + 2], picture[y, x]] += 1
    found = cooccurrences(_grey(pictures))["2 px"][0]
    np.testing.assert_allclose(found.reshape(32, 32), counts / counts.sum(), atol=1e-12)


def test_binary_patterns_tell_an_edge_by_its_direction() -> None:
    step = np.zeros((1, 12, 12), np.uint8)
    step[:, :, 6:] = 200
    across, along = (binary_patterns(_grey(edge)) for edge in (step, step.swapaxes(1, 2)))
    # Of the ten columns inside, the first bright one alone sees darker points; a dark one has none below itself.
    assert np.sort(across["1 px"][0])[-2:] == pytest.approx([0.1, 0.9])
    assert across["1 px"].shape == (1, PATTERNS)
    assert total_variation(across, along)["1 px"] == pytest.approx(0.1)


def test_binary_patterns_are_those_of_comparing_neighbours_one_by_one() -> None:
    """At radius 1 the four points on the axes stand on pixels: their order is known without interpolation."""
    picture = np.random.default_rng(1).permutation(np.arange(256, dtype=np.uint8)).reshape(1, 16, 16)
    middle = picture[0, 1:-1, 1:-1]
    neighbours = [picture[0, 1:-1, 2:], picture[0, :-2, 1:-1], picture[0, 1:-1, :-2], picture[0, 2:, 1:-1]]
    all_brighter = np.mean(np.all([each >= middle for each in neighbours], axis=0))
    flat = binary_patterns(_grey(np.full((1, 16, 16), 9, np.uint8)))["1 px"][0].argmax()
    # All eight points brighter is the pattern of a flat picture; it takes at least the four on the axes.
    assert 0 < binary_patterns(_grey(picture))["1 px"][0, flat] <= all_brighter


def test_binary_patterns_do_not_see_brightness_and_contrast() -> None:
    pictures = _grey(np.random.default_rng(2).integers(0, 64, (2, 32, 32), dtype=np.uint8))
    first, second = binary_patterns(pictures), binary_patterns(pictures * 3 + 20)
    assert total_variation(first, second) == dict.fromkeys(first, 0.0)


@pytest.mark.parametrize("metric", METRICS)
def test_a_distance_is_symmetric_zero_for_the_same_pictures_and_blind_to_their_order(metric: str) -> None:
    first, second = _noise(3, 8, 64, 64), gaussian_filter(_noise(4, 8, 64, 64), (0, 1, 1, 0))
    assert _value(metric, first, first) == 0
    assert 0.1 < _value(metric, first, second) <= 1
    assert _value(metric, first, second) == pytest.approx(_value(metric, second, first), rel=1e-12)
    assert _value(metric, first[::-1], second) == pytest.approx(_value(metric, first, second), rel=1e-12)


@pytest.mark.parametrize("name", PAINTERS)
@pytest.mark.parametrize("metric", METRICS)
def test_another_realisation_is_nearer_than_its_noisy_self(metric: str, name: str) -> None:
    first, second = (realise(name, (192, 192), np.random.default_rng(seed)) for seed in (1, 2))
    noise = np.random.default_rng(3).normal(0, 20, second.shape)
    noisy = np.clip(np.rint(second + noise), 0, 255).astype(np.uint8)
    assert 1.2 * _value(metric, second[None], first[None]) < _value(metric, noisy[None], first[None])
