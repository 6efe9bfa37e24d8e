"""Where the time of a step goes, by operator of torch."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile

from inng_bench.throughput.cases import Case, Effort
from inng_bench.throughput.samplers import make_task
from inng_bench.throughput.training import classifier_steps

SHOWN = 0.005
"""Share of a step below which operators are taken together."""

OTHERS = "all others"


@dataclass(frozen=True)
class Part:
    """An operator's own time, without that of the operators that it calls.

    Attributes
    ----------
    operator : str
        As torch calls it.
    milliseconds : float
        Of a step, wall time on the processor.
    share : float
        Of all operators.
    """

    operator: str
    milliseconds: float
    share: float


@dataclass(frozen=True)
class Profile:
    """The parts of one kind of step.

    Attributes
    ----------
    step : str
        Of what, in a phrase.
    parts : tuple[Part, ...]
        The greatest first, the small ones together at the end.
    """

    step: str
    parts: tuple[Part, ...]


def profile_steps(case: Case, effort: Effort) -> tuple[Profile, ...]:
    """Profile the sampler of a case, and a classifier's training, on the processor and in this process."""
    torch.set_num_threads(case.threads)
    sampler = make_task(case, effort.steps)
    training = classifier_steps(case.execution, effort.steps)
    moves = sampler.evaluations // case.batch
    return (
        Profile("a sampler step of the base, all its canvases", _profiled(sampler.run, moves, effort.rounds)),
        Profile("a training step of a classifier of the preset fast", _profiled(training, effort.steps, effort.rounds)),
    )


def _profiled(task: Callable[[], object], steps: int, rounds: int) -> tuple[Part, ...]:
    task()
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiler:
        for _ in range(rounds):
            task()
    per_step = 1 / (1000 * steps * rounds)  # from microseconds of all rounds
    return summarise({event.key: per_step * event.self_cpu_time_total for event in profiler.key_averages()})


def summarise(milliseconds: dict[str, float]) -> tuple[Part, ...]:
    """Return the parts of a step, those under :data:`SHOWN` of it as one."""
    total = sum(milliseconds.values())
    large = {name: time for name, time in milliseconds.items() if time >= SHOWN * total}
    ordered = sorted(large.items(), key=lambda item: -item[1])
    rest = total - sum(large.values())
    return tuple(Part(name, time, time / total) for name, time in [*ordered, (OTHERS, rest)])
