"""How fast the sampler of a stored model runs, and what share of this machine's own ceiling that is.

Times mean something only on an otherwise idle machine: the harness times stored models after the grid, alone.
"""

from inng_bench.timing.ceiling import Ceiling
from inng_bench.timing.sampler import measure_sampler

__all__ = ["Ceiling", "measure_sampler"]
