"""Results folders as the page of a report shows them: windows, samples, curves and costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from judged_results import write_samples, write_windows
from record_builder import VALUES, make_curve, make_measurements, write_records

from inng_bench.records.schema import ModelFacts, Record, TextureFacts

TEXTURES = ("brick", "pebbles")
FACTORS = {"real": 1.0, "inng": 2.0, "dcgan": 4.0, "noise": 9.0, "mirror": 1.1}


def make_results(out: Path, textures: Sequence[str] = TEXTURES, **changes: Any) -> Path:
    """Store a run of each method on each texture; ``changes`` replace fields of every record but the row real."""
    return write_records(
        out, [one for texture in textures for one in _records(out, write_windows(out, texture), changes)]
    )


def _records(out: Path, facts: TextureFacts, changes: dict[str, Any]) -> list[Record]:
    records = []
    for method, factor in FACTORS.items():
        drawn = 0 if method == "real" else 3
        record = write_samples(out, facts, method, drawn, 32 if method == "dcgan" else 256)
        more = {
            "measurements": make_measurements({name: factor * value for name, value in VALUES.items()}),
            "samples": drawn,
            "sample_size": (256, 256) if drawn else None,
            "seconds": {"train": 10.0 * factor, "sample": factor},
            "model": ModelFacts(numbers=10, bytes=40, sample_flops=1e9 * factor),
            "curve": make_curve(6, ["gram_at_a_glance", "loss"], factor) if method in ("inng", "dcgan") else (),
        }
        records.append(record.model_copy(update=more | (changes if drawn else {})))
    return records
