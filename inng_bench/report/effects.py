"""Effects: how each row of a suite differs from the baseline of the suite.

Rows are compared in pairs of one texture and one seed, which share all of their random choices until the change makes
them part. An effect is the geometric mean of the pairs' ratios.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from inng_bench.metrics.catalogue import BY_NAME
from inng_bench.records.schema import Record
from inng_bench.report.comparison import LEVEL, holm, ratio_cell
from inng_bench.report.intervals import Estimate, student_test, t_interval
from inng_bench.report.rows import Row, comparable, find_headline
from inng_bench.report.study import Study
from inng_bench.tables.content import Cell, Section, Table
from inng_bench.tables.markup import shorten

TITLE = "Effects"

_ERROR_LENGTH = 60


class Verdict(StrEnum):
    """What a ratio says."""

    LOWER = "lower"
    HIGHER = "higher"
    NOT_SEPARABLE = "not separable"
    """The interval holds 1."""
    NOT_MEASURED = "not measured"
    """There are less than two pairs."""


@dataclass(frozen=True)
class PairedRatio:
    """One quantity of one row, as a ratio to what it is compared with.

    Attributes
    ----------
    method, quantity : str
        Label of the row, and name in :data:`QUANTITIES`.
    pairs : int
        Pairs of texture and seed in which all that are compared have a positive value.
    ratio : Estimate
        Geometric mean of the pairs, 95% t interval of their logarithms.
    probability : float or None
        Two-sided, of such a ratio where there is none but 1; after Holm's correction over all that are corrected
        together.
    """

    method: str
    quantity: str
    pairs: int
    ratio: Estimate
    probability: float | None = None

    @classmethod
    def of(cls, method: str, quantity: str, differences: Sequence[float]) -> "PairedRatio":
        """Test differences of logarithms, one a pair, by Student's t; the probability is not corrected yet."""
        ratio, probability = _tested(differences)
        return cls(method, quantity, len(differences), ratio, probability)

    @property
    def verdict(self) -> Verdict:
        """What the interval alone says."""
        if self.ratio.low is None or self.ratio.high is None:
            return Verdict.NOT_MEASURED
        if self.ratio.low <= 1 <= self.ratio.high:
            return Verdict.NOT_SEPARABLE
        return Verdict.LOWER if self.ratio.high < 1 else Verdict.HIGHER

    @property
    def survives(self) -> bool:
        """Whether the verdict holds for all rows that are corrected together."""
        return self.probability is not None and self.probability < LEVEL

    def line(self) -> dict[str, str | int | float | None]:
        """Return the columns of a table in full precision that follow the row's name."""
        return {
            "quantity": self.quantity,
            "pairs": self.pairs,
            "ratio": self.ratio.value,
            "ratio_low": self.ratio.low,
            "ratio_high": self.ratio.high,
            "probability_holm": self.probability,
            "verdict": str(self.verdict),
        }


def _headline(metric: str) -> Callable[[Record], float | None]:
    def value(record: Record) -> float | None:
        found = find_headline(record, metric)
        return found.value if found else None

    return value


def _mean_steps(record: Record) -> float | None:
    steps = [point.values["sampler_steps"] for point in record.curve if "sampler_steps" in point.values]
    return math.fsum(steps) / len(steps) if steps else None


QUANTITIES: Mapping[str, Callable[[Record], float | None]] = {
    "gram": _headline("gram"),
    "patch_fid": _headline("patch_fid"),
    "sampler_steps": _mean_steps,
    "train_seconds": lambda record: record.seconds.get("train"),
}
"""What is compared, by its name in ``effects.csv``; lower is better in all."""

_HEADINGS = {
    "gram": BY_NAME["gram"].label,
    "patch_fid": BY_NAME["patch_fid"].label,
    "sampler_steps": "steps a stage",
    "train_seconds": "train time",
}


def measure_effects(rows: Sequence[Row], baseline: str) -> tuple[PairedRatio, ...]:
    """Compare every method with the baseline, in the order of the rows and of :data:`QUANTITIES`."""
    methods = compared_methods(rows, baseline)
    return tuple(
        effect
        for quantity in QUANTITIES
        for effect in corrected([_effect(rows, method, baseline, quantity) for method in methods])
    )


def compared_methods(rows: Sequence[Row], baseline: str) -> tuple[str, ...]:
    """Return the labels of the methods beside the baseline."""
    labels = dict.fromkeys(row.method for row in rows if row.is_method)
    return tuple(label for label in labels if label != baseline)


def _effect(rows: Sequence[Row], method: str, baseline: str, quantity: str) -> PairedRatio:
    first, second = (logarithms(rows, label, quantity) for label in (method, baseline))
    return PairedRatio.of(method, quantity, [value - second[pair] for pair, value in first.items() if pair in second])


