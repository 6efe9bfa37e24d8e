"""`energy` and `winn`: one loss each in closed form, chains that begin where they should, and costs as counted."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.baselines import energy, winn
from inng_bench.baselines.energy import Energy, EnergyChoices
from inng_bench.baselines.one_network import OF_TEXTURES, OneNetwork
from inng_bench.baselines.winn import WINN, WINNChoices, slope_penalty
from inng_bench.contract import Execution
from inng_bench.errors import InputError
from inng_bench.inng.frozen import picture_logits
from inng_bench.inng.network import evaluate
from inng_bench.inng.presets import FAST, configure
from inng_bench.pictures import TrainingPictures
from inng_bench.pixels import random_crops
from inng_bench.seeds import torch_generator
from inng_bench.testing import make_window

SMALL: dict[str, Any] = {"filters": 4, "canvases": 2, "canvas_side": 64, "crop_side": 62, "crops": 2}
SHORT = SMALL | {"steps": 2}
TURNS = SMALL | {"critics": 2, "critic_steps": 2, "max_steps": 3}
METHODS: list[tuple[type[OneNetwork], dict[str, Any]]] = [(Energy, SHORT), (WINN, TURNS)]


def an_energy(**changes: Any) -> energy.Trainer:
    return energy.Trainer(make_window(), EnergyChoices.model_validate(SHORT | changes), Execution(), 0)


def test_the_weights_move_up_f_at_real_crops_and_down_at_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = an_energy(data_noise=0.0, energy_decay=0.0)
    monkeypatch.setattr(trainer, "_move", lambda: None)  # samples of p0
    losses: list[Tensor] = []
    monkeypatch.setattr(trainer, "descend", lambda loss, _: losses.append(loss))
    random = trainer._random.get_state()
    trainer.step(1, 0.0)
    trainer._random.set_state(random)
    real, drawn = trainer.real_crops(), trainer.crops_of([trainer.chains])
    mean_of = [evaluate(trainer.network, crops, torch.float32).mean() for crops in (real, drawn)]
    torch.testing.assert_close(losses[0], mean_of[1] - mean_of[0])


@pytest.mark.parametrize(("chains", "begins_anew"), [("short-run", True), ("persistent", False)])
def test_persistent_chains_go_on_and_short_runs_begin_at_new_noise(chains: str, begins_anew: bool) -> None:
    trainer = an_energy(chains=chains, fresh=1e-9, step_size=1e-6, temperature=0.0)
    before = trainer.chains.clone()
    trainer.step(1, 0.0)
    moved = float((trainer.chains - before).abs().mean())
    assert (moved > 0.1) is begins_anew
    assert begins_anew or moved < 1e-4


def test_a_drawing_has_the_steps_of_a_short_run_or_outlives_most_persistent_chains() -> None:
    lengths = []
    for changes in ({"chains": "short-run"}, {"chains": "persistent", "fresh": 0.1}):
        method = Energy(SHORT | changes, Execution())
        method.train(make_window(), seed=0, budget=1.0)
        lengths.append(method.cascade.stages[0].max_steps)
    assert lengths == [2, energy.LIFETIMES * 2 / 0.1]


def test_the_penalty_is_that_of_its_closed_form() -> None:
    slope = torch.randn(48, generator=torch_generator(0))
    linear = nn.Linear(48, 1)
    with torch.no_grad():
        linear.weight.copy_(slope)
    penalty = slope_penalty(nn.Sequential(nn.Flatten(), linear), torch.rand((5, 3, 4, 4), generator=torch_generator(1)))
    assert penalty.item() == pytest.approx((float(slope.norm()) - 1) ** 2, rel=1e-5)
    (found,) = torch.autograd.grad(penalty, linear.weight)
    torch.testing.assert_close(found[0], 2 * (slope.norm() - 1) * slope / slope.norm())


def test_each_critic_of_the_cascade_begins_where_the_one_before_led_and_real_crops_lie_at_the_stop() -> None:
    trainer = winn.Trainer(make_window(), WINNChoices.model_validate(TURNS), Execution(), 0)
    trainer.step(1, 0.0)
    led = trainer.drawn.clone()
    trainer.step(2, 0.6)
    assert torch.equal(trainer.start, led)
    assert len(trainer.stages) == 2
    trainer.step(3, 0.9)
    assert torch.equal(trainer.start, led)
    assert len(trainer.stages) == 2
    crops = random_crops(make_window(), 64, 62, torch_generator(1))
    level = picture_logits(trainer.stages[-1].classifier, crops)
    assert abs(float(level.mean())) < 5 * float(level.std()) / math.sqrt(8)  # of as few crops as it was set by


def of_set(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in OF_TEXTURES} | {"picture_side": 16}


@pytest.mark.parametrize("learnt", ["texture", "set"])
@pytest.mark.parametrize(("method_class", "settings"), METHODS)
def test_the_cost_is_what_a_counter_finds(
    method_class: type[OneNetwork], settings: dict[str, Any], learnt: str
) -> None:
    pictures = TrainingPictures(np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8))
    given, chosen = (make_window(), settings) if learnt == "texture" else (pictures, of_set(settings))
    trainer = method_class.trainer(given, method_class(chosen, Execution())._config, Execution(), 0)
    before = trainer.spent(0)
    with FlopCounterMode(display=False) as counter:
        for number in range(1, 4):
            trainer.step(number, 0.0)
    found = sum(count for kind, count in counter.get_flop_counts()["Global"].items() if "convolution" in str(kind))
    assert trainer.spent(3) - before == pytest.approx(found)


@pytest.mark.parametrize("method_class", [Energy, WINN])
def test_network_p0_and_directions_of_a_set_are_those_of_inng(method_class: type[OneNetwork]) -> None:
    recipe, inng = method_class({"picture_side": 32}, Execution()).cascade.recipe, configure({"picture_side": 32})[2]
    assert recipe.design == inng.design
    for name in ("first_negatives", "windows", "directions", "canvas_side", "crop_side"):
        assert getattr(recipe, name) == getattr(inng, name) != getattr(FAST, name)


@pytest.mark.parametrize(("method_class", "settings"), METHODS)
def test_a_grey_window_has_grey_samples(method_class: type[OneNetwork], settings: dict[str, Any]) -> None:
    grey = make_window()[:1].expand(3, -1, -1).contiguous()
    for p0 in ("gaussian", "random-phase"):
        method = method_class(settings | {"first_negatives": p0}, Execution())
        method.train(grey, seed=0, budget=1.0)
        sample = method.sample(1, (65, 70), generator=torch_generator(0))
        assert float((sample - sample.mean(1, keepdim=True)).abs().max()) < 1e-4


@pytest.mark.parametrize(("method_class", "settings"), METHODS)
def test_windows_settings_and_models_that_do_not_fit_are_refused(
    method_class: type[OneNetwork], settings: dict[str, Any]
) -> None:
    method = method_class(settings, Execution())
    with pytest.raises(InputError, match="smaller than a window of the classifier, which has 62 px"):
        method.train(torch.zeros(3, 60, 100), seed=0, budget=1.0)
    with pytest.raises(InputError, match=r"'first_negatives' of .* is wrong"):
        method_class({"first_negatives": "matched"}, Execution())
    method.train(make_window(), seed=0, budget=1.0)
    state = {name: tensor for name, tensor in method.state().items() if name != "max_steps"}
    with pytest.raises(InputError, match="has no 'max_steps'"):
        method.restore(state)
