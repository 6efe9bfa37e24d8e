import numpy as np
import pytest

from inng_bench.metrics import chain
from inng_bench.metrics.chain import Glance, compare_with_chain
from inng_bench.metrics.crops import Pixels
from inng_bench.records.schema import Against
from inng_bench.textures import load_texture


@pytest.fixture(scope="module")
def window() -> Pixels:
    return load_texture("grass").train


@pytest.fixture(autouse=True)
def few_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "CROPS", 96)


def noise(*shape: int) -> Pixels:
    return np.random.default_rng(0).integers(256, size=(*shape, 3), dtype=np.uint8)


def test_a_chain_is_compared_with_as_large_an_area_of_fresh_samples(window: Pixels) -> None:
    fresh = np.stack([window[:96, :128], window[96:192, :128]])
    tiles = np.stack([fresh[0, :64, :64], fresh[1, :64, :64], fresh[0, :64, 64:]])
    for figure in compare_with_chain(fresh, tiles, window, Against.HELD_OUT):
        assert figure.fresh == pytest.approx(figure.chain, rel=1e-5)  # the first tiles of each picture come first
        assert (figure.images, figure.side, figure.against) == (3, 64, Against.HELD_OUT)


def test_the_worse_side_has_the_larger_distances(window: Pixels) -> None:
    real, figures = window[np.newaxis, :64, :64], {}
    for name, fresh, trained in (("good", real, noise(1, 64, 64)), ("bad", noise(1, 64, 64), real)):
        figures[name] = compare_with_chain(fresh, trained, window, Against.TRAIN)
        assert [one.metric for one in figures[name]] == ["gram", "patch_fid"]
    for good, bad in zip(figures["good"], figures["bad"], strict=True):
        assert good.fresh == pytest.approx(bad.chain, rel=1e-5)
        assert good.fresh < 0.7 * good.chain


def test_pictures_smaller_than_a_crop_have_no_figures(window: Pixels) -> None:
    assert compare_with_chain(noise(1, 40, 40), noise(1, 64, 64), window, Against.TRAIN) == ()
    assert Glance(window)(noise(1, 40, 64)) == {}


def test_a_glance_tells_texture_from_noise(window: Pixels) -> None:
    glance = Glance(window)
    (texture,) = glance(window[np.newaxis, :96, :96]).values()
    (rough,) = glance(noise(1, 96, 96)).values()
    assert 0 < texture < 0.7 * rough
