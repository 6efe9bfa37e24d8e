import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.contract import Execution, Precision
from inng_bench.inng.algorithm import climb_stage
from inng_bench.inng.method import TIMED_STEPS, INNg
from inng_bench.inng.state import Climb
from inng_bench.inng.windows import evaluation_flops
from inng_bench.throughput.finished import measure_finished
from inng_bench.timing import Ceiling, measure_sampler
from inng_bench.timing.ceiling import (
    CONVOLUTIONS,
    GEMM_SIDE,
    PICTURE_SIDE,
    PICTURES,
    convolution_flops,
    time_against_ceiling,
)

EXECUTION = Execution(precision=Precision.FLOAT32)
SETTINGS = {"filters": 8, "canvases": 1, "canvas_side": 64, "crops": 1, "classifier_steps": 5, "max_stages": 2}


class Clock:
    """Time that passes only where a test says so; everything else takes a second."""

    def __init__(self, *seconds: float) -> None:
        self.now = 0.0
        self._seconds = seconds
        self._calls = 0

    def __call__(self) -> float:
        """A timed task lies between an even and an odd call."""
        if self._calls % 2:
            turn = self._calls // 2
            self.now += self._seconds[turn % len(self._seconds)]
        self._calls += 1
        return self.now


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    method = INNg(SETTINGS, EXECUTION)
    window = torch.rand((3, 128, 128), generator=torch.Generator().manual_seed(0)) * 2 - 1
    method.train(window, seed=0, budget=1e12)
    method.save(folder)
    return folder


def test_a_measurement_names_its_settings_and_agrees_with_itself(stored: Path) -> None:
    speed = measure_sampler(INNg, stored, EXECUTION, size=(128, 64), batch=2)
    assert (speed.height, speed.width, speed.batch, speed.filters) == (128, 64, 2, 8)
    assert (speed.precision, speed.update, speed.threads) == ("float32", "adam", torch.get_num_threads())
    method = INNg.load(stored, EXECUTION)
    counted = evaluation_flops(method.stages[0].classifier, method.sampler.windows, (128, 64))
    assert speed.flops_per_image_step == counted * 9 / 8
    assert speed.image_steps_per_second == pytest.approx(
        speed.gradient_evaluations_per_second * TIMED_STEPS / (TIMED_STEPS + 1)
    )
    assert speed.quartiles[0] <= speed.image_steps_per_second <= speed.quartiles[1]
    assert 0 < speed.share_of_ceiling < 1.2


def test_time_lost_in_the_sampler_is_seen(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowed(*arguments: Any) -> Climb:
        time.sleep(0.2)
        return climb_stage(*arguments)

    monkeypatch.setattr("inng_bench.inng.algorithm.climb_stage", slowed)
    speed = measure_sampler(INNg, stored, EXECUTION, size=(64, 64), batch=2)
    assert speed.gradient_evaluations_per_second < 2 * (TIMED_STEPS + 1) / 0.2


def test_the_ceiling_counts_operations_per_second_of_this_machine() -> None:
    # One core of any machine of the last ten years lies between a tenth of a GFLOP/s and ten TFLOP/s.
    ceiling = Ceiling(EXECUTION)
    ceiling.take_time()
    assert 1e8 < ceiling.flops_per_second < 1e13


@pytest.mark.parametrize("best", range(3))
def test_the_ceiling_is_the_fastest_of_matrix_product_and_convolutions_by_a_clock(best: int) -> None:
    operations = (2 * GEMM_SIDE**3, *(convolution_flops(*each) for each in CONVOLUTIONS))
    seconds = [8.0 * one / operations[0] for one in operations]
    seconds[best] /= 2
    timing = time_against_ceiling(lambda: None, EXECUTION, rounds=3, clock=Clock(5.0, *seconds))
    assert timing.seconds == pytest.approx((5.0, 5.0, 5.0))
    assert timing.ceiling == pytest.approx(operations[best] / seconds[best])


def test_the_operations_of_the_ceiling_s_convolutions_are_those_that_torch_counts() -> None:
    for channels, kernel in CONVOLUTIONS:
        pictures = torch.empty((PICTURES, channels, PICTURE_SIDE, PICTURE_SIDE), device="meta")
        with FlopCounterMode(display=False) as counter:
            torch.nn.functional.conv2d(pictures, torch.empty((channels, channels, kernel, kernel), device="meta"))
        assert counter.get_total_flops() == convolution_flops(channels, kernel)


def test_task_and_ceiling_take_turns() -> None:
    order: list[str] = []
    clock = Clock(1.0)

    def watched() -> float:
        order.append("clock")
        return clock()

    time_against_ceiling(lambda: order.append("task"), EXECUTION, rounds=2, clock=watched)
    # In each round the task stands between the first two calls, the ceiling behind.
    one_round = ["clock", "task", *["clock"] * 7]
    assert order == [*one_round, *one_round]


def test_a_finished_texture_is_timed_through_all_stages(stored: Path) -> None:
    finished = measure_finished(INNg.load(stored, EXECUTION), pictures=3, clock=Clock(4.0, 2.0, 10.0))
    assert finished.seconds == (4.0, 2.0, 10.0)
    assert finished.stages == 2
