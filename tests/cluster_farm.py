"""Schedulers, workers and clients of Dask for the tests: children of a process that has everything loaded.

A worker imports torch, which takes seconds; a fork of a process that did takes milliseconds. The parent computes
nothing, since threads do not survive a fork. A request is a line of JSON: the role and its options; the answer is the
child's process id.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from distributed import Scheduler, Worker
from distributed.security import Security

from inng_bench import on_dask
from inng_bench.harness import executor
from inng_bench.harness.cluster import executor as cluster_executor
from inng_bench.harness.cluster import worker as cluster_worker
from inng_bench.harness.cluster.connect import open_scheduler
from inng_bench.harness.cluster.job import Job
from inng_bench.harness.cluster.site import Demands, Site, describe_site
from inng_bench.harness.messages import Kind, Message
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import Plan, make_plan
from inng_bench.harness.session import run_plan
from inng_bench.harness.suite import parse_suite
from inng_bench.records import provenance, store

TESTS = Path(__file__).parent
RUNS_OF_OTHERS = 7
"""For which a slow worker waits in its run."""
LIGHT = (sys.executable, "-S", "-I", str(TESTS / "light_run.py"))


def security(tls: str | None) -> Security | None:
    if tls is None:
        return None
    files = {f"tls_{role}_{kind}": f"{tls}/{kind}.pem" for role in ("scheduler", "worker") for kind in ("cert", "key")}
    return Security(tls_ca_file=f"{tls}/ca.pem", require_encryption=True, **files)


async def schedule(host: str = "127.0.0.1", port: int = 0, tls: str | None = None, address_file: str = "") -> None:
    """Be a scheduler; its address stands in a file when it listens."""
    scheduler = Scheduler(
        host=host, port=port, protocol="tls" if tls else "tcp", security=security(tls), dashboard=False
    )
    async with scheduler:
        part = Path(f"{address_file}.part")
        part.write_text(scheduler.address)
        part.replace(address_file)
        await scheduler.finished()


async def work(
    scheduler: str,
    folder: str,
    name: str,
    faults: tuple[str, ...] = (),
    tls: str | None = None,
    host: str | None = None,
) -> None:
    """Be a worker, with faults if some are asked for."""
    setting: Any = executor
    setting.WORKER = LIGHT
    break_worker(faults)
    worker = Worker(
        scheduler,
        nthreads=1,
        name=name,
        local_directory=folder,
        memory_limit=0,
        dashboard=False,
        security=security(tls),
        host=host,
    )
    async with worker:
        await worker.finished()


def break_worker(faults: tuple[str, ...]) -> None:
    patch: Any = cluster_worker
    if "ships" in faults:
        patch.shares_folder = lambda _: False
    if "fills" in faults:
        patch._carry_out = lambda *_: fill_disk()
    if "slow" in faults:
        patch._carry_out = partial(carry_out_last, patch._carry_out)
    if "lies" in faults:
        read_piece = patch.read_piece
        patch.read_piece = lambda *arguments: read_piece(*arguments)[:-1] + b"?"
    if "dies shipping" in faults:
        patch.read_piece = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    if "blind" in faults:
        patch._is_at_hand = lambda *_: False
    if "no package" in faults:
        patch.greet = vars(on_dask)["serve"] = lacks_package
    if "other code" in faults:
        patch.describe_site = of_other_code


def carry_out_last(carry_out: Callable[..., Message], job: Job, *others: Any) -> Message:
    """Serve a request when others have ended theirs."""
    deadline = time.monotonic() + 60
    while len(store.record_files(job.request.results)) < RUNS_OF_OTHERS and time.monotonic() < deadline:
        time.sleep(0.05)
    return carry_out(job, *others)


def fill_disk() -> Message:
    """Do what a run does whose disk becomes full."""
    patch: Any = cluster_worker
    patch.LEAST_FREE = 1 << 62
    return Message(kind=Kind.FAILED, error="OSError: No space left on device")


def lacks_package(_: str) -> Any:
    raise ModuleNotFoundError("No module named 'inng_bench'")


def of_other_code(demands: Demands) -> Site:
    site = describe_site(demands)
    return site.model_copy(update={"machine": site.machine.model_copy(update={"source_sha256": "0" * 64})})


def plan_of(suite: str) -> Plan:
    """Return the runs of a suite without those of its reference rows."""
    plan = make_plan(parse_suite(suite, "cluster"), Overrides(device="cpu"))
    return replace(plan, runs=tuple(run for run in plan.runs if run.implementation == "fake_methods:Tiler"))


def ask(scheduler: str, suite: str, out: str, tls: str | None = None) -> None:
    """Be a client that runs a suite."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    plan = plan_of(suite)
    with open_scheduler(scheduler, None if tls is None else Path(tls)) as client:
        run_plan(plan, Path(out), executor=cluster_executor.ClusterExecutor(client, plan))


def be(role: str, options: dict[str, Any]) -> None:
    if role == "client":
        ask(**options)
    else:
        asyncio.run(schedule(**options) if role == "scheduler" else work(**options))


def main() -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    provenance.source_hash()  # once here, and not in every child
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(log, 1)
                os.dup2(log, 2)
                be(request["role"], request["options"])
                status = 0
            except KeyboardInterrupt:
                status = 130
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        print(child, flush=True)


if __name__ == "__main__":
    main()
