"""Where the time of a step goes, by operator of torch."""

from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile

from inng_bench.throughput.cases import Case, Effort
from inng_bench.throughput.samplers import make_task

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
        Of an evaluation of all canvases of the case, with the step after it.
    share : float
        Of all operators.
    """

    operator: str
    milliseconds: float
    share: float


def measure_parts(case: Case, effort: Effort) -> tuple[Part, ...]:
    """Profile a case on the processor, in this process; the greatest part first, the small ones together at the end."""
    torch.set_num_threads(case.threads)
    task = make_task(case, effort.steps)
    task.run()
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiler:
        for _ in range(effort.rounds):
            task.run()
    evaluations = effort.rounds * task.evaluations / case.batch
    return summarise({event.key: event.self_cpu_time_total / 1000 / evaluations for event in profiler.key_averages()})


def summarise(milliseconds: dict[str, float]) -> tuple[Part, ...]:
    """Return the parts of a step, those under :data:`SHOWN` of it as one."""
    total = sum(milliseconds.values())
    large = {name: time for name, time in milliseconds.items() if time >= SHOWN * total}
    ordered = sorted(large.items(), key=lambda item: -item[1])
    rest = total - sum(large.values())
    return tuple(Part(name, time, time / total) for name, time in [*ordered, (OTHERS, rest)])
