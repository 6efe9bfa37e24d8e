"""Langevin throughput: how fast the sampler runs, and what share of this machine's own ceiling that is.

Times mean something only on an otherwise idle machine: the harness times a stored cascade after the training grid, and
``python -m inng_bench throughput`` is refused while a suite runs.
"""

from inng_bench.throughput.ceiling import measure_ceiling
from inng_bench.throughput.stored import measure_sampler

__all__ = ["measure_ceiling", "measure_sampler"]
