"""Every choice trains, stores and draws; choices that do not go together are refused; presets are what they were."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from small_cascades import SMALL, changed, stripes
from torch import Tensor

from inng_bench.contract import Execution
from inng_bench.errors import InputError
from inng_bench.inng.alternatives import stretched
from inng_bench.inng.method import INNg
from inng_bench.inng.presets import AUTHORS, COUNTS, PAPER, PRESETS, configure

PADDED: dict[str, Any] = {
    "architecture": "padded",
    "balanced": False,
    "windows": "patches",
    "patches": 2,
    "crop_side": 64,
}


def settings(**fields: Any) -> dict[str, Any]:
    return changed(**{"max_stages": 2} | fields).model_dump(mode="json")


def cascade(**fields: Any) -> INNg:
    method = INNg(settings(**fields), Execution())
    method.train(stripes(), seed=0, budget=math.inf)
    return method


def draw(method: INNg) -> Tensor:
    return method.sample(2, (64, 80), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def plain() -> Tensor:
    return draw(cascade())


@pytest.mark.parametrize(
    "fields",
    [
        {"update": "langevin", "temperature": 0.01},
        {"ascended": "log-sigmoid"},
        {"windows": "patches", "patches": 2},
        PADDED,
        {"first_negatives": "random-phase"},
        {"first_negatives": "random-phase", "directions": "spectrum"},
        {"directions": "pixels"},
        {"first_negatives": "gaussian"},
        {"output": "softmax"},
        {"normalisation": "running"},
        {"optimiser": "sgd"},
        {"stop": "batch-loss", "threshold": 5.0},
        {"keep_every": 3},
        {"stretch": 1.25},
        {"loss_check_steps": 2, "loss_check_batches": 2, "loss_target": 0.65},
    ],
    ids=str,
)
def test_each_switch_trains_stores_and_samples_the_same_from_storage(fields: dict[str, Any], plain: Tensor) -> None:
    method, again = cascade(**fields), INNg(settings(**fields), Execution())
    again.restore(method.state())
    drawn = draw(method)
    assert drawn.shape == (2, 3, 64, 80)
    assert torch.equal(drawn, draw(again))
    assert not torch.equal(drawn, plain)


def test_a_gaussian_start_has_the_colours_that_steps_along_a_grey_texture_can_reach() -> None:
    method = cascade(first_negatives="gaussian")
    drawn = draw(method)
    torch.testing.assert_close(drawn[:, 0], drawn[:, 1], atol=1e-5, rtol=0)
    coloured = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(1)) * 2 - 1
    started = method.continue_from(coloured, stage=1, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(started[:, 0], started[:, 1], atol=1e-5, rtol=0)


def test_a_stretched_window_repeats_its_nearest_pixels() -> None:
    window = torch.arange(12.0).reshape(1, 3, 4).expand(3, 3, 4)
    twice = stretched(window, 2.0)
    assert torch.equal(twice, window.repeat_interleave(2, 1).repeat_interleave(2, 2))
    assert stretched(window, 1.0) is window


def test_the_authors_preset_at_a_small_scale_is_the_same_method_on_smaller_counts() -> None:
    name, scale, recipe = configure({"preset": "authors", "scale": 0.01})
    assert (name, scale) == ("authors", 0.01)
    assert (recipe.canvases, recipe.crops, recipe.classifier_steps, recipe.max_steps) == (2, 5, 9, 500)
    scaled = set(COUNTS)
    assert recipe.model_dump(exclude=scaled) == AUTHORS.model_dump(exclude=scaled)
    small = {"preset": "authors", "scale": 0.01, "filters": 4, "canvas_side": 64, "max_stages": 2, "max_steps": 5}
    method = INNg(small, Execution())
    method.train(stripes(), seed=0, budget=math.inf)
    assert len(method.stages) == 2
    assert INNg(method.configuration(), Execution()).configuration() == method.configuration()
    assert method.sample(1, (64, 64), generator=torch.Generator().manual_seed(0)).isfinite().all()
    with pytest.raises(InputError, match="needs classifiers without padding"):
        method.log_ratio(stripes()[None])


def test_the_paper_s_preset_climbs_the_logit_in_pixels_from_gaussian_noise_to_the_boundary() -> None:
    chosen = {
        "update": "image-adam",
        "directions": "pixels",
        "ascended": "logit",
        "stop": "boundary",
        "threshold": 0.0,
        "output": "logit",
        "windows": "dense",
        "first_negatives": "gaussian",
        "keep_every": 1,
        "temperature": 0.0,  # as in the authors' code
    }
    assert PAPER.model_dump(mode="json", include=set(chosen)) == chosen


@pytest.mark.parametrize("name", ["paper", "authors"])
def test_a_preset_that_others_are_measured_by_never_changes(name: str) -> None:
    """``authors`` was held against jlazarow/inn at 09e8fe7, experiments/iccv/learn-texture.py; no default is left."""
    pinned = json.loads(Path(__file__).with_name("presets.json").read_text())[name]
    assert PRESETS[name].model_dump(mode="json") == pinned
    assert PRESETS[name].model_fields_set == set(pinned)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"architecture": "padded"}, "set windows to 'patches'"),
        ({"architecture": "padded", "windows": "patches"}, "set crop_side to 64"),
        ({"first_negatives": "matched"}, "set directions to 'principal-colours'"),
        ({"stop": "batch-loss"}, "set threshold, such as 0.62"),
        ({"windows": "patches", "canvas_side": 64, "crop_side": 200}, "crops are larger than the canvases"),
        ({"threshold": math.nan}, "'threshold' of inng is wrong"),
        ({"preset": ["fast"]}, "did you mean"),
        ({"preset": "fats"}, "did you mean 'fast'"),
        ({"filter": 3}, "did you mean 'filters'"),
        ({"scale": True}, "'scale' of inng must be a number above 0"),
        ({"scale": 0}, "'scale' of inng must be a number above 0"),
        ({"scale": "half"}, "'scale' of inng must be a number above 0"),
    ],
)
def test_choices_that_do_not_go_together_are_refused_with_the_way_out(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        INNg(fields, Execution())


def test_a_picture_below_one_window_is_refused() -> None:
    with pytest.raises(InputError, match=r"60x96 px is smaller than a window of the classifier, which has 62 px"):
        INNg(SMALL.model_dump(mode="json"), Execution()).train(stripes()[:, :, :60], seed=0, budget=1e12)
