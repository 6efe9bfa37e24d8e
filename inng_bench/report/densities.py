"""What the densities of models detect: how well they distinguish unseen texture from foils."""

import math
from collections.abc import Sequence

from inng_bench.records.schema import Detection, Record
from inng_bench.report.rows import Read, Row, by_method, claimed
from inng_bench.report.study import Study
from inng_bench.tables.content import ABSENT, Section, Table
from inng_bench.tables.markup import format_number

TITLE = "What the densities of the models detect"
NOTE = (
    "AUC, as a mean over seeds and textures: the probability that a held-out window has a higher score than a window "
    "of a foil; 0.5 is chance. If the texture has no held-out window, the train window is used. There are three "
    "scores, separated by strokes: the log ratio ln p/p0; the log density ln p; and how near ln p/p0 and ln p0 of a "
    "window are to those of the train window (older records have fewer). Foils: independent pixels with the colours "
    "of the texture, noise with its spectrum, its blocks of 32 px shuffled, another texture with its colours."
)

FOILS = ("noise", "random-phase", "shuffled", "other-texture")
SCORES = ("auc", "whole_auc", "typical_auc")


def wide_densities(row: Row) -> dict[str, float | None]:
    """Return the columns of ``table.csv``: ``auc_<foil>``, ``whole_auc_<foil>`` and ``typical_auc_<foil>``."""
    return {_column(score, foil): row.mean(_score(score, foil)) for score in SCORES for foil in FOILS}


def section(study: Study) -> Section:
    """Return what the densities detect."""
    return Section(TITLE, NOTE, densities_table(study.rows))


def densities_table(rows: Sequence[Row]) -> Table:
    """Return the table for people, a line for each method with such figures; it may be empty."""
    chosen = (row for row in claimed(rows) if row.is_method and any(record.detection for record in row.succeeded))
    return Table.of(map(_line, by_method(chosen).values()))


def _line(rows: Sequence[Row]) -> dict[str, str]:
    wide = [wide_densities(row) for row in rows]

    def mean(score: str, foil: str) -> float | None:
        known = [value for one in wide if (value := one[_column(score, foil)]) is not None]
        return math.fsum(known) / len(known) if known else None

    def cell(foil: str) -> str:
        known = [value for score in SCORES if (value := mean(score, foil)) is not None]
        return " / ".join(map(format_number, known)) or ABSENT

    return {"method": rows[0].method, **{foil: cell(foil) for foil in FOILS}}


def _column(score: str, foil: str) -> str:
    return f"{score}_{foil.replace('-', '_')}"


def _score(score: str, foil: str) -> Read:
    """Return what reads a score from a record."""

    def read(record: Record) -> float | None:
        found: Detection | None = next((found for found in record.detection if found.foil == foil), None)
        return None if found is None else getattr(found, score)

    return read
