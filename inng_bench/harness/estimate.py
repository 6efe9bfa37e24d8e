"""What a list of runs will take on the machine at hand: a probe of some seconds, and what is known of the rest.

The probe trains each method for a little, draws with it, and sees some crops with the feature network, in as many
processes at once as there will be runs: cores that share a memory, or are threads of one, slow each other down.
"""

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch

from inng_bench.contract import Staged
from inng_bench.errors import InputError
from inng_bench.harness.learning import learn
from inng_bench.harness.machine import Claim, claim_machine
from inng_bench.harness.methods import REAL, is_timed, load_method_class
from inng_bench.harness.plan import RunSpec
from inng_bench.metrics.catalogue import BY_NAME, CROP, Compared, Scope
from inng_bench.processes import begin_work
from inng_bench.records.generations import KEPT
from inng_bench.seeds import torch_generator
from inng_bench.timing.ceiling import Clock

PROBE_FLOPS = 5e10
"""What a probe trains for: one to three seconds of one core; a cascade ends its first stage, which is a little more."""

PROBE_CROPS = 128
"""Crops that a probe sees, and the share of the cost of ``gram`` that they are: four samples and three windows."""
PROBE_COST = BY_NAME["gram"].cost * PROBE_CROPS / (7 * 512)

START, COUNTING, TIMING = 5.0, 2.0, 18.0
"""In the seconds of the catalogue's costs: the start of a run's process, and the timing of a sampler. Counting the
operations of a picture takes as long as drawing two."""

MIB_PER_RUN = 14.0
"""Model and pictures of one run."""


@dataclass(frozen=True)
class Speed:
    """What a probe found, in seconds.

    Attributes
    ----------
    by_flop : Mapping[str, float]
        Of one counted operation of training, by implementation; with the share of what is drawn that grows with it.
    by_run : Mapping[str, float]
        Of what a run draws and counts, by implementation, as far as it does not grow with the training.
    slowness : float
        For one second of the catalogue's costs.
    """

    by_flop: Mapping[str, float]
    by_run: Mapping[str, float]
    slowness: float


def probe(runs: Sequence[RunSpec], jobs: int) -> Speed:
    """Measure the speed of this machine at some runs, so many at a time: the mean of as many processes."""
    trained = {run.implementation: run for run in runs if run.budget_flops}
    work = partial(measure_speed, tuple(trained.values()), runs[0].threads)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=begin_work) as pool:
        found = [each.result() for each in [pool.submit(work) for _ in range(jobs)]]
    return Speed(
        {name: statistics.mean(speed.by_flop[name] for speed in found) for name in trained},
        {name: statistics.mean(speed.by_run[name] for speed in found) for name in trained},
        statistics.mean(speed.slowness for speed in found),
    )


def measure_speed(runs: Sequence[RunSpec], threads: int, clock: Clock = time.perf_counter) -> Speed:
    """Measure it in this process, at one run of each implementation."""
    from inng_bench.metrics import fidelity  # takes seconds to load

    torch.set_num_threads(threads)
    by_flop, by_run = {}, {}
    for run in runs:
        by_flop[run.implementation], by_run[run.implementation] = _try_method(run, clock)
    crops = np.zeros((PROBE_CROPS, CROP, CROP, 3), np.uint8)
    fidelity.extract(crops, fidelity.LAYERS)  # warms up
    began = clock()
    fidelity.extract(crops, fidelity.LAYERS)
    return Speed(by_flop, by_run, (clock() - began) / PROBE_COST)


def _try_method(run: RunSpec, clock: Clock) -> tuple[float, float]:
    """Return the seconds of a counted operation of training, and of drawing, as :class:`Speed` has them."""
    method = load_method_class(run.implementation)(run.settings, run.execution)
    texture = run.texture.load()
    began = clock()
    budget = min(PROBE_FLOPS, run.budget_flops)
    spent = max(budget, learn(method, texture, seed=0, budget=budget).flops)  # a closed form spends nothing
    trained = clock()
    method.sample(1, (run.sample_size, run.sample_size), generator=torch_generator(0))
    drawing = (run.samples + COUNTING) * (clock() - trained)
    if isinstance(method, Staged):  # a picture goes through all stages, and their number grows with the training
        return (trained - began + drawing) / spent, 0.0
    return (trained - began) / spent, drawing


