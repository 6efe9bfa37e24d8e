"""The comparison table for machines: a line a row, in full precision."""

import math
from collections.abc import Sequence

import pandas as pd

from inng_bench.metrics.catalogue import MetricInfo
from inng_bench.report.costs import wide_costs
from inng_bench.report.densities import wide_densities
from inng_bench.report.rows import Row, between_floor_and_ceiling, by_texture, measured_metrics
from inng_bench.report.speed import wide_speed

_INTEGERS = (
    *("seeds", "failures", "n", "images", "disjoint_crops"),
    *("speed_seeds", "speed_threads", "speed_height", "speed_width", "speed_batch", "speed_filters"),
)
_SPEEDS = (
    "gradient_evaluations_per_second",
    "image_steps_per_second",
    "image_steps_per_second_low_quartile",
    "image_steps_per_second_high_quartile",
    "share_of_ceiling",
)


def wide_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Return one line a row with full precision.

    Returns
    -------
    pandas.DataFrame
        ``texture, method, seeds, n``, one column for each metric by its name; then ``<metric>_low`` and
        ``<metric>_high`` (``interval`` says of what kind), sizes, costs, AUC, speeds, status, error
        and ``<metric>_normalised`` as :func:`between_floor_and_ceiling` says. ``copies`` says of a row that it copies.
        What there is not is missing (NaN or NA).
    """
    metrics = measured_metrics(rows)
    lines = [
        _wide_line(row, metrics) | _normalised(row, group, metrics)
        for group in by_texture(rows).values()
        for row in group
    ]
    table = pd.DataFrame(lines)
    return table.astype(dict.fromkeys(_INTEGERS, "Int64") | dict.fromkeys(_SPEEDS, "float64"))


def _wide_line(row: Row, metrics: Sequence[MetricInfo]) -> dict[str, object]:
    sizes = row.sizes()
    line: dict[str, object] = {
        "texture": row.texture.name,
        "method": row.method,
        "seeds": len(row.succeeded),
        "n": sizes.n if sizes else None,
    }
    line |= {metric.name: _number(row.figures[metric.name].value) for metric in metrics}
    for metric in metrics:
        figure = row.figures[metric.name]
        line[f"{metric.name}_low"] = _number(figure.low)
        line[f"{metric.name}_high"] = _number(figure.high)
    return line | {
        "copies": row.copies,
        "interval": row.interval.value,
        "against": row.against.value,
        "images": sizes.images if sizes else None,
        "disjoint_crops": sizes.disjoint_crops if sizes else None,
        "flops": _number(row.mean_flops()),
        "train_seconds": _number(row.mean_seconds("train")),
        "sample_seconds": _number(row.mean_seconds("sample")),
        **{name: _number(value) for name, value in (wide_costs(row) | wide_densities(row)).items()},
        **wide_speed(row),
        "failures": row.failures,
        "status": row.status.value,
        "error": row.error,
    }


def _normalised(row: Row, group: Sequence[Row], metrics: Sequence[MetricInfo]) -> dict[str, object]:
    return {
        f"{metric.name}_normalised": _number(between_floor_and_ceiling(row, group, metric.name)) for metric in metrics
    }


def _number(value: float | None) -> float:
    """Return a float, so that a column without any value is still one of numbers."""
    return math.nan if value is None else value
