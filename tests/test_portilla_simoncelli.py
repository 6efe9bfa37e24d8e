"""Portilla and Simoncelli's textures: samples have the statistics that plenoptic finds in the window."""

import sys

import pytest
import torch

from inng_bench.baselines.portilla_simoncelli import (
    PortillaSimoncelli,
    model_of,
    principal_components,
)
from inng_bench.contract import Execution
from inng_bench.errors import InputError
from inng_bench.random_phase import periodic_component
from inng_bench.seeds import torch_generator
from inng_bench.testing import make_window


def trained(evaluations: int = 25) -> PortillaSimoncelli:
    method = PortillaSimoncelli({"evaluations": evaluations}, Execution())
    assert method.train(make_window(), seed=0, budget=0.0).flops == 0.0
    return method


def test_statistics_of_a_sample_are_nearly_those_of_the_window_in_every_component() -> None:
    window = periodic_component(make_window().double())
    mean, mixing = principal_components(window)
    sample = trained().sample(1, (128, 192), generator=torch_generator(1))[0].double()
    noise = mean[:, None, None] + torch.einsum(
        "cj,jhw->chw", mixing, torch.randn((3, 128, 192), generator=torch_generator(1), dtype=torch.float64)
    )
    model = model_of((128, 192)).double()
    with torch.no_grad():
        wanted, drawn, begun = (
            model((torch.linalg.pinv(mixing) @ (picture.flatten(1) - mean[:, None])).reshape(3, 1, 128, 192))[:, 0]
            for picture in (window, sample, noise)
        )
    assert ((drawn - wanted).norm(dim=1) < 0.25 * (begun - wanted).norm(dim=1)).all()


def test_principal_components_have_unit_variance_and_no_correlation() -> None:
    window = make_window().double()
    mean, mixing = principal_components(window)
    components = torch.linalg.pinv(mixing) @ (window.flatten(1) - mean[:, None])
    torch.testing.assert_close(torch.cov(components), torch.eye(3, dtype=torch.float64))


def test_a_grey_window_has_one_component_and_grey_samples() -> None:
    grey = make_window()[:1].expand(3, -1, -1).contiguous()
    method = PortillaSimoncelli({"evaluations": 2}, Execution())
    method.train(grey, seed=0, budget=0.0)
    assert method.state()["wanted"].shape == (1, 710)
    sample = method.sample(1, (128, 128), generator=torch_generator(0))[0]
    assert float((sample - sample.mean(0)).abs().max()) < 1e-4


def test_pictures_tile_where_the_canvas_is_no_larger() -> None:
    method = trained(1)
    assert [method.tiles(size) for size in ((128, 144), (64, 128), (130, 144))] == [True, False, False]


def test_a_small_window_is_refused() -> None:
    with pytest.raises(InputError, match=r"needs a window of at least 128 px on each side, not 100×300"):
        PortillaSimoncelli({}, Execution()).train(torch.zeros(3, 100, 300), seed=0, budget=0.0)


def test_without_plenoptic_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plenoptic", None)
    with pytest.raises(InputError, match="needs the package plenoptic; install it by python -m pip install plenoptic"):
        trained(1)
