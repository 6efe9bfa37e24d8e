"""The gate against planted faults and against nothing at all: rates over made-up tables, and one fault for real."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from few_crops import take_few_crops
from gate_faults import FAULTS, measure_speed
from scipy import stats

from inng_bench.errors import ExitStatus
from inng_bench.gate.cells import Cell
from inng_bench.gate.checking import check
from inng_bench.gate.inference import detectable_step
from inng_bench.gate.judge import Verdict
from inng_bench.gate.simulation import METRICS, TAILS, Layout, found_at_two_thresholds, has_alarm, judge_tables
from inng_bench.harness import run as run_module
from inng_bench.harness.diary import see_nothing
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import Plan, make_plan
from inng_bench.harness.run import execute
from inng_bench.harness.suite import parse_suite
from inng_bench.metrics import copying
from inng_bench.records import store

TABLES = 500


@pytest.mark.parametrize("tails", TAILS)
@pytest.mark.parametrize("seeds", [(3, 1), (5, 1), (5, 5), (10, 3)])
@pytest.mark.parametrize("unevenness", [0.0, 0.4])
def test_unchanged_tables_are_called_worse_no_more_often_than_promised(
    tails: str, seeds: tuple[int, int], unevenness: float
) -> None:
    tables = judge_tables(Layout(2, 2, seeds, 0.2, unevenness), TABLES, TAILS[tails], seed=0)
    assert sum(map(has_alarm, tables)) <= stats.binom.ppf(0.999, TABLES, 0.01)


@pytest.mark.parametrize("metric", METRICS)
def test_a_cell_that_is_worse_by_what_can_be_detected_is_found_and_named(metric: str) -> None:
    layout, cell = Layout(2, 2, (5, 5), spread=0.2), Cell("texture-1", "method-0", metric)
    step = detectable_step(*layout.seeds, cells=len(layout.cells), rows=4)
    tables = judge_tables(layout, 300, TAILS["normal"], seed=1, factors={cell: math.exp(0.2 * step)})
    found = [{one.cell for one in table if one.verdict is Verdict.REGRESSION} for table in tables]
    assert sum(cell in cells for cells in found) >= stats.binom.ppf(0.001, 300, 0.9)
    assert sum(bool(cells - {cell}) for cells in found) <= stats.binom.ppf(0.999, 300, 0.01)


@pytest.mark.parametrize("seeds", [(3, 1), (5, 5)])
def test_a_cell_two_thresholds_worse_is_always_found(seeds: tuple[int, int]) -> None:
    found, alone = found_at_two_thresholds(Layout(4, 2, seeds, 0.2), 100, TAILS["normal"], seed=0)
    assert found == 100
    assert alone >= stats.binom.ppf(0.001, 100, 0.99)


# As the suite smoke: a p0 that knows the spectrum would be as near, after so little training, as any sampler comes.
SUITE = f"""
name = "faults"
metrics = {json.dumps([*METRICS, "copy_rate"])}
textures = ["brick"]
replicates = 7
budget_tflop = 0.02
precision = "float32"
sample_size = 128
canvases = 1
[[methods]]
label = "inng"
implementation = "inng"
[methods.settings]
filters = 8
canvases = 2
crops = 2
classifier_steps = 60
first_negatives = "matched"
directions = "principal-colours"
step_size = 0.06
temperature = 1.0
"""


def run(plan: Plan, seeds: range, folder: Path) -> Path:
    """Carry out some seeds in this process and count them from 0."""
    for one in plan.runs:
        if one.method == "inng" and one.replicate in seeds:
            record = execute(one, folder / "trained")
            renumbered = record.model_copy(update={"replicate": one.replicate - seeds.start})
            store.write_record(folder, renumbered.model_copy(update={"artefacts": {}}))
    return folder


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("small_canvases")
@pytest.mark.parametrize("fault", ["gradient sign flipped", pytest.param("noise × 10", marks=pytest.mark.soak)])
def test_a_planted_fault_is_found_in_its_row_and_another_seed_is_none(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_few_crops(monkeypatch)  # the features take nearly all the time, and the search for copies the rest
    monkeypatch.setattr(run_module, "Glance", lambda _: see_nothing)
    monkeypatch.setattr(copying, "bank_of", lambda _: None)
    monkeypatch.setattr(copying, "search", lambda blocks, _: np.zeros(len(blocks)))
    plan = make_plan(parse_suite(SUITE, "faults"), Overrides(device="cpu"))
    plant = FAULTS[fault]
    faulty = replace(plan, runs=tuple(plant(one) if one.method == "inng" else one for one in plan.runs))
    reference = run(plan, range(4), tmp_path / "reference")
    assert check(run(plan, range(4, 7), tmp_path / "clean"), reference).status is ExitStatus.OK
    outcome = check(run(faulty, range(3), tmp_path / "faulty"), reference)
    assert outcome.status is ExitStatus.REGRESSION
    assert {one.cell.row for one in outcome.regressions} == {("brick", "inng")}
    if fault == "gradient sign flipped":
        assert "inng: implementation inng → gate_faults:Descends" in outcome.differences


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_real_sampler_is_found_where_it_is_slowed_by_half_again_and_not_where_it_is_left(tmp_path: Path) -> None:
    slowed, untouched = measure_speed(tmp_path, 1).splitlines()[-2:]
    assert slowed.startswith("| slowed | 1 of 1 |")
    assert untouched.startswith("| untouched | 0 of 1 |")
