"""Which cluster, and whether what comes over its connections may be trusted."""

import ipaddress
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from distributed import Client
from distributed.deploy.spec import SpecCluster
from distributed.deploy.subprocess import SubprocessScheduler, SubprocessWorker
from distributed.security import Security
from distributed.utils import silence_logging_cmgr

from inng_bench.errors import InputError

TLS_FILES = ("ca.pem", "cert.pem", "key.pem")
"""In the folder of ``--tls``: who signed all certificates of the cluster, and this client's own with its key."""

LOOPBACK = "127.0.0.1"

PATIENCE = "10s"
"""How long a scheduler may take to answer a call, at first and later: after that it counts as gone."""


def check_address(address: str) -> None:
    """Refuse an address over which a stranger could send code: Dask unpickles what comes.

    Raises
    ------
    InputError
        When it is neither loopback nor TLS.
    """
    try:
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
    except ValueError as error:
        raise InputError(f"{address!r} is no address ({error}); write one such as tls://host:8786.") from error
    if parts.scheme in ("tls", "inproc") or _is_loopback(parts.hostname or ""):
        return
    raise InputError(
        f"the address {address} is neither loopback nor TLS. Anybody who reaches a scheduler without TLS can run code "
        "on all its machines; make certificates as docs/cluster.md shows, start scheduler and workers with them, "
        "and give tls://HOST:PORT with --tls FOLDER."
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def open_scheduler(address: str, tls: Path | None = None) -> Iterator[Client]:
    """Connect to a scheduler that runs.

    Parameters
    ----------
    address : str
        Such as ``tls://host:8786``.
    tls : Path or None
        Folder with :data:`TLS_FILES`; None for what Dask's own configuration says.

    Raises
    ------
    InputError
        When the address is not safe, nobody is there, or the certificates are not those of the cluster.
    """
    check_address(address)
    if tls is not None and not address.startswith("tls://"):
        raise InputError(f"--tls goes with an address that begins with tls://, and not with {address}.")
    try:
        client = Client(address, security=_security(tls), timeout=PATIENCE, set_as_default=False)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"there is no scheduler at {address} that can be used ({error}); start one first.") from error
    with silence_logging_cmgr(logging.CRITICAL), client:  # its tracebacks of a lost scheduler: one sentence says it
        yield client


def _security(tls: Path | None) -> Security | None:
    if tls is None:
        return None
    ca, cert, key = (tls / name for name in TLS_FILES)
    for path in (ca, cert, key):
        if not path.is_file():
            raise InputError(f"the folder of --tls lacks {path.name}; docs/cluster.md shows how to make it.")
    return Security(tls_ca_file=str(ca), tls_client_cert=str(cert), tls_client_key=str(key), require_encryption=True)


@contextmanager
def open_local(workers: int) -> Iterator[Client]:
    """Begin a scheduler and workers on this machine, and end them with the block, or with this process.

    They are processes of Dask's own command, so that no module of the caller runs again in them: a worker that was
    begun anew by :mod:`multiprocessing` would run an unguarded script from its first line.
    """
    ends_with_us = ["inng_bench.on_dask"]
    common = {"host": LOOPBACK, "dashboard": False}
    scheduler = {"scheduler_kwargs": {**common, "preload": ends_with_us}}
    options = {**common, "nthreads": 1, "memory_limit": 0, "preload_nanny": ends_with_us}
    os.environ.setdefault("DASK_DISTRIBUTED__LOGGING__DISTRIBUTED", "warning")  # the processes take it from here
    with (
        silence_logging_cmgr(logging.CRITICAL),
        SpecCluster(
            scheduler={"cls": SubprocessScheduler, "options": scheduler},
            # The keys are not the names, or a worker that takes over 15 s to begin anew would lose its nanny.
            workers={
                number: {"cls": SubprocessWorker, "options": {"worker_kwargs": {**options, "name": f"worker-{number}"}}}
                for number in range(1, workers + 1)
            },
        ) as cluster,
        Client(cluster, timeout=PATIENCE, set_as_default=False) as client,
    ):
        client.wait_for_workers(workers)
        yield client


def parse_cluster(text: str) -> int:
    """Read ``local:N``.

    Raises
    ------
    InputError
        When it is something else.
    """
    kind, _, count = text.partition(":")
    if kind != "local" or not (count.isdecimal() and 1 <= int(count) <= 1024):
        raise InputError(f"{text!r} is not a cluster; write local:N, such as local:4, for N workers on this machine.")
    return int(count)
