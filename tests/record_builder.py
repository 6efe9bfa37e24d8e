"""Synthetic records and pictures for the tests of store and report."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inng_bench.hashes import CHECKSUM, sealed
from inng_bench.metrics.catalogue import BY_NAME, DEFAULT
from inng_bench.records import store
from inng_bench.records.schema import (
    Against,
    CurvePoint,
    Measurement,
    Provenance,
    Record,
    Status,
    TextureFacts,
    Throughput,
    Window,
)

REFERENCE = ("real", "random-phase", "noise", "mirror", "quilting")

VALUES = {
    **dict.fromkeys(DEFAULT, 0.5),
    **{"gram": 0.2, "patch_fid": 1.5, "patch_kid": 0.003, "copy_rate": 0.0004},
}
"""A figure of every default metric; of the companions any. Even a hundred times the copy rate is no copy."""


def make_provenance(**changes: Any) -> Provenance:
    fields: dict[str, Any] = {
        "git_sha": "0123456789abcdef0123456789abcdef01234567",
        "git_dirty": False,
        "source_sha256": "ef" * 32,
        "package_version": "0.1.0",
        "python": "3.11.7",
        "platform": "Linux x86_64",
        "versions": {"numpy": "2.4.6", "torch": "2.15.0"},
        "cpu": "Example CPU",
        "cores": 2,
        "cpu_quota": None,
        "memory_gib": 16.0,
        "threads": 1,
        "device": "cpu",
        "precision": "float32",
        "libraries": {"oneDNN": "3.13.3", "instructions": "AVX512"},
        "environment": {"OMP_NUM_THREADS": "1"},
    }
    return Provenance(**{**fields, **changes})


def make_texture(
    name: str = "brick", *, has_held_out: bool = True, kind: str = "natural", role: str = "test"
) -> TextureFacts:
    def window(number: int) -> Window:
        return Window(top=0, left=256 * number, height=256, width=256, sha256=f"{number}" * 64)

    return TextureFacts(
        name=name,
        kind=kind,
        role=role,
        licence="CC0",
        source="scikit-image",
        scale=1.0,
        train=window(0),
        held_out=tuple(map(window, (1, 2, 3))) if has_held_out else (),
    )


def make_measurements(
    values: Mapping[str, float | None],
    against: Against = Against.HELD_OUT,
    per_image: Mapping[str, Sequence[float]] | None = None,
) -> tuple[Measurement, ...]:
    return tuple(
        Measurement(
            metric=name,
            version=BY_NAME[name].version,
            against=Against.TRAIN if name == "copy_rate" else against,
            value=value,
            n=512,
            images=4,
            disjoint_crops=100,
            per_image=tuple((per_image or {}).get(name, ())),
        )
        for name, value in values.items()
    )


def make_throughput(speed: float = 1.0, **changes: Any) -> Throughput:
    """Return 48 image·steps/s times ``speed``; ``changes`` replace any field."""
    fields: dict[str, Any] = {
        "update": "adam",
        "height": 256,
        "width": 256,
        "batch": 4,
        "filters": 32,
        "precision": "float32",
        "threads": 1,
        "rounds": 20,
        "gradient_evaluations_per_second": 54.0 * speed,
        "image_steps_per_second": 48.0 * speed,
        "quartiles": (47.0 * speed, 49.0 * speed),
        "flops_per_image_step": 1e9,
        "share_of_ceiling": 0.4 * speed,
    }
    return Throughput(**{**fields, **changes})


def make_curve(points: int, names: Sequence[str], scale: float = 1.0) -> tuple[CurvePoint, ...]:
    return tuple(
        CurvePoint(step=step, flops=step * 2e11, values={name: scale / step**0.5 for name in names})
        for step in range(1, points + 1)
    )


def make_record(
    method: str = "inng",
    *,
    texture: TextureFacts | str = "brick",
    replicate: int = 0,
    values: Mapping[str, float | None] = VALUES,
    **changes: Any,
) -> Record:
    """Return a record; ``changes`` replace any of its fields."""
    facts = make_texture(texture) if isinstance(texture, str) else texture
    against = Against.HELD_OUT if facts.held_out else Against.HALVES
    implementation = changes.pop("implementation", method.split("-10x")[0])
    trained = implementation in ("inng", "dcgan")
    failed = changes.get("status", Status.OK) is not Status.OK
    fields: dict[str, Any] = {
        "suite": "quick",
        "suite_hash": "ab" * 32,
        "texture": facts,
        "method": method,
        "implementation": implementation,
        "settings": {},
        "config_hash": "cd" * 32,
        "replicate": replicate,
        "seeds": {"train": 1, "sample": 2, "metric": 3},
        "budget_flops": (8e13 if method.endswith("10x") else 8e12) if trained else 0.0,
        "status": Status.OK,
        "started": "2026-01-01T00:00:00+00:00",
        "flops": 8e12 if trained and not failed else 0.0,
        "seconds": {"total": 5.0} if failed else {"train": 110.0, "sample": 9.5} if trained else {},
        "measurements": () if failed else make_measurements(values, against),
        "provenance": make_provenance(),
    }
    return Record(**{**fields, **changes})


def rewrite(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change the content of a stored record and seal it again, as somebody could who means harm."""
    content = json.loads(path.read_text())
    del content[CHECKSUM]
    edit(content)
    with contextlib.suppress(ValueError):  # of a number that is none
        content = sealed(content)
    path.write_text(json.dumps(content))


def write_records(out: Path, records: Sequence[Record]) -> Path:
    """Store records and a suite, as a run leaves them."""
    for record in records:
        store.write_record(out, record)
    out.mkdir(parents=True, exist_ok=True)
    store.suite_path(out).write_text(json.dumps(suite_of(records)))
    return out


def suite_of(records: Sequence[Record], **more: Any) -> dict[str, Any]:
    """Return a suite of the methods of some records, INNg first."""
    methods = {record.method: record.implementation for record in records if record.implementation not in REFERENCE}
    ordered = sorted(methods.items(), key=lambda item: (item[1] != "inng", item[0]))
    return {"methods": [{"label": label, "implementation": name} for label, name in ordered], **more}


def write_picture(path: Path, height: int, width: int, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
