"""The part of a record that is known before a run begins, and the row of a run that failed."""

from datetime import datetime
from typing import Any

from inng_bench.harness.hardware import libraries
from inng_bench.harness.plan import RunSpec
from inng_bench.records import provenance
from inng_bench.records.schema import Provenance, Record, Status, TextureFacts


def known_fields(
    run: RunSpec, facts: TextureFacts, started: datetime, machine: Provenance | None = None
) -> dict[str, Any]:
    """Return the fields of a record that do not depend on how the run goes; None is this machine."""
    return {
        "suite": run.suite,
        "suite_hash": run.suite_hash,
        "texture": facts,
        "method": run.method,
        "implementation": run.implementation,
        "settings": run.settings,
        "config_hash": run.config_hash,
        "replicate": run.replicate,
        "seeds": run.seeds,
        "budget_flops": run.budget_flops,
        "limits": run.limits,
        "started": started.isoformat(timespec="seconds"),
        "provenance": machine or describe_machine(run),
    }


def describe_machine(run: RunSpec) -> Provenance:
    """Return the provenance of a run in this process."""
    return provenance.collect(threads=run.threads, device=run.device, precision=run.precision, libraries=libraries())


def failed_record(
    run: RunSpec,
    facts: TextureFacts,
    started: datetime,
    error: str,
    seconds: float,
    machine: Provenance | None = None,
) -> Record:
    """Return the row of a run that failed, with the reason; None is this machine."""
    fields = known_fields(run, facts, started, machine)
    return Record(**fields, status=Status.FAILED, error=error, seconds={"total": seconds})
