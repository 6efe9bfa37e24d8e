"""From textures and metrics to the files of the ladder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inng_bench.files import write_atomically
from inng_bench.harness.machine import Claim, claim_machine
from inng_bench.ladder import documents
from inng_bench.ladder.measuring import Task, Value, plan, run
from inng_bench.ladder.sheet import rungs_sheet
from inng_bench.ladder.steps import Judgement
from inng_bench.ladder.windows import chosen_textures
from inng_bench.metrics.catalogue import selected
from inng_bench.metrics.needs import check_needs
from inng_bench.records import provenance
from inng_bench.report.agreement import agreement_csv

SHEET = "rungs.png"


@dataclass(frozen=True)
class Ladder:
    """What :func:`build_ladder` made.

    Attributes
    ----------
    values : tuple[Value, ...]
        Every figure.
    judgements : tuple[Judgement, ...]
        By metric, texture and step.
    files : tuple[Path, ...]
        Everything that was written.
    """

    values: tuple[Value, ...]
    judgements: tuple[Judgement, ...]
    files: tuple[Path, ...]


def build_ladder(
    out: Path,
    *,
    textures: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    seeds: int,
    jobs: int,
    command: str,
    on_done: Callable[[Task, int, int], None],
) -> Ladder:
    """Measure the ladder and write it.

    Parameters
    ----------
    out : Path
        Where ``table.md``, ``table.csv``, ``values.csv``, ``agreement.csv`` and ``rungs.png`` go.
    textures, metrics : Sequence[str] or None
        Names; None for the bundled textures and for the metrics of every suite.
    seeds : int
        Pairs of windows of each texture, at least 2.
    jobs : int
        Processes at a time.
    command : str
        How to make it again, for its readers.
    on_done : Callable[[Task, int, int], None]
        Called after each pair of windows, with the number of those that are done and of all.

    Raises
    ------
    InputError
        When a name is not known, a metric needs what is not there, or the folder cannot be written.
    """
    names = chosen_textures(textures)
    measured = selected(metrics)
    check_needs(measured)
    tasks = plan(names, seeds, measured)
    # Written first, so that a folder that cannot be written is found before the minutes and not after them.
    write_atomically(out / SHEET, rungs_sheet(names))
    with claim_machine(Claim.SHARED):
        values = run(tasks, jobs=jobs, on_done=lambda task, done: on_done(task, done, len(tasks)))
    judgements, agreement = documents.judge_all(values), documents.agreements_of(values)
    contents = {
        "table.md": documents.markdown(values, judgements, agreement, _head(names, tasks), command),
        "table.csv": documents.table_csv(judgements),
        "values.csv": documents.values_csv(values),
        "agreement.csv": agreement_csv(agreement),
    }
    for name, text in contents.items():
        write_atomically(out / name, text.encode())
    return Ladder(values, judgements, tuple(out / name for name in (*contents, SHEET)))


def _head(textures: Sequence[str], tasks: Sequence[Task]) -> list[str]:
    """Return what was measured and on what."""
    machine = provenance.collect(threads=1, device="cpu", precision="float32")
    versions = ", ".join(f"{name} {version}" for name, version in sorted(machine.versions.items()))
    changes = " with changes" if machine.git_dirty else ""
    return [
        f"{len(tasks)} pairs of windows: of {', '.join(textures)}.",
        "The degraded window plays the sample. It is compared with other pixels of its texture, as the samples of a "
        "method are: an independent realisation of a procedural texture, another quarter of a photograph.",
        f"inng-bench {machine.package_version}, git {(machine.git_sha or 'none')[:12]}{changes}, {machine.cpu}, "
        f"Python {machine.python}, {versions}",
    ]
