"""The sentences around the table: what is compared, failures, the machine, and the commands to repeat it."""

import shlex
from collections.abc import Iterable, Mapping, Sequence

from inng_bench.metrics.catalogue import COPIES_ABOVE
from inng_bench.records import store
from inng_bench.records.schema import COPYING_ROWS, Record, Status
from inng_bench.report.eyes import eyes_note, eyes_sentence
from inng_bench.report.intervals import BOOTSTRAP_FROM, IntervalKind
from inng_bench.report.rows import (
    REAL,
    Row,
    by_method,
    by_texture,
    claimed,
    measured_metrics,
    of_sets,
    one_line,
    outdated_metrics,
)
from inng_bench.report.study import Study
from inng_bench.report.table import NOT_HELD_OUT, OPTIMISED, interval_kinds
from inng_bench.report.trials import trials_sentence
from inng_bench.tables.content import Section

_OVER_SEEDS = "With {}, a value is the mean over seeds (geometric if all are positive), and round brackets hold its {}."

_KINDS = {
    IntervalKind.SEEDS: _OVER_SEEDS.format(f"2 to {BOOTSTRAP_FROM - 1} seeds", IntervalKind.SEEDS),
    IntervalKind.BOOTSTRAP: _OVER_SEEDS.format(f"{BOOTSTRAP_FROM} seeds or more", IntervalKind.BOOTSTRAP),
    IntervalKind.CANVASES: "With one seed, square brackets hold the spread over pieces of the samples: smallest and "
    "largest value of a piece. A piece has the size of a window. The spread says nothing about other trainings.",
    IntervalKind.WINDOWS: "Braces hold the 95% interval of the floor over real windows (jackknife).",
}


def caption(rows: Sequence[Row]) -> list[str]:
    """Return what a reader must know to read the table."""
    suites = ", ".join(sorted({record.suite for row in rows for record in row.records}))
    textures = len(by_texture(rows))
    sentences = [
        f"Suite {suites}: {_counted(textures, 'texture')}, {_seeds(rows)} for each method{_budgets(rows)}, "
        f"{_crops(rows)}.",
        *(_SETS if of_sets(rows) else _windows_are_compared(rows)),
        "Rows that copy the picture take part in no comparison and no mean, and are never bold. These are "
        f"{' and '.join(COPYING_ROWS)}, and every row in which the copy rate of a seed is above {COPIES_ABOVE:g}.",
        *_copying(rows),
        *_roles(rows),
        *_without_held_out(rows),
        *_optimised(rows),
        *_pretrained(rows),
        *(_KINDS[kind] for kind in interval_kinds(rows)),
        "The best method of a texture and budget is bold (a star in the terminal) if its interval over seeds does not "
        "overlap with that of any other method of this budget; rows with one seed do not count.",
        "If a heading names no network, the metric uses EfficientNet-Lite0 trained on ImageNet (EffLite0). Its "
        "patch-FID and patch-KID cannot be compared with published FID and KID, which use Inception-v3 and other "
        "crops.",
    ]
    return [sentence for sentence in sentences if sentence]


_SETS = (
    "Whole pictures are compared with as many held-out ones, which no method has seen; nearest and copy rate compare "
    "with the pictures that were learnt from. ↓ means that lower is better.",
    f"The row {REAL} is the floor: pictures that were learnt from against held-out ones, as a verbatim copy would have "
    "it; its nearest and copy rate are those of held-out pictures.",
)


def _windows_are_compared(rows: Sequence[Row]) -> tuple[str, ...]:
    return (
        eyes_note(),
        eyes_sentence(rows),
        "The samples are cut into pieces of the size of a window. Each piece is compared with each held-out window "
        "of its texture, which no method has seen; a value is the mean over these pairs. Only the copy rate compares "
        "with the train window. ↓ means that lower is better.",
        f"The row {REAL} is the floor: the mean over all pairs of real windows, with the same area on both sides.",
    )


