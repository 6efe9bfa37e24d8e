"""Hands requests out to a cluster, follows them, and takes in what its workers ship."""

import contextlib
import queue
import secrets
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import Client, Future, KilledWorker
from distributed.comm import CommClosedError

from inng_bench import on_dask
from inng_bench.errors import InputError
from inng_bench.files import write_atomically
from inng_bench.harness.cluster import worker
from inng_bench.harness.cluster.connect import check_address
from inng_bench.harness.cluster.job import Answer, Input, Job, News, Verdict
from inng_bench.harness.cluster.parcel import PIECE, Parcel, RejectedError, install, unpack
from inng_bench.harness.cluster.site import Demands, describe_site
from inng_bench.harness.executor import OnMessage
from inng_bench.harness.machine import Say
from inng_bench.harness.messages import Kind, Message, Request, Task
from inng_bench.harness.plan import Plan
from inng_bench.hashes import file_hash
from inng_bench.records import store

LOSSES = 3
"""Workers that may be lost under a run before it becomes a failed row."""

LOOK_SECONDS = 5.0
"""Between two looks at who is there."""

ANSWER_SECONDS = 60
"""In which an answer, of a piece at most, must have come; Dask would wait until another worker has done its run."""

AHEAD = 2
"""Requests a thread of the workers that are handed out: one that goes on, and one that follows at once."""

TAKERS = 4
"""Answers that are fetched and written at a time: a network and a disk wait more than they work."""

STAGING = ".incoming"
"""Folder of the results in which parcels are unpacked."""

MODEL_FILES = ("model.json", "model.safetensors")


@dataclass(eq=False)
class _Flight:
    """A request that is handed out, and what has become of it so far."""

    request: Request
    future: Future
    began: list[str] = field(default_factory=list)
    """Workers that began it; all but the last were lost."""
    at: str = ""
    """What it was at when it last told: a line for people."""
    lands: bool = False
    """Whether its answer is being fetched."""


@dataclass(frozen=True)
class _Landing:
    """How the fetching of an answer ended."""

    key: str
    outcome: Answer | Exception


class ClusterExecutor:
    """Serves requests on the workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client
        A synchronous one. Its addresses are loopback or TLS.
    plan : Plan
        What the requests belong to.

    Raises
    ------
    InputError
        When the client is asynchronous, or its address is neither loopback nor TLS.
    """

    def __init__(self, client: Client, plan: Plan) -> None:
        if client.asynchronous:
            raise InputError("the client is asynchronous; make it without asynchronous=True.")
        check_address(client.scheduler.address)
        self._client = client
        self._plan = plan
        self._refused: dict[str, str] = {}

    def serve(self, requests: Sequence[Request], on_message: OnMessage, say: Say) -> None:
        """Serve requests, as many at a time as the workers have threads."""
        if requests:
            _Session(self._client, self._plan, self._refused, on_message, say).serve(requests)

    def serve_alone(self, requests: Sequence[Request], on_message: OnMessage, say: Say) -> None:
        """Serve requests one after the other, each on a machine where no other run or timing goes on."""
        for request in requests:
            self.serve([request], on_message, say)