def logarithms(rows: Sequence[Row], method: str, quantity: str) -> dict[tuple[str, int], float]:
    """Return the logarithms of a method's positive values, by texture and seed; none of what copies or optimises it."""
    read = QUANTITIES[quantity]
    chosen = (row for row in comparable(rows) if row.method == method and not row.optimises(quantity))
    records = (record for row in chosen for record in row.succeeded)
    values = {(record.texture.name, record.replicate): read(record) for record in records}
    return {pair: math.log(value) for pair, value in values.items() if value is not None and value > 0}


def _tested(differences: Sequence[float]) -> tuple[Estimate, float | None]:
    """Return the ratio with its interval, and how often so large a one would come of nothing."""
    if not differences:
        return Estimate(), None
    mean = math.fsum(differences) / len(differences)
    if len(differences) == 1:
        return Estimate(math.exp(mean)), None
    low, _, high = map(math.exp, t_interval(differences))
    return Estimate(math.exp(mean), low, high), student_test(differences)


def corrected(effects: Sequence[PairedRatio]) -> list[PairedRatio]:
    """Put Holm's probabilities in the place of those that know nothing of each other."""
    together = iter(holm([effect.probability for effect in effects if effect.probability is not None]))
    return [effect if effect.probability is None else replace(effect, probability=next(together)) for effect in effects]


def effects_lines(effects: Sequence[PairedRatio]) -> list[dict[str, str | int | float | None]]:
    """Return one line for each row and quantity, in full precision."""
    return [{"method": effect.method, **effect.line()} for effect in effects]


def section(study: Study) -> Section:
    """Return the effects of a suite with a baseline; it is empty for any other."""
    baseline = study.origin.baseline
    if not baseline:
        return Section(TITLE)
    return Section(TITLE, effects_note(study.rows, baseline), effects_table(study.rows, baseline), wide=("change",))


def effects_table(rows: Sequence[Row], baseline: str) -> Table:
    """Return the table for people, a line for each row of the suite."""
    effects = measure_effects(rows, baseline)
    lines: list[dict[str, Cell | str]] = []
    for method in dict.fromkeys(effect.method for effect in effects):
        own = {effect.quantity: effect for effect in effects if effect.method == method}
        reason = next((row.error for row in rows if row.method == method and row.failures), "")
        failed = f"; failed: {shorten(reason, _ERROR_LENGTH)}" if reason else ""
        pairs = str(max(effect.pairs for effect in own.values()))
        named = {"method": method, "change": _change(rows, method, baseline), "pairs": pairs}
        lines.append({**named, **quantity_cells(own), "quality": quality_verdict(own) + failed})
    return Table.of(lines)


def effects_note(rows: Sequence[Row], baseline: str) -> str:
    """Return what a reader must know to read the table."""
    count = len(compared_methods(rows, baseline))
    return (
        f"Ratios to the row {baseline}; below 1 means less. They are geometric means over pairs of runs with the same "
        "texture and seed, with a 95% t interval on logarithms. Not separable: the interval includes 1. The "
        f"intervals are not corrected: of {count} rows without any effect, about {count * LEVEL:.1f} would differ in "
        "each column by chance. Ratios that are significant after Holm's correction over the column are bold (a star "
        "in the terminal). All pairs have the same weight, so the interval holds for these textures only."
    )


def _change(rows: Sequence[Row], method: str, baseline: str) -> str:
    """Return in what a row differs from the baseline, such as ``temperature 0.0``."""
    changes = [f"{name} {value}" for name, value in changed_settings(rows, method, baseline).items()]
    budgets = {row.method: row.budget_flops for row in rows}
    if baseline in budgets and budgets[method] != budgets[baseline]:
        changes.append(f"{budgets[method] / budgets[baseline]:g} of the budget")
    return ", ".join(changes)


def changed_settings(rows: Sequence[Row], method: str, baseline: str) -> dict[str, Any]:
    """Return the settings of a row that are not those of the baseline."""
    settings = {row.method: row.records[0].settings for row in rows}
    usual = settings.get(baseline, {})
    return {name: value for name, value in settings[method].items() if usual.get(name) != value}


def quantity_cells(effects: Mapping[str, PairedRatio]) -> dict[str, Cell]:
    """Return the cells of a row's effects, which are given by quantity, under their headings."""
    return {_HEADINGS[name]: ratio_cell(effects[name].ratio, bold=effects[name].survives) for name in QUANTITIES}


def quality_verdict(effects: Mapping[str, PairedRatio]) -> str:
    """Return what both metrics, which are given by quantity, say of the quality, such as ``worse in Gram``."""
    words = {Verdict.HIGHER: "worse", Verdict.LOWER: "better"}
    gram, patch_fid = effects["gram"], effects["patch_fid"]
    if Verdict.NOT_MEASURED in (gram.verdict, patch_fid.verdict):
        return Verdict.NOT_MEASURED
    found = [
        (words[one.verdict], name) for one, name in ((gram, "Gram"), (patch_fid, "patch-FID")) if one.verdict in words
    ]
    if not found:
        return Verdict.NOT_SEPARABLE
    if len({word for word, _ in found}) == 1:
        return f"{found[0][0]} in {' and '.join(name for _, name in found)}"
    return ", ".join(f"{word} in {name}" for word, name in found)
