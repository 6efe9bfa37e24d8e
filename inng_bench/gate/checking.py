"""``check``: is a results folder worse than a reference, and can that be known? Both folders are only read."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from inng_bench.errors import ExitStatus, InputError
from inng_bench.gate.blessing import Blessing, read_blessing
from inng_bench.gate.cells import gather, headlines
from inng_bench.gate.differences import Speed, compare_speeds, describe_differences, describe_levels
from inng_bench.gate.judge import Judgement, Verdict, judge
from inng_bench.gate.tolerances import NEGLIGIBLE
from inng_bench.metrics.catalogue import BY_NAME
from inng_bench.records import store
from inng_bench.records.schema import SCHEMA_VERSION, Record, Status

Fact = TypeVar("Fact", bound=Hashable)

_UNCLEAR = (Verdict.MISSING, Verdict.METRIC_MOVED, Verdict.TOO_FEW_SEEDS)


@dataclass(frozen=True)
class Outcome:
    """What :func:`check` found.

    Attributes
    ----------
    judgements : tuple[Judgement, ...]
        Every cell of the reference, then those that only the results have; none where the folders cannot be compared.
    obstacles : tuple[str, ...]
        Why something could not be judged, a sentence each.
    differences : tuple[str, ...]
        What else differs between the two: settings, precision, versions.
    levels : tuple[str, ...]
        How closely runs of one seed should agree on these two machines, for rows with and without a training.
    speeds : tuple[Speed, ...]
        The samplers' speed beside the reference's; never judged.
    reason : str
        Why the reference was blessed; empty for a folder that was not.
    """

    judgements: tuple[Judgement, ...] = ()
    obstacles: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    speeds: tuple[Speed, ...] = ()
    reason: str = ""

    @property
    def regressions(self) -> tuple[Judgement, ...]:
        """The cells that are worse."""
        return self.of(Verdict.REGRESSION)

    @property
    def status(self) -> ExitStatus:
        """A regression stays one whatever else could not be judged; without any, every obstacle counts."""
        if self.regressions:
            return ExitStatus.REGRESSION
        judged = self.of(Verdict.HOLDS) + self.of(Verdict.BETTER)
        return ExitStatus.OK if judged and not self.obstacles else ExitStatus.BAD_INPUT

    def of(self, verdict: Verdict) -> tuple[Judgement, ...]:
        """Return the cells of a verdict."""
        return tuple(one for one in self.judgements if one.verdict is verdict)


def check(results: Path, reference: Path) -> Outcome:
    """Judge the quality of results against a reference.

    Parameters
    ----------
    results : Path
        A results folder.
    reference : Path
        A folder that ``bless`` wrote, or another results folder of the same suite.

    Returns
    -------
    Outcome
        Also for folders that cannot be compared, a broken record included: then with the reason as its only obstacle.
    """
    try:
        blessing = read_blessing(reference)
        old, new = _read(reference), _read(results)
        _refuse_older(results)
    except InputError as error:
        return Outcome(obstacles=(str(error),))
    return check_records(new, old, blessing)


def _read(folder: Path) -> tuple[Record, ...]:
    records = store.read_records(folder)
    if not records:
        raise InputError(f"there are no records in {folder}; name a results folder.")
    return records


def _refuse_older(results: Path) -> None:
    """Refuse results of another version of this package: a gate is about the code that is there now."""
    older = [path for path in store.record_files(results) if store.written_schema(path) < SCHEMA_VERSION]
    if older:
        raise InputError(
            f"{older[0]} and {len(older) - 1} other records are of schema version {store.written_schema(older[0])}, "
            f"and this package writes {SCHEMA_VERSION}; run the suite again."
        )


def check_records(results: Sequence[Record], reference: Sequence[Record], blessing: Blessing | None = None) -> Outcome:
    """Judge records against those of a reference, one or more on each side; :func:`check` says more."""
    try:
        _refuse_other_suite(reference, results)
        _refuse_other_metrics(reference, results)
        _refuse_other_windows(reference, results)
    except InputError as error:
        return Outcome(obstacles=(str(error),))
    judgements = judge(gather(reference), gather(results))
    if not judgements:
        return Outcome(obstacles=("no run of the reference has a figure to judge; name another reference.",))
    return Outcome(
        judgements,
        tuple(_obstacles(judgements, reference, results, blessing)),
        tuple(describe_differences(reference, results)),
        tuple(describe_levels(reference, results)),
        compare_speeds(reference, results),
        blessing.reason if blessing else "",
    )


def _refuse_other_suite(old: Sequence[Record], new: Sequence[Record]) -> None:
    suites = [sorted({f"{one.suite} {one.suite_hash[:8]}" for one in records}) for records in (old, new)]
    for names, side in zip(suites, ("reference", "results"), strict=True):
        if len(names) > 1:
            raise InputError(
                f"the {side} are runs of several suites ({', '.join(names)}); keep each in its own folder."
            )
    if {one.suite_hash for one in old} != {one.suite_hash for one in new}:
        raise InputError(
            f"the results are of the suite {suites[1][0]} and the reference of {suites[0][0]}; run the reference's "
            "suite, or bless these results."
        )


def _refuse_other_metrics(old: Sequence[Record], new: Sequence[Record]) -> None:
    known = {metric.name: {metric.version} for metric in BY_NAME.values()}
    for records, side in ((old, "reference"), (new, "results")):
        found = _collected((one.metric, one.version) for record in records for one in record.measurements)
        for name, versions in found.items():
            is_judged = name in NEGLIGIBLE or name not in BY_NAME
            if is_judged and versions != known.get(name):
                expected = f"version {BY_NAME[name].version}" if name in BY_NAME else "none of that name"
                raise InputError(
                    f"the {side} has {name} in version {', '.join(map(str, sorted(versions)))} and this package "
                    f"{expected}; run the suite again{' and bless it' if side == 'reference' else ''}."
                )
    weights = [
        {record.hashes["features"] for record in records if "features" in record.hashes} for records in (old, new)
    ]
    if weights[0] != weights[1]:
        raise InputError(
            "the feature networks have other weights than those of the reference; install the old weights, or "
            "bless these results."
        )


def _collected(facts: Iterable[tuple[str, Fact]]) -> dict[str, set[Fact]]:
    """Return all facts of each name."""
    found: defaultdict[str, set[Fact]] = defaultdict(set)
    for name, fact in facts:
        found[name].add(fact)
    return found


def _refuse_other_windows(old: Sequence[Record], new: Sequence[Record]) -> None:
    before, after = (_collected((one.texture.name, one.texture.hashes) for one in side) for side in (old, new))
    for texture in before.keys() & after.keys():
        if before[texture] != after[texture]:
            raise InputError(
                f"the texture {texture} has other pixels than in the reference; restore it, or bless the results."
            )


def _obstacles(
    judgements: Sequence[Judgement], old: Sequence[Record], new: Sequence[Record], blessing: Blessing | None
) -> list[str]:
    """Say what could not be judged: failed runs, missing cells, moved metrics, rows of too few seeds."""
    expected = {record.row for record in old if record.status is Status.OK}
    excused = set(blessing.unjudged) if blessing else set()
    sentences = [*_partly_missing(new, expected)]
    sentences += [
        f"{record.title} {record.status}: {record.error or 'no reason given'}"
        for record in new
        if record.status is not Status.OK and record.row in expected
    ]
    unclear = (one for one in judgements if one.verdict in _UNCLEAR)
    return sentences + [
        f"{one.cell}: {_explain(one)}"
        for one in unclear
        if not (one.verdict is Verdict.TOO_FEW_SEEDS and one.cell.method in excused)
    ]


def _partly_missing(new: Sequence[Record], expected: set[tuple[str, str]]) -> Iterator[str]:
    """Name the seeds that lack a judged figure which others of their row have; without them a row would look better."""
    rows: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in new:
        if record.status is Status.OK and record.row in expected:
            rows[record.row].append(record)
    for (texture, method), records in rows.items():
        figures = {record.replicate: headlines(record).keys() for record in records}
        for metric in sorted(set().union(*figures.values())):
            lacking = [seed for seed, known in figures.items() if metric not in known]
            if lacking:
                seeds = ", ".join(map(str, lacking))
                yield f"{texture} · {method} · {metric}: seed {seeds} has no figure and others have; measure it again."


def _explain(judgement: Judgement) -> str:
    match judgement.verdict:
        case Verdict.MISSING:
            return "the results have no figure; run what is missing."
        case Verdict.METRIC_MOVED:
            return (
                f"the row real went from {judgement.old:.6g} to {judgement.new:.6g}, which no method can cause: "
                "the metric itself has changed; raise its version in the catalogue and bless new results."
            )
        case _:
            return "the spread needs three or more seeds in all; run with --seeds 3 or more."