def in_words(runs: Sequence[RunSpec], unmeasured: Sequence[RunSpec], jobs: int, *, timed: bool) -> str:
    """Say in a line what runs, and the measuring of others, will take on this machine; probes it where there are any.

    Parameters
    ----------
    runs : Sequence[RunSpec]
        What is to run.
    unmeasured : Sequence[RunSpec]
        Finished runs that are measured again.
    jobs : int
        How many at a time.
    timed : bool
        Whether the samplers are timed after them.
    """
    if not (runs or unmeasured):
        return "There is nothing to do."
    work = [*(run.model_copy(update={"budget_flops": 0.0}) for run in unmeasured), *runs]
    jobs = min(jobs, len(work))
    began = time.perf_counter()
    try:
        with claim_machine(Claim.SHARED):
            speed = probe(work, jobs)
    except InputError:
        raise
    except Exception as error:  # whatever a method does
        return (
            f"The time on this machine is unknown, because a short test run failed ({type(error).__name__}: {error})."
        )
    took = time.perf_counter() - began
    samplers = {(run.method, run.replicate) for run in runs if timed and is_timed(run.implementation)}
    expected = math.ceil(minutes(work, jobs, speed, timed=len(samplers)))
    unit = "minute" if expected == 1 else "minutes"
    count = f"{len(work)} runs, {jobs} at once"
    return f"About {expected} {unit} on this machine with its present load: {count} (from a test of {took:.0f} s)."


def minutes(runs: Sequence[RunSpec], jobs: int, speed: Speed, *, timed: int = 0) -> float:
    """Estimate the time of runs, handed out in order to a number of workers, and of timing some samplers after them."""
    busy = [0.0] * jobs
    for run in runs:
        busy[busy.index(min(busy))] += _seconds(run, speed)
    return (max(busy) + timed * TIMING * speed.slowness) / 60


def _seconds(run: RunSpec, speed: Speed) -> float:
    costs = sum(_cost(name, real=run.implementation == REAL) for name in run.metrics)
    seconds = (START + costs) * speed.slowness
    if run.budget_flops:
        seconds += run.budget_flops * speed.by_flop[run.implementation] + speed.by_run[run.implementation]
    return seconds


def _cost(name: str, *, real: bool) -> float:
    """Return the cost of a metric; where ``real`` compares its three held-out windows with the train window, thrice."""
    info = BY_NAME[name]
    is_thrice = real and info.compared is Compared.TRAIN and info.scope is not Scope.SETS
    return info.cost * (3 if is_thrice else 1)


@dataclass(frozen=True)
class Disk:
    """What runs take on disk.

    Attributes
    ----------
    kept_mib : float
        What stays.
    passing_mib : float
        What the snapshots of the trainings take until they have a record.
    """

    kept_mib: float
    passing_mib: float


def disk(runs: Sequence[RunSpec], jobs: int) -> Disk:
    """Estimate what some runs take on disk, so many at a time."""
    sizes = {run.method: _snapshot_mib(run) for run in {run.method: run for run in runs}.values()}
    largest = sorted((sizes[run.method] for run in runs), reverse=True)[:jobs]
    return Disk(MIB_PER_RUN * len(runs), (KEPT + 1) * sum(largest))


def _snapshot_mib(run: RunSpec) -> float:
    """Return the size of a snapshot of a run; of those that are kept there is one more while the next is written."""
    if run.implementation == REAL:
        return 0.0
    method = load_method_class(run.implementation)(run.settings, run.execution)
    return method.snapshot_bytes(run.budget_flops) / 2**20
