"""From a suite to the list of runs, and what of it is still missing."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel

from inng_bench.contract import Execution, LearnsPictures, Precision
from inng_bench.errors import InputError
from inng_bench.harness.hardware import resolve_device, resolve_precision
from inng_bench.harness.methods import REAL, load_method_class
from inng_bench.harness.overrides import NO_OVERRIDES, Overrides
from inng_bench.harness.suite import REFERENCE_ROWS, SET_ROWS, MethodEntry, Suite, changed_suite
from inng_bench.hashes import canonical_hash
from inng_bench.metrics.catalogue import BY_NAME, selected_of_sets, with_defaults
from inng_bench.metrics.needs import check_needs
from inng_bench.records.index import Brief
from inng_bench.records.schema import Limits, Status, TextureFacts
from inng_bench.records.store import RunKey
from inng_bench.seeds import derive_seed
from inng_bench.suggest import did_you_mean
from inng_bench.textures import Texture, load_own, load_texture, own_texture_name

PURPOSES = ("train", "sample", "metric")


class Retry(StrEnum):
    """Which runs are tried again that have a record."""

    FAILED = "failed"
    """Those that failed: they are as unfinished as those that were never begun."""

    NONE = "none"
    """None: a failure stands as its row."""


class TextureReference(BaseModel, extra="forbid", frozen=True):
    """A texture by name, or one's own by the fields of :class:`inng_bench.harness.suite.Picture`.

    ``identity`` tells pictures of one name apart.
    """

    name: str
    path: Path | None = None
    scale: float | None = None
    one_texture: bool = False
    side: int | None = None
    pass_over: bool = False
    identity: str = ""

    def load(self) -> Texture:
        """Read or make the texture."""
        if self.path is None:
            return load_texture(self.name)
        return load_own(**self.model_dump(exclude={"name", "identity"}))


class RunSpec(BaseModel, extra="forbid", frozen=True):
    """All that one run needs to know; crosses the border to the worker as JSON.

    Attributes
    ----------
    suite, suite_hash, config_hash : str
        What the record belongs to. The config hash covers texture, method and budget, not the seed or the machine.
    texture : TextureReference
        What is learnt.
    method, implementation : str
        Row label, and where the method's class is found; ``real`` has none.
    settings : dict
        Every setting of the method, defaults included.
    replicate : int
        Number of the seed, from 0.
    seeds : dict[str, int]
        Seed by purpose: train, sample, metric.
    budget_flops : float
        Counted operations that the training may spend.
    precision : str
        Resolved: float32 or bfloat16.
    device : str
        Resolved torch device.
    threads : int
        Threads of the worker.
    sample_size, samples : int
        Side of a sampled picture in pixels, and how many there are.
    limits : Limits
        What the worker may take.
    metrics : tuple[str, ...]
        What is measured, by the catalogue's names.
    """

    suite: str
    suite_hash: str
    texture: TextureReference
    method: str
    implementation: str
    settings: dict[str, Any]
    config_hash: str
    replicate: int
    seeds: dict[str, int]
    budget_flops: float
    precision: Literal[Precision.FLOAT32, Precision.BFLOAT16]
    device: str
    threads: int
    sample_size: int
    samples: int
    limits: Limits
    metrics: tuple[str, ...]

    @property
    def execution(self) -> Execution:
        """Where and how the method computes."""
        return Execution(torch.device(self.device), self.precision)

    @property
    def key(self) -> RunKey:
        """What tells the run from the others of its suite."""
        return self.texture.name, self.method, self.replicate

    @property
    def title(self) -> str:
        """The run in one phrase."""
        return f"{self.texture.name} · {self.method} · seed {self.replicate}"


@dataclass(frozen=True)
class Plan:
    """The runs of a suite.

    Attributes
    ----------
    suite, suite_hash : Suite, str
        What is compared.
    runs : tuple[RunSpec, ...]
        The dearest first.
    textures : Mapping[str, Texture]
        The suite's textures by name, as they are now.
    overrides : Overrides
        What the call wanted otherwise.
    origin : tuple[str, ...]
        Arguments of the command line that name the suite; empty for a suite made in Python.
    """

    suite: Suite
    suite_hash: str
    runs: tuple[RunSpec, ...]
    textures: Mapping[str, Texture]
    overrides: Overrides = NO_OVERRIDES
    origin: tuple[str, ...] = ()

    @cached_property
    def facts(self) -> dict[str, TextureFacts]:
        """What records keep of the textures, by name."""
        return {name: texture.facts() for name, texture in self.textures.items()}

    def is_done(self, run: RunSpec, record: Brief) -> bool:
        """Say whether a record is the finished result of a run.

        A failed run is not finished, nor is one whose configuration or windows have changed since, nor one that lacks
        the present version of a metric.
        """
        return is_result(run, record, self.facts[run.texture.name].hashes)

    def lacks_metrics_only(self, run: RunSpec, record: Brief) -> bool:
        """Say whether a record is a finished result but for metrics, so that nothing need be trained again."""
        return record.status is Status.OK and self._is_of(run, record) and not self.is_done(run, record)

    def has_failed(self, run: RunSpec, record: Brief) -> bool:
        """Say whether a record is the failure of a run as it would be tried again."""
        return record.status is Status.FAILED and self._is_of(run, record)

    def _is_of(self, run: RunSpec, record: Brief) -> bool:
        return is_of(run, record, self.facts[run.texture.name].hashes)


def is_of(run: RunSpec, record: Brief, pixels: Sequence[str]) -> bool:
    """Say whether a record has the configuration of a run, and the pixels with these hashes."""
    return record.config_hash == run.config_hash and record.pixels == tuple(pixels)


def is_result(run: RunSpec, record: Brief, pixels: Sequence[str]) -> bool:
    """Say whether a record is the finished result of a run; see :meth:`Plan.is_done`."""
    return (
        record.status is Status.OK and is_of(run, record, pixels) and not missing_metrics(record.figures, run.metrics)
    )


def make_plan(suite: Suite, overrides: Overrides = NO_OVERRIDES, *, origin: Sequence[str] = ()) -> Plan:
    """Work out every run of a suite.

    Parameters
    ----------
    suite : Suite
        What is compared.
    overrides : Overrides
        What is wanted otherwise.
    origin : Sequence[str]
        Arguments of the command line that name the suite.

    Raises
    ------
    InputError
        When a texture, method, setting, device or precision does not exist, or what a metric needs.
    """
    check_needs(suite.metrics)
    suite = changed_suite(suite, **overrides.changes())
    chosen = resolve_device(overrides.device)
    execution = Execution(chosen, resolve_precision(suite.precision, chosen))
    labels = _chosen("method", overrides.methods, [entry.label for entry in suite.methods])
    rows = [*_reference_entries(suite), *(entry for entry in suite.methods if entry.label in labels)]
    loaded = _load_textures(suite, _chosen("texture", overrides.textures, suite.texture_names))
    count = changed_suite(suite, replicates=overrides.replicates).replicates  # checked; the suite keeps its own
    suite_hash = suite.hash()
    runs = [
        run
        for entry in rows
        for run in _runs_of_entry(entry, suite, suite_hash, loaded, execution, min(count, entry.replicates or count))
    ]
    return Plan(
        suite,
        suite_hash,
        tuple(sorted(runs, key=lambda run: -run.budget_flops)),
        {reference.name: texture for reference, texture in loaded.items()},
        overrides,
        tuple(origin),
    )


def missing_metrics(found: Collection[tuple[str, int]], wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the metrics that are lacking in their present version, where some are found with theirs."""
    return tuple(name for name in wanted if (name, BY_NAME[name].version) not in found)


