"""`gatys` and `swd` on VGG-19 with weights of our own, since the published ones are not shipped."""

import numpy as np
import pytest
import scipy.stats
import torch

from inng_bench.baselines.vgg import SWD, Gatys, VGGDescent, features
from inng_bench.contract import Execution
from inng_bench.errors import InputError
from inng_bench.harness.methods import optimised_metrics, pretrained_methods
from inng_bench.metrics.local_weights import VGG19
from inng_bench.seeds import torch_generator
from inng_bench.testing import make_window

SHORT = {"levels": 1, "rounds": 1, "evaluations": 6}
METHODS: list[type[VGGDescent]] = [Gatys, SWD]


def test_without_weights_the_methods_are_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VGG19.variable, raising=False)
    for method in METHODS:
        with pytest.raises(InputError, match="the VGG-19 weights are not found; set INNG_BENCH_VGG19 to the path"):
            method({}, Execution())


@pytest.mark.usefixtures("vgg_file")
@pytest.mark.parametrize("method_class", METHODS)
def test_the_distance_of_a_picture_to_itself_and_to_its_places_in_another_order_is_nothing(
    method_class: type[VGGDescent],
) -> None:
    method = method_class(SHORT, Execution())
    wanted = features(make_window(size=(48, 40))[None], method.layers)
    distance = method.distance(wanted, torch_generator(0))
    shuffled = [each[:, torch.randperm(each.shape[1], generator=torch_generator(1))] for each in wanted]
    other = features(-make_window(size=(48, 40))[None], method.layers)
    assert float(distance(wanted)) < 1e-9
    assert float(distance(shuffled)) < 1e-9
    assert float(distance(other)) > 1e-5


@pytest.mark.usefixtures("vgg_file")
def test_the_gram_distance_is_that_of_its_closed_form() -> None:
    """Twice the features have four times the Gram matrix: a relative distance of 3, squared 9, at each layer."""
    method = Gatys(SHORT, Execution())
    wanted = features(make_window(size=(48, 40))[None], method.layers)
    assert float(method.distance(wanted, torch_generator(0))([2 * each for each in wanted])) == pytest.approx(9)


@pytest.mark.usefixtures("vgg_file")
def test_the_sliced_distance_along_one_feature_is_scipys() -> None:
    """In one dimension W2² between samples of equal size is what sorting gives; scipy's W1 bounds it from below."""
    method = SWD(SHORT, Execution())
    random = torch_generator(0)
    one, other = (torch.randn((1, 50), generator=random) + shift for shift in (0.0, 3.0))
    found = float(method.distance([one], torch_generator(1))([other])) * float(one.square().mean())
    expected = np.mean((np.sort(one.numpy()) - np.sort(other.numpy())) ** 2)
    assert found == pytest.approx(float(expected), rel=1e-5)
    assert found >= scipy.stats.wasserstein_distance(one[0].numpy(), other[0].numpy()) ** 2


@pytest.mark.usefixtures("vgg_file")
@pytest.mark.parametrize("method_class", METHODS)
def test_a_drawing_comes_nearer_to_the_window_than_noise(method_class: type[VGGDescent]) -> None:
    method, window = method_class(SHORT, Execution()), make_window(size=(40, 48))
    method.train(window, seed=0, budget=0.0)
    drawn = method.sample(1, (40, 40), generator=torch_generator(0))
    noise = window.mean((1, 2))[:, None, None] + 0.3 * torch.randn((1, 3, 40, 40), generator=torch_generator(0))
    distance = method.distance(features(window[None], method.layers), torch_generator(5))
    near, far = (float(distance(features(each, method.layers))) for each in (drawn, noise))
    assert near < 0.5 * far


def test_their_rows_are_marked_as_trained_on_more_and_as_optimising_gram_matrices() -> None:
    rows = {"a": "gatys", "b": "swd", "c": "gpdm"}
    assert pretrained_methods(rows) == {"a": "ImageNet", "b": "ImageNet"}
    assert all("gram_vgg" in metrics for metrics in optimised_metrics(rows).values())


@pytest.mark.usefixtures("vgg_file")
def test_a_window_smaller_than_the_coarsest_level_is_refused() -> None:
    with pytest.raises(InputError, match="a coarsest level of 128 px does not fit into a window of 100×200 px"):
        Gatys({}, Execution()).train(torch.zeros(3, 100, 200), seed=0, budget=0.0)
