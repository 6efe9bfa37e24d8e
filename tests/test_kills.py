"""Runs that are killed at any moment end with the bytes of one that never stopped.

The kills are SIGKILL of real processes that write real checkpoints (``fork_server.py``).
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inng_bench.records import store

TESTS = Path(__file__).parent
METHODS = ("dcgan", "inng")
OPERATIONS = 5
"""Moments of one written file: half-written, before its flush, before and after its renaming, before the folder's."""

OFFERS = {"dcgan": 16, "inng": 85}
"""Moments of a training at which it could go on: of INNg 36 in the training of classifiers, 43 in ascents."""

TIMES = ("started", "seconds", "peak_memory_mib")

Moment = tuple[str, float]


class Server:
    """The process that forks the runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.process = subprocess.Popen(
            [sys.executable, str(TESTS / "fork_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            text=True,
        )
        assert self._read() == "ready"
        self.whole = {method: self.run(method, []) for method in METHODS}

    def run(self, method: str, moments: Sequence[Moment]) -> "Outcome":
        self._count += 1
        results = self._folder / str(self._count)
        assert self.process.stdin is not None
        print(
            json.dumps({"method": method, "results": str(results), "moments": moments}),
            file=self.process.stdin,
            flush=True,
        )
        return Outcome(results, method, json.loads(self._read()))

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Outcome:
    """What a run left, without the times."""

    def __init__(self, results: Path, method: str, answer: dict[str, Any]) -> None:
        self.killed: int = answer["killed"]
        self.seconds: float = answer["seconds"]
        self.resumed = sum(notice.startswith("continues from its checkpoint") for notice in answer["notices"])
        self.other_notices = [
            text for text in answer["notices"] if not text.startswith("continues from its checkpoint")
        ]
        assert answer["status"] == 0
        (record,) = store.read_records(results)
        # Not the state of the repository: somebody may be at work in it.
        self.record = record.model_dump(exclude={**dict.fromkeys(TIMES, True), "provenance": {"git_sha", "git_dirty"}})
        folder = store.run_folder(results, "brick", method, 0)
        left = {path.name: path for path in folder.iterdir()}
        del left[store.RECORD_NAME]
        self.files = {name: path.read_bytes() for name, path in left.items()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("kills"))
    yield server
    server.close()


def assert_unharmed(server: Server, method: str, moments: Sequence[Moment]) -> Outcome:
    outcome, whole = server.run(method, moments), server.whole[method]
    assert outcome.files.keys() == whole.files.keys()
    assert [name for name, content in whole.files.items() if outcome.files[name] != content] == []
    assert outcome.record == whole.record
    assert outcome.other_notices == []
    return outcome


@pytest.mark.parametrize("method", METHODS)
def test_a_run_killed_at_every_fifth_offer_goes_on_each_time(server: Server, method: str) -> None:
    # Of INNg the fifth lies within a classifier's training, the tenth within an ascent.
    outcome = assert_unharmed(server, method, [("offer", 5)] * 3)
    assert (outcome.killed, outcome.resumed) == (3, 3)


@pytest.mark.parametrize("operation", range(1, 2 * OPERATIONS + 1, 2))
def test_a_run_killed_while_it_writes_its_first_snapshot_ends_the_same(server: Server, operation: int) -> None:
    # Writing knows nothing of the method: of the two this is the shorter training.
    assert assert_unharmed(server, "dcgan", [("operation", operation)]).killed == 1


def moments(method: str) -> st.SearchStrategy[tuple[str, list[Moment]]]:
    offers = st.tuples(st.just("offer"), st.integers(1, OFFERS[method]))
    operations = st.tuples(st.just("operation"), st.integers(1, 2 * OPERATIONS * OFFERS[method]))
    return st.tuples(st.just(method), st.lists(st.one_of(offers, operations), min_size=1, max_size=3))


@given(case=st.sampled_from(METHODS).flatmap(moments))
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_run_killed_at_chosen_moments_ends_the_same(server: Server, case: tuple[str, list[Moment]]) -> None:
    assert_unharmed(server, *case)


def random_kills(server: Server, count: int, seed: int) -> tuple[int, int]:
    """Kill both methods in turn after random times until there were so many kills; return kills and resumptions.

    On a machine that has just become slow, each kill may come before the first snapshot: then there are some more.
    """
    generator = random.Random(seed)
    killed = resumed = turn = 0
    while killed < count or not resumed:
        method = METHODS[turn % 2]
        turn += 1
        seconds = [("seconds", generator.uniform(0.0, server.whole[method].seconds)) for _ in range(4)]
        outcome = assert_unharmed(server, method, seconds[: max(1, count - killed)])
        killed += outcome.killed
        resumed += outcome.resumed
    return killed, resumed


def test_four_kills_at_random_times_change_no_byte(server: Server) -> None:
    killed, resumed = random_kills(server, 4, seed=0)
    assert killed >= 4
    assert resumed >= 1


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_hundred_kills_at_random_times_change_no_byte(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    killed, resumed = random_kills(server, 200, seed=1)
    with capsys.disabled():
        print(f"\n{killed} kills, {resumed} resumptions from a checkpoint, no byte differs, no record is lost")
