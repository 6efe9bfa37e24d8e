from functools import partial

import numpy as np
import pytest
import torch
from few_crops import FEW, take_few_crops
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from inng_bench.metrics import evaluate as module
from inng_bench.metrics import fidelity
from inng_bench.metrics.catalogue import BY_NAME, DEFAULT, Compared
from inng_bench.metrics.crops import cut, grid
from inng_bench.metrics.floor import interval_over_windows
from inng_bench.records.schema import Against, Measurement
from inng_bench.textures import load_texture

Pixels = NDArray[np.uint8]
Windows = tuple[Pixels, ...]
PAIRED = ("gram", "patch_fid", "patch_kid")

# What holds for every metric is tested on these; the others have files of their own.
evaluate, evaluate_real = (
    partial(function, metrics=(*PAIRED, "diversity")) for function in (module.evaluate, module.evaluate_real)
)


def _noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def _numpy_state() -> NDArray[np.uint32]:
    return np.array(np.random.get_state(legacy=False)["state"]["key"])  # noqa: NPY002


def _by_name(measurements: tuple[Measurement, ...]) -> dict[str, Measurement]:
    values = {one.metric: one for one in measurements}
    assert len(values) == len(measurements)
    return values


def _value(measurements: tuple[Measurement, ...], metric: str) -> float:
    value = _by_name(measurements)[metric].value
    assert value is not None
    return value


@pytest.fixture(scope="module")
def grass() -> Windows:
    """Four windows, the train window first."""
    texture = load_texture("grass")
    return texture.train, *texture.held_out


@pytest.fixture
def few_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crops enough for what these tests ask, in a quarter of the time."""
    take_few_crops(monkeypatch)


@pytest.mark.usefixtures("few_crops")
def test_a_row_has_every_metric_once_with_its_counts(grass: Windows) -> None:
    train, *held_out = grass
    measured = _by_name(evaluate(np.stack([held_out[0], held_out[1]]), train, held_out, seed=0))
    assert set(measured) == {*PAIRED, "diversity"}
    for metric, one in measured.items():
        assert one.version == BY_NAME[metric].version
        assert one.images == 2
        assert (one.low, one.high) == (None, None)
    gram, fid = measured["gram"], measured["patch_fid"]
    assert (gram.n, gram.disjoint_crops, gram.pairs, len(gram.per_image)) == (FEW, 50, 6, 2)
    assert set(gram.parts) == set(fid.parts) == {"tap_16", "tap_24", "tap_40", "tap_80", "tap_112"}
    assert fid.value == pytest.approx(np.mean(list(fid.parts.values())))
    assert {one.against for one in measured.values() if one.metric in PAIRED} == {Against.HELD_OUT}
    assert (measured["diversity"].against, measured["diversity"].pairs) == (Against.TRAIN, 1)


@pytest.mark.usefixtures("few_crops")
def test_without_names_every_default_metric_is_measured_against_the_windows_that_it_says() -> None:
    windows = [_noise(seed, 128, 128) for seed in range(3)]
    measured = _by_name(module.evaluate(_noise(9, 2, 128, 128), windows[0], windows[1:], seed=0))
    expected = {Compared.HELD_OUT: Against.HELD_OUT, Compared.TRAIN: Against.TRAIN}
    assert {name: one.against for name, one in measured.items()} == {
        name: expected[BY_NAME[name].compared] for name in DEFAULT
    }


@pytest.mark.usefixtures("few_crops")
def test_a_value_is_the_mean_over_all_pairs_of_a_piece_and_a_window(grass: Windows) -> None:
    train, *held_out = grass
    samples = np.stack([train, gaussian_filter(train, (1, 1, 0))])
    row = _by_name(evaluate(samples, train, held_out, seed=0))
    for metric in PAIRED:
        single = [
            [_value(evaluate(piece[None], train, [window], seed=0), metric) for window in held_out] for piece in samples
        ]
        assert row[metric].value == pytest.approx(np.mean(single), rel=1e-6)
        assert row[metric].per_image == pytest.approx(np.mean(single, axis=1), rel=1e-6)


@pytest.mark.usefixtures("few_crops")
def test_the_floor_is_the_mean_over_all_pairs_of_real_windows_with_the_jackknifes_interval(grass: Windows) -> None:
    floor = _by_name(evaluate_real(grass[0], grass[1:], seed=0))
    by_pair = {
        (first, second): _value(evaluate(grass[first][None], grass[0], [grass[second]], seed=0), "gram")
        for first in range(4)
        for second in range(4)
        if first != second
    }
    assert floor["gram"].pairs == 12
    assert floor["gram"].value == pytest.approx(np.mean(list(by_pair.values())), rel=1e-6)
    assert (floor["gram"].low, floor["gram"].high) == pytest.approx(interval_over_windows(by_pair), rel=1e-5)


@pytest.mark.usefixtures("few_crops")
def test_a_verbatim_copy_of_the_train_window_gets_what_real_windows_get(grass: Windows) -> None:
    """Within a third: its pairs are three of the floor's twelve."""
    train, *held_out = grass
    copy, real = evaluate(train[None], train, held_out, seed=0), evaluate_real(train, held_out, seed=0)
    for metric in ("gram", "patch_fid"):
        assert _value(copy, metric) == pytest.approx(_value(real, metric), rel=1 / 3)


