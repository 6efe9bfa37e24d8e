from functools import partial

import numpy as np
import pytest
import skimage.data
import torch
from few_crops import take_few_crops
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from inng_bench.metrics import evaluate as module
from inng_bench.metrics import fidelity
from inng_bench.metrics.catalogue import BY_NAME, CROPS, DEFAULT, Compared
from inng_bench.metrics.crops import cut, grid
from inng_bench.records.schema import Against, Measurement

Pixels = NDArray[np.uint8]
Values = dict[tuple[str, Against], Measurement]
COMPARED = ("gram", "gram_128", "patch_fid", "patch_kid")

# What holds for every metric is tested on these; the others have files of their own.
evaluate, evaluate_real = (
    partial(function, metrics=(*COMPARED, "copy_rate")) for function in (module.evaluate, module.evaluate_real)
)


def _noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def _numpy_state() -> NDArray[np.uint32]:
    return np.array(np.random.get_state(legacy=False)["state"]["key"])  # noqa: NPY002


def _by_name(measurements: tuple[Measurement, ...]) -> Values:
    values = {(one.metric, one.against): one for one in measurements}
    assert len(values) == len(measurements)
    return values


def _value(measurements: tuple[Measurement, ...], metric: str, against: Against = Against.HELD_OUT) -> float:
    value = _by_name(measurements)[metric, against].value
    assert value is not None
    return value


@pytest.fixture(scope="module")
def grass() -> tuple[Pixels, Pixels]:
    half_size = skimage.data.grass().reshape(256, 2, 256, 2).mean((1, 3))  # type: ignore[no-untyped-call]
    pixels = np.repeat(np.rint(half_size).astype(np.uint8)[..., None], 3, axis=2)
    return pixels[:, :128].copy(), pixels[:, 128:].copy()