def metric_notes(rows: Sequence[Row]) -> list[str]:
    """Return what each metric is and what it is blind to."""
    return [f"{metric.label}: {metric.definition} Blind to {metric.blind_to}." for metric in measured_metrics(rows)]


def _seeds(rows: Sequence[Row]) -> str:
    counts = sorted({len(row.records) for row in rows if row.is_method})
    if not counts:
        return "no seeds"
    return _counted(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"


def _budgets(rows: Sequence[Row]) -> str:
    budgets = sorted({row.budget_flops for row in rows if row.is_method})
    return f" with {' or '.join(f'{budget / 1e12:g}' for budget in budgets)} TFLOP" if budgets else ""


def _crops(rows: Sequence[Row]) -> str:
    counts = sorted({sizes.n for row in rows if (sizes := row.sizes()) is not None})
    if not counts:
        return "nothing measured"
    what = "pictures on each side" if of_sets(rows) else "crops on each side of a pair"
    return f"n = {' or '.join(map(str, counts))} {what}"


def _roles(rows: Sequence[Row]) -> list[str]:
    """Say what the textures' roles mean for the means and comparisons below."""
    roles = {row.texture.role for row in rows}
    sentences = []
    if "tuning" in roles:
        sentences.append("Recipes are chosen on tuning textures, so their figures prove nothing.")
    if "test" in roles and (trials := trials_sentence(rows)):
        sentences.append(trials)
    if "control" in roles:
        names = sorted({row.texture.name for row in rows if row.texture.role == "control"})
        sentences.append(f"{', '.join(names)} is a control: it is shown, but takes part in no mean and no comparison.")
    return sentences


def _copying(rows: Sequence[Row]) -> list[str]:
    """Name the methods that copy on some texture, and those whose copy rate is unknown."""
    chosen = [row for row in claimed(rows) if row.implementation not in COPYING_ROWS]
    copying = by_method(row for row in chosen if row.copies)
    unknown = by_method(row for row in chosen if row.may_copy)
    sentences = []
    if copying:
        sentences.append(
            "Copies on some texture: "
            f"{_with_textures(copying)}. These methods take part in no comparison, no mean of quality and no "
            "ranking over textures; otherwise a method could improve its mean by copying difficult textures."
        )
    if unknown:
        sentences.append(
            "The copy rate could not be measured, so these rows take part in no comparison and no mean, and are "
            f"never bold: {_with_textures(unknown)}."
        )
    return sentences


def _optimised(rows: Sequence[Row]) -> list[str]:
    """Say which methods optimise a metric that is shown."""
    found = {
        method: [metric.label for metric in measured_metrics(rows) if group[0].optimises(metric.name)]
        for method, group in by_method(rows).items()
    }
    told = "; ".join(f"{method} {', '.join(labels)}" for method, labels in found.items() if labels)
    if not told:
        return []
    return [f"{OPTIMISED} The method optimises this metric or a similar one, so its figure is not compared: {told}."]


def _pretrained(rows: Sequence[Row]) -> list[str]:
    """Say which methods know more than the window."""
    found = {row.method: source for row in rows if (source := row.lineup.pretrained.get(row.method))}
    told = "; ".join(f"{method}, on {source}" for method, source in found.items())
    return [f"With a network that was trained on other pictures than the window: {told}."] if told else []


def _with_textures(methods: Mapping[str, Sequence[Row]]) -> str:
    """Return methods and their textures, such as ``method (brick, grass)``."""
    return ", ".join(f"{method} ({', '.join(row.texture.name for row in group)})" for method, group in methods.items())


def _without_held_out(rows: Sequence[Row]) -> list[str]:
    if all(row.texture.held_out for row in rows):
        return []
    return [
        f"{NOT_HELD_OUT} no held-out window, because the picture is too small. The halves of the train window are used "
        "instead."
    ]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def problems(records: Iterable[Record]) -> list[str]:
    """Return failures and warnings, each once with all the runs that it concerns."""
    places: dict[str, dict[str, list[int]]] = {}
    for record in records:
        for sentence in _problems_of(record):
            places.setdefault(sentence, {}).setdefault(record.texture.name, []).append(record.replicate)
    return [f"{sentence} ({_runs(found)})" for sentence, found in sorted(places.items())]


def _runs(places: dict[str, list[int]]) -> str:
    """Return textures and their seeds, such as ``brick seed 0, 1; grass seed 2``."""
    return "; ".join(f"{texture} seed {', '.join(map(str, seeds))}" for texture, seeds in places.items())


def _problems_of(record: Record) -> list[str]:
    sentences = [f"{record.method}, warning: {one_line(warning)}" for warning in record.warnings]
    if record.status is not Status.OK:
        sentences.append(f"{record.method} {record.status}: {one_line(record.error) or 'no reason given'}")
    outdated = outdated_metrics(record)
    if outdated:
        sentences.append(
            f"{record.method}, not shown: {', '.join(outdated)} of another version of the metric; run again."
        )
    return sentences


def count_failures(records: Iterable[Record]) -> int:
    """Return the number of failed runs."""
    return sum(record.status is Status.FAILED for record in records)


def environment(records: Sequence[Record]) -> list[str]:
    """Return the machine and the versions; where records differ, all values."""
    sources = [record.provenance for record in records]
    quotas = _distinct("no limit" if one.cpu_quota is None else f"{one.cpu_quota:g} cores" for one in sources)
    commits = _distinct(f"{(one.git_sha or 'none')[:12]}{' with changes' if one.git_dirty else ''}" for one in sources)
    versions = sorted({(name, version) for one in sources for name, version in one.versions.items()})
    return [
        f"CPU {_distinct(one.cpu for one in sources)}, {_distinct(str(one.cores) for one in sources)} cores "
        f"(quota: {quotas}), {_distinct(f'{one.memory_gib:g}' for one in sources)} GiB, "
        f"{_distinct(one.platform for one in sources)}",
        f"device {_distinct(one.device for one in sources)}, {_distinct(one.precision for one in sources)}, "
        f"threads per run: {_distinct(str(one.threads) for one in sources)}",
        f"inng-bench {_distinct(one.package_version for one in sources)}, git {commits}, "
        f"Python {_distinct(one.python for one in sources)}, "
        + ", ".join(f"{name} {version}" for name, version in versions),
        f"suite hash {_distinct(record.suite_hash[:12] for record in records)}",
    ]


def _distinct(values: Iterable[str]) -> str:
    return " / ".join(sorted(set(values)))


def commands(study: Study) -> list[str]:
    """Return the commands that make the results and their report again."""
    origin = study.origin
    runs = [one_line(origin.command)] if origin.command else _commands_of(study.records)
    folder = f" {shlex.quote((store.RUNS / origin.name).as_posix())}" if origin.name else ""
    return [*runs, f"inng-bench report{folder}"]


def problems_section(study: Study) -> Section:
    """Return failures and warnings."""
    return Section("Failures and warnings", sentences=problems(study.records))


def metrics_section(study: Study) -> Section:
    """Return what each metric is."""
    return Section("Metrics", sentences=metric_notes(study.rows), page_only=True)


def environment_section(study: Study) -> Section:
    """Return machine and versions."""
    return Section("Environment", sentences=environment(study.records))


def commands_section(study: Study) -> Section:
    """Return how to make it again."""
    return Section("Make it again", commands=commands(study))


def _commands_of(records: Sequence[Record]) -> list[str]:
    seeds = 1 + max(record.replicate for record in records)
    asked = sorted({(record.suite, _OWN.get(record.texture.kind, "")) for record in records})
    runs = [f"inng-bench run {own or f'--suite {suite}'} --seeds {seeds}" for suite, own in asked]
    return list(dict.fromkeys(runs))


_OWN = {"own": "--texture PICTURE", "photographs": "--texture DIR", "own set": "--pictures PATH"}
"""How one's own is named, by its kind."""
