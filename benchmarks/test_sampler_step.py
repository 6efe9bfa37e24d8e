"""Speed of the sampler step, as a share of what this machine reaches in the same process."""

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from inng_bench.contract import Execution, Precision
from inng_bench.harness.hardware import resolve_precision
from inng_bench.inng.choices import Update
from inng_bench.inng.field import evaluation_flops
from inng_bench.inng.frozen import FrozenClassifier, freeze
from inng_bench.inng.langevin import Sampler
from inng_bench.inng.network import Design, new_classifier
from inng_bench.inng.presets import FAST
from inng_bench.inng.prior import NoisePrior
from inng_bench.inng.synthesis import Dynamics, Stage, climb
from inng_bench.processes import keep_freed_memory
from inng_bench.throughput.samplers import LIKE_A_TEXTURE
from inng_bench.timing import Ceiling

torch.set_num_threads(1)  # as the runs of the suites
keep_freed_memory()

STEPS, BATCH, SIDE, ROUNDS = 4, 4, 256, 7


def frozen(execution: Execution) -> FrozenClassifier:
    return freeze(new_classifier(Design(32), torch.Generator().manual_seed(0)), execution.dtype)


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.BFLOAT16])
@pytest.mark.parametrize("update", list(Update))
def test_sampler_step(benchmark: BenchmarkFixture, update: Update, precision: Precision) -> None:
    execution = Execution(precision=precision)
    native = resolve_precision(Precision.AUTO, execution.device)
    if precision not in (native, Precision.FLOAT32):
        pytest.skip("this processor has no native bfloat16")
    classifier = frozen(execution)
    canvases = torch.rand((BATCH, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(1)) * 2 - 1
    stage = Stage(classifier, Sampler(update, temperature=1.0, max_steps=STEPS, threshold=float("inf")))
    dynamics = Dynamics(FAST, LIKE_A_TEXTURE, NoisePrior(torch.zeros(3), torch.eye(3)))
    ceiling = Ceiling(execution)

    def step() -> None:
        climb([stage], canvases, dynamics, torch.Generator().manual_seed(2))

    benchmark.pedantic(step, setup=ceiling.take_time, rounds=ROUNDS, warmup_rounds=1)  # type: ignore[no-untyped-call]
    assert benchmark.stats is not None
    evaluations_per_second = BATCH * (STEPS + 1) / benchmark.stats.stats.median
    flops = evaluation_flops(classifier, FAST.reading, (SIDE, SIDE))
    benchmark.extra_info.update(
        gradient_evaluations_per_second=evaluations_per_second,
        flops_per_evaluation=flops,
        share_of_ceiling=evaluations_per_second * flops / ceiling.flops_per_second,
        threads=torch.get_num_threads(),
    )
