"""What runs will take: from a probe of this machine, with a clock and a probe that are no real ones."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from fake_methods import SmallTiler

from inng_bench.harness import estimate
from inng_bench.harness.estimate import Speed, disk, in_words, measure_speed, minutes
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import Plan, RunSpec, make_plan
from inng_bench.harness.suite import load_suite, parse_suite
from inng_bench.metrics import fidelity

TILER, SMALL = "fake_methods:Tiler", "fake_methods:SmallTiler"

TEXT = f"""
name = "fakes"
textures = ["brick"]
replicates = 3
budget_tflop = 0.5
precision = "float32"
[[methods]]
label = "tiler"
implementation = "{TILER}"
[[methods]]
label = "small-10x"
implementation = "{SMALL}"
budget_factor = 10.0
replicates = 2
"""

SPEED = Speed({TILER: 2e-11, SMALL: 4e-11}, {TILER: 1.0, SMALL: 2.0}, 1.5)


@cache
def plan() -> Plan:
    return make_plan(parse_suite(TEXT, "fakes.toml"), Overrides(device="cpu"))


def runs_of(*methods: str) -> list[RunSpec]:
    return [run for run in plan().runs if run.method in methods]


def probe_that(outcome: Callable[[], Speed]) -> Callable[[Sequence[RunSpec], int], Speed]:
    return lambda *_: outcome()


# What a run took on one core of an AMD EPYC (Zen 3, no bfloat16), and what a probe found there.
EPYC = Speed({"inng": 2.5e-11}, {"inng": 0.0}, 1.36)
TOOK = {"inng-fast": 86.7, "real": 47.4, "mirror": 25.4, "quilting": 25.4}


@pytest.mark.parametrize("method", TOOK)
def test_the_estimate_of_a_run_is_within_a_factor_of_one_and_a_half_of_what_it_took(method: str) -> None:
    quick = make_plan(
        load_suite("quick"), Overrides(device="cpu", precision="float32", textures=("brick",), budget_tflop=2.0)
    )
    run = next(run for run in quick.runs if run.method == method)
    assert 1 / 1.5 < 60 * minutes([run], 1, EPYC) / TOOK[method] < 1.5


def test_runs_are_shared_among_the_workers() -> None:
    runs = plan().runs
    alone, shared = minutes(runs, 1, SPEED), minutes(runs, 2, SPEED)
    assert alone / 2 <= shared < alone
    assert minutes((), 2, SPEED) == 0.0


def test_a_run_takes_its_budget_its_pictures_and_what_every_row_takes() -> None:
    (tiler, *_), (small, *_), (noise,) = runs_of("tiler"), runs_of("small-10x"), runs_of("noise")
    beside = minutes([noise], 1, SPEED)
    assert 60 * (minutes([tiler], 1, SPEED) - beside) == pytest.approx(0.5e12 * 2e-11 + 1.0)
    assert 60 * (minutes([small], 1, SPEED) - beside) == pytest.approx(5e12 * 4e-11 + 2.0)
    assert minutes([noise], 1, replace(SPEED, slowness=3.0)) == pytest.approx(2 * beside)


def test_samplers_are_timed_one_after_the_other() -> None:
    runs = runs_of("tiler")
    one, three = (minutes(runs, 2, SPEED, timed=timed) - minutes(runs, 2, SPEED) for timed in (1, 3))
    assert three == pytest.approx(3 * one)


def test_what_a_run_takes_on_disk_has_three_snapshots_of_each_that_goes_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SmallTiler, "snapshot_bytes", lambda _, budget: budget / 1e12 * 2**20)
    assert [disk(plan().runs, jobs).passing_mib for jobs in (1, 2)] == [3 * 5.0, 3 * 5.0 * 2]
    assert disk(runs_of("tiler"), 2).passing_mib == 0.0
    assert disk((), 2).kept_mib == 0.0


def test_a_probe_times_training_pictures_and_the_feature_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fidelity, "extract", lambda *_: None)
    monkeypatch.setattr(estimate, "PROBE_FLOPS", 1e10)
    run = runs_of("tiler")[0]
    found = measure_speed([run], 1, map(float, itertools.count()).__next__)  # a second at every look
    assert found.by_flop == {TILER: 1 / 1e10}
    assert found.by_run == {TILER: run.samples + estimate.COUNTING}
    assert found.slowness == 1 / estimate.PROBE_COST


def test_the_line_says_minutes_runs_and_what_it_rests_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "probe", probe_that(lambda: SPEED))
    line = in_words(runs_of("tiler"), (), 2, timed=False)
    assert line == "About 2 minutes on this machine with its present load: 3 runs, 2 at once (from a test of 0 s)."
    line = in_words((), runs_of("small-10x"), 8, timed=False)
    assert line.startswith("About 1 minute on this machine with its present load: 2 runs, 2 at once")


def test_nothing_to_do_needs_no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "probe", None)
    assert in_words((), (), 2, timed=True) == "There is nothing to do."


def test_a_method_that_breaks_is_said_in_the_place_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise ArithmeticError("the loss is upside down")

    monkeypatch.setattr(estimate, "probe", probe_that(fail))
    line = in_words(runs_of("tiler"), (), 2, timed=False)
    assert line.endswith("is unknown, because a short test run failed (ArithmeticError: the loss is upside down).")
