"""Interactions: whether the effect of two changes together is the product of their single effects.

A row that makes the changes of two other rows, and no others, joins them. Without an interaction its ratio to the
baseline is the product of theirs; the interaction is its ratio to that product. All four rows are compared in pairs of
one texture and one seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from inng_bench.report.effects import (
    QUANTITIES,
    PairedRatio,
    changed_settings,
    compared_methods,
    corrected,
    logarithms,
    quality_verdict,
    quantity_cells,
)
from inng_bench.report.rows import Row
from inng_bench.report.study import Study
from inng_bench.tables.content import Cell, Section, Table

TITLE = "Interactions"

NOTE = (
    "Some rows make the changes of two other rows together. The table shows the effect of such a row divided by the "
    "product of the two single effects, all relative to the baseline. 1 means no interaction. Above 1, the row is "
    "worse than the product predicts, for example because both changes cure the same fault. Pairs, intervals and the "
    "correction are as in the table above. Each comparison needs four runs instead of two, so the intervals are "
    "wider."
)


@dataclass(frozen=True)
class Joint:
    """A row that makes the changes of two others.

    Attributes
    ----------
    method : str
        Its label.
    parts : tuple[str, str]
        Labels of the two.
    """

    method: str
    parts: tuple[str, str]


def joint_rows(rows: Sequence[Row], baseline: str) -> tuple[Joint, ...]:
    """Find the rows whose changes are those of two other rows, which have none in common; budgets are all alike."""
    budgets = {row.method: row.budget_flops for row in rows}
    changes = {
        method: changed
        for method in compared_methods(rows, baseline)
        if budgets[method] == budgets.get(baseline) and (changed := changed_settings(rows, method, baseline))
    }
    return tuple(
        Joint(method, (first, second))
        for method, changed in changes.items()
        for first, second in combinations(changes, 2)
        if not changes[first].keys() & changes[second].keys() and changes[first] | changes[second] == changed
    )


def measure_interactions(rows: Sequence[Row], baseline: str) -> tuple[tuple[Joint, PairedRatio], ...]:
    """Measure every interaction, by quantity in the order of the effects; Holm corrects over the joint rows."""
    joints = joint_rows(rows, baseline)
    return tuple(
        found
        for quantity in QUANTITIES
        for found in zip(
            joints, corrected([_interaction(rows, joint, baseline, quantity) for joint in joints]), strict=True
        )
    )


def _interaction(rows: Sequence[Row], joint: Joint, baseline: str, quantity: str) -> PairedRatio:
    together, first, second, usual = (
        logarithms(rows, method, quantity) for method in (joint.method, *joint.parts, baseline)
    )
    complete = [pair for pair in together if pair in first and pair in second and pair in usual]
    return PairedRatio.of(
        joint.method, quantity, [together[pair] - first[pair] - second[pair] + usual[pair] for pair in complete]
    )


def interactions_lines(rows: Sequence[Row], baseline: str) -> list[dict[str, str | int | float | None]]:
    """Return one line for each joint row and quantity, in full precision."""
    return [
        {"method": joint.method, "first": joint.parts[0], "second": joint.parts[1], **effect.line()}
        for joint, effect in measure_interactions(rows, baseline)
    ]


def section(study: Study) -> Section:
    """Return the interactions of a suite with a baseline; it is empty without a joint row."""
    baseline = study.origin.baseline
    table = interactions_table(study.rows, baseline) if baseline else Table()
    return Section(TITLE, NOTE, table, wide=("joins",))


def interactions_table(rows: Sequence[Row], baseline: str) -> Table:
    """Return the table for people, a line for each joint row; it is empty without one."""
    found = measure_interactions(rows, baseline)
    lines: list[dict[str, Cell | str]] = []
    for joint in dict.fromkeys(joint for joint, _ in found):
        own = {effect.quantity: effect for one, effect in found if one == joint}
        pairs = str(max(effect.pairs for effect in own.values()))
        named = {"method": joint.method, "joins": " and ".join(joint.parts), "pairs": pairs}
        lines.append({**named, **quantity_cells(own), "than the product": quality_verdict(own)})
    return Table.of(lines)
