"""The report as one HTML file. It is complete without a script; the script adds sorting, filters and zoom."""

from inng_bench.report.page.build import build_page

__all__ = ["build_page"]
