"""Speed of the sampler step; figures are ratios to a matrix product of the same process, never seconds alone."""

import pytest
import torch
from inng_bench.contract import Execution, Precision
from inng_bench.harness.hardware import resolve_precision
from inng_bench.inng.cascade import climb, gradient_flops
from inng_bench.inng.langevin import Sampler, Update
from inng_bench.inng.network import Classifier, FrozenClassifier, freeze
from inng_bench.weights import initialised
from pytest_benchmark.fixture import BenchmarkFixture

STEPS, BATCH, SIDE, ROUNDS = 4, 4, 256, 7


def frozen(execution: Execution) -> FrozenClassifier:
    network = initialised(lambda: Classifier(32), torch.Generator().manual_seed(0)).eval()
    return freeze(network, execution.dtype)


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.BFLOAT16])
@pytest.mark.parametrize("update", list(Update))
def test_sampler_step(benchmark: BenchmarkFixture, update: Update, precision: Precision) -> None:
    execution = Execution(precision=precision)
    if resolve_precision(Precision.AUTO, execution.device) is not Precision.BFLOAT16 is precision:
        pytest.skip("this processor has no native bfloat16")
    classifier = frozen(execution)
    canvases = torch.rand((BATCH, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(1)) * 2 - 1
    sampler = Sampler(update, temperature=1.0, max_steps=STEPS, threshold=float("inf"))
    benchmark.pedantic(
        lambda: climb(classifier, canvases, sampler, torch.Generator().manual_seed(2)), rounds=ROUNDS, warmup_rounds=1
    )
    evaluations = BATCH * (STEPS + 1)
    seconds = benchmark.stats.stats.median
    benchmark.extra_info.update(
        gradient_evaluations_per_second=evaluations / seconds,
        gflops=evaluations * gradient_flops(classifier, (SIDE, SIDE)) / seconds / 1e9,
        threads=torch.get_num_threads(),
    )
