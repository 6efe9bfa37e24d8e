"""Time of each metric on what one row of the quick suite has: four 256 px canvases and a window."""

from functools import cache

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch.utils.flop_counter import FlopCounterMode

from inng_bench.contract import Execution, Precision
from inng_bench.metrics.catalogue import DEFAULT
from inng_bench.metrics.comparison import Comparison, Outcome, Pictures
from inng_bench.metrics.lite_features import features, wide_features
from inng_bench.metrics.registry import MEASURES
from inng_bench.processes import keep_freed_memory
from inng_bench.records.schema import Against
from inng_bench.timing import Ceiling

torch.set_num_threads(1)  # as the runs of the suites
keep_freed_memory()


def draw(*shape: int, seed: int) -> Pictures:
    return Pictures(np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8))


SAME_SEARCH = ("copied_piece", "nearest_ratio")
"""They read off what the search of ``copy_rate`` has found."""


@cache
def pictures() -> tuple[Pictures, Pictures, Pictures]:
    """Samples, reference and held-out window, with their features."""
    samples, reference, held_out = draw(4, 256, 256, seed=0), draw(1, 256, 512, seed=1), draw(1, 256, 512, seed=2)
    for one in (samples, reference):
        one.derive(features)
        one.derive(wide_features)
    return samples, reference, held_out


@pytest.mark.parametrize("metric", [name for name in DEFAULT if name not in SAME_SEARCH])
def test_metric(benchmark: BenchmarkFixture, metric: str) -> None:
    """A metric alone: the features, which metrics share, are there already, and have a case of their own."""
    samples, reference, held_out = pictures()
    outcomes: list[Outcome] = []

    def measure() -> None:
        comparison = Comparison(samples, reference, Against.HELD_OUT, 0, held_out, grouped=True)
        outcomes.append(MEASURES[metric](comparison))

    benchmark.pedantic(measure, rounds=2)  # type: ignore[no-untyped-call]
    assert outcomes[0].value is not None
    benchmark.extra_info.update(n=outcomes[0].n, crop=outcomes[0].crop, threads=1)


@pytest.mark.parametrize("extract", [features, wide_features])
def test_features(benchmark: BenchmarkFixture, extract: object) -> None:
    """The features of four canvases, as a share of what this machine reaches in the same process."""
    assert callable(extract)
    with FlopCounterMode(display=False) as counter:
        extract(draw(4, 256, 256, seed=3))
    flops = float(counter.get_total_flops())
    ceiling = Ceiling(Execution(precision=Precision.FLOAT32))
    pictures = draw(4, 256, 256, seed=3)
    benchmark.pedantic(extract, args=(pictures,), setup=ceiling.take_time, rounds=2)  # type: ignore[no-untyped-call]
    assert benchmark.stats is not None
    share = flops / benchmark.stats.stats.median / ceiling.flops_per_second
    benchmark.extra_info.update(flops=flops, share_of_ceiling=share, precision="float32", threads=1)
