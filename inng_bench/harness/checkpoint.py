"""The checkpoint of one run: the method's snapshot, the diary and whose they are, kept until there is a record."""

import inspect
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel
from safetensors import SafetensorError

from inng_bench.contract import Checkpoint, Method, Snapshot
from inng_bench.harness.diary import Diary, Notice
from inng_bench.harness.plan import RunSpec
from inng_bench.hashes import file_hash
from inng_bench.records import store
from inng_bench.records.generations import Generations
from inng_bench.records.levels import changes
from inng_bench.records.schema import Provenance
from inng_bench.resume import decode, encode, joined, part_of

SHORTEST_SECONDS = 10.0
"""Between two snapshots; what an interruption costs at most, if a snapshot takes no time."""

LARGEST_SHARE = 0.02
"""Of a training's time that goes into snapshots."""

_UNREADABLE = (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a checkpoint raises whose hash is right and whose content is not what a run writes."""


class Identity(BaseModel, extra="forbid", frozen=True, strict=True):
    """Whose checkpoint it is, and what its bytes depend on.

    Attributes
    ----------
    configuration : str
        Hash of texture, method, settings and budget.
    seed : int
        Of the training.
    window : str
        Hash of the pixels that are learnt.
    method_source : str
        Hash of the file of the method's class, which need not be part of this package.
    machine : Provenance
        Code, versions and machine of the process that wrote it.
    """

    configuration: str
    seed: int
    window: str
    method_source: str
    machine: Provenance

    def differences(self, other: "Identity") -> tuple[str, ...]:
        """Return why a training cannot go on from a checkpoint of another identity, a clause each."""
        names = {
            "configuration": "another configuration",
            "seed": "another seed",
            "window": "other pixels",
            "method_source": "other code of the method",
        }
        different = (clause for name, clause in names.items() if getattr(self, name) != getattr(other, name))
        return (*different, *changes(other.machine, self.machine))


def states_of(results: Path, run: RunSpec) -> Generations:
    """Return the place of a run's snapshots."""
    return Generations(store.checkpoint_folder(results, *run.key))


def identify(run: RunSpec, window: str, method: Method, machine: Provenance) -> Identity:
    """Return the identity of a run's checkpoints in this process."""
    return Identity(
        configuration=run.config_hash,
        seed=run.seeds["train"],
        window=window,
        method_source=method_source(type(method)),
        machine=machine,
    )


def method_source(method: type[Method]) -> str:
    """Return the hash of the file that a method's class stands in; empty where there is none."""
    source = inspect.getsourcefile(method)
    return file_hash(Path(source)) if source else ""


class RunCheckpoint(Checkpoint):
    """Keeps a training's snapshots in a folder; decides when one is due by what the last one cost.

    Parameters
    ----------
    generations : Generations
        Where snapshots lie.
    identity : Identity
        Whose they are; those of another are passed over.
    diary : Diary
        What was heard of the training, kept with it.
    notice : Callable[[str], None]
        Is told when the training goes on from a snapshot, and when one is passed over and why.
    clock : Callable[[], float]
        Seconds that go on.
    """

    def __init__(
        self,
        generations: Generations,
        identity: Identity,
        diary: Diary,
        notice: Notice,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._generations = generations
        self._identity = identity
        self._diary = diary
        self._notice = notice
        self._clock = clock
        self._began = clock()
        self._due = self._began + SHORTEST_SECONDS
        self.seconds_before = 0.0
        """Training time of earlier processes, up to the snapshot that this one goes on from."""

    def load(self) -> Snapshot | None:
        """Return the newest snapshot that is whole and of this run, and bring the diary to its moment."""
        content = self._generations.newest(self._notice)
        if content is None:
            return None
        try:
            whole = decode(content)
            different = self._identity.differences(Identity.model_validate(whole.values["identity"]))
            if different:
                self._notice(f"starts again; its checkpoint is of {'; '.join(different)}")
                return None
            self._diary.restore(Snapshot(part_of(whole, "diary"), whole.values["diary"]))
            self.seconds_before = float(whole.values["seconds"])
            snapshot = Snapshot(part_of(whole, "method"), dict(whole.values["method"]))
        except _UNREADABLE as error:
            self._notice(f"starts again; its checkpoint was not written by this package ({type(error).__name__})")
            return None
        self._notice(f"continues from its checkpoint after {self.seconds_before:.0f} s of training")
        return snapshot

    def offer(self, take: Callable[[], Snapshot]) -> None:
        """Write a snapshot if the time since the last one is worth it."""
        begin = self._clock()
        if begin < self._due:
            return
        self._generations.add(encode(self._whole(take(), begin)))
        end = self._clock()
        self._due = end + max(SHORTEST_SECONDS, (end - begin) / LARGEST_SHARE)

    def _whole(self, snapshot: Snapshot, now: float) -> Snapshot:
        diary = self._diary.snapshot()
        values = {
            "identity": self._identity.model_dump(),
            "seconds": self.seconds_before + now - self._began,
            "diary": diary.values,
            "method": dict(snapshot.values),
        }
        return Snapshot(joined(method=snapshot.tensors, diary=diary.tensors), values)