def find_missing(plan: Plan, found: Mapping[RunKey, Brief], retry: Retry = Retry.FAILED) -> tuple[RunSpec, ...]:
    """Return the runs that have still to be done, in the plan's order; what is found are the records of a folder.

    Raises
    ------
    InputError
        When a record belongs to another suite, since its figures would stand in one table with others' budgets.
    """
    for record in found.values():
        if record.suite_hash != plan.suite_hash:
            raise InputError(
                f"the results folder holds runs of another suite ({record.suite!r}, hash {record.suite_hash[:8]}; "
                f"this is {plan.suite.name!r}, hash {plan.suite_hash[:8]}); name another folder with --out."
            )

    def is_settled(run: RunSpec) -> bool:
        record = found.get(run.key)
        if record is None:
            return False
        return plan.is_done(run, record) or (retry is Retry.NONE and plan.has_failed(run, record))

    return tuple(run for run in plan.runs if not is_settled(run))


def _reference_entries(suite: Suite) -> list[MethodEntry]:
    """Return the rows of every suite; they do not learn from a seed, so that one replicate tells all."""
    return [
        MethodEntry(label=name, implementation="noise", replicates=1, settings={"per_place": True})
        if name == "pixel-gaussian"
        else MethodEntry(label=name, implementation=name, replicates=1)
        for name in (SET_ROWS if suite.of_sets else REFERENCE_ROWS)
    ]


def _chosen(kind: str, names: Sequence[str] | None, known: Sequence[str]) -> frozenset[str]:
    """Return those of a suite's names that are wanted; None is all."""
    for name in names or ():
        if name not in known:
            raise InputError(f"the suite has no {kind} {name!r}; {did_you_mean(name, known)}")
    return frozenset(known if names is None else names)


