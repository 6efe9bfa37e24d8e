"""The regression gate: is a change worse than the reference, and can that be known? Needs no torch.

``check`` judges quality, from records; ``bless`` makes a reference of results; ``compare`` judges speed, from two
revisions timed side by side. What they rest on, and how often they err, stands in ``docs/gate.md``.

>>> from pathlib import Path
>>> from inng_bench.gate import check
>>> outcome = check(Path("results/reference/smoke"), Path("results/reference/smoke"))
>>> int(outcome.status), outcome.regressions
(0, ())
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inng_bench.gate.blessing import bless
    from inng_bench.gate.checking import check
    from inng_bench.gate.comparison import compare

__all__ = ["bless", "check", "compare"]

_PLACES = {"bless": "blessing", "check": "checking", "compare": "comparison"}


def __getattr__(name: str) -> Any:
    """Import on use: statistics take a second to load, whereas the command line's help should come at once."""
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
