"""How often the gate finds planted faults, and how often it cries without one, with real trainings.

``python benchmarks/gate_faults.py quality OUT`` trains the smoke suite with many seeds, then again with each fault, and
prints the rates. ``python benchmarks/gate_faults.py speed OUT`` slows the sampler of a clone of this repository by half
and lets ``compare`` look for it, and then for nothing. What is finished in OUT is kept.
"""

import argparse
import hashlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from inng_bench.gate.cells import Cell, Replicates, RowKind, gather, row_kind
from inng_bench.gate.comparison import Speed, compare
from inng_bench.gate.judge import Verdict, judge
from inng_bench.gate.simulation import has_alarm
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import RunSpec, make_plan
from inng_bench.harness.run import execute
from inng_bench.harness.suite import load_suite
from inng_bench.inng.frozen import FrozenClassifier
from inng_bench.inng.method import INNg
from inng_bench.inng.state import Sampler
from inng_bench.inng.windows import DenseTorus, Reading
from inng_bench.metrics import crops, fidelity
from inng_bench.records import store
from inng_bench.records.schema import Record
from inng_bench.report.intervals import bootstrap_interval

REFERENCE, FAULTY, DRAWS = 5, 5, 500
SLOWDOWN = 1.5
FAULTED = "inng"
"""The row whose method has the faults; the others of a table are as ever."""
HEADLINES = ("gram", "patch_fid")
MEMORY = 12
"""Sets of features that are remembered."""


class Descends(INNg):
    """Climbs the wrong way: the sign of the gradient is flipped wherever the sampler asks for it."""

    @property
    def sampler(self) -> Sampler:
        return replace(super().sampler, windows=Flipped())


class Flipped(DenseTorus):
    """Reads the way down."""

    def read(self, classifier: FrozenClassifier, canvases: Tensor, place: Tensor, images: Tensor) -> Reading:
        logits, gradient = super().read(classifier, canvases, place, images)
        return logits, -gradient


def with_settings(**changes: Callable[[Any], Any]) -> Callable[[RunSpec], RunSpec]:
    """Return a fault that changes settings behind the suite's back."""

    def plant(run: RunSpec) -> RunSpec:
        changed = {name: change(run.settings[name]) for name, change in changes.items()}
        return run.model_copy(update={"settings": {**run.settings, **changed}})

    return plant


FAULTS: dict[str, Callable[[RunSpec], RunSpec]] = {
    "gradient sign flipped": lambda run: run.model_copy(update={"implementation": "gate_faults:Descends"}),
    "noise × 10": with_settings(temperature=lambda value: 100 * value),
    "history dropped": with_settings(history_stages=lambda _: 1),
    "stop loosened": with_settings(threshold=lambda value: value - 3.0),
}
"""By name; the noise's standard deviation goes with the root of the temperature."""

Table = dict[Cell, Replicates]


def train(out: Path, suite: str, reseeded: int) -> tuple[list[Table], dict[str, list[Table]]]:
    """Return a table of one seed for each clean run, and for each run of each fault.

    Every table is whole. The baseline beside a fault has seeds of its own, so that none stands on both sides.
    """
    torch.set_num_threads(1)  # as the runs of the suites
    count = REFERENCE + reseeded
    plan = make_plan(load_suite(suite), Overrides(replicates=count + FAULTY))
    unplanted = [run for run in plan.runs if run.method != FAULTED or run.replicate < count]
    untouched = _carry_out(unplanted, out / "clean")
    clean = _tables(untouched, range(count))
    beside = [_renumbered(record, count) for record in untouched if record.method != FAULTED]
    faulty = {}
    for number, (name, plant) in enumerate(FAULTS.items()):
        planted = [plant(run) for run in plan.runs if run.method == FAULTED and run.replicate < FAULTY]
        faulty[name] = _tables([*beside, *_carry_out(planted, out / f"fault-{number}")], range(FAULTY))
    return clean, faulty


def _renumbered(record: Record, first: int) -> Record:
    """Return a record whose replicates are counted from another one; of a row without training it is the same."""
    if row_kind(record) is not RowKind.TRAINED:
        return record
    return record.model_copy(update={"replicate": record.replicate - first})


def _carry_out(runs: Sequence[RunSpec], folder: Path) -> list[Record]:
    """Return the records of some runs; those that are missing are made here, each window's features once."""
    records = []
    with patch.object(fidelity, "extract", remembering(fidelity.extract)):
        for run in sorted(runs, key=lambda one: one.key):
            records.append(store.find_record(folder, *run.key) or execute(run, folder))
            print(f"{folder.name}: {run.title}", file=sys.stderr)
    return records