def _load_textures(suite: Suite, wanted: frozenset[str]) -> dict[TextureReference, Texture]:
    """Load each wanted texture once, which checks that all exist, and check that no two share a name."""
    textures = {TextureReference(name=name): load_texture(name) for name in suite.textures if name in wanted}
    for picture in suite.pictures:
        if own_texture_name(picture.path) not in wanted:
            continue
        reference = TextureReference(name=own_texture_name(picture.path), **picture.model_dump())
        texture = reference.load()
        if texture.name in {reference.name for reference in textures}:
            raise InputError(f"two pictures of the suite are called {texture.name!r}; rename the file {picture.path}.")
        identity = f"{picture.sha256()}:{picture.scale}"
        textures[reference.model_copy(update={"identity": identity})] = texture
    return textures


def _runs_of_entry(
    entry: MethodEntry,
    suite: Suite,
    suite_hash: str,
    textures: Mapping[TextureReference, Texture],
    execution: Execution,
    replicates: int,
) -> list[RunSpec]:
    """Return texture × seed of one row; a method of sets is sized by each."""
    if suite.of_sets:
        groups = [({one: texture}, texture.train.shape[1]) for one, texture in textures.items()]
    else:
        groups = [(dict(textures), None)]
    return [
        run
        for group, side in groups
        for run in _runs_alike(entry, suite, suite_hash, list(group), execution, replicates, side)
    ]


def _runs_alike(
    entry: MethodEntry,
    suite: Suite,
    suite_hash: str,
    textures: Sequence[TextureReference],
    execution: Execution,
    replicates: int,
    side: int | None,
) -> list[RunSpec]:
    """Return texture × seed of one configuration; the method is built once, which checks it before any work."""
    settings, (samples, size) = _configure(entry, suite, execution, side)
    budget = 0.0 if entry.label in suite.reference_rows else suite.budget_tflop * 1e12 * entry.budget_factor
    # What makes the figure, beside texture and seed. The precision is the requested one: what this machine makes of
    # ``auto`` is a fact about the machine, which the record's provenance tells.
    configuration = {
        "implementation": entry.implementation,
        "settings": settings,
        "budget_flops": budget,
        "sample_size": size,
        "samples": samples,
    }
    hashes = {  # of each texture once: there may be thousands of seeds
        texture: canonical_hash([texture.name, texture.identity, suite.precision, configuration])
        for texture in textures
    }
    limits = Limits(minutes=suite.time_limit_minutes, memory_gib=suite.memory_limit_gib)
    metrics = selected_of_sets(None) if suite.of_sets else with_defaults(suite.metrics)
    return [
        RunSpec(
            suite=suite.name,
            suite_hash=suite_hash,
            texture=texture,
            method=entry.label,
            config_hash=hashes[texture],
            replicate=replicate,
            seeds=_seeds(texture.name, suite.baseline or entry.label, replicate),
            precision=execution.precision,
            device=str(execution.device),
            threads=suite.threads_per_run,
            limits=limits,
            metrics=metrics,
            **configuration,
        )
        for texture in textures
        for replicate in range(replicates)
    ]


def _seeds(texture: str, method: str, replicate: int) -> dict[str, int]:
    return {
        purpose: derive_seed(texture=texture, method=method, replicate=replicate, purpose=purpose)
        for purpose in PURPOSES
    }


def _configure(
    entry: MethodEntry, suite: Suite, execution: Execution, side: int | None
) -> tuple[dict[str, Any], tuple[int, int]]:
    """Return every setting of a method, and how many pictures of which side it draws; a side is that of a set."""
    if entry.label == REAL:
        return {}, (0, side or suite.sample_size)
    implementation = load_method_class(entry.implementation)
    if side is not None and not issubclass(implementation, LearnsPictures):
        raise InputError(f"the method {entry.label!r} learns one texture, not a set of pictures; leave it out.")
    method = implementation(entry.settings | ({} if side is None else {"picture_side": side}), execution)
    settings = method.configuration()
    try:
        json.dumps(settings, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"the configuration of {entry.label!r} is not plain JSON ({error}).") from error
    if side is not None:
        return settings, (suite.canvases, side)
    return settings, sample_geometry(method.supports, suite.sample_size, suite.canvases, entry.label)


def sample_geometry(
    supports: Callable[[tuple[int, int]], bool], size: int, canvases: int, label: str
) -> tuple[int, int]:
    """Return number and side of the pictures of a method, so that every row has the same generated area.

    A method that cannot draw the whole canvas draws it in tiles: the largest side, halving, that it supports.
    """
    side = size
    while side >= 32 and side * (size // side) == size:
        if supports((side, side)):
            return canvases * (size // side) ** 2, side
        side //= 2
    raise InputError(
        f"the method {label!r} can draw neither canvases of {size} px nor tiles that fill them; change sample_size."
    )
