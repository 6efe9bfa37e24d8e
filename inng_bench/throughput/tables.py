"""The timed cases for a terminal, as Markdown and for programs."""

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import torch

from inng_bench.records.provenance import cpu_model
from inng_bench.tables.grid import pipe_table, text_grid
from inng_bench.tables.markup import ABSENT, MARKDOWN, PLAIN, format_number
from inng_bench.throughput.cases import Case, Effort, Scheme
from inng_bench.throughput.finished import FinishedTexture
from inng_bench.throughput.measuring import Row, Speed

FORMAT = 1

FIGURES = ("image·steps/s", "windows·steps/s", "gradients/s", "ceiling GFLOP/s", "memory MiB", "of the ceiling")

LARGE, SMALL = 1024, 256


@dataclass(frozen=True)
class Report:
    """What was timed.

    Attributes
    ----------
    rows : tuple[Row, ...]
        The base first.
    absent : tuple[str, ...]
        A sentence for each case that this machine cannot time.
    effort : Effort
        Steps and rounds.
    finished : FinishedTexture or None
        Of a stored cascade.
    """

    rows: tuple[Row, ...]
    absent: tuple[str, ...]
    effort: Effort
    finished: FinishedTexture | None = None

    def find(self, **wanted: object) -> Speed | None:
        """Return the speed of the base with some settings changed."""
        base = asdict(self.rows[0].case)
        settings = {name: value for name, value in (base | wanted).items() if name != "title"}
        for row in self.rows:
            if {name: value for name, value in asdict(row.case).items() if name != "title"} == settings:
                return row.speed
        return None


def as_text(report: Report) -> str:
    """Return the report for a terminal."""
    blocks = [_conditions(report), text_grid(_table(report.rows, PLAIN.escape)), *_sentences(report)]
    return "\n\n".join(blocks)


def as_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    blocks = [_conditions(report), *_sentences(report)]
    escaped = [MARKDOWN.escape(block) for block in blocks]
    return "\n\n".join([escaped[0], pipe_table(_table(report.rows, MARKDOWN.escape)), *escaped[1:]]) + "\n"


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as plain JSON values, with full precision."""
    return {
        "format": FORMAT,
        "cpu": cpu_model(),
        "torch": torch.__version__,
        "effort": asdict(report.effort),
        "rows": [asdict(row) for row in report.rows],
        "absent": list(report.absent),
        "finished_texture": asdict(report.finished) if report.finished else None,
    }


def _conditions(report: Report) -> str:
    base = report.rows[0].case
    return (
        f"{cpu_model() or platform.machine()}, torch {torch.__version__}. The base is {_setting(base)}; every other "
        f"row changes what it names. Medians of {report.effort.rounds} rounds of {report.effort.steps} steps, each row "
        "in a process of its own, in turn with its ceiling."
    )


def _setting(case: Case) -> str:
    return (
        f"{case.update} with noise, {case.scheme}, canvas {case.side}², batch {case.batch}, width {case.filters}, "
        f"{case.precision}, {case.threads} thread{'s' if case.threads > 1 else ''}, {case.device}"
    )


def _table(rows: Sequence[Row], escape: Callable[[str], str]) -> pd.DataFrame:
    lines = [{escape(heading): escape(cell) for heading, cell in _line(row).items()} for row in rows]
    return pd.DataFrame(lines, dtype="str")


def _line(row: Row) -> dict[str, str]:
    return {"case": row.case.title, **(_figures(row.speed) if row.speed else dict.fromkeys(FIGURES, ABSENT))}


def _figures(speed: Speed) -> dict[str, str]:
    numbers = (
        speed.image_steps_per_second,
        speed.windows_steps_per_second,
        speed.gradient_evaluations_per_second,
        speed.ceiling_flops / 1e9,
        speed.peak_memory_mib,
    )
    cells = [*map(format_number, numbers), f"{100 * speed.share_of_ceiling:.0f} %"]
    return dict(zip(FIGURES, cells, strict=True))


def _sentences(report: Report) -> Iterator[str]:
    yield from _ratios(report)
    if report.finished is not None:
        finished = report.finished
        yield (
            f"A finished 256² texture of the stored cascade takes {format_number(finished.seconds)} s: "
            f"{finished.stages} classifiers, {finished.batch} pictures at a time."
        )
    yield from (f"{row.case.title} failed: {row.error}" for row in report.rows if row.speed is None)
    if report.absent:
        yield f"Without a row: {' '.join(report.absent)}"


def _ratios(report: Report) -> Iterator[str]:
    """Yield what two rows say together; each is first divided by the ceiling of its own process."""
    base = report.find()
    if base is None:
        return
    if (patches := report.find(scheme=Scheme.PATCHES)) is not None:
        ratio, counted = base.share_of_ceiling / patches.share_of_ceiling, patches.spent_flops / base.spent_flops
        yield (
            f"The dense pass is {format_number(ratio)} times as fast as explicit patches of the same network; counted "
            f"operations give {format_number(counted)}, of which that is {format_number(ratio / counted, 2)}."
        )
    if (large := report.find(side=LARGE)) is not None:
        area = (LARGE / SMALL) ** 2
        ratio = area * base.share_of_ceiling / large.share_of_ceiling
        yield (
            f"A step of a {LARGE}² canvas takes {format_number(ratio)} times as long as one of a {SMALL}² canvas; "
            f"its area is {area:g} times as large."
        )
    rival = report.find(scheme=Scheme.TORCHEBM, update="langevin")
    own = report.find(update="langevin")
    if rival is not None and own is not None:
        ratio = own.share_of_ceiling / rival.share_of_ceiling
        yield f"A gradient evaluation is {format_number(ratio)} times as fast as torchebm's on the same network."
