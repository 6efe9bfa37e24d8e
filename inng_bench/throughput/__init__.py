"""The command ``throughput``: the sampler alone, one factor at a time about one setting.

It waits while a suite runs, which times the samplers of its own cascades by :mod:`inng_bench.timing`.
"""
