"""The report as one HTML file: complete without a script, and with one sorted, filtered and enlarged."""

from inng_bench.report.page.build import build_page

__all__ = ["build_page"]