def remembering(extract: Callable[..., fidelity.Features]) -> Callable[..., fidelity.Features]:
    """Return the extraction with a memory for what it was asked last; a texture's two windows are what comes again."""
    known: dict[str, fidelity.Features] = {}

    def ask(pictures: crops.Pixels, layers: Sequence[str], **options: int) -> fidelity.Features:
        key = f"{hashlib.sha256(pictures.tobytes()).hexdigest()} {layers}"
        known[key] = known.pop(key) if key in known else extract(pictures, layers, **options)
        while len(known) > MEMORY:
            known.pop(next(iter(known)))
        return known[key]

    return ask


def _tables(records: Sequence[Record], seeds: range) -> list[Table]:
    """Return a table for each seed; rows without training, which have one record, are in all of them."""
    fixed = [record for record in records if row_kind(record) is not RowKind.TRAINED]
    trained = [record for record in records if row_kind(record) is RowKind.TRAINED]
    return [gather([*fixed, *(record for record in trained if record.replicate == seed)]) for seed in seeds]


def joined(tables: Sequence[Table]) -> Table:
    """Return one table of several seeds."""
    return {
        cell: Replicates(tuple(value for table in tables for value in table[cell].values), first.kind)
        for cell, first in tables[0].items()
    }


@dataclass(frozen=True)
class Rate:
    """How often something is called worse.

    Attributes
    ----------
    found : float
        Share of the draws in which any cell is called worse.
    only_faulted : float
        Share in which cells of the row :data:`FAULTED` are, and of no other row.
    """

    found: float
    only_faulted: float


def rate(clean: Sequence[Table], results: Sequence[Table], seeds: int, *, disjoint: bool) -> Rate:
    """Return how often random seeds of the results are called worse than random seeds of the clean tables.

    Parameters
    ----------
    clean : Sequence[Table]
        Where the reference's seeds are drawn from.
    results : Sequence[Table]
        Where the judged seeds are drawn from.
    seeds : int
        How many are judged at a time.
    disjoint : bool
        Whether both are the same tables, so that no seed may stand on both sides.
    """
    generator = np.random.default_rng(0)
    named = []
    for _ in range(DRAWS):
        order = generator.permutation(len(clean)).tolist()
        pool = order[REFERENCE:] if disjoint else generator.permutation(len(results)).tolist()
        reference = joined([clean[index] for index in order[:REFERENCE]])
        judged = judge(reference, joined([results[index] for index in pool[:seeds]]))
        named.append({one.cell.method for one in judged if one.verdict is Verdict.REGRESSION})
    return Rate(sum(map(bool, named)) / DRAWS, named.count({FAULTED}) / DRAWS)


def alarms_by_training(clean: Sequence[Table]) -> list[float]:
    """Return for each unchanged training how often it alone is called worse than random ones among the others."""
    generator = np.random.default_rng(0)
    shares = []
    for index, one in enumerate(clean):
        others = [table for number, table in enumerate(clean) if number != index]
        chosen = [generator.permutation(len(others))[:REFERENCE] for _ in range(DRAWS)]
        shares.append(statistics.fmean(has_alarm(judge(joined([others[i] for i in few]), one)) for few in chosen))
    return shares


def factor(clean: Sequence[Table], faulty: Sequence[Table], metric: str) -> float:
    """Return how many times worse a metric is, geometric mean over seeds and textures."""
    logarithms = [_mean_logarithm(tables, metric) for tables in (clean, faulty)]
    return math.exp(logarithms[1] - logarithms[0])


def _mean_logarithm(tables: Sequence[Table], metric: str) -> float:
    return statistics.fmean(
        math.log(table[cell].values[0])
        for table in tables
        for cell in table
        if (cell.method, cell.metric) == (FAULTED, metric)
    )


def spread(clean: Sequence[Table], metric: str) -> float:
    """Return the greatest standard deviation of the logarithm from seed to seed over the textures."""
    cells = [cell for cell in clean[0] if (cell.method, cell.metric) == (FAULTED, metric)]
    return max(statistics.stdev(math.log(table[cell].values[0]) for table in clean) for cell in cells)


