"""A preload of Dask's workers in the tests: stubs in the place of the metrics, and faults by variables."""

import os
import sys
from pathlib import Path

from inng_bench.harness import executor
from inng_bench.harness.cluster import worker

TESTS = Path(__file__).parent


def dask_setup(server: object) -> None:
    del server
    executor.WORKER = (sys.executable, str(TESTS / "fake_worker.py"))
    if os.environ.get("INNG_TEST_SHIPS"):
        worker.shares_folder = lambda job: False
