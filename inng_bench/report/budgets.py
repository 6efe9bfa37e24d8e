"""What more or less of the budget is worth: rows that differ from another row in nothing but their budget."""

from collections.abc import Mapping, Sequence

from inng_bench.report.rows import REAL, Row, comparable, headlines, make_rows, of_usual_budget
from inng_bench.report.study import Study
from inng_bench.report.table import times_cells
from inng_bench.tables.content import Cell, Section, Table

TITLE = "Other budgets"
NOTE = (
    "Rows that differ from another row in nothing but a rarer budget stand here and in table.csv, and in no other "
    "table or picture. The figures are times the floor, over the textures and seeds that all budgets of a method have."
)


def section(study: Study) -> Section:
    """Return the figures of each method that has several budgets."""
    return Section(TITLE, NOTE, budgets_table(study.all_rows))


def budgets_table(rows: Sequence[Row]) -> Table:
    """Return a line for each budget of a method that :func:`of_usual_budget` leaves rows of out."""
    usual = {row.method for row in of_usual_budget(rows)}
    rare = dict.fromkeys(row.kind for row in rows if row.method not in usual)
    floors = [row for row in rows if row.implementation == REAL]
    return Table.of(line for kind in rare for line in _lines([row for row in rows if row.kind == kind], floors))


def _lines(kin: Sequence[Row], floors: Sequence[Row]) -> list[Mapping[str, Cell | str]]:
    runs = {
        label: {(run.texture.name, run.replicate): run for row in kin if row.method == label for run in row.succeeded}
        for label in dict.fromkeys(row.method for row in sorted(kin, key=lambda row: row.budget_flops))
    }
    common = set.intersection(*map(set, runs.values()))
    chosen = [run for found in runs.values() for key, run in found.items() if key in common]
    rows = make_rows([*chosen, *(run for row in floors for run in row.records)], kin[0].lineup)
    budgets = {row.method: row.budget_flops for row in kin}
    return [
        {
            "method": label,
            "TFLOP": Cell(f"{budgets[label] / 1e12:g}", number=budgets[label] / 1e12),
            "seeds": str(len({replicate for _, replicate in common})),
            **times_cells(comparable(rows), label, headlines(rows)),
        }
        for label in runs
    ]
