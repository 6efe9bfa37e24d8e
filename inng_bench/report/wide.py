"""The comparison table for programs: one line for each row, in full precision."""

from collections.abc import Mapping, Sequence

from inng_bench.metrics.catalogue import MetricInfo
from inng_bench.report.costs import wide_costs
from inng_bench.report.densities import wide_densities
from inng_bench.report.rows import Row, between_floor_and_ceiling, by_texture, measured_metrics
from inng_bench.report.speed import wide_speed


def wide_lines(rows: Sequence[Row]) -> list[Mapping[str, object]]:
    """Return one line a row with full precision.

    Returns
    -------
    list[Mapping[str, object]]
        ``texture, method, seeds, n``, one entry for each metric by its name; then ``<metric>_low`` and
        ``<metric>_high`` (``interval`` says of what kind), sizes, costs, AUC, speeds, status, error
        and ``<metric>_normalised`` as :func:`between_floor_and_ceiling` says. ``copies`` says of a row that it copies,
        ``optimises`` which metrics its method optimises. What there is not is None.
    """
    metrics = measured_metrics(rows)
    return [
        _wide_line(row, metrics)
        | {f"{metric.name}_normalised": between_floor_and_ceiling(row, group, metric.name) for metric in metrics}
        for group in by_texture(rows).values()
        for row in group
    ]


def _wide_line(row: Row, metrics: Sequence[MetricInfo]) -> dict[str, object]:
    sizes = row.sizes()
    line: dict[str, object] = {
        "texture": row.texture.name,
        "method": row.method,
        "seeds": len(row.succeeded),
        "n": sizes.n if sizes else None,
    }
    line |= {metric.name: row.figures[metric.name].value for metric in metrics}
    for metric in metrics:
        figure = row.figures[metric.name]
        line |= {f"{metric.name}_low": figure.low, f"{metric.name}_high": figure.high}
    return line | {
        "copies": row.copies,
        "optimises": " ".join(metric.name for metric in metrics if row.optimises(metric.name)),
        "interval": row.interval.value,
        "against": row.against.value,
        "images": sizes.images if sizes else None,
        "disjoint_crops": sizes.disjoint_crops if sizes else None,
        "flops": row.mean_flops(),
        "train_seconds": row.mean_seconds("train"),
        "sample_seconds": row.mean_seconds("sample"),
        **wide_costs(row),
        **wide_densities(row),
        **wide_speed(row),
        "failures": row.failures,
        "status": row.status.value,
        "error": row.error,
    }