@pytest.mark.usefixtures("few_crops")
def test_a_worse_picture_has_a_worse_score(grass: Windows) -> None:
    train, *held_out = grass
    rng = np.random.default_rng(0)
    ladder = {
        "itself": train,
        "blur 0.7": gaussian_filter(train, (0.7, 0.7, 0)),
        "blur 1.5": gaussian_filter(train, (1.5, 1.5, 0)),
        "noise": np.clip(rng.normal(train.mean((0, 1)), train.std(), (256, 256, 3)), 0, 255).astype(np.uint8),
    }
    rungs = [evaluate(samples[None], train, held_out, seed=0) for samples in ladder.values()]
    for metric in PAIRED:
        scores = [_value(rung, metric) for rung in rungs]
        assert scores == sorted(scores), metric


def test_tiles_cut_from_a_canvas_get_nearly_what_the_canvas_gets(grass: Windows) -> None:
    """The crops of a tile avoid its borders, so that the figures agree but for the choice of crops."""
    train, *held_out = grass
    tiles = train.reshape(4, 64, 4, 64, 3).swapaxes(1, 2).reshape(16, 64, 64, 3)
    canvas, cut_up = (evaluate(samples, train, held_out, seed=0) for samples in (train[None], tiles))
    for metric in ("gram", "patch_fid"):
        assert _value(cut_up, metric) == pytest.approx(_value(canvas, metric), rel=0.1), metric
    assert _by_name(cut_up)["gram"].pairs == 3


@pytest.mark.usefixtures("few_crops")
def test_patch_fid_is_the_mean_over_taps_of_the_distance_per_dimension(grass: Windows) -> None:
    features = [
        fidelity.extract(cut(window[None], grid(128, 1, (256, 256), 48), 48), tuple(fidelity.TAPS))
        for window in grass[:2]
    ]
    distances = [
        fidelity.frechet_distance(features[0][layer], features[1][layer]) / int(layer.removeprefix("tap_"))
        for layer in fidelity.TAPS
    ]
    row = evaluate(grass[0][None], grass[0], [grass[1]], seed=0)
    assert _value(row, "patch_fid") == pytest.approx(np.mean(distances), rel=1e-5)


@pytest.mark.usefixtures("few_crops")
def test_the_order_of_the_pictures_changes_nothing(grass: Windows) -> None:
    train, *held_out = grass
    samples = np.stack([train, held_out[0], gaussian_filter(train, (1, 1, 0))])
    straight, turned = (evaluate(order, train, held_out, seed=0) for order in (samples, samples[::-1]))
    for one, other in zip(straight, turned, strict=True):
        assert one.value == pytest.approx(other.value, rel=1e-5, abs=1e-9), one.metric
        assert one.per_image == pytest.approx(other.per_image[::-1], rel=1e-5, abs=1e-9), one.metric


@pytest.mark.usefixtures("few_crops")
def test_without_held_out_windows_the_halves_of_the_train_window_stand_for_them() -> None:
    picture = _noise(0, 150, 200)
    picture[:, 100:] //= 2
    halves = (picture[:, :100], picture[:, 100:])
    real, row = _by_name(evaluate_real(picture, (), seed=0)), _by_name(evaluate(picture[None], picture, (), seed=0))
    assert {one.against for name, one in (real | row).items() if name in PAIRED} == {Against.HALVES}
    each = [_value(evaluate(a[None], a, [b], seed=0), "gram") for a, b in (halves, halves[::-1])]
    assert real["gram"].value == pytest.approx(np.mean(each), rel=1e-5)
    assert (real["gram"].low, real["gram"].high) == (None, None)
    pieces = [_value(evaluate(half[None], half, halves, seed=0), "gram") for half in halves]
    assert row["gram"].value == pytest.approx(np.mean(pieces), rel=1e-5)


@pytest.mark.usefixtures("few_crops")
def test_a_metric_that_needs_larger_pictures_has_no_value_and_says_why() -> None:
    windows = [_noise(seed, 128, 128) for seed in range(2)]
    tiny = evaluate(_noise(0, 2, 40, 200), windows[0], windows[1:], seed=0, metrics=PAIRED)
    assert all(one.value is None and one.n == 0 and "40" in one.note for one in tiny)


@pytest.mark.usefixtures("few_crops")
def test_global_random_state_and_threads_stay_as_they_were() -> None:
    before = torch.random.get_rng_state(), _numpy_state(), torch.get_num_threads()
    evaluate(_noise(0, 1, 64, 64), _noise(1, 64, 64), [_noise(2, 64, 64)], seed=0)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    np.testing.assert_array_equal(_numpy_state(), before[1])
    assert torch.get_num_threads() == before[2]


@pytest.mark.parametrize("samples", [np.zeros((64, 64, 3), np.uint8), np.zeros((1, 64, 64, 3), np.float32)])
def test_pictures_of_another_form_are_refused(samples: Pixels) -> None:
    with pytest.raises(ValueError, match="uint8"):
        evaluate(samples, _noise(1, 64, 64), (), seed=0)
