"""Time of each metric on one comparison of a row: a canvas of 256 px and a window, or four canvases for copying."""

from functools import cache

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.contract import Execution, Precision
from inng_bench.metrics.catalogue import BY_NAME, DEFAULT, Compared
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.lite_features import features
from inng_bench.metrics.registry import MEASURES
from inng_bench.processes import keep_freed_memory
from inng_bench.timing import Ceiling

torch.set_num_threads(1)  # as the runs of the suites
keep_freed_memory()


def draw(*shape: int, seed: int) -> Pictures:
    return Pictures(np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8))


@cache
def pictures() -> tuple[Pictures, Pictures, Pictures]:
    """A canvas, a window and held-out windows, the features of the first two at hand."""
    piece, reference, held_out = draw(1, 256, 256, seed=0), draw(1, 256, 256, seed=1), draw(3, 256, 256, seed=2)
    for one in (piece, reference):
        one.derive(features)
    return piece, reference, held_out


@pytest.mark.parametrize("metric", DEFAULT)
def test_metric(benchmark: BenchmarkFixture, metric: str) -> None:
    """A metric alone: the features, which metrics share, are there already, and have a case of their own."""
    piece, reference, held_out = pictures()
    samples = piece if BY_NAME[metric].compared is Compared.HELD_OUT else draw(4, 256, 256, seed=3)
    outcomes: list[Outcome] = []

    def measure() -> None:
        comparison = Comparison(samples, reference, 0, held_out)
        outcomes.append(MEASURES[metric](comparison))

    benchmark.pedantic(measure, rounds=2)  # type: ignore[no-untyped-call]
    assert outcomes[0].value is not None
    benchmark.extra_info.update(n=outcomes[0].n, crop=outcomes[0].crop, threads=1)


def test_features(benchmark: BenchmarkFixture) -> None:
    """The features of a canvas, as a share of what this machine reaches in the same process."""
    with FlopCounterMode(display=False) as counter:
        features(draw(1, 256, 256, seed=3))
    flops = float(counter.get_total_flops())
    ceiling = Ceiling(Execution(precision=Precision.FLOAT32))
    pictures = draw(1, 256, 256, seed=3)
    benchmark.pedantic(features, args=(pictures,), setup=ceiling.take_time, rounds=2)  # type: ignore[no-untyped-call]
    assert benchmark.stats is not None
    share = flops / benchmark.stats.stats.median / ceiling.flops_per_second
    benchmark.extra_info.update(flops=flops, share_of_ceiling=share, precision="float32", threads=1)
