"""The timed cases for a terminal, as Markdown and for programs."""

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from inng_bench.records.provenance import cpu_model
from inng_bench.tables.content import ABSENT, Table
from inng_bench.tables.grid import pipe_table, text_grid
from inng_bench.tables.markup import MARKDOWN, PLAIN, format_number
from inng_bench.throughput.cases import Case, Effort, Scheme
from inng_bench.throughput.finished import FinishedTexture
from inng_bench.throughput.measuring import Row, Speed
from inng_bench.throughput.parts import Profile
from inng_bench.throughput.summary import Summary, image_steps, median, ratio, share_of_ceiling

FORMAT = 2

FIGURES = ("image·steps/s", "windows·steps/s", "gradients/s", "ceiling GFLOP/s", "memory MiB", "% of the ceiling")

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
    profiles : tuple[Profile, ...]
        Of the steps; empty if they were not asked for.
    """

    rows: tuple[Row, ...]
    absent: tuple[str, ...]
    effort: Effort
    finished: FinishedTexture | None = None
    profiles: tuple[Profile, ...] = ()

    def find(self, **wanted: object) -> tuple[Speed, ...]:
        """Return the speeds, pass by pass, of the base with some settings changed; none where there is no such row."""
        base = asdict(self.rows[0].case)
        settings = {name: value for name, value in (base | wanted).items() if name != "title"}
        for row in self.rows:
            if {name: value for name, value in asdict(row.case).items() if name != "title"} == settings:
                return row.speeds
        return ()


def as_text(report: Report) -> str:
    """Return the report for a terminal."""
    return "\n\n".join(_blocks(report, PLAIN.escape, text_grid))


def as_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    return "\n\n".join(_blocks(report, MARKDOWN.escape, pipe_table)) + "\n"


def _blocks(report: Report, escape: Callable[[str], str], grid: Callable[[Table], str]) -> Iterator[str]:
    yield escape(_conditions(report))
    yield grid(_rows(report))
    yield from map(escape, _sentences(report))
    for profile in report.profiles:
        yield escape(_heading(profile))
        yield grid(_parts(profile))


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
        "profiles": [asdict(profile) for profile in report.profiles],
    }


def _conditions(report: Report) -> str:
    base, effort = report.rows[0].case, report.effort
    passes, spread = "", "the middle half of the rounds"
    if effort.passes > 1:
        passes, spread = (
            f"{effort.passes} passes through all rows, each with ",
            "the least and the greatest of the passes",
        )
    return (
        f"{cpu_model() or platform.machine()}, torch {torch.__version__}. The base is {_setting(base)}; every other "
        f"row changes what it names. Medians of {passes}{effort.rounds} rounds of {effort.steps} steps, in a process "
        f"of its own and in turn with its ceiling; in brackets {spread}."
    )


def _setting(case: Case) -> str:
    return (
        f"{case.update} with noise, {case.scheme}, canvas {case.side}², batch {case.batch}, width {case.filters}, "
        f"{case.precision}, {case.threads} thread{'s' if case.threads > 1 else ''}, {case.device}"
    )


def _rows(report: Report) -> Table:
    return Table.of({"case": row.case.title, **_figures(row.speeds)} for row in report.rows)


def _parts(profile: Profile) -> Table:
    return Table.of(
        {"operator": one.operator, "ms": format_number(one.milliseconds), "%": f"{100 * one.share:.1f}"}
        for one in profile.parts
    )


def _heading(profile: Profile) -> str:
    return f"By torch's operators, {profile.step}:"


def _figures(speeds: Sequence[Speed]) -> dict[str, str]:
    if not speeds:
        return dict.fromkeys(FIGURES, ABSENT)
    numbers = (
        median(speeds, lambda speed: speed.windows_steps_per_second),
        median(speeds, lambda speed: speed.gradient_evaluations_per_second),
        median(speeds, lambda speed: speed.ceiling_flops) / 1e9,
        median(speeds, lambda speed: speed.peak_memory_mib),
    )
    share = str(share_of_ceiling(speeds).times(100))
    return dict(zip(FIGURES, [str(image_steps(speeds)), *map(format_number, numbers), share], strict=True))


def _sentences(report: Report) -> Iterator[str]:
    yield from _ratios(report)
    if report.finished is not None:
        finished = report.finished
        yield (
            f"A finished 256² texture of the stored cascade takes {Summary.of(finished.seconds)} s, drawn alone, "
            f"median and range of {len(finished.seconds)}, through {finished.stages} classifiers."
        )
    yield from (f"{row.case.title} failed: {row.error}" for row in report.rows if row.error)
    if report.absent:
        yield f"Without a row: {' '.join(report.absent)}"


def _ratios(report: Report) -> Iterator[str]:
    """Yield what two rows say together; each is first divided by the ceiling of its own process."""
    base = report.find()
    if not base:
        return
    if patches := report.find(scheme=Scheme.PATCHES):
        faster, counted = ratio(base, patches), patches[0].spent_flops / base[0].spent_flops
        yield (
            f"The dense pass is {faster} times as fast as explicit patches of the same network; counted "
            f"operations give {format_number(counted)}, of which that is {faster.times(1 / counted)}."
        )
    if large := report.find(side=LARGE):
        area = (LARGE / SMALL) ** 2
        yield (
            f"A step of a {LARGE}² canvas takes {ratio(base, large).times(area)} times as long as one of a {SMALL}² "
            f"canvas; its area is {area:g} times as large."
        )
    own, rival = report.find(update="langevin"), report.find(scheme=Scheme.TORCHEBM, update="langevin")
    if own and rival:
        yield f"A gradient evaluation is {ratio(own, rival)} times as fast as torchebm's on the same network."
