"""The contract of methods: every registered method keeps it, and each planted breach is found."""

import sys
from pathlib import Path
from typing import Any

import fake_methods
import pytest

from inng_bench.baselines import diffusion, psgan
from inng_bench.baselines.dcgan import DCGANConfig, step_flops
from inng_bench.contract import Method
from inng_bench.harness.methods import load_method_class, method_names
from inng_bench.testing import check_method

SMALL_INNG = {
    "filters": 8,
    "canvases": 2,
    "canvas_side": 64,
    "crop_side": 62,
    "crops": 2,
    "classifier_steps": 10,
    "max_steps": 10,
}
SMALL_DCGAN = {"generator_filters": 8, "discriminator_filters": 8}
SMALL_PSGAN = {"filters": 4, "batch": 2}
SMALL_DIFFUSION = {"channels": 4, "batch": 1, "crop": 64, "levels": 3}
SMALL_ONE_NETWORK = {"filters": 4, "canvases": 2, "canvas_side": 64, "crop_side": 62, "crops": 2}

SMALL: dict[str, tuple[dict[str, Any], float]] = {
    "inng": (SMALL_INNG, 3e9),
    "dcgan": (SMALL_DCGAN, 45.0 * step_flops(DCGANConfig.model_validate(SMALL_DCGAN))),
    "psgan": (SMALL_PSGAN, 12.0 * psgan.step_flops(psgan.PSGANConfig.model_validate(SMALL_PSGAN))),
    "diffusion": (
        SMALL_DIFFUSION,
        12.0 * diffusion.step_flops(diffusion.DiffusionConfig.model_validate(SMALL_DIFFUSION)),
    ),
    "energy": (SMALL_ONE_NETWORK | {"steps": 2}, 2e8),
    "winn": (SMALL_ONE_NETWORK | {"critics": 2, "critic_steps": 2, "max_steps": 4}, 2e8),
    "gpdm": ({"steps": 2, "projections": 2}, 0.0),
    "gatys": ({"levels": 1, "evaluations": 1}, 0.0),
    "swd": ({"levels": 1, "rounds": 1, "evaluations": 1, "projections": 2}, 0.0),
    "portilla-simoncelli": ({"evaluations": 2}, 0.0),
}
"""Settings and budget that make a registered method train in seconds; others are taken as they are."""


@pytest.mark.usefixtures("vgg_file")
@pytest.mark.parametrize("name", method_names())
def test_a_registered_method_keeps_the_contract(name: str) -> None:
    settings, budget = SMALL.get(name, ({}, 1e10))
    check_method(load_method_class(name), settings, budget=budget)


def test_a_method_in_the_present_folder_needs_no_installation_and_hides_no_other_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_own.py").write_text("from inng_bench.baselines.reference_rows import MatchedNoise as Mine\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])  # as the script `inng-bench` has it
    assert load_method_class("my_own:Mine") is load_method_class("noise")
    assert sys.path[-1] == str(tmp_path)


def test_a_method_that_keeps_the_contract_passes() -> None:
    check_method(fake_methods.Tiler)
    check_method(fake_methods.SmallTiler, {"strength": 0.1})


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (fake_methods.TakesAnySetting, "must refuse an unknown setting"),
        (fake_methods.UsesTheGlobalGenerator, "leaves the global random state"),
        (fake_methods.UsesPythonsGenerator, "leaves the global random state"),
        (fake_methods.IgnoresItsSeed, "learns other weights from another seed"),
        (fake_methods.NeverTheSame, "learns the same weights from the same seed"),
        (fake_methods.SpendsTooMuch, "spends no more than its budget"),
        (fake_methods.SpendsTooMuchInSilence, "spends no more than its budget .*, 0 reports before the end"),
        (fake_methods.SpendsTooMuchAndSaysSoAtTheEnd, "spends no more than its budget .*, 0 reports before the end"),
        (fake_methods.SpendsTooMuchInOneLeap, "spends no more than its budget .*, 1 reports before the end"),
        (fake_methods.SamplesFromItself, "draws anew for another generator"),
        (fake_methods.LeavesTheRange, r"in \[-1, 1\]"),
        (fake_methods.NotFinite, "makes finite pictures"),
        (fake_methods.WrongShape, "makes pictures of shape"),
        (fake_methods.ForgetsWhenStored, "after it was stored and read"),
        (fake_methods.ClaimsLessThanItDraws, "must refuse the size"),
        (fake_methods.WritesIntoTheWindow, "does not write into the window"),
        (fake_methods.CountsBackwards, "reports operations that only grow"),
        (fake_methods.ForgetsWhereItWas, "learns the same when it goes on from a snapshot"),
        (fake_methods.ReportsTwice, "reports what is left, and nothing twice, when it goes on from a snapshot"),
    ],
)
def test_a_planted_breach_of_the_contract_is_named(broken: type[Method], promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_method(broken)
