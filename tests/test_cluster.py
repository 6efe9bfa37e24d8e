"""Runs on a Dask cluster: nothing lost, nothing twice, nothing torn, whoever is killed.

Scheduler and workers are real processes (``cluster_farm.py``); a run is a process of the standard library alone
(``light_run.py``), since one that loads torch takes seconds.
"""

import contextlib
import errno
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cluster_farm
import numpy as np
import pytest
from PIL import Image

from inng_bench.cli import main
from inng_bench.errors import ExitStatus, InputError
from inng_bench.harness import executor as local
from inng_bench.harness.cluster.connect import check_address, open_scheduler
from inng_bench.harness.cluster.executor import ClusterExecutor
from inng_bench.harness.cluster.parcel import Item, Parcel, RejectedError, pack, read_piece, unpack
from inng_bench.harness.rows import known_fields
from inng_bench.harness.session import Results, run_plan
from inng_bench.metrics.catalogue import BY_NAME, DEFAULT
from inng_bench.records import store
from inng_bench.records.schema import Against, Measurement, Record, Status
from inng_bench.records.verify import verify

TESTS = Path(__file__).parent


def suite_of(replicates: int, marker: str = "", texture: str = 'textures = ["brick"]') -> str:
    return f"""
    name = "cluster"
    {texture}
    replicates = {replicates}
    budget_tflop = 0.001
    precision = "float32"
    canvases = 1
    [[methods]]
    label = "tiler"
    implementation = "fake_methods:Tiler"
    settings = {{marker = "{marker}"}}
    """


def within(host: str) -> tuple[str, ...]:
    """Return the beginning of a command that a network namespace carries out."""
    return ("ip", "netns", "exec", host)


