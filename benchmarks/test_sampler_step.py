"""Speed of the sampler step, as a share of what this machine reaches in the same process."""

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from inng_bench.contract import Execution, Precision
from inng_bench.harness.hardware import resolve_precision
from inng_bench.inng.algorithm import climb_stage
from inng_bench.inng.alternatives import UPDATES
from inng_bench.inng.frozen import FrozenClassifier, freeze
from inng_bench.inng.method import NEVER
from inng_bench.inng.network import Design, new_classifier
from inng_bench.inng.presets import FAST
from inng_bench.inng.state import Sampler, Stage
from inng_bench.inng.windows import DenseTorus, evaluation_flops
from inng_bench.processes import keep_freed_memory
from inng_bench.throughput.samplers import LIKE_A_TEXTURE
from inng_bench.timing import Ceiling

torch.set_num_threads(1)  # as the runs of the suites
keep_freed_memory()

STEPS, BATCH, SIDE, ROUNDS = 4, 4, 256, 7


def frozen(execution: Execution) -> FrozenClassifier:
    return freeze(new_classifier(Design(32), torch.Generator().manual_seed(0)), execution.dtype)


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.BFLOAT16])
@pytest.mark.parametrize("update", list(UPDATES))
def test_sampler_step(benchmark: BenchmarkFixture, update: str, precision: Precision) -> None:
    execution = Execution(precision=precision)
    native = resolve_precision(Precision.AUTO, execution.device)
    if precision not in (native, Precision.FLOAT32):
        pytest.skip("this processor has no native bfloat16")
    classifier = frozen(execution)
    canvases = torch.rand((BATCH, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(1)) * 2 - 1
    stage, windows = Stage(classifier, STEPS), DenseTorus()
    sampler = Sampler(windows, UPDATES[update], NEVER, LIKE_A_TEXTURE, FAST.step_size, 1.0, temperature=1.0)
    ceiling = Ceiling(execution)

    def step() -> None:
        climb_stage(stage, canvases, sampler, torch.Generator().manual_seed(2))

    benchmark.pedantic(step, setup=ceiling.take_time, rounds=ROUNDS, warmup_rounds=1)  # type: ignore[no-untyped-call]
    assert benchmark.stats is not None
    evaluations_per_second = BATCH * (STEPS + 1) / benchmark.stats.stats.median
    flops = evaluation_flops(classifier, windows, (SIDE, SIDE))
    benchmark.extra_info.update(
        gradient_evaluations_per_second=evaluations_per_second,
        flops_per_evaluation=flops,
        share_of_ceiling=evaluations_per_second * flops / ceiling.flops_per_second,
        threads=torch.get_num_threads(),
    )
