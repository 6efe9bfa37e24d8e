"""The number of trials of each method (rows of the suite ``tuning``) and the best of them."""

import math
import tomllib
from collections import Counter
from collections.abc import Sequence
from importlib import resources

from inng_bench.metrics.catalogue import HEADLINES, MetricInfo
from inng_bench.report.rows import Row, by_method, by_texture, claimed, mean_place
from inng_bench.report.study import Study
from inng_bench.report.table import heading_of
from inng_bench.tables.content import Cell, Section, Table
from inng_bench.tables.markup import format_number

SUITE = "tuning"

TITLE = "Trials"
NOTE = (
    "A trial is a row of this suite. Figures are (value - floor) / (ceiling - floor), as means over textures: 0 is "
    "as good as the row real, 1 is no better than the row noise. The best trial has the smallest mean over the "
    "headline metrics. A row that copies, or failed on some texture, cannot be the best."
)


def section(study: Study) -> Section:
    """Return the trials of the suite of trials."""
    return Section(TITLE, NOTE, trials_table(study.rows))


def trials_table(rows: Sequence[Row]) -> Table:
    """Return the number of trials and the best one of each implementation; it is empty for any other suite."""
    if any(record.suite != SUITE for row in rows for record in row.records):
        return Table()
    trials: dict[str, list[str]] = {}
    for method, group in by_method(row for row in rows if row.is_method).items():
        trials.setdefault(group[0].implementation, []).append(method)
    return Table.of(_line(rows, implementation, methods) for implementation, methods in trials.items())


def _line(rows: Sequence[Row], implementation: str, methods: Sequence[str]) -> dict[str, Cell | str]:
    means = {method: mean for method in methods if (mean := _mean(rows, method, HEADLINES)) is not None}
    best = min(means, key=lambda method: means[method], default="")
    figures = {"mean": means.get(best)} | {heading_of(metric): _mean(rows, best, [metric]) for metric in HEADLINES}
    cells: dict[str, Cell | str] = {"method": implementation, "trials": str(len(methods)), "best": best or "none"}
    return cells | {name: Cell(format_number(value), number=value) for name, value in figures.items()}


def _mean(rows: Sequence[Row], method: str, metrics: Sequence[MetricInfo]) -> float | None:
    """Return the mean over all textures; None where a row is missing, failed in part, copies or may copy."""
    places = []
    for group in by_texture(claimed(rows)).values():
        row = next((row for row in group if row.method == method), None)
        place = None if row is None or row.failures or not row.is_contestant else mean_place(row, group, metrics)
        if place is None:
            return None
        places.append(place)
    return math.fsum(places) / len(places) if places else None


def trials_sentence(rows: Sequence[Row]) -> str:
    """Say how many trials the methods of these rows had in the bundled suite ``tuning``; empty where it tells none."""
    implementations = dict.fromkeys(row.implementation for row in rows if row.is_method)
    counts = {name: count for name, count in trials_of_suite().items() if name in implementations}
    if not counts:
        return ""
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    recipes = "the recipe was" if len(counts) == 1 else "the recipes were"
    return f"Trials in the suite {SUITE}: {told}; {recipes} developed in more trials before, which are not stored."


def trials_of_suite() -> dict[str, int]:
    """Return the number of rows of each implementation in the bundled suite ``tuning``."""
    file = resources.files("inng_bench.suites") / f"{SUITE}.toml"
    if not file.is_file():
        return {}
    suite = tomllib.loads(file.read_text(encoding="utf-8"))
    return dict(Counter(entry["implementation"] for entry in suite["methods"]))