class Farm:
    """The process that forks schedulers, workers and clients."""

    def __init__(self, folder: Path, host: str = "") -> None:
        self.folder = folder
        self.log = folder / "log"
        self._process = subprocess.Popen(
            [*(within(host) if host else ()), sys.executable, str(TESTS / "cluster_farm.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**local.worker_environment(1), "INNG_TEST_TEMPLATE": str(folder / "template.json")},
            text=True,
        )
        assert self._read() == "ready"

    def begin(self, role: str, **options: Any) -> int:
        assert self._process.stdin is not None
        line = json.dumps({"role": role, "options": options, "log": str(self.log)})
        print(line, file=self._process.stdin, flush=True)
        return int(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Cluster:
    """A scheduler and its workers, for one test."""

    def __init__(self, farm: Farm, folder: Path, *workers: tuple[str, ...], tls: Path | None = None) -> None:
        self.farm = farm
        self._folder = folder
        self._tls = {} if tls is None else {"tls": str(tls)}
        self.workers: dict[str, int] = {}
        self.begin_scheduler()
        for faults in workers:
            self.begin_worker(*faults)

    def begin_scheduler(self) -> None:
        file = self._folder / f"scheduler-{time.monotonic_ns()}"
        self.scheduler = self.farm.begin("scheduler", address_file=str(file), **self._tls)
        wait_until(file.exists)
        self.address = file.read_text()

    def begin_worker(self, *faults: str) -> str:
        name = f"w{len(self.workers)}"
        self.workers[name] = self.farm.begin(
            "worker", scheduler=self.address, folder=str(self._folder), name=name, faults=faults, **self._tls
        )
        return name

    def kill(self, name: str) -> None:
        with contextlib.suppress(ProcessLookupError):  # it may have ended with its scheduler
            os.kill(self.workers[name], signal.SIGKILL)

    def run(self, suite: str, out: Path) -> Results:
        plan = cluster_farm.plan_of(suite)
        with open_scheduler(self.address, Path(self._tls["tls"]) if self._tls else None) as client:
            return run_plan(plan, out, executor=ClusterExecutor(client, plan))

    def close(self) -> None:
        for process in (*self.workers.values(), self.scheduler):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def wait_until(condition: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    folder = tmp_path_factory.mktemp("farm")
    write_template(folder / "template.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INNG_TEST_TEMPLATE", str(folder / "template.json"))
        patch.setattr(local, "WORKER", cluster_farm.LIGHT)
        farm = Farm(folder)
        yield farm
        farm.close()


def write_template(path: Path) -> None:
    plan = cluster_farm.plan_of(suite_of(1))
    run = plan.runs[0]
    figures = tuple(
        Measurement(
            metric=name,
            version=BY_NAME[name].version,
            against=Against.TRAIN,
            value=0.1,
            n=8,
            images=1,
            disjoint_crops=4,
        )
        for name in DEFAULT
    )
    fields = known_fields(run, plan.facts["brick"], datetime(2026, 1, 1, tzinfo=UTC))
    record = Record(**{**fields, "status": Status.OK, "measurements": figures})
    path.write_text(record.model_dump_json())


@pytest.fixture
def begin(farm: Farm, tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    begun: list[Cluster] = []

    def begin(*workers: tuple[str, ...], tls: Path | None = None) -> Cluster:
        folder = tmp_path / f"cluster-{len(begun)}"
        folder.mkdir()
        begun.append(Cluster(farm, folder, *workers, tls=tls))
        return begun[-1]

    yield begin
    for cluster in begun:
        cluster.close()


def contents(out: Path) -> dict[str, bytes]:
    """Return all that a run leaves, by its path."""
    files = (path for path in sorted((out / "runs").rglob("*")) if path.is_file())
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def at_home(farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, bytes]]:
    """Give what a suite leaves that was run in processes of this machine."""
    known: dict[str, dict[str, bytes]] = {}

    def run(suite: str) -> dict[str, bytes]:
        if suite not in known:
            out = tmp_path_factory.mktemp("home")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("INNG_TEST_HURRY", "1")
                run_plan(cluster_farm.plan_of(suite), out, jobs=2)
            known[suite] = contents(out)
        return known[suite]

    return run


def assert_whole(out: Path, expected: dict[str, bytes]) -> None:
    found = contents(out)
    assert found.keys() == expected.keys()
    assert [name for name, content in expected.items() if found[name] != content] == []
    assert not list(out.glob(".incoming/*"))


@pytest.mark.parametrize("faults", [(), ("ships",)])
@pytest.mark.parametrize("marker", ["", ",9000000"])
def test_a_cluster_leaves_the_bytes_of_this_machine_on_a_shared_folder_and_shipped_in_one_piece_or_several(
    faults: tuple[str, ...], marker: str, begin: Any, at_home: Any, tmp_path: Path
) -> None:
    suite = suite_of(2, marker)
    results = begin(faults, faults).run(suite, tmp_path / "out")
    assert (results.done, results.failed) == (2, 0)
    assert_whole(tmp_path / "out", at_home(suite))
    assert verify(tmp_path / "out").problems == ()


def test_a_worker_that_is_killed_in_a_training_or_while_it_ships_loses_nothing(
    begin: Any, at_home: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = suite_of(3, "0.4")
    cluster = begin(("ships", "dies shipping"), ())
    killed = cluster.begin_worker()

    def kill() -> None:
        wait_until(lambda: is_at_work(cluster.farm))
        cluster.kill(killed)

    watcher = threading.Thread(target=kill)
    watcher.start()
    results = cluster.run(suite, tmp_path / "out")
    watcher.join()
    assert (results.done, results.failed) == (3, 0)
    assert_whole(tmp_path / "out", at_home(suite))
    assert "was lost; starts again on w1" in capsys.readouterr().err


def is_at_work(farm: Farm) -> bool:
    """Say whether a run of a farm's workers goes on."""
    template = str(farm.folder / "template.json").encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"light_run.py" in path.read_bytes() and template in path.with_name("environ").read_bytes():
                return True
    return False


def test_a_run_under_which_three_workers_are_lost_is_a_failed_row_with_the_reason(begin: Any, tmp_path: Path) -> None:
    cluster = begin(*[("ships", "dies shipping")] * 4)
    results = cluster.run(suite_of(1), tmp_path)
    assert (results.done, results.failed) == (0, 1)
    (record,) = store.read_records(tmp_path)
    assert record.error.startswith("3 workers were lost while they ran it (w")


def test_a_scheduler_that_is_killed_is_one_sentence_and_the_same_command_goes_on(
    begin: Any, at_home: Any, tmp_path: Path
) -> None:
    suite = suite_of(6, "0.7")
    out = tmp_path / "out"
    cluster = begin((), ())

    def kill() -> None:
        wait_until(lambda: bool(store.record_files(out)))
        os.kill(cluster.scheduler, signal.SIGKILL)

    watcher = threading.Thread(target=kill)
    watcher.start()
    with pytest.raises(InputError, match=r"the connection to the scheduler is lost\. Finished runs are kept"):
        cluster.run(suite, out)
    watcher.join()
    kept = len(store.record_files(out))
    assert 0 < kept < 6
    assert begin((), ()).run(suite, out).kept >= kept
    assert_whole(out, at_home(suite))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_client_that_is_killed_or_interrupted_keeps_what_is_done_and_stops_the_rest(
    number: signal.Signals, begin: Any, at_home: Any, tmp_path: Path
) -> None:
    suite, out = suite_of(3, "1.0"), tmp_path / "out"
    cluster = begin(())
    client = cluster.farm.begin("client", scheduler=cluster.address, suite=suite, out=str(out))
    wait_until(lambda: bool(store.record_files(out)))
    wait_until(lambda: is_at_work(cluster.farm))
    os.kill(client, number)
    wait_until(lambda: not Path(f"/proc/{client}").exists())
    wait_until(lambda: not is_at_work(cluster.farm))
    assert 0 < len(store.record_files(out)) < 3
    assert cluster.run(suite, out).kept >= 1
    assert_whole(out, at_home(suite))


def random_kills(begin: Any, at_home: Any, tmp_path: Path, count: int, seed: int) -> None:
    """Kill worker, scheduler or client at random moments; after each kill the same command goes on."""
    generator = random.Random(seed)
    suite, out = suite_of(12, "0.05"), tmp_path / "out"
    cluster = begin((), ("ships",))
    for _ in range(count):
        victim = generator.choice(["worker", "scheduler", "client"])
        client = cluster.farm.begin("client", scheduler=cluster.address, suite=suite, out=str(out))
        time.sleep(generator.uniform(0.0, 1.5))
        if victim == "worker":
            cluster.kill(generator.choice(sorted(cluster.workers)))
            cluster.begin_worker(*generator.choice([(), ("ships",)]))
        if victim == "scheduler":
            os.kill(cluster.scheduler, signal.SIGKILL)
            time.sleep(generator.uniform(0.0, 0.5))
        with contextlib.suppress(ProcessLookupError):  # it may have done all
            os.kill(client, signal.SIGKILL)
        wait_until(lambda gone=Path(f"/proc/{client}"): not gone.exists())  # type: ignore[misc]
        if victim == "scheduler":
            cluster.close()
            cluster = begin((), ("ships",))
        if len(store.record_files(out)) == 12:
            assert_whole(out, at_home(suite))
            for path in store.record_files(out)[::2]:
                path.unlink()
    assert cluster.run(suite, out).failed == 0
    assert_whole(out, at_home(suite))


def test_five_kills_at_random_lose_nothing_run_nothing_twice_and_tear_nothing(
    begin: Any, at_home: Any, tmp_path: Path
) -> None:
    random_kills(begin, at_home, tmp_path, 5, seed=0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_fifty_kills_at_random_lose_nothing_run_nothing_twice_and_tear_nothing(
    begin: Any, at_home: Any, tmp_path: Path
) -> None:
    random_kills(begin, at_home, tmp_path, 50, seed=1)


def spent(process: int) -> tuple[float, float]:
    """Return the seconds that a process has computed, and the GiB that it holds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    ticks, pages = int(fields[11]) + int(fields[12]), int(fields[21])
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**30


def cost_of(count: int, workers: int, farm: Farm, folder: Path) -> dict[str, float]:
    """Carry out short runs; returns seconds, those that client and scheduler computed for one run, and memory."""
    file, rows = folder / "scheduler.json", -(-count // 1000)
    suite = suite_of(-(-count // rows))
    for row in range(1, rows):
        suite += f'[[methods]]\nlabel = "tiler-{row}"\nimplementation = "fake_methods:Tiler"\n'
    plan = cluster_farm.plan_of(suite)
    command = f"-m dask scheduler --host 127.0.0.1 --port 0 --no-dashboard --scheduler-file {file}"
    scheduler, client = subprocess.Popen([sys.executable, *command.split()], stderr=subprocess.DEVNULL), os.getpid()
    begun: list[int] = []
    try:
        wait_until(file.exists)
        options = {"scheduler": json.loads(file.read_text())["address"], "folder": str(folder), "faults": ["ships"]}
        begun.extend(farm.begin("worker", name=f"w{number}", **options) for number in range(workers))
        with open_scheduler(options["scheduler"]) as connection:
            connection.wait_for_workers(workers)
            parties = {"client": client, "scheduler": scheduler.pid}
            before, clock = {party: spent(process) for party, process in parties.items()}, time.monotonic()
            results = run_plan(plan, folder / "out", executor=ClusterExecutor(connection, plan))
            clock = time.monotonic() - clock
            assert (results.done, results.failed) == (len(plan.runs), 0)
            after = {party: spent(process) for party, process in parties.items()}
            costs = {party: (after[party][0] - before[party][0]) / count for party in parties}
            growth = after["client"][1] - before["client"][1]
            return {"clock": clock, **costs, "growth_gib": growth, "scheduler_gib": after["scheduler"][1]}
    finally:
        for process in (*begun, scheduler.pid):
            kill_softly(process)
        scheduler.wait()


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_five_thousand_runs_over_eight_workers_take_under_three_minutes_and_half_a_gigabyte(
    farm: Farm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cost = cost_of(5000, 8, farm, tmp_path)
    with capsys.disabled():
        print(f"\n{cost}")
    assert cost["clock"] < 180
    assert max(cost["growth_gib"], cost["scheduler_gib"]) < 0.5


def test_a_lying_a_full_and_a_differing_worker_are_refused_by_name_and_others_do_their_runs(
    begin: Any, at_home: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = suite_of(4, "0.1")
    cluster = begin(("ships", "lies"), ("ships", "fills"), ("other code",), ("ships",))
    assert cluster.run(suite, tmp_path / "out").failed == 0
    assert_whole(tmp_path / "out", at_home(suite))
    said = capsys.readouterr().err
    assert "is refused: what it ships is not what it says (weights.png does not agree with its SHA-256)." in said
    assert "is refused: its disk has " in said
    assert "is refused: source: " in said


def test_a_worker_that_comes_later_without_the_package_is_refused_by_name_and_fails_no_run(
    begin: Any, at_home: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite, out = suite_of(8, "0.3"), tmp_path / "out"
    cluster = begin(())

    def come() -> None:
        wait_until(lambda: bool(store.record_files(out)))
        cluster.begin_worker("no package")

    watcher = threading.Thread(target=come)
    watcher.start()
    assert cluster.run(suite, out).failed == 0
    watcher.join()
    assert_whole(out, at_home(suite))
    assert "is refused: No module named 'inng_bench'." in capsys.readouterr().err


def test_a_slow_worker_holds_up_its_own_run_alone(begin: Any, at_home: Any, tmp_path: Path, capsys: Any) -> None:
    suite = suite_of(cluster_farm.RUNS_OF_OTHERS + 1)
    assert begin(("slow",), ()).run(suite, tmp_path / "out").failed == 0
    assert_whole(tmp_path / "out", at_home(suite))
    ends = [line for line in capsys.readouterr().err.splitlines() if ": done in " in line]
    assert sum(line.endswith(" on w0") for line in ends) == 1


@pytest.mark.parametrize("marker", ["", ",9000000"])
def test_a_full_disk_of_the_client_is_one_sentence_and_the_same_command_goes_on(
    marker: str, begin: Any, at_home: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite, out, write, cluster = suite_of(2, marker), tmp_path / "out", Path.open, begin(("ships",))

    def open_full(path: Path, mode: str = "r", **options: Any) -> Any:
        if mode == "wb" and path.name == "weights.png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, mode, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_full)
        with pytest.raises(InputError, match="No space left on device; free some space"):
            cluster.run(suite, out)
    assert contents(out) == {}
    assert cluster.run(suite, out).done == 2
    assert_whole(out, at_home(suite))


def test_a_script_without_a_guard_runs_once_though_its_worker_is_begun_anew(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal\n"
        "from inng_bench.harness.cluster.connect import open_local\n"
        "print('from the first line')\n"
        "with open_local(1) as client:\n"
        "    first = client.submit(os.getpid, pure=False).result()\n"
        "    os.kill(first, signal.SIGKILL)\n"
        "    assert client.submit(os.getpid, pure=False).result() != first\n"
        "    print(client.submit(lambda dask_worker=None: __import__('distributed').get_worker().name).result())\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=local.worker_environment(1))
    assert done.stdout.splitlines() == ["from the first line", "worker-1"], done.stderr


def test_without_a_worker_that_can_serve_the_session_ends_with_the_reasons(begin: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no worker can run this suite \(tcp://127.0.0.1:\d+: source: 0000"):
        begin(("other code",)).run(suite_of(1), tmp_path)
    assert store.record_files(tmp_path) == []


def test_two_clients_share_a_scheduler_but_not_a_results_folder(begin: Any, at_home: Any, tmp_path: Path) -> None:
    go = tmp_path / "go"
    suite = suite_of(2, str(go))  # its runs wait until the second client has come
    cluster = begin((), ())
    client = cluster.farm.begin("client", scheduler=cluster.address, suite=suite, out=str(tmp_path / "one"))
    wait_until(lambda: (tmp_path / "one" / ".session").exists())
    with pytest.raises(InputError, match="another command is writing to"):
        cluster.run(suite, tmp_path / "one")
    go.touch()
    assert cluster.run(suite, tmp_path / "two").done == 2
    wait_until(lambda: not Path(f"/proc/{client}").exists())
    assert_whole(tmp_path / "one", at_home(suite))
    assert_whole(tmp_path / "two", at_home(suite))


def test_a_picture_of_ones_own_travels_by_its_hash(begin: Any, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1400, 1200, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wall.png")  # larger than a piece
    suite = suite_of(1, texture=f'pictures = [{{path = "{tmp_path}/wall.png"}}]')
    # The light process takes any texture; its template has brick's pixels, so that the client refuses the record.
    results = begin(("ships", "blind")).run(suite, tmp_path / "out")
    assert results.failed == 1
    (stored,) = (tmp_path / "cluster-0").rglob("inng-inputs/*/wall.png")
    assert stored.read_bytes() == (tmp_path / "wall.png").read_bytes()
    (record,) = store.read_records(tmp_path / "out")
    assert "without a record of this configuration and of these pixels" in record.error


def make_certificates(folder: Path) -> None:
    """Make them as docs/cluster.md says."""
    text = (TESTS.parent / "docs" / "cluster.md").read_text()
    commands = [line for line in text.splitlines() if line.startswith("openssl ")]
    assert len(commands) == 3
    folder.mkdir()
    for command in commands:
        subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_with_the_certificates_of_the_docs_a_cluster_speaks_tls_and_turns_away_who_has_others(
    begin: Any, at_home: Any, tmp_path: Path
) -> None:
    make_certificates(tmp_path / "tls")
    make_certificates(tmp_path / "others")
    cluster = begin((), tls=tmp_path / "tls")
    assert cluster.address.startswith("tls://")
    suite = suite_of(1)
    assert cluster.run(suite, tmp_path / "out").done == 1
    assert_whole(tmp_path / "out", at_home(suite))
    with (
        pytest.raises(InputError, match=r"there is no scheduler at tls://.* that can be used"),
        open_scheduler(cluster.address, tmp_path / "others"),
    ):
        pass


HOSTS = {name: f"10.77.0.{number}" for number, name in enumerate(("inng-hub", "inng-a", "inng-b", "inng-c"), 1)}
"""Network namespaces and their addresses; the first is the switch as well."""


@pytest.fixture
def hosts() -> Iterator[None]:
    """Make hosts of network namespaces."""

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    hub, *others = HOSTS
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the command ip")
    try:
        for host in HOSTS:
            ip("netns", "add", host)
            ip("-n", host, "link", "set", "lo", "up")
        ip("-n", hub, "link", "add", "switch", "type", "bridge")
        for host in others:
            ip("-n", hub, "link", "add", host, "type", "veth", "peer", "name", "net", "netns", host)
            ip("-n", hub, "link", "set", host, "master", "switch", "up")
        for host, address in HOSTS.items():
            device = "switch" if host == hub else "net"
            ip("-n", host, "address", "add", f"{address}/24", "dev", device)
            ip("-n", host, "link", "set", device, "up")
        yield
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.decode()}")
    finally:
        for host in HOSTS:
            subprocess.run(["ip", "netns", "delete", host], capture_output=True)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("cut", ["inng-a", "inng-c"])
def test_a_network_that_is_cut_for_a_minute_loses_nothing(
    cut: str, hosts: None, farm: Farm, at_home: Any, tmp_path: Path
) -> None:
    """Of a worker (a) while another (b) goes on, or of the client (c)."""
    del hosts
    tls, suite, out, file = tmp_path / "tls", suite_of(10, "6"), tmp_path / "out", tmp_path / "address"
    make_certificates(tls)
    with contextlib.ExitStack() as stack:
        farms = {host: Farm(farm.folder, host) for host in HOSTS}
        for one in farms.values():
            stack.callback(one.close)

        def begin(where: str, role: str, **options: Any) -> int:
            process = farms[where].begin(role, **options, tls=str(tls))
            stack.callback(kill_softly, process)
            return process

        begin("inng-hub", "scheduler", address_file=str(file), host=HOSTS["inng-hub"])
        wait_until(file.exists)
        scheduler = file.read_text()

        def work(host: str) -> None:
            options = {"folder": str(tmp_path), "name": host, "faults": ("ships",), "host": HOSTS[host]}
            begin(host, "worker", scheduler=scheduler, **options)

        work("inng-a")
        work("inng-b")
        client = begin("inng-c", "client", scheduler=scheduler, suite=suite, out=str(out))
        wait_until(lambda: bool(store.record_files(out)))
        switch = ["ip", "-n", "inng-hub", "link", "set", cut]
        subprocess.run([*switch, "down"], check=True)
        time.sleep(60)
        subprocess.run([*switch, "up"], check=True)
        wait_until(lambda: not Path(f"/proc/{client}").exists())
        kept = len(store.record_files(out))
        assert kept == 10 if cut == "inng-a" else 0 < kept < 10
        work("inng-a")
        client = begin("inng-c", "client", scheduler=scheduler, suite=suite, out=str(out))
        wait_until(lambda: not Path(f"/proc/{client}").exists())
    assert_whole(out, at_home(suite))


def kill_softly(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "tcp://localhost:8786", "tcp://[::1]:8786", "tls://10.0.0.1:8786"])
def test_loopback_and_tls_addresses_are_taken(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "address", ["10.0.0.1:8786", "tcp://cluster.example:8786", "ws://10.0.0.1:80", "tcp://0.0.0.0:1"]
)
def test_any_other_address_is_refused_with_how_to_make_certificates(address: str) -> None:
    with pytest.raises(InputError, match=r"neither loopback nor TLS.*make certificates as docs/cluster.md shows"):
        check_address(address)


def test_a_parcel_is_taken_in_whole_in_pieces_of_any_size_or_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, size in (("a.png", 10), ("empty", 0), ("record.json", 7)):
        (source / name).write_bytes(bytes(range(size)))
    parcel = pack(source)
    whole = read_piece(source, parcel, 0)
    for length in (1, 4, 10, 99):
        pieces = [read_piece(source, parcel, offset, length) for offset in range(0, parcel.size, length)]
        unpack(parcel, pieces, tmp_path / "taken")
        assert {path.name: path.read_bytes() for path in (tmp_path / "taken").iterdir()} == {
            path.name: path.read_bytes() for path in source.iterdir()
        }
    for pieces, reason in (
        ([whole[:-1]], "cut short"),
        ([whole, b"x"], "more bytes than files"),
        ([b"x" + whole[1:]], "a.png does not agree with its SHA-256"),
    ):
        with pytest.raises(RejectedError, match=reason):
            unpack(parcel, pieces, tmp_path / "taken")
    for name in ("../a", "/a", "a/b", ".hidden", "a\\b"):
        with pytest.raises(RejectedError, match="leads elsewhere"):
            unpack(Parcel(items=(Item(name=name, size=0, sha256=""),)), [], tmp_path / "taken")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--cluster", "four"], "'four' is not a cluster; write local:N"),
        (["--cluster", "local:2", "--jobs", "2"], "--jobs does not go with a cluster"),
        (["--tls", "certificates"], "--tls goes with --scheduler"),
        (["--scheduler", "tls://10.0.0.1:1", "--tls", "nowhere"], "the folder of --tls lacks ca.pem"),
        (["--scheduler", "tcp://10.0.0.1:1"], "neither loopback nor TLS"),
        (["--scheduler", "tcp://[::1:8786"], "is no address (Invalid IPv6 URL)"),
        (["--scheduler", "localhost:8786", "--tls", "certificates"], "--tls goes with an address that begins with tls"),
    ],
)
def test_a_wrong_cluster_is_refused_in_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["run", "--suite", str(tmp_path / "suite.toml"), "--device", "cpu", "--out", str(tmp_path / "out")]
    (tmp_path / "suite.toml").write_text(suite_of(1))
    assert main([*command, *arguments]) == ExitStatus.BAD_INPUT
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
