"""What happens on a worker: a check of its machine, then the request in a process of its own, as at home.

All functions here are called through Dask with plain strings and bytes.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from distributed import Worker, get_worker
from filelock import FileLock, Timeout

from inng_bench.errors import InputError
from inng_bench.harness.cluster.job import Answer, Input, Job, News, Verdict
from inng_bench.harness.cluster.parcel import PIECE, Parcel, pack, read_piece
from inng_bench.harness.cluster.site import describe_site
from inng_bench.harness.executor import WATCH_SECONDS, run_requests
from inng_bench.harness.machine import Claim, claim_machine
from inng_bench.harness.messages import Kind, Message, Request, Task
from inng_bench.harness.plan import RunSpec, is_result
from inng_bench.harness.rows import describe_machine
from inng_bench.hashes import file_hash
from inng_bench.records import store
from inng_bench.records.index import Brief

TOKEN = ".session"
"""File of a results folder in which the session's token stands."""

LOCK = ".run.lock"
"""File of a run's folder that keeps a second worker out while one is at it."""

TELLING_SECONDS = 2.0
"""Between two reports of progress of one run, which all go through the scheduler."""

LEAST_FREE = 256 * 2**20
"""Bytes of disk without which a worker that ships cannot serve."""


class StoppedError(Exception):
    """Nobody waits for the request any more."""


class UnfitError(Exception):
    """The worker cannot serve the request, whereas another may."""


class NeedsError(Exception):
    """Files have to come first."""

    def __init__(self, inputs: tuple[Input, ...]) -> None:
        super().__init__()
        self.inputs = inputs


def serve(line: str) -> tuple[str, bytes]:
    """Serve a job.

    Returns
    -------
    tuple[str, bytes]
        The answer as JSON, and the bytes of its parcel where that is not larger than a piece.
    """
    job = Job.model_validate_json(line)
    worker = get_worker()
    name = str(worker.name)
    try:
        return _serve(job, worker)
    except NeedsError as lacking:
        answer = Answer(
            verdict=Verdict.NEEDS,
            message=Message(kind=Kind.FAILED, worker=name),
            address=worker.address,
            needs=lacking.inputs,
        )
    except (UnfitError, InputError, OSError) as error:  # of this process, not of the run's: a disk that is full
        message = Message(kind=Kind.FAILED, worker=name, error=str(error))
        answer = Answer(verdict=Verdict.UNFIT, message=message, address=worker.address)
    return answer.model_dump_json(), b""


def greet(line: str) -> str:
    """Return why this worker cannot serve jobs like one; empty where it can."""
    job = Job.model_validate_json(line)
    try:
        _check_site(job)
    except (UnfitError, InputError) as error:
        return str(error).rstrip(".")
    return ""


def _serve(job: Job, worker: Worker) -> tuple[str, bytes]:
    _check_site(job)
    if shares_folder(job):
        message = _serve_once(job, worker, _furnished(job, worker, None))
        return Answer(verdict=Verdict.SERVED, message=message, address=worker.address).model_dump_json(), b""
    scratch = Path(tempfile.mkdtemp(prefix="inng-", dir=worker.local_directory))
    waits = False
    try:
        answer = _serve_apart(job, worker, scratch)
        waits = answer.place != ""
        inline = answer.parcel is not None and not waits
        content = read_piece(_place(scratch, job), answer.parcel, 0) if answer.parcel and inline else b""
        return answer.model_dump_json(), content
    finally:
        if not waits:
            shutil.rmtree(scratch, ignore_errors=True)


def _serve_once(job: Job, worker: Worker, request: Request) -> Message:
    """Serve a request in a shared folder, unless somebody else has come to its end meanwhile.

    Another worker may still be at a run that was taken from it: one that was cut off and has not noticed yet.
    """
    if request.task is not Task.RUN:
        return _carry_out(job, worker, request)
    folder = store.run_folder(request.results, *request.run.key)
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder, partial(_check_wanted, worker, worker.get_current_task())):
        if _is_done(job, request):  # by a worker that was lost before it could say so, and left its lock
            message = Message(kind=Kind.DONE, worker=str(worker.name))
        else:
            message = _carry_out(job, worker, request)
        if message.kind is Kind.DONE:
            (folder / LOCK).unlink(missing_ok=True)
        return message


