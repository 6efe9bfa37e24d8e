"""From a suite to records: suite, plan, run, and the processes that carry the runs out.

In Python, the same as ``inng-bench run --suite quick``::

    from inng_bench.harness import run_suite

    results = run_suite("quick")
    print(results.folder, results.failed)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inng_bench.harness.session import Results, run_suite

__all__ = ["Results", "run_suite"]


def __getattr__(name: str) -> Any:
    """Import on use: a session needs torch, whereas lists of suites and methods should come at once."""
    if name in __all__:
        from inng_bench.harness import session

        return getattr(session, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
