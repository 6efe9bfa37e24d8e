import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from inng_bench.metrics.grey_histograms import (
    PATTERNS,
    RADII,
    binary_patterns,
    cooccurrence_distance,
    cooccurrences,
    pattern_distance,
    total_variation,
)
from inng_bench.metrics.tiles import tiles
from inng_bench.textures.procedural import PAINTERS, realise

Pixels = NDArray[np.uint8]
DISTANCES = {"cooccurrence": cooccurrence_distance, "pattern": pattern_distance}


def _noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _mean(kind: str, samples: Pixels, reference: Pixels) -> float:
    return float(np.mean(list(DISTANCES[kind](samples, reference).values())))


def test_total_variation_is_the_share_to_be_moved() -> None:
    assert total_variation(np.array([0.5, 0.5, 0]), np.array([0.5, 0.25, 0.25])) == 0.25
    assert total_variation(np.array([1.0, 0]), np.array([0, 1.0])) == 1


def test_cooccurrences_of_stripes_are_the_two_levels_in_turn() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (1, 16, 8))
    found = cooccurrences(stripes)
    beside = np.zeros((32, 32))
    beside[0, 31] = beside[31, 0] = 0.5
    same = np.zeros((32, 32))
    same[0, 0] = same[31, 31] = 0.5
    np.testing.assert_allclose(found[0, 0], beside)
    np.testing.assert_allclose(found[0, 2], same)
    np.testing.assert_allclose(found[1, 0], same)


def test_cooccurrences_are_what_counting_pairs_gives() -> None:
    pictures = _noise(0, 3, 20, 24)
    counts = np.zeros((32, 32))
    for picture in pictures // 8:
        for y in range(20):
            for x in range(22):
                counts[picture[y, x], picture[y, x + 2]] += 1
                counts[picture[y, x + 2], picture[y, x]] += 1
    np.testing.assert_allclose(cooccurrences(pictures)[1, 0], counts / counts.sum(), atol=1e-12)


def test_binary_patterns_tell_an_edge_by_its_direction() -> None:
    step = np.zeros((1, 12, 12), np.uint8)
    step[:, :, 6:] = 200
    across, along = binary_patterns(step, 1), binary_patterns(step.swapaxes(1, 2), 1)
    assert across.shape == (PATTERNS,)
    # Ten columns, of which the one before the edge and the one behind it see it; the others are flat. Behind it, the
    # points of the own side are as bright as the middle, before it all are: only the former differs from flat.
    assert np.sort(across)[-2:] == pytest.approx([0.1, 0.9])
    assert total_variation(across, along) == pytest.approx(0.1)


@pytest.mark.parametrize("radius", RADII)
def test_binary_patterns_do_not_see_brightness_and_contrast(radius: int) -> None:
    pictures = _noise(1, 2, 32, 32) // 4
    np.testing.assert_array_equal(binary_patterns(pictures, radius), binary_patterns(pictures * 3 + 20, radius))


@pytest.mark.parametrize("radius", RADII)
def test_of_white_noise_each_pattern_has_the_share_of_its_rotations(radius: int) -> None:
    """Of nine independent levels any order is as likely: the flat pattern has 1/9, and so has each number of ones."""
    shares = binary_patterns(np.random.default_rng(2).integers(0, 256, (40, 64, 64), dtype=np.uint8), radius)
    assert shares.sum() == pytest.approx(1)
    if radius == 1:  # only there do some points stand on pixels, the others between nearer ones
        assert shares.argmax() == PATTERNS - 1
    assert np.count_nonzero(shares) == PATTERNS


@pytest.mark.parametrize("kind", DISTANCES)
def test_a_distance_is_symmetric_zero_for_the_same_pictures_and_blind_to_their_order(kind: str) -> None:
    first, second = _noise(3, 8, 64, 64, 3), gaussian_filter(_noise(4, 8, 64, 64, 3), (0, 1, 1, 0))
    assert _mean(kind, first, first) == 0
    assert 0.1 < _mean(kind, first, second) <= 1
    assert _mean(kind, first, second) == _mean(kind, second, first)
    assert _mean(kind, first[::-1], second) == pytest.approx(_mean(kind, first, second), rel=1e-12)


@pytest.mark.parametrize("name", PAINTERS)
@pytest.mark.parametrize("kind", DISTANCES)
def test_another_realisation_is_nearer_than_its_blurred_self(kind: str, name: str) -> None:
    first, second = (realise(name, (256, 256), np.random.default_rng(seed)) for seed in (1, 2))
    blurred = gaussian_filter(second, (1.5, 1.5, 0))
    real = _mean(kind, tiles(second[None]), tiles(first[None]))
    if (kind, name) == ("cooccurrence", "field"):
        # A field without anything finer than 5 px: its levels side by side hardly change.
        assert real < 0.1
    else:
        assert 1.2 * real < _mean(kind, tiles(blurred[None]), tiles(first[None]))