@contextlib.contextmanager
def _only_one(folder: Path, on_look: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a run's folder, after whoever holds it now."""
    lock = FileLock(folder / LOCK)
    while not lock.is_locked:
        on_look()
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=WATCH_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _is_done(job: Job, request: Request) -> bool:
    run = request.run
    record = store.find_record(request.results, *run.key)
    return record is not None and is_result(run, Brief.of(record), job.pixels)


def _serve_apart(job: Job, worker: Worker, scratch: Path) -> Answer:
    """Serve a job in a results folder of its own; a run's files are a parcel then, which waits if it is large."""
    _check_disk(scratch)
    message = _carry_out(job, worker, _furnished(job, worker, scratch))
    answer = Answer(verdict=Verdict.SERVED, message=message, address=worker.address)
    if message.kind is Kind.FAILED:
        _check_disk(scratch)  # which may be why
    elif job.request.task is Task.RUN:
        place = _place(scratch, job)
        parcel = pack(place)
        waiting = str(place) if parcel.size > PIECE else ""
        return answer.model_copy(update={"parcel": parcel, "place": waiting})
    return answer


def _place(scratch: Path, job: Job) -> Path:
    return store.run_folder(scratch, *job.request.run.key)


def _check_site(job: Job) -> None:
    different = job.site.differences(describe_site(job.demands))
    if different:
        raise UnfitError("; ".join(different))


def shares_folder(job: Job) -> bool:
    """Say whether the client's results folder is there under the same path."""
    try:
        return (job.request.results / TOKEN).read_text() == job.token
    except OSError:
        return False


def _check_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise UnfitError(f"its disk has {free // 2**20} MiB left and {LEAST_FREE // 2**20} are needed")


def _furnished(job: Job, worker: Worker, scratch: Path | None) -> Request:
    """Return the request with files of this worker, and with a results folder of its own where there is one."""
    run = job.request.run
    wanted = tuple(one for one in job.inputs if not _is_at_hand(one, run, scratch))
    lacking = tuple(one for one in wanted if not _stored(worker, one).exists())
    if lacking:
        raise NeedsError(lacking)
    for one in wanted:
        if one.run is None:
            texture = run.texture.model_copy(update={"path": _stored(worker, one)})
            run = run.model_copy(update={"texture": texture})
        elif scratch is not None:
            folder = store.run_folder(scratch, *one.run)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / one.name).symlink_to(_stored(worker, one))
    return job.request.model_copy(update={"results": scratch or job.request.results, "run": run})


def _is_at_hand(one: Input, run: RunSpec, scratch: Path | None) -> bool:
    """Say whether an input is where the client has it: a picture under its path, files of a run in a shared folder."""
    if one.run is not None:
        return scratch is None
    path = run.texture.path
    return path is not None and path.is_file() and file_hash(path) == one.sha256


def _stored(worker: Worker, one: Input) -> Path:
    return Path(worker.local_directory) / "inng-inputs" / one.sha256 / Path(one.name).name


def _carry_out(job: Job, worker: Worker, request: Request) -> Message:
    """Serve a request in a process; returns its last message."""
    key = worker.get_current_task()
    told = 0.0
    last = Message(kind=Kind.FAILED)

    def tell(message: Message) -> None:
        news = News(key=key, message=message.model_copy(update={"worker": str(worker.name)}))
        worker.log_event(job.topic, news.model_dump_json(exclude_defaults=True))

    def on_message(_: Request, message: Message) -> None:
        nonlocal last, told
        if message.kind is Kind.PROGRESS and message.phase != "start" and time.monotonic() < told + TELLING_SECONDS:
            return
        if message.kind in (Kind.PROGRESS, Kind.NOTICE):
            told = time.monotonic()
            tell(message)
        else:
            last = message

    alone = request.task is Task.THROUGHPUT
    with claim_machine(Claim.ALONE if alone else Claim.SHARED, _refuse_to_wait if alone else lambda _: None):
        run_requests([request], jobs=1, on_message=on_message, on_look=partial(_check_wanted, worker, key))
    machine = describe_machine(request.run) if alone or last.kind is Kind.FAILED else None
    return last.model_copy(update={"worker": str(worker.name), "machine": machine})


def _refuse_to_wait(_: str) -> None:
    raise UnfitError("others compute on its machine, beside which times would mean nothing")


def is_wanted(worker: Worker, key: str) -> bool:
    """Say whether a task of a worker still has somebody who waits for it, and the worker a scheduler."""
    state = worker.state.tasks.get(key)
    return worker.status.name == "running" and state is not None and state.state in ("executing", "resumed")


def _check_wanted(worker: Worker, key: str) -> None:
    if not is_wanted(worker, key):
        raise StoppedError


def take_piece(line: str, place: str, offset: int) -> bytes:
    """Read a piece of a parcel that lies on this worker; what cannot be read is missing there."""
    with contextlib.suppress(OSError):
        return read_piece(Path(place), Parcel.model_validate_json(line), offset)
    return b""


def let_go(place: str) -> None:
    """Remove a parcel, with the results folder around it."""
    run_depth = 4
    shutil.rmtree(Path(place).parents[run_depth - 1], ignore_errors=True)


def put_piece(line: str, piece: bytes, offset: int, *, last: bool, dask_worker: Worker) -> str:
    """Add to an input of this worker; returns why that cannot be, after the last piece by its hash, or nothing."""
    one = Input.model_validate_json(line)
    path = _stored(dask_worker, one)
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("r+b" if offset else "wb") as stream:
            stream.seek(offset)
            stream.write(piece)
    except OSError as error:
        return f"{one.name} cannot be written there ({error.strerror})"
    if last:
        if file_hash(part) != one.sha256:
            return f"{one.name} has another hash there"
        part.replace(path)
    return ""