def measure_quality(out: Path, suite: str, reseeded: int) -> str:
    """Return the rates as Markdown."""
    clean, faulty = train(out, suite, reseeded)
    reference = joined(clean[:REFERENCE])
    alarms = sum(has_alarm(judge(reference, one)) for one in clean[REFERENCE:])
    shares = alarms_by_training(clean)
    low, mean, high = (100 * share for share in bootstrap_interval(shares))
    lines = [
        *(f"Spread of {metric} from seed to seed (log): {spread(clean, metric):.3f}." for metric in HEADLINES),
        f"False alarms of {reseeded} re-seeded runs against {REFERENCE} seeds: {alarms}.",
        f"One training against {REFERENCE} others: {mean:.1f} % false alarms (95 % interval over {len(clean)} of them "
        f"{low:.1f}–{high:.1f}, too narrow: they are each other's reference); at most {100 * max(shares):.0f} %.",
        "",
        f"Found: any cell is called worse; in brackets how often cells of {FAULTED} are, and no others.",
        "",
        "| planted | Gram | patch-FID | found, 1 seed | 3 seeds | 5 seeds |",
        "|---|--:|--:|--:|--:|--:|",
        _line("nothing", clean, clean, disjoint=True),
        *(_line(name, clean, tables, disjoint=False) for name, tables in faulty.items()),
    ]
    return "\n".join(lines)


def _line(name: str, clean: Sequence[Table], tables: Sequence[Table], *, disjoint: bool) -> str:
    factors = [f"×{factor(clean, tables, metric):.2f}" for metric in HEADLINES]
    rates = [rate(clean, tables, seeds, disjoint=disjoint) for seeds in (1, 3, 5)]
    cells = [f"{100 * one.found:.1f} % ({100 * one.only_faulted:.1f})" for one in rates]
    return f"| {' | '.join([name, *factors, *cells])} |"


SLOW = f"""

_climb = climb


def climb(*arguments, **options):
    import time

    start = time.perf_counter()
    result = _climb(*arguments, **options)
    end = time.perf_counter()
    while time.perf_counter() - end < {SLOWDOWN - 1} * (end - start):
        pass
    return result
"""


SIDES = {"slowed": ("HEAD~2", "HEAD~1"), "untouched": ("HEAD~1", "HEAD")}
"""Revisions of the clone, base and head."""


def measure_speed(out: Path, repeats: int) -> str:
    """Return how often a slowed sampler is found, and how often an untouched one is called slower."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        _git(Path(__file__).parents[1], "clone", "--quiet", ".", str(clone))
        source = clone / "inng_bench" / "inng" / "synthesis.py"
        source.write_text(source.read_text() + SLOW)
        _git(clone, "commit", "--quiet", "-a", "-m", "slow")
        _git(clone, "commit", "--quiet", "--allow-empty", "-m", "untouched")
        rounds = [{name: _compared(clone, out, name, number) for name in SIDES} for number in range(repeats)]
    lines = [_speed_line(name, [one[name] for one in rounds]) for name in SIDES]
    return "\n".join(["| sampler | slower | 95 % interval | ratios of medians |", "|---|--:|--:|---|", *lines])


def _compared(clone: Path, out: Path, name: str, number: int) -> tuple[bool, float]:
    """Return whether one comparison calls the head slower, and the ratio of medians; a finished one is read."""
    path = out / f"{name}-{number}.json"
    if not path.exists():
        case = compare(*SIDES[name], repository=clone, only="sampler_step and adam and float32").cases[0]
        path.write_text(json.dumps({"slower": case.speed is Speed.SLOWER, "ratio": case.ratio}))
        print(f"{path.name}: {case.speed}, {case.ratio:.2f}", file=sys.stderr)
    found = json.loads(path.read_text())
    return found["slower"], found["ratio"]


def _speed_line(name: str, compared: Sequence[tuple[bool, float]]) -> str:
    slower = sum(is_slower for is_slower, _ in compared)
    interval = stats.binomtest(slower, len(compared)).proportion_ci(0.95, "exact")
    ratios = sorted(ratio for _, ratio in compared)
    return (
        f"| {name} | {slower} of {len(compared)} | {100 * interval.low:.0f}–{100 * interval.high:.0f} % "
        f"| {statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) |"
    )


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=planter", "-c", "user.email=planter@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    quality = commands.add_parser("quality")
    quality.add_argument("out", type=Path, help="folder of the trainings")
    quality.add_argument("--suite", default="smoke", help="a bundled suite or a .toml file (default: %(default)s)")
    quality.add_argument("--reseeded", type=int, default=20, help="clean runs beside the reference's (default: 20)")
    quality.set_defaults(measure=lambda options: measure_quality(options.out, options.suite, options.reseeded))
    speed = commands.add_parser("speed")
    speed.add_argument("out", type=Path, help="folder of the comparisons")
    speed.add_argument("--repeats", type=int, default=5, help="comparisons of each kind (default: %(default)s)")
    speed.set_defaults(measure=lambda options: measure_speed(options.out, options.repeats))
    options = parser.parse_args()
    print(options.measure(options))


if __name__ == "__main__":
    main()
