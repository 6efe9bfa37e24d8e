"""Records as text: a line each, one in full, and all figures as a table for other programs."""

import csv
import io
import json
from collections.abc import Iterable, Sequence

from inng_bench.records.schema import Record, Status

COLUMNS = (
    "suite",
    "suite_hash",
    "texture",
    "method",
    "replicate",
    "status",
    "metric",
    "version",
    "against",
    "value",
    "n",
    "images",
    "flops",
    "train_seconds",
    "precision",
    "device",
    "git_sha",
)


def list_lines(records: Sequence[Record]) -> list[str]:
    """Return a line for each record: what was run, when, how it ended, and of a failure its reason."""
    names = [record.title for record in records]
    width = max(map(len, names), default=0)
    return [f"{name:{width}}  {record.started}  {_ending(record)}" for name, record in zip(names, records, strict=True)]


def _ending(record: Record) -> str:
    if record.status is not Status.OK:
        return f"{record.status}: {' '.join(record.error.split())}"
    warnings = {0: "", 1: ", 1 warning"}.get(len(record.warnings), f", {len(record.warnings)} warnings")
    return f"{record.status}{warnings}"


def show_text(record: Record) -> str:
    """Return everything that a record says but its curve, as indented JSON."""
    return json.dumps(record.model_dump(mode="json", exclude={"curve"}), indent=2, ensure_ascii=False)


def export_csv(records: Iterable[Record]) -> str:
    """Return one line for each figure in full precision, and for each failed run one without a figure."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerows(_rows(record))
    return stream.getvalue()


def _rows(record: Record) -> list[tuple[object, ...]]:
    run = (record.suite, record.suite_hash, *record.key, str(record.status))
    machine = record.provenance
    cost = (record.flops, record.seconds.get("train"), machine.precision, machine.device, machine.git_sha)
    figures: list[tuple[object, ...]] = [
        (figure.metric, figure.version, str(figure.against), figure.value, figure.n, figure.images)
        for figure in record.measurements
    ]
    return [(*run, *figure, *cost) for figure in figures or [(None,) * 6]]


def export_json(records: Iterable[Record]) -> str:
    """Return the whole records as one JSON list."""
    return json.dumps([record.model_dump(mode="json") for record in records], indent=1, ensure_ascii=False)