@pytest.fixture
def few_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crops enough for what these tests ask, in a sixteenth of the time."""
    take_few_crops(monkeypatch)


def test_a_row_has_every_metric_against_both_windows_with_its_counts(grass: tuple[Pixels, Pixels]) -> None:
    train, held_out = grass
    canvases = np.stack([np.roll(np.tile(held_out, (1, 2, 1)), 31 * shift, 0) for shift in range(4)])
    row = evaluate(canvases, train, held_out, seed=0)
    measured = _by_name(row)
    expected = {(metric, against) for metric in COMPARED for against in (Against.HELD_OUT, Against.TRAIN)}
    assert set(measured) == {*expected, ("copy_rate", Against.TRAIN)}
    for (metric, _), one in measured.items():
        assert one.version == BY_NAME[metric].version
        assert one.value is not None
        assert one.images == 4
        assert one.seconds > 0
    gram, fid = measured["gram", Against.HELD_OUT], measured["patch_fid", Against.HELD_OUT]
    assert (gram.n, gram.disjoint_crops, len(gram.per_image)) == (CROPS, 100, 4)
    assert set(gram.parts) == set(fid.parts) == {"tap_16", "tap_24", "tap_40", "tap_80", "tap_112"}
    assert fid.value == pytest.approx(np.mean(list(fid.parts.values())))
    wide = measured["gram_128", Against.HELD_OUT]
    assert (wide.n, wide.disjoint_crops) == (32, 16)
    assert _value(row, "patch_fid") < 0.5 * _value(row, "patch_fid", Against.TRAIN)


@pytest.mark.usefixtures("few_crops")
def test_without_names_every_default_metric_is_measured_against_the_windows_that_it_says() -> None:
    measured = _by_name(module.evaluate(_noise(0, 2, 128, 128), _noise(1, 128, 128), _noise(2, 128, 128), seed=0))
    windows = {
        Compared.BOTH: {Against.HELD_OUT, Against.TRAIN},
        Compared.UNSEEN: {Against.HELD_OUT},
        Compared.SOURCE: {Against.TRAIN},
    }
    expected = {(name, against) for name in DEFAULT for against in windows[BY_NAME[name].compared]}
    assert set(measured) == expected


@pytest.mark.usefixtures("few_crops")
def test_without_a_held_out_window_everything_is_against_the_train_window() -> None:
    measured = evaluate(_noise(0, 2, 128, 128), _noise(1, 128, 128), None, seed=0)
    assert [one.metric for one in measured] == [*COMPARED, "copy_rate"]
    assert {one.against for one in measured} == {Against.TRAIN}


@pytest.mark.usefixtures("few_crops")
def test_a_worse_picture_has_a_worse_score(grass: tuple[Pixels, Pixels]) -> None:
    train, held_out = grass
    rng = np.random.default_rng(0)
    level, spread = train.mean((0, 1)), train.std()
    ladder = {
        "itself": held_out[None],
        "blur 0.7": gaussian_filter(held_out, (0.7, 0.7, 0))[None],
        "blur 1.5": gaussian_filter(held_out, (1.5, 1.5, 0))[None],
        "noise": np.clip(rng.normal(level, spread, (4, 256, 256, 3)), 0, 255).astype(np.uint8),
    }
    rungs = [evaluate(samples, train, held_out, seed=0) for samples in ladder.values()]
    for metric in ("gram", "gram_128", "patch_fid", "patch_kid"):
        scores = [_value(rung, metric) for rung in rungs]
        assert scores == sorted(scores), metric
        assert scores[0] == pytest.approx(0, abs=1e-2)
    real = evaluate_real(train, held_out, seed=0)
    for metric in ("gram", "gram_128", "patch_fid"):
        assert 0.01 < _value(real, metric) < _value(rungs[1], metric)
    assert 0 <= _value(real, "copy_rate", Against.TRAIN) <= 0.02


@pytest.mark.usefixtures("few_crops")
def test_patch_fid_is_the_mean_over_taps_of_the_distance_per_dimension(grass: tuple[Pixels, Pixels]) -> None:
    train, held_out = grass
    features = [
        fidelity.extract(cut(window[None], grid(128, 1, (256, 128), 48), 48), tuple(fidelity.TAPS)) for window in grass
    ]
    distances = [
        fidelity.frechet_distance(features[0][layer], features[1][layer]) / int(layer.removeprefix("tap_"))
        for layer in fidelity.TAPS
    ]
    assert _value(evaluate_real(train, held_out, seed=0), "patch_fid") == pytest.approx(np.mean(distances), rel=1e-5)


@pytest.mark.usefixtures("few_crops")
def test_the_order_of_the_pictures_changes_nothing(grass: tuple[Pixels, Pixels]) -> None:
    train, held_out = grass
    samples = np.stack([train, held_out, train[::-1], gaussian_filter(train, (1, 1, 0))])
    straight, turned = (evaluate(order, train, held_out, seed=0) for order in (samples, samples[::-1]))
    for one, other in zip(straight, turned, strict=True):
        assert one.value == pytest.approx(other.value, rel=1e-5, abs=1e-9), one.metric
        assert one.per_image == pytest.approx(other.per_image[::-1], rel=1e-5, abs=1e-9), one.metric
        shown = one.against is Against.HELD_OUT or one.metric == "copy_rate"
        assert len(one.per_image) == (4 if shown else 0)


@pytest.mark.usefixtures("few_crops")
def test_a_canvas_and_a_group_of_tiles_alone_are_shown_alike(grass: tuple[Pixels, Pixels]) -> None:
    train, held_out = grass
    samples = np.stack([held_out, train, gaussian_filter(train, (1, 1, 0)), _noise(0, 256, 128)])
    tiles = samples.reshape(4, 4, 64, 2, 64, 3).swapaxes(2, 3).reshape(32, 64, 64, 3)
    for pictures in (samples, tiles):
        for one in evaluate(pictures, train, held_out, seed=0):
            if one.metric == "copy_rate":
                assert one.per_image[1] > 0.9 > 0.02 >= max(one.per_image[0], *one.per_image[2:])
            elif one.value is not None and one.against is Against.HELD_OUT:
                assert np.argmax(one.per_image) == 3, one.metric
                assert one.metric == "patch_kid" or np.argmin(one.per_image) == 0, one.metric


@pytest.mark.usefixtures("few_crops")
def test_a_group_alone_gets_what_its_own_crops_get(grass: tuple[Pixels, Pixels]) -> None:
    train, held_out = grass
    samples = np.stack([train, held_out])
    (alone,) = (one for one in evaluate(samples, train, None, seed=0) if one.metric == "patch_fid")
    reference = fidelity.extract(cut(train[None], grid(128, 1, (256, 128), 48), 48), tuple(fidelity.TAPS))
    features = fidelity.extract(cut(held_out[None], grid(64, 1, (256, 128), 48), 48), tuple(fidelity.TAPS))
    distances = [
        fidelity.frechet_distance(features[layer], reference[layer]) / int(layer.removeprefix("tap_"))
        for layer in fidelity.TAPS
    ]
    assert alone.per_image[1] == pytest.approx(np.mean(distances), rel=1e-5)


@pytest.mark.usefixtures("few_crops")
def test_the_real_row_is_what_a_verbatim_copy_of_the_train_window_gets(grass: tuple[Pixels, Pixels]) -> None:
    train, held_out = grass
    copy, real = evaluate(train[None], train, held_out, seed=0), evaluate_real(train, held_out, seed=0)
    for metric in COMPARED:
        assert _value(real, metric) == pytest.approx(_value(copy, metric), rel=1e-5)
        assert _value(copy, metric, Against.TRAIN) == pytest.approx(0, abs=1e-2)
    assert _value(copy, "copy_rate", Against.TRAIN) >= 0.95


@pytest.mark.usefixtures("few_crops")
def test_the_real_row_of_a_small_picture_is_the_mean_over_its_halves() -> None:
    picture = _noise(0, 150, 200)
    picture[:, 100:] //= 2
    real = _by_name(evaluate_real(picture, None, seed=0))
    assert set(real) == {(metric, Against.HALVES) for metric in (*COMPARED, "copy_rate")}
    halves = [(picture[:, :100], picture[:, 100:]), (picture[:75], picture[75:])]
    each = [_value(evaluate(first[None], second, None, seed=0), "gram", Against.TRAIN) for first, second in halves]
    gram = real["gram", Against.HALVES]
    assert each[0] > 2 * each[1]
    assert gram.value == pytest.approx(np.mean(each), rel=1e-5)
    assert gram.value == pytest.approx(np.mean(list(gram.parts.values())))
    assert real["gram_128", Against.HALVES].value is None
    assert real["copy_rate", Against.HALVES].value == 0


@pytest.mark.usefixtures("few_crops")
def test_a_metric_that_needs_larger_pictures_has_no_value_and_says_why() -> None:
    tiles = evaluate(_noise(0, 20, 64, 64), _noise(1, 128, 128), None, seed=0)
    without = {one.metric: one.note for one in tiles if one.value is None}
    assert without == {"gram_128": "needs pictures of 128 px a side, these have 64"}
    assert [len(one.per_image) for one in tiles] == [4, 0, 4, 4, 4]
    tiny = evaluate(_noise(0, 2, 40, 200), _noise(1, 128, 128), None, seed=0)
    assert all(one.value is None and one.n == 0 and "40" in one.note for one in tiny)


@pytest.mark.usefixtures("few_crops")
def test_global_random_state_and_threads_stay_as_they_were() -> None:
    before = torch.random.get_rng_state(), _numpy_state(), torch.get_num_threads()
    evaluate(_noise(0, 1, 64, 64), _noise(1, 64, 64), None, seed=0)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    np.testing.assert_array_equal(_numpy_state(), before[1])
    assert torch.get_num_threads() == before[2]


@pytest.mark.parametrize("samples", [np.zeros((64, 64, 3), np.uint8), np.zeros((1, 64, 64, 3), np.float32)])
def test_pictures_of_another_form_are_refused(samples: Pixels) -> None:
    with pytest.raises(ValueError, match="uint8"):
        evaluate(samples, _noise(1, 64, 64), None, seed=0)
