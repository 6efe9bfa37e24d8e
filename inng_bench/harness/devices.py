"""What ``--device`` may say; apart from :mod:`inng_bench.harness.hardware`, so that the help comes without torch."""

DEVICES = ("auto", "cpu", "cuda", "mps")
