"""Made-up results of a small suite for the tests of the gate."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from record_builder import VALUES, make_record

from inng_bench.records.schema import Record

FLOOR = {
    "gram": 0.2,
    "patch_fid": 0.4,
    "patch_kid": 0.001,
    "gram_far": 0.25,
    "patch_fid_far": 0.3,
    "patch_fid_wavelet": 0.01,
    "copy_rate": 0.0,
}
LEVELS = {"real": 1.0, "inng": 2.0, "dcgan": 4.0, "random-phase": 5.0, "noise": 8.0}
TEXTURES = ("brick", "pebbles")
SPREAD = 0.03
CELLS = len(TEXTURES) * (len(LEVELS) * len(FLOOR) - 1)
"""All but one metric of one method: DCGAN has no ``gram_far``."""


def make_table(seeds: int = 5, *, first: int = 0, **fields: Any) -> list[Record]:
    """Return records of two textures and five methods; reference rows have one seed and no spread."""
    return [record.model_copy(update=fields) for record in _table(seeds, first)]


@cache
def _table(seeds: int, first: int) -> tuple[Record, ...]:
    records = []
    for texture in TEXTURES:
        for method, level in LEVELS.items():
            trained = method in ("inng", "dcgan")
            for seed in range(first, first + (seeds if trained else 1)):
                draw = np.random.default_rng([seed, len(texture), int(level)])
                deviation = draw.standard_normal() * SPREAD if trained else 0.0
                values: dict[str, float | None] = {
                    **VALUES,
                    **{name: level * floor * float(np.exp(deviation)) for name, floor in FLOOR.items()},
                }
                if method == "dcgan":
                    values["gram_far"] = None
                replicate = seed - first
                records.append(make_record(method, texture=texture, replicate=replicate, values=values))
    return tuple(records)


def with_values(record: Record, changes: Mapping[str, float | None]) -> Record:
    """Return a record with other figures of some metrics."""
    figures = tuple(
        one.model_copy(update={"value": changes[one.metric]}) if one.metric in changes else one
        for one in record.measurements
    )
    return record.model_copy(update={"measurements": figures})


def scaled(record: Record, metric: str, factor: float) -> Record:
    """Return a record with one metric times a factor."""
    value = next(one.value for one in record.measurements if one.metric == metric)
    assert value is not None
    return with_values(record, {metric: factor * value})
