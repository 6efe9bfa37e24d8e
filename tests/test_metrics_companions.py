import sys

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from inng_bench.errors import InputError
from inng_bench.metrics.catalogue import BY_NAME, DEFAULT
from inng_bench.metrics.evaluate import evaluate, evaluate_real
from inng_bench.metrics.needs import check_needs
from inng_bench.records.schema import Measurement

Pixels = NDArray[np.uint8]
ON_TILES = ("speckle", "spectrum")
ALL = (*ON_TILES, "diversity")


def _noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def _by_name(row: tuple[Measurement, ...]) -> dict[str, Measurement]:
    return {one.metric: one for one in row}


def _value(one: Measurement) -> float:
    assert one.value is not None
    return one.value


@pytest.fixture(scope="module")
def grass() -> tuple[Pixels, Pixels]:
    half_size = skimage.data.grass().reshape(256, 2, 256, 2).mean((1, 3))  # type: ignore[no-untyped-call]
    pixels = np.repeat(np.rint(half_size).astype(np.uint8)[..., None], 3, axis=2)
    return pixels[:, :128].copy(), pixels[:, 128:].copy()


def test_all_are_in_every_row() -> None:
    assert set(ALL) <= set(DEFAULT)


def test_canvases_and_the_tiles_that_they_are_cut_into_get_the_same_figures(grass: tuple[Pixels, Pixels]) -> None:
    train, held_out = (np.tile(half, (1, 2, 1)) for half in grass)
    canvases = _noise(0, 4, 256, 256) // 2 + held_out // 2
    tiles = canvases.reshape(4, 4, 64, 4, 64, 3).swapaxes(2, 3).reshape(64, 64, 64, 3)
    rows = [evaluate(samples, train, [held_out], seed=0, metrics=ON_TILES) for samples in (canvases, tiles)]
    for one, other in zip(*rows, strict=True):
        assert one.metric == other.metric
        assert one.value == pytest.approx(other.value, rel=1e-6)
        assert one.per_image == pytest.approx(other.per_image, rel=1e-6)
        assert len(one.per_image) == one.pairs == 4
        assert one.n == 16


def test_a_copy_of_the_window_that_it_is_compared_with_has_no_distance(grass: tuple[Pixels, Pixels]) -> None:
    train, held_out = grass
    copy = _by_name(evaluate(held_out[None], train, [held_out], seed=0, metrics=ON_TILES))
    assert (_value(copy["spectrum"]), _value(copy["speckle"])) == (0, 1)


def test_a_faint_checkerboard_on_real_texture_is_speckle_and_hardly_anything_else(grass: tuple[Pixels, Pixels]) -> None:
    train, held_out = grass
    board = np.indices(train.shape[:2]).sum(0)[..., None] % 2
    stippled = np.clip(train + 3.0 - 6.0 * board, 0, 255).astype(np.uint8)
    real, marked = (
        _by_name(evaluate(picture[None], train, [held_out], seed=0, metrics=ON_TILES)) for picture in (train, stippled)
    )
    assert _value(real["speckle"]) < 1.5
    assert _value(marked["speckle"]) > 4
    assert marked["speckle"].parts["2 px"] == marked["speckle"].value
    assert _value(marked["spectrum"]) < 2 * _value(real["spectrum"])


def test_the_order_of_the_pictures_changes_nothing(grass: tuple[Pixels, Pixels]) -> None:
    train, held_out = grass
    samples = np.stack([train, held_out, train[::-1], held_out[:, ::-1]])
    straight, turned = (
        evaluate(order, train, [held_out], seed=0, metrics=ALL) for order in (samples, samples[::-1].copy())
    )
    for one, other in zip(straight, turned, strict=True):
        assert one.value == pytest.approx(other.value, rel=1e-5, abs=1e-9), one.metric
        assert one.per_image == pytest.approx(other.per_image[::-1], rel=1e-5, abs=1e-9), one.metric


def test_halves_of_a_picture_of_odd_sides_and_flat_pictures_have_all_figures() -> None:
    for picture in (_noise(1, 151, 133), np.full((151, 133, 3), 90, np.uint8)):
        assert all(one.value is not None for one in evaluate_real(picture, (), seed=0, metrics=ALL))


def test_pictures_under_a_tile_have_no_figure_and_say_so() -> None:
    row = evaluate(_noise(2, 8, 48, 48), _noise(3, 96, 96), [_noise(4, 96, 96)], seed=0, metrics=ALL)
    without = {one.metric for one in row if one.value is None}
    assert without == set(ON_TILES)
    assert all(f"needs pictures of {BY_NAME[one.metric].minimum_size} px" in one.note for one in row if one.n == 0)


def test_what_a_metric_on_request_needs_is_missed_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plenoptic", None)
    check_needs(("gram",))
    with pytest.raises(InputError, match="plenoptic"):
        check_needs(("portilla_simoncelli",))
