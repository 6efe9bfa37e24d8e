"""Time of the metrics on what one row of the quick suite has: four 256 px canvases and two windows."""

import numpy as np
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from inng_bench.metrics.evaluate import evaluate
from inng_bench.processes import keep_freed_memory

torch.set_num_threads(1)  # as the runs of the suites
keep_freed_memory()


def test_metrics(benchmark: BenchmarkFixture) -> None:
    """All metrics of a row, since they share features; ``extra_info`` says what each of them takes."""
    random = np.random.default_rng(0)
    samples = random.integers(0, 256, (4, 256, 256, 3), dtype=np.uint8)
    train, held_out = random.integers(0, 256, (2, 256, 512, 3), dtype=np.uint8)
    measured = benchmark.pedantic(  # type: ignore[no-untyped-call]
        evaluate, args=(samples, train, held_out), kwargs={"seed": 0}, rounds=1, warmup_rounds=0
    )
    seconds: dict[str, float] = {}
    for one in measured:
        seconds[one.metric] = seconds.get(one.metric, 0.0) + one.seconds
    benchmark.extra_info.update(seconds=seconds, threads=1)
