"""The whole cost of a method (training and drawing), and facts about its model."""

import math
import statistics
from collections.abc import Sequence

from inng_bench.records.schema import Record
from inng_bench.report.rows import REAL, Read, Row, by_method, claimed
from inng_bench.report.study import Study
from inng_bench.report.table import with_heading
from inng_bench.tables.content import Cell, Section, Table
from inng_bench.tables.markup import format_number

PICTURES = (1, 100, 10_000)
"""Numbers of drawn pictures that the whole cost is told for."""

TITLE = "Cost"
NOTE = (
    "The whole cost of a method: its training and 1, 100 or 10 000 pictures of 256×256 px (of a set of its "
    "own size), as means over textures. "
    "Only the operations of matrix products and convolutions are counted; Fourier transforms are not counted. A method "
    "without counted operations has a – there. Seconds are measured for all methods, while other runs may use the same "
    "machine. The reference rows are not trained."
)
MODELS_TITLE = "Models"
MODELS_NOTE = (
    "Numbers: how many numbers the model stores. Memory: the peak of a run, median. Fresh/chain: the distance of "
    "samples from new noise, divided by the distance of pseudo-negatives of the training with the same area, median "
    "over seeds and textures; above 1, samples from new noise are worse."
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
    if record.texture.is_set:
        return float(height > 0)  # its pictures have one size, and are counted as they are
    return height * width / _AREA


def fresh_over_chain(metric: str) -> Read:
    """Return what reads the ratio of a metric of fresh samples to that of the chain from a record."""

    def ratio(record: Record) -> float | None:
        found = next((figure for figure in record.chain if figure.metric == metric), None)
        return found.fresh / found.chain if found and found.chain > 0 else None

    return ratio


def whole_costs(row: Row) -> dict[str, float | None]:
    """Return the costs of a row: ``flops_`` and ``seconds_`` of ``train``, ``draw`` and each of :data:`PICTURES`.

    Where the counter sees no operation at all, the operations are not known, and None.
    """
    train_flops, train_seconds = (row.mean_flops(), row.mean_seconds("train")) if row.is_method else (0.0, 0.0)
    draw_flops = row.mean(sample_flops)
    flops = (None, None) if train_flops == draw_flops == 0 else (train_flops, draw_flops)
    costs: dict[str, float | None] = {}
    for unit, (train, draw) in {"flops": flops, "seconds": (train_seconds, row.mean(sample_seconds))}.items():
        costs |= {f"{unit}_train": train, f"{unit}_draw": draw}
        for number in PICTURES:
            costs[f"{unit}_{number}"] = None if train is None or draw is None else train + number * draw
    return costs


def wide_costs(row: Row) -> dict[str, float | None]:
    """Return the columns of ``table.csv``."""
    costs = whole_costs(row)
    return {
        "model_numbers": row.mean(_numbers),
        "model_bytes": row.mean(lambda record: record.model.bytes if record.model else None),
        "sample_seconds_256": costs["seconds_draw"],
        "sample_flops_256": costs["flops_draw"],
        **{f"{unit}_{number}": costs[f"{unit}_{number}"] for unit in ("flops", "seconds") for number in PICTURES},
        **{f"fresh_over_chain_{metric}": _median(row.values(fresh_over_chain(metric))) for metric in CHAIN_METRICS},
    }


def mean_costs(rows: Sequence[Row]) -> dict[str, float | None]:
    """Return :func:`whole_costs` of a method, means over its rows, which are its textures."""
    found = [whole_costs(row) for row in rows]
    known = {name: [cost for costs in found if (cost := costs[name]) is not None] for name in found[0]}
    return {name: math.fsum(costs) / len(costs) if costs else None for name, costs in known.items()}


def section(study: Study) -> Section:
    """Return the whole costs."""
    return Section(TITLE, NOTE, costs_table(study.rows))


def models_section(study: Study) -> Section:
    """Return sizes of models and what fresh noise is worth."""
    return Section(MODELS_TITLE, MODELS_NOTE, models_table(study.rows))


def costs_table(rows: Sequence[Row]) -> Table:
    """Return the whole costs, a line for each method that drew samples; it may be empty."""
    methods = by_method(row for row in claimed(rows) if row.implementation != REAL)
    drawn = {method: costs for method, group in methods.items() if (costs := mean_costs(group))["seconds_draw"]}
    lasts = [methods[method][-1] for method in drawn]  # a row that copies, where a method has some
    return Table.of(with_heading(lasts, lambda row: _line(row, drawn[row.method])))


def _line(row: Row, costs: dict[str, float | None]) -> dict[str, Cell | str]:
    cells: dict[str, Cell | str] = {"method": row.method}
    for unit, heading, size in (("flops", "TFLOP", 1e12), ("seconds", "s", 1.0)):
        for part in ("train", "draw", *PICTURES):
            cells[f"{heading} {part}"] = cost_cell(costs[f"{unit}_{part}"], size)
    return cells


def cost_cell(value: float | None, size: float = 1.0) -> Cell:
    """Return a cost in units of a size."""
    shown = None if value is None else value / size
    return Cell(format_number(shown), number=shown)


def models_table(rows: Sequence[Row]) -> Table:
    """Return size and fresh over chain, a line for each method that has a model; it may be empty."""
    methods = by_method(row for row in claimed(rows) if row.is_method and any(one.model for one in row.succeeded))
    lines: list[dict[str, Cell | str]] = []
    for method, group in methods.items():
        numbers = _median([value for row in group for value in row.values(_numbers)])
        memory = _median([value for row in group for value in row.values(_memory)])
        cells: dict[str, Cell | str] = {
            "method": method,
            "10⁶ numbers": cost_cell(numbers, 1e6),
            "peak memory MiB": cost_cell(memory),
        }
        for metric, label in zip(CHAIN_METRICS, ("Gram", "patch-FID"), strict=True):
            ratios = [value for row in group for value in row.values(fresh_over_chain(metric))]
            cells[f"{label} fresh/chain"] = cost_cell(_median(ratios))
        lines.append(cells)
    return Table.of(lines)


def _memory(record: Record) -> float | None:
    return record.peak_memory_mib or None


def _numbers(record: Record) -> float | None:
    return record.model.numbers if record.model else None


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
