import time
from pathlib import Path
from typing import Any

import pytest
import torch

from inng_bench.contract import Execution, Precision
from inng_bench.inng.cascade import climb
from inng_bench.inng.field import evaluation_flops
from inng_bench.inng.langevin import Ascent
from inng_bench.inng.method import INNg
from inng_bench.throughput import STEPS, measure_ceiling, measure_sampler

EXECUTION = Execution(precision=Precision.FLOAT32)
SETTINGS = {"filters": 8, "canvases": 1, "canvas_side": 64, "crops": 1, "classifier_steps": 5, "max_stages": 2}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    method = INNg(SETTINGS, EXECUTION)
    window = torch.rand((3, 128, 128), generator=torch.Generator().manual_seed(0)) * 2 - 1
    method.train(window, seed=0, budget=1e12)
    method.save(folder)
    return folder


def test_a_measurement_names_its_settings_and_agrees_with_itself(stored: Path) -> None:
    speed = measure_sampler(stored, EXECUTION, size=(128, 64), batch=2)
    assert (speed.height, speed.width, speed.batch, speed.filters) == (128, 64, 2, 8)
    assert (speed.precision, speed.update, speed.threads) == ("float32", "adam", torch.get_num_threads())
    method = INNg.load(stored, EXECUTION)
    counted = evaluation_flops(method.stages[0].classifier, method.config.reading, (128, 64))
    assert speed.flops_per_image_step == counted
    assert speed.image_steps_per_second == pytest.approx(speed.gradient_evaluations_per_second * STEPS / (STEPS + 1))
    assert speed.quartiles[0] <= speed.image_steps_per_second <= speed.quartiles[1]
    assert 0 < speed.share_of_ceiling < 1.2


def test_time_lost_in_the_sampler_is_seen(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowed(*arguments: Any) -> Ascent:
        time.sleep(0.2)
        return climb(*arguments)

    monkeypatch.setattr("inng_bench.throughput.climb", slowed)
    speed = measure_sampler(stored, EXECUTION, size=(64, 64), batch=2)
    assert speed.gradient_evaluations_per_second < 2 * (STEPS + 1) / 0.2


def test_the_ceiling_counts_operations_per_second_of_this_machine() -> None:
    # One core of any machine of the last ten years lies between a tenth of a GFLOP/s and ten TFLOP/s.
    assert 1e8 < measure_ceiling(EXECUTION) < 1e13
