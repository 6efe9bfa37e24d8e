"""Competitors of INNg, one file each, under the contract of :mod:`inng_bench.contract`."""
