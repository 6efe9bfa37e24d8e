"""Tables and pictures of results: ``python -m inng_bench.report [RESULTS]``. Needs no torch.

>>> from inng_bench.report import build_report
>>> report = build_report(Path("results/runs/quick"))  # doctest: +SKIP
>>> report.table[["texture", "method", "gram", "patch_fid"]]  # doctest: +SKIP
"""

from inng_bench.report.build import Report, build_report

__all__ = ["Report", "build_report"]