class _Session:
    """One call of :meth:`ClusterExecutor.serve`."""

    def __init__(self, client: Client, plan: Plan, refused: dict[str, str], on_message: OnMessage, say: Say) -> None:
        self._client = client
        self._plan = plan
        self._refused = refused
        self._on_message = on_message
        self._say = say
        self._token = secrets.token_hex(16)
        self._flights: dict[str, _Flight] = {}
        self._waiting: deque[tuple[Request, list[str]]] = deque()
        self._arrivals: queue.SimpleQueue[News | _Landing | str] = queue.SimpleQueue()
        self._threads: dict[str, int] = {}
        self._count = 0
        self._takers = ThreadPoolExecutor(TAKERS, thread_name_prefix="inng-takes")
        self._stops = False

    def serve(self, requests: Sequence[Request]) -> None:
        runs = [request.run for request in requests]
        self._demands = Demands.of(runs, self._plan.suite.precision)
        self._site = describe_site(self._demands)
        self._results = requests[0].results.resolve()
        self._waiting.extend((request, []) for request in requests)
        topic = f"inng-{self._token}"
        write_atomically(self._results / worker.TOKEN, self._token.encode())
        self._topic = topic
        self._greeting = self._job(requests[0]).model_dump_json()
        self._client.subscribe_topic(topic, lambda event: self._arrivals.put(News.of_event(event)))
        try:
            self._wait_for_workers()
            self._follow()
        finally:
            self._stops = True
            self._cancel(list(self._flights))
            self._takers.shutdown(cancel_futures=True)
            if self._client.status == "running":
                self._client.unsubscribe_topic(topic)
            for name in (worker.TOKEN, store.WORKERS_NAME):
                (self._results / name).unlink(missing_ok=True)
            shutil.rmtree(self._results / STAGING, ignore_errors=True)

    def _follow(self) -> None:
        next_look = 0.0
        while self._waiting or self._flights:
            if time.monotonic() >= next_look:
                self._look()
                self._show_workers()
                next_look = time.monotonic() + LOOK_SECONDS
            while self._waiting and len(self._flights) < AHEAD * sum(self._threads.values()):
                self._hand_out(*self._waiting.popleft())
            try:
                arrival = self._arrivals.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            if isinstance(arrival, News):
                self._hear(arrival)
            elif isinstance(arrival, _Landing):
                self._receive(arrival)
            elif arrival in self._flights:
                self._end(arrival)

    # Workers

    def _wait_for_workers(self) -> None:
        """Wait until a worker is there that is not refused; greet all, so that those that differ are named at once."""
        self._look()
        if not self._threads:
            self._say("Waiting for a worker; press Ctrl-C to stop waiting.")
        while not self._threads:
            time.sleep(1.0)
            self._look()

    def _look(self) -> None:
        """See who is there, and greet those that were not there before."""
        with self._connected():
            known: dict[str, int] = self._client.nthreads()
            self._greet([address for address in known if address not in self._threads.keys() | self._refused.keys()])
        self._threads = {address: count for address, count in known.items() if address not in self._refused}
        if known and not self._threads:
            reasons = "; ".join(f"{address}: {self._refused[address]}" for address in sorted(known))
            raise InputError(f"no worker can run this suite ({reasons}); correct the workers and run again.")

    def _greet(self, addresses: Sequence[str]) -> None:
        """Ask workers for their code and versions; refuse those that differ."""
        if not addresses:
            return
        self._say(f"{len(addresses)} workers have come; asking each for its code and versions.")
        safe = []
        for address in addresses:
            try:
                check_address(address)
                safe.append(address)
            except InputError:
                self._refuse(address, "its address is neither loopback nor TLS")
        answers: dict[str, str | Exception] = self._client.run(
            worker.greet, self._greeting, workers=safe, on_error="return"
        )
        for address, answer in answers.items():
            if answer:
                self._refuse(address, str(answer).partition("\n")[0])

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        """Ask the scheduler within the block; one that has gone ends the session."""
        try:
            if self._client.status != "running":
                raise CommClosedError
            yield
        except OSError as error:
            raise InputError(
                "the connection to the scheduler is lost. Finished runs are kept; the same command continues from "
                "there when a scheduler runs again."
            ) from error

    def _refuse(self, address: str, reason: str) -> None:
        if address not in self._refused:
            self._say(f"The worker {address} is refused: {reason}.")
        self._refused[address] = reason

    def _show_workers(self) -> None:
        """Write who is at what beside the results, for those who look on."""
        lines = [f"{len(self._threads)} workers", *sorted(flight.at for flight in self._flights.values() if flight.at)]
        write_atomically(self._results / store.WORKERS_NAME, "\n".join(lines).encode())

    # Requests

    def _job(self, request: Request) -> Job:
        return Job(
            request=request.model_copy(update={"results": self._results}),
            demands=self._demands,
            site=self._site,
            token=self._token,
            pixels=self._plan.facts[request.run.texture.name].hashes,
            topic=self._topic,
            inputs=tuple(one for one, _ in _inputs(request)),
        )

    def _hand_out(self, request: Request, began: list[str]) -> None:
        self._count += 1
        where: dict[str, Any] = {}
        if self._refused:
            where = {"workers": list(self._threads), "allow_other_workers": True}
        run = request.run
        # No two sessions share a key: the folder of one is not that of the other.
        key = f"inng-{run.config_hash[:12]}-{run.replicate}-{self._token[:8]}-{self._count}"
        future = self._client.submit(
            on_dask.serve, self._job(request).model_dump_json(), key=key, pure=False, priority=-self._count, **where
        )
        self._flights[key] = _Flight(request, future, began)
        future.add_done_callback(lambda done: self._arrivals.put(str(done.key)))

    def _hear(self, news: News) -> None:
        flight = self._flights.get(news.key)
        if flight is None:
            return  # told before its end, heard after it
        message = news.message
        if message.phase == "start":
            if flight.began:
                self._say(f"{flight.request.run.title}: {flight.began[-1]} was lost; starts again on {message.worker}")
            flight.began.append(message.worker)
            if len(flight.began) > LOSSES:
                self._give_up(news.key, flight.began[:LOSSES])
                return
        if message.kind is Kind.PROGRESS:
            title = flight.request.run.title
            flight.at = f"{message.worker}: {title} · {message.phase} {message.fraction:.0%}"
        self._on_message(flight.request, message)

    def _give_up(self, key: str, lost: Sequence[str]) -> None:
        flight = self._flights[key]
        self._cancel([key])
        reason = f"{LOSSES} workers were lost while they ran it ({', '.join(lost)}); it may be what ends them."
        self._tell_end(flight, Message(kind=Kind.FAILED, error=reason))

    def _end(self, key: str) -> None:
        """Take in the end of a request: its outcome, or another try elsewhere."""
        flight = self._flights[key]
        future = flight.future
        if future.status == "finished":
            if not flight.lands:  # Dask repeats what was lost with its worker
                flight.lands = True
                self._takers.submit(self._fetch, key, flight)
        elif future.status == "error" and isinstance(future.exception(), KilledWorker):
            if len(flight.began) >= LOSSES:
                self._give_up(key, flight.began)
            else:
                self._again(key)
        elif future.status == "error" and len(flight.began) + 1 < LOSSES:  # a package that is missing or differs there
            flight.began.append("a worker that could not answer")
            self._again(key)
        elif future.status == "error":
            self._flights.pop(key)
            self._tell_end(flight, Message(kind=Kind.FAILED, error=f"the worker broke down: {future.exception()!r}"))
        else:  # cancelled by somebody else, or lost with the scheduler
            self._again(key)

    def _again(self, key: str) -> None:
        flight = self._flights[key]
        self._cancel([key])
        self._waiting.appendleft((flight.request, flight.began))
        self._look()

    def _fetch(self, key: str, flight: _Flight) -> None:
        """Fetch an answer and the files that it ships; runs in a thread of its own and tells the session."""
        try:
            outcome: Answer | Exception = self._fetched(flight)
        except Exception as error:  # the session says what becomes of it
            outcome = error
        self._arrivals.put(_Landing(key, outcome))

    def _fetched(self, flight: _Flight) -> Answer:
        try:
            line, content = flight.future.result(timeout=ANSWER_SECONDS)
        except (OSError, CancelledError) as error:  # the scheduler goes just now, or the worker with the answer
            raise _GoneError from error
        answer = Answer.model_validate_json(line)
        if answer.parcel is not None:
            try:
                self._take_in(flight.request, answer, answer.parcel, content)
            except RejectedError as error:
                return _unfit(answer, error)
        return answer

    def _receive(self, landing: _Landing) -> None:
        """Take note of an answer: its end, files that are missing there, or what keeps its worker from serving."""
        key, outcome = landing.key, landing.outcome
        flight = self._flights.get(key)
        if flight is None:
            return  # given up meanwhile
        if isinstance(outcome, _GoneError):
            self._again(key)
        elif isinstance(outcome, OSError):
            raise InputError(f"cannot write to {self._results}: {outcome.strerror}; free some space.") from outcome
        elif isinstance(outcome, Exception):
            raise outcome
        elif outcome.verdict is Verdict.UNFIT and flight.request.task is not Task.THROUGHPUT:
            self._elsewhere(key, outcome.address, outcome.message.error)
        elif outcome.verdict is Verdict.NEEDS:
            self._provide(key, outcome)
        else:
            self._flights.pop(key)
            self._tell_end(flight, outcome.message)

    def _provide(self, key: str, answer: Answer) -> None:
        """Send a worker the files that it lacks, and hand the request out again."""
        try:
            with contextlib.suppress(_GoneError):
                self._send(self._flights[key].request, answer)
        except RejectedError as error:
            self._elsewhere(key, answer.address, _unfit(answer, error).message.error)
        except OSError as error:
            raise InputError(f"cannot read {error.filename}: {error.strerror}; put it back and run again.") from error
        else:
            self._again(key)

    def _elsewhere(self, key: str, address: str, reason: str) -> None:
        self._refuse(address, reason)
        self._again(key)

    def _tell_end(self, flight: _Flight, message: Message) -> None:
        if not flight.at:  # its first word was lost, or comes later
            self._on_message(flight.request, Message(kind=Kind.PROGRESS, phase="start", worker=message.worker))
        self._on_message(flight.request, message)

    def _cancel(self, keys: Sequence[str]) -> None:
        futures = [self._flights.pop(key).future for key in keys]
        if futures and self._client.status == "running":
            self._client.cancel(futures, force=True)

    # Parcels

    def _take_in(self, request: Request, answer: Answer, parcel: Parcel, content: bytes) -> None:
        """Write a shipped run to its place, whole or not at all, then let the worker forget it."""
        staging = self._results / STAGING / secrets.token_hex(8)
        try:
            unpack(parcel, [content] if not answer.place else self._pieces(answer, parcel), staging)
            _check_record(request, parcel, staging)
            install(parcel, staging, store.run_folder(self._results, *request.run.key))
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            if answer.place:
                with contextlib.suppress(OSError):  # it has gone, and its disk with it
                    self._client.run(worker.let_go, answer.place, workers=[answer.address])

    def _pieces(self, answer: Answer, parcel: Parcel) -> Iterator[bytes]:
        line = parcel.model_dump_json()
        for offset in range(0, parcel.size, PIECE):
            if self._stops:
                raise _GoneError
            yield self._ask(answer.address, worker.take_piece, line, answer.place, offset)

    def _send(self, request: Request, answer: Answer) -> None:
        """Bring files to a worker, by their hashes."""
        known = dict(_inputs(request))
        for one in answer.needs:
            if one not in known:
                raise RejectedError(f"it asks for {one.name!r}, which is not its business")
            size = known[one].stat().st_size
            with known[one].open("rb") as stream:
                for offset in range(0, max(size, 1), PIECE):
                    arguments = one.model_dump_json(), stream.read(PIECE), offset
                    last = offset + PIECE >= size
                    if reason := self._ask(answer.address, worker.put_piece, *arguments, last=last):
                        raise RejectedError(reason)

    def _ask(self, address: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call a function on a worker at once, whatever its threads are at."""
        try:
            if address not in self._client.nthreads():
                raise _GoneError
            return self._client.run(function, *arguments, workers=[address], **named)[address]
        except (OSError, KeyError) as error:
            raise _GoneError from error


class _GoneError(Exception):
    """A worker is not there any more."""


def _unfit(answer: Answer, error: RejectedError) -> Answer:
    """Return an answer that says that its worker ships or asks for something else than it says."""
    message = answer.message.model_copy(update={"error": f"what it ships is not what it says ({error})"})
    return answer.model_copy(update={"verdict": Verdict.UNFIT, "message": message})


def _inputs(request: Request) -> Iterator[tuple[Input, Path]]:
    """Give the files that a worker without the client's disk needs for a request, and where they lie here."""
    run = request.run
    if request.task is Task.THROUGHPUT:
        for name in MODEL_FILES:
            path = store.run_folder(request.results, *run.key) / name
            yield Input(name=name, sha256=file_hash(path), run=run.key), path
    elif run.texture.path is not None:
        path = run.texture.path
        yield Input(name=path.name, sha256=run.texture.identity.partition(":")[0]), path


def _check_record(request: Request, parcel: Parcel, staging: Path) -> None:
    """Refuse a parcel whose record is not that of the run, or tells of other files."""
    run = request.run
    try:
        record = store.read_record(staging / store.RECORD_NAME)
    except InputError as error:
        raise RejectedError(str(error).rstrip(".")) from error
    if (record.key, record.config_hash, record.seeds) != (run.key, run.config_hash, run.seeds):
        raise RejectedError("its record is of another run")
    hashes = {item.name: item.sha256 for item in parcel.items}
    if any(hashes.get(name) != record.hashes.get(role) for role, name in record.artefacts.items()):
        raise RejectedError("its record tells of other files")
