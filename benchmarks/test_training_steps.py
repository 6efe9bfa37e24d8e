"""Speed of what a training consists of, as a share of what this machine reaches in the same process."""

from collections.abc import Callable

import torch
from pytest_benchmark.fixture import BenchmarkFixture

from inng_bench.baselines.dcgan import DCGAN, DCGANConfig, step_flops
from inng_bench.contract import Execution
from inng_bench.harness.hardware import resolve_precision
from inng_bench.inng import algorithm
from inng_bench.inng.costs import Prices
from inng_bench.inng.method import INNg
from inng_bench.inng.presets import FAST
from inng_bench.processes import keep_freed_memory
from inng_bench.seeds import torch_generator
from inng_bench.throughput.training import classifier_steps
from inng_bench.timing import Ceiling

torch.set_num_threads(1)  # as the runs of the suites
keep_freed_memory()

PROCESSOR = torch.device("cpu")
EXECUTION = Execution(PROCESSOR, resolve_precision("auto", PROCESSOR))
WINDOW = torch.rand((3, 256, 256), generator=torch_generator(0)) * 2 - 1
CLASSIFIER_STEPS, DCGAN_STEPS, ROUNDS = 10, 20, 7


def take_time(
    benchmark: BenchmarkFixture, task: Callable[[], object], *, rounds: int = ROUNDS, flops: Callable[[], float]
) -> None:
    """Time a task in turn with the ceiling; note what a round has computed and what share of the ceiling that is."""
    ceiling = Ceiling(EXECUTION)
    benchmark.pedantic(task, setup=ceiling.take_time, rounds=rounds, warmup_rounds=1)  # type: ignore[no-untyped-call]
    assert benchmark.stats is not None
    share = flops() / benchmark.stats.stats.median / ceiling.flops_per_second
    benchmark.extra_info.update(flops=flops(), share_of_ceiling=share, precision=str(EXECUTION.precision), threads=1)


def test_classifier_steps(benchmark: BenchmarkFixture) -> None:
    steps = classifier_steps(EXECUTION, CLASSIFIER_STEPS)
    take_time(benchmark, steps, flops=lambda: CLASSIFIER_STEPS * Prices.of(FAST).classifier_step)


def test_stage(benchmark: BenchmarkFixture) -> None:
    """The first stages of a training: classifier steps, recalibration, ascent; each round one more stage."""
    training, prices = INNg({}, EXECUTION).begin(WINDOW, 4), Prices.of(FAST)
    reports = algorithm.train(training, lambda: True)

    def stage() -> None:
        next(report for report in reports if report is not None)

    take_time(benchmark, stage, rounds=3, flops=lambda: prices.of_work(training.work) / training.number)


def test_dcgan_steps(benchmark: BenchmarkFixture) -> None:
    flops = DCGAN_STEPS * step_flops(DCGANConfig())
    gan = DCGAN({"intervals": 1}, EXECUTION)
    take_time(benchmark, lambda: gan.train(WINDOW, seed=5, budget=flops), flops=lambda: flops)
