import sys

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from inng_bench.errors import InputError
from inng_bench.metrics.comparison import Comparison, Pictures
from inng_bench.metrics.portilla_simoncelli import mean_deviation, portilla_simoncelli, statistics

Pixels = NDArray[np.uint8]


def _grass() -> Pixels:
    half_size = skimage.data.grass().reshape(256, 2, 256, 2).mean((1, 3))  # type: ignore[no-untyped-call]
    return np.repeat(np.rint(half_size).astype(np.uint8)[..., None], 3, axis=2)


def _value(samples: Pixels, reference: Pixels) -> float:
    comparison = Comparison(Pictures(samples[None]), Pictures(reference[None]), seed=0)
    value = portilla_simoncelli(comparison).value
    assert value is not None
    return value


def test_a_deviation_is_measured_in_standard_deviations_of_the_reference() -> None:
    reference = np.array([[0.0, 10, 5], [2, 30, 5]])
    samples = np.array([[4.0, 20, 7]])
    assert mean_deviation(samples, reference) == pytest.approx((3 + 0) / 2)
    assert mean_deviation(reference[::-1], reference) == 0


def test_without_plenoptic_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plenoptic", None)
    with pytest.raises(InputError, match=r"plenoptic.*pip install plenoptic"):
        statistics(np.zeros((1, 128, 128, 3), np.uint8))


def test_the_statistics_hold_mean_variance_skewness_and_kurtosis_of_the_pixels() -> None:
    crop = _grass()[:128, :128]
    found = statistics(crop[None])
    assert found.shape == (1, 710)
    levels = crop[..., 0].ravel() / 255
    centred = (levels - levels.mean()) / levels.std()
    expected = [levels.mean(), levels.var(), (centred**3).mean(), (centred**4).mean()]
    assert found[0, :4] == pytest.approx(expected, rel=1e-3)


def test_held_out_texture_is_nearer_than_what_is_blurred_or_noisy() -> None:
    train, held_out = _grass()[:, :128], _grass()[:, 128:]
    noisy = np.clip(train + np.random.default_rng(0).normal(0, 20, train.shape), 0, 255).astype(np.uint8)
    assert _value(train, train) == 0
    real = _value(train, held_out)
    assert 0 < real < _value(gaussian_filter(train, (1, 1, 0)), held_out)
    assert real < _value(noisy, held_out)
