"""What a model is beside its quality: size, costs, and how its fresh samples are to its chain."""

import statistics
from collections.abc import Sequence

import pandas as pd

from inng_bench.records.schema import Record
from inng_bench.report.rows import Read, Row
from inng_bench.tables.markup import ABSENT, Markup, format_number

TITLE = "Size and cost of the models"
NOTE = (
    "Means over seeds, the last two columns medians. Numbers are all that drawing needs; TFLOP and s of drawing are "
    "for a picture of 256×256 px, as measured beside the other runs. Fresh/chain: distance of samples from new noise "
    "over that of as large an area of those that trained along; above 1 new noise does worse."
)

CHAIN_METRICS = ("gram", "patch_fid")

_AREA = 256 * 256


def sample_seconds(record: Record) -> float | None:
    """Return the time of drawing 256×256 px."""
    area = record.samples * _sample_area(record)
    return record.seconds["sample"] / area if area and "sample" in record.seconds else None


def sample_flops(record: Record) -> float | None:
    """Return the counted operations of drawing 256×256 px."""
    area = _sample_area(record)
    flops = record.model.sample_flops if record.model else None
    return flops / area if area and flops is not None else None


def _sample_area(record: Record) -> float:
    height, width = record.sample_size or (0, 0)
    return height * width / _AREA


def fresh_over_chain(metric: str) -> Read:
    """Return what reads the ratio of a metric of fresh samples to that of the chain from a record."""

    def ratio(record: Record) -> float | None:
        found = next((figure for figure in record.chain if figure.metric == metric), None)
        return found.fresh / found.chain if found and found.chain > 0 else None

    return ratio


def wide_costs(row: Row) -> dict[str, float | None]:
    """Return the columns of ``table.csv``."""
    return {
        "model_numbers": row.mean(lambda record: record.model.numbers if record.model else None),
        "model_bytes": row.mean(lambda record: record.model.bytes if record.model else None),
        "sample_seconds_256": row.mean(sample_seconds),
        "sample_flops_256": row.mean(sample_flops),
        **{f"fresh_over_chain_{metric}": _median(row, fresh_over_chain(metric)) for metric in CHAIN_METRICS},
    }


def costs_table(rows: Sequence[Row], markup: Markup) -> pd.DataFrame:
    """Return the table for people, a line for each trained row that has a model; it may be empty."""
    lines = [(row, wide_costs(row)) for row in rows if any(record.model for record in row.succeeded)]
    return pd.DataFrame([_line(row, costs, markup) for row, costs in lines if row.is_trained], dtype="str")


def _line(row: Row, costs: dict[str, float | None], markup: Markup) -> dict[str, str]:
    def cell(name: str, unit: float = 1.0) -> str:
        value = costs[name]
        return markup.escape(ABSENT if value is None else format_number(value / unit))

    flops = row.mean_flops()
    cells = {
        "10⁶ numbers": cell("model_numbers", 1e6),
        "MiB": cell("model_bytes", 2**20),
        "train TFLOP": markup.escape(format_number(flops / 1e12 if flops is not None else None)),
        "train s": markup.escape(format_number(row.mean_seconds("train"))),
        "draw TFLOP": cell("sample_flops_256", 1e12),
        "draw s": cell("sample_seconds_256"),
        "fresh/ chain Gram": cell("fresh_over_chain_gram"),
        "fresh/ chain FID": cell("fresh_over_chain_patch_fid"),
    }
    named = {"texture": markup.escape(row.texture.name), "method": markup.escape(row.method)}
    return named | {markup.escape(heading): text for heading, text in cells.items()}


def _median(row: Row, read: Read) -> float | None:
    values = row.values(read)
    return statistics.median(values) if values else None
