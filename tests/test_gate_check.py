"""The gate on quality: what is a regression, what is none, and what cannot be judged."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gate_tables import CELLS, FLOOR, SPREAD, TEXTURES, make_table, scaled, with_values
from record_builder import make_provenance, make_record, make_texture, make_throughput, rewrite, write_records

from inng_bench import cli
from inng_bench.errors import ExitStatus
from inng_bench.gate.cells import Cell, Replicates, RowKind
from inng_bench.gate.checking import Outcome, check, check_records
from inng_bench.gate.documents import check_text
from inng_bench.gate.judge import Verdict, judge
from inng_bench.gate.simulation import METRICS
from inng_bench.gate.tolerances import NEGLIGIBLE, ROUNDING
from inng_bench.harness.overrides import Overrides
from inng_bench.harness.plan import make_plan
from inng_bench.harness.suite import load_suite
from inng_bench.metrics.catalogue import BY_NAME, DEFAULT, Direction, selected_of_sets
from inng_bench.records import store
from inng_bench.records.schema import SCHEMA_VERSION, Record, Status

Edit = Callable[[list[Record]], list[Record]]


def check_tables(old: list[Record], new: list[Record]) -> Outcome:
    return check_records(new, old)


def edit(texture: str, method: str, change: Callable[[Record], Record]) -> Edit:
    """Change one row of a table."""

    def apply(records: list[Record]) -> list[Record]:
        return [
            change(record) if (record.texture.name, record.method) == (texture, method) else record
            for record in records
        ]

    return apply


def test_the_same_results_hold_and_every_cell_is_judged() -> None:
    outcome = check_tables(make_table(), make_table())
    assert outcome.status is ExitStatus.OK
    assert len(outcome.of(Verdict.HOLDS)) == len(outcome.judgements) == CELLS
    assert (outcome.obstacles, outcome.differences, outcome.speeds) == ((), (), ())


def test_other_seeds_of_the_same_method_hold() -> None:
    assert check_tables(make_table(), make_table(3, first=100)).status is ExitStatus.OK


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_a_metric_worse_by_two_thresholds_is_a_regression_of_its_cell_alone(metric: str, seeds: int) -> None:
    old, new = make_table(), make_table(seeds, first=100)
    cell = Cell("brick", "inng", metric)
    before = {one.cell: one for one in check_tables(old, new).judgements}[cell]
    assert before.threshold is not None
    assert before.old is not None
    assert before.new is not None
    factor = (before.old + 2 * (before.threshold - before.old)) / before.new
    worse = edit("brick", "inng", lambda record: scaled(record, metric, factor))(new)
    outcome = check_tables(old, worse)
    assert outcome.status is ExitStatus.REGRESSION
    assert [one.cell for one in outcome.regressions] == [cell]


@pytest.mark.parametrize("metric", METRICS)
def test_an_improvement_never_fails(metric: str) -> None:
    better = edit("brick", "inng", lambda record: scaled(record, metric, 0.5))(make_table(first=100))
    outcome = check_tables(make_table(), better)
    assert outcome.status is ExitStatus.OK
    assert [str(one.cell) for one in outcome.of(Verdict.BETTER)] == [f"brick · inng · {metric}"]


def test_of_a_metric_that_should_be_high_less_is_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BY_NAME, "gram", dataclasses.replace(BY_NAME["gram"], direction=Direction.HIGHER))
    cell = Cell("brick", "inng", "gram")
    old = {cell: Replicates((0.50, 0.51, 0.49, 0.50, 0.52), RowKind.TRAINED)}
    low = {cell: Replicates((0.25, 0.26, 0.25, 0.24, 0.26), RowKind.TRAINED)}
    assert [one.verdict for one in judge(old, low)] == [Verdict.REGRESSION]
    assert [one.verdict for one in judge(low, old)] == [Verdict.BETTER]


@pytest.mark.parametrize(("factor", "verdict"), [(1.04, Verdict.HOLDS), (1.06, Verdict.REGRESSION)])
def test_a_shift_that_nobody_minds_is_no_regression_however_certain_it_is(factor: float, verdict: Verdict) -> None:
    cell = Cell("brick", "inng", "gram")
    values = tuple(1 + 1e-4 * step for step in range(5))
    new = tuple(factor * value for value in values)
    judged = judge({cell: Replicates(values, RowKind.TRAINED)}, {cell: Replicates(new, RowKind.TRAINED)})[0]
    assert judged.verdict is verdict
    assert judged.probability is not None
    assert judged.probability < 1e-6


@pytest.mark.parametrize(
    ("share", "status"), [(0.0, ExitStatus.OK), (0.04, ExitStatus.OK), (0.3, ExitStatus.REGRESSION)]
)
def test_copying_is_worse_the_more_there_is_also_where_there_was_none(share: float, status: ExitStatus) -> None:
    new = edit("brick", "inng", lambda record: with_values(record, {"copy_rate": share}))(make_table())
    outcome = check_tables(make_table(), new)
    assert outcome.status is status
    assert [str(one.cell) for one in outcome.regressions] == ["brick · inng · copy_rate"] * (share > 0.1)


@pytest.mark.parametrize("method", ["real", "noise", "random-phase"])
@pytest.mark.parametrize("metric", list(FLOOR))
def test_a_row_without_training_repeats_up_to_rounding(method: str, metric: str) -> None:
    old = make_table()
    value = next(
        one.value for record in old if record.method == method for one in record.measurements if one.metric == metric
    )
    assert value is not None
    allowed = ROUNDING[metric].at(value)
    for share, status in ((0.9, ExitStatus.OK), (1.1, ExitStatus.REGRESSION)):
        moved = {metric: value + share * allowed}
        new = edit("brick", method, lambda record, moved=moved: with_values(record, moved))(old)  # type: ignore[misc]
        outcome = check_tables(old, new)
        assert outcome.status is status
        assert [str(one.cell) for one in outcome.regressions] == [f"brick · {method} · {metric}"] * (share > 1)


def test_a_metric_that_flatters_the_real_row_has_changed_and_nothing_can_be_judged() -> None:
    new = edit("brick", "real", lambda record: scaled(record, "gram", 0.9))(make_table())
    outcome = check_tables(make_table(), new)
    assert outcome.status is ExitStatus.BAD_INPUT
    assert "brick · real · gram: the row real went from 0.2 to 0.18" in outcome.obstacles[0]


def test_every_metric_of_the_catalogue_has_its_tolerances() -> None:
    assert set(NEGLIGIBLE) == set(ROUNDING) <= {*DEFAULT, *selected_of_sets(None)}


def test_what_is_new_is_named_and_not_judged() -> None:
    new = [*make_table(), make_record("wgan", texture="brick", implementation="dcgan")]
    outcome = check_tables(make_table(), new)
    assert outcome.status is ExitStatus.OK
    assert {one.cell.method for one in outcome.of(Verdict.NEW)} == {"wgan"}


def without(texture: str, method: str) -> Edit:
    return lambda records: [one for one in records if (one.texture.name, one.method) != (texture, method)]


def failed(record: Record) -> Record:
    return record.model_copy(update={"status": Status.FAILED, "error": "out of luck", "measurements": ()})


@pytest.mark.parametrize("method", ["real", "inng", "noise"])
def test_a_missing_row_cannot_be_judged_and_is_named(method: str) -> None:
    outcome = check_tables(make_table(), without("brick", method)(make_table()))
    assert outcome.status is ExitStatus.BAD_INPUT
    assert {one.cell.row for one in outcome.of(Verdict.MISSING)} == {("brick", method)}
    assert f"brick · {method} · gram: the results have no figure; run what is missing." in outcome.obstacles


def test_a_figure_that_is_gone_is_a_missing_cell() -> None:
    new = edit("brick", "inng", lambda record: with_values(record, {"gram_far": None}))(make_table())
    outcome = check_tables(make_table(), new)
    assert outcome.status is ExitStatus.BAD_INPUT
    assert [str(one.cell) for one in outcome.of(Verdict.MISSING)] == ["brick · inng · gram_far"]


@pytest.mark.parametrize("seeds", [{0, 1, 2, 3, 4}, {3}])
def test_a_failed_run_where_the_reference_has_a_figure_cannot_be_judged_and_is_named(seeds: set[int]) -> None:
    new = edit("brick", "inng", lambda record: failed(record) if record.replicate in seeds else record)(make_table())
    outcome = check_tables(make_table(), new)
    assert outcome.status is ExitStatus.BAD_INPUT
    assert f"brick · inng · seed {min(seeds)} failed: out of luck" in outcome.obstacles


def test_a_regression_is_one_whatever_else_cannot_be_judged() -> None:
    new = without("pebbles", "dcgan")(edit("brick", "inng", lambda one: scaled(one, "gram", 3.0))(make_table()))
    assert check_tables(make_table(), new).status is ExitStatus.REGRESSION


def test_one_seed_on_either_side_cannot_be_judged() -> None:
    outcome = check_tables(make_table(1), make_table(1))
    assert outcome.status is ExitStatus.BAD_INPUT
    assert len(outcome.of(Verdict.TOO_FEW_SEEDS)) == len(outcome.obstacles) == len(TEXTURES) * (2 * len(FLOOR) - 1)
    assert check_tables(make_table(1), make_table(2)).obstacles == ()


def other_suite(records: list[Record]) -> list[Record]:
    return [record.model_copy(update={"suite_hash": "ef" * 32}) for record in records]


def other_version(records: list[Record]) -> list[Record]:
    def raised(record: Record) -> Record:
        figures = (one.model_copy(update={"version": 7}) for one in record.measurements)
        return record.model_copy(update={"measurements": tuple(figures)})

    return [raised(record) for record in records]


def unknown_metric(records: list[Record]) -> list[Record]:
    figures = [one.model_copy(update={"metric": "beauty"}) for one in records[0].measurements[:1]]
    return [records[0].model_copy(update={"measurements": tuple(figures)}), *records[1:]]


def other_window(records: list[Record]) -> list[Record]:
    facts = make_texture("brick")
    facts = facts.model_copy(update={"train": facts.train.model_copy(update={"sha256": "1" * 64})})
    return edit("brick", "inng", lambda record: record.model_copy(update={"texture": facts}))(records)


def other_weights(records: list[Record]) -> list[Record]:
    return edit_hashes(records, {"features": "2" * 64})


def edit_hashes(records: list[Record], hashes: dict[str, str]) -> list[Record]:
    return [record.model_copy(update={"hashes": hashes}) for record in records]


def with_weights(records: list[Record]) -> list[Record]:
    return edit_hashes(records, {"features": "1" * 64})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (other_suite, "run the reference's suite, or bless these results"),
        (lambda records: [*records[:3], *other_suite(records[3:])], "are runs of several suites"),
        (other_version, "in version 7 and this package version 2"),
        (unknown_metric, "has beauty in version 2 and this package none of that name"),
        (other_window, "the texture brick has other pixels than in the reference"),
        (other_weights, "feature networks have other weights"),
        (lambda records: edit_hashes(records, {}), "feature networks have other weights"),
    ],
)
@pytest.mark.parametrize("side", ["reference", "results"])
def test_what_does_not_mean_the_same_cannot_be_judged(change: Edit, sentence: str, side: str) -> None:
    table = with_weights(make_table())
    old, new = (change(table), table) if side == "reference" else (table, change(table))
    outcome = check_tables(old, new)
    assert outcome.status is ExitStatus.BAD_INPUT
    assert outcome.judgements == ()
    assert sentence in outcome.obstacles[0]


def change(folder: Path, **changes: Any) -> None:
    rewrite(store.record_path(folder, "brick", "inng", 0), lambda content: content.update(changes))


def truncate(folder: Path) -> None:
    path = store.record_path(folder, "brick", "inng", 0)
    path.write_text(path.read_text()[:500])


def rename(folder: Path) -> None:
    (folder / "runs" / "brick" / "inng").rename(folder / "runs" / "brick" / "inng-2")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            lambda folder: change(folder, schema_version=99),
            "has schema version 99, but this package reads only versions up to",
        ),
        (lambda folder: change(folder, schema_version=0), "its schema version is 0"),
        (lambda folder: change(folder, mood="good"), "unknown field 'mood'"),
        (truncate, "it is not valid JSON"),
        (rename, "belongs to brick/inng/seed-0"),
    ],
)
@pytest.mark.parametrize("side", ["old", "new"])
def test_a_broken_record_cannot_be_judged(
    damage: Callable[[Path], None], sentence: str, side: str, tmp_path: Path
) -> None:
    for name in ("old", "new"):
        write_records(tmp_path / name, make_table())
    damage(tmp_path / side)
    outcome = check(tmp_path / "new", tmp_path / "old")
    assert outcome.status is ExitStatus.BAD_INPUT
    assert sentence in outcome.obstacles[0]


def test_a_folder_that_is_not_there_cannot_be_judged(tmp_path: Path) -> None:
    write_records(tmp_path / "old", make_table())
    assert check(tmp_path / "new", tmp_path / "old").status is ExitStatus.BAD_INPUT
    assert check(tmp_path / "old", tmp_path / "new").status is ExitStatus.BAD_INPUT


def test_a_reference_of_failed_runs_alone_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failed = write_records(tmp_path, [make_record(status=Status.FAILED, error="no memory")])
    assert cli.main(["check", str(failed), "--against", str(failed)]) == ExitStatus.BAD_INPUT
    assert capsys.readouterr().err == (
        "inng-bench: no run of the reference has a figure to judge; name another reference.\n"
    )


def test_a_factor_above_a_hundred_is_told_in_words() -> None:
    old = make_table(3)
    wild = edit("brick", "inng", lambda record: scaled(record, "gram", 1e4**record.replicate))(old)
    assert "to more than 100)." in check_text(check_tables(wild, old))


def test_speed_is_reported_and_never_judged() -> None:
    def timed(speed: float, cpu: str) -> Edit:
        change = {"throughput": make_throughput(speed), "provenance": make_provenance(cpu=cpu)}
        return edit("brick", "inng", lambda record: record.model_copy(update=change))

    old = timed(1.0, "Example CPU")(make_table())
    for cpu, note in (("Example CPU", "same processor and setting"), ("Slow CPU", "another processor")):
        outcome = check_tables(old, timed(0.1, cpu)(make_table()))
        assert outcome.status is ExitStatus.OK
        assert outcome.speeds[0].row == "brick · inng"
        assert outcome.speeds[0].new == pytest.approx(0.1 * outcome.speeds[0].old)
        assert note in outcome.speeds[0].note
        assert "brick · inng: 48.0 [47.0–49.0] → 4.80 [4.70–4.90] image·steps/s (0.100 times)" in check_text(outcome)


def test_changed_settings_and_machines_are_named() -> None:
    old = make_table(settings={"temperature": 0.5, "filters": 32})
    provenance = make_provenance(precision="bfloat16", versions={"numpy": "2.4.6", "torch": "2.14.0"})
    new = make_table(settings={"temperature": 5.0, "filters": 32}, provenance=provenance)
    outcome = check_tables(old, new)
    assert outcome.status is ExitStatus.OK
    assert "inng: temperature 0.5 → 5.0" in outcome.differences
    assert {"precision float32 → bfloat16", "torch 2.15.0 → 2.14.0"} <= set(outcome.differences)
    assert not [phrase for phrase in outcome.differences if "filters" in phrase or "numpy" in phrase]


def test_the_level_of_determinism_is_that_of_the_loosest_run_with_its_reasons() -> None:
    assert check_tables(make_table(), make_table()).levels == ("rows that do not learn: L0", "rows that learn: L0")
    threads = make_table(provenance=make_provenance(threads=2))
    assert check_tables(make_table(), threads).levels == (
        "rows that do not learn: L1 (threads: 1 against 2)",
        "rows that learn: L2 (threads: 1 against 2)",
    )
    other = next(one for one in threads if one.method == "inng")
    one_of_them = [other if (one.texture, one.method) == (other.texture, "inng") else one for one in make_table()]
    assert check_tables(make_table(), one_of_them).levels == (
        "rows that do not learn: L0",
        "rows that learn: L2 (threads: 1 against 2)",
    )


def test_the_level_is_printed_with_each_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_check(tmp_path, make_table())
    assert "- rows that learn: L0" in capsys.readouterr().out


def run_check(tmp_path: Path, new: list[Record], *options: str) -> int:
    write_records(tmp_path / "old", make_table())
    write_records(tmp_path / "new", new)
    return cli.main(["check", str(tmp_path / "new"), "--against", str(tmp_path / "old"), *options])


def test_the_command_names_cell_old_new_and_threshold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = edit("brick", "inng", lambda record: scaled(record, "patch_fid", 2.0))(make_table())
    assert run_check(tmp_path, new, "--markdown", str(tmp_path / "page.md")) == ExitStatus.REGRESSION
    text, page = capsys.readouterr().out, (tmp_path / "page.md").read_text()
    assert text.startswith(f"Regression: {CELLS - 1} holds, 1 regression.")
    one = check(tmp_path / "new", tmp_path / "old").regressions[0]
    assert one.old is not None
    assert one.threshold is not None
    for shown in ("brick", "inng", "patch_fid", f"{one.old:.4f}", f"{2 * one.old:.3f}", f"{one.threshold:.4f}"):
        assert shown in text
        assert shown in page.replace("\\_", "_")
    assert page.startswith("## Quality: regression")
    assert page.count("| pebbles ") == CELLS / len(TEXTURES)


def test_json_has_every_cell_with_full_precision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_check(tmp_path, make_table(1, first=50), "--json") == ExitStatus.OK
    said = json.loads(capsys.readouterr().out)
    assert (said["status"], said["exit_status"], said["obstacles"]) == ("holds", 0, [])
    assert len(said["cells"]) == CELLS
    cell = next(one for one in said["cells"] if (one["method"], one["metric"]) == ("inng", "gram"))
    assert cell["seeds"] == [5, 1]
    assert cell["old"] < cell["threshold"] < 2 * cell["old"] * (1 + SPREAD)


def test_what_cannot_be_compared_is_one_sentence_status_2_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    assert run_check(tmp_path, other_suite(make_table()), "--markdown", str(page)) == ExitStatus.BAD_INPUT
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("inng-bench: the results are of the suite quick efefefef")
    assert len(said.err.splitlines()) == 1
    assert page.read_text().startswith("## Quality: cannot judge")
    assert run_check(tmp_path, other_suite(make_table()), "--json") == ExitStatus.BAD_INPUT
    assert json.loads(capsys.readouterr().out)["status"] == "cannot judge"


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_check(tmp_path, make_table(), "--markdown", str(tmp_path)) == ExitStatus.BAD_INPUT
    assert "name another file with --markdown" in capsys.readouterr().err


REFERENCES = Path(__file__).parents[1] / "results" / "reference"


@pytest.mark.parametrize("suite", sorted(path.parent.name for path in REFERENCES.glob("*/blessing.json")))
def test_blessed_records_are_of_the_shipped_suites_and_of_the_settings_as_they_are_now(suite: str) -> None:
    plan = make_plan(load_suite(suite), Overrides(device="cpu"))
    now = {run.key[:2]: run.settings for run in plan.runs}
    records = store.read_records(REFERENCES / suite)
    assert {record.suite_hash for record in records} == {plan.suite_hash}
    factors = {entry.label: entry.budget_factor for entry in load_suite(suite).methods}
    missing = set(now) - {(record.texture.name, record.method) for record in records}
    # Rows at half and twice the budget cost as much as all others and may be made later, each for all textures.
    assert all(factors.get(method, 1) != 1 for _, method in missing)
    assert {(record.texture.name, record.method) for record in records} <= set(now)
    assert not [record.method for record in records if record.settings != now[record.texture.name, record.method]]


@pytest.mark.parametrize("suite", ["smoke", "quick"])
def test_the_references_of_a_checkout_can_be_judged_against(suite: str, capsys: pytest.CaptureFixture[str]) -> None:
    reference = REFERENCES / suite
    assert cli.main(["check", str(reference), "--against", str(reference), "--json"]) == ExitStatus.OK
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert {one["texture"] for one in cells} == set(load_suite(suite).textures)


def test_results_of_an_older_schema_cannot_be_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_records(tmp_path / "old", make_table())
    write_records(tmp_path / "new", make_table())

    def make_older(content: dict[str, Any]) -> None:
        content["schema_version"] = 6
        content["texture"]["held_out"] = content["texture"]["held_out"][0]

    rewrite(store.record_path(tmp_path / "new", "brick", "inng", 0), make_older)
    arguments = ["check", str(tmp_path / "new"), "--against", str(tmp_path / "old")]
    assert cli.main(arguments) == ExitStatus.BAD_INPUT
    assert f"of schema version 6, and this package writes {SCHEMA_VERSION}" in capsys.readouterr().err


def test_a_figure_that_some_seeds_of_a_row_lack_cannot_be_judged_and_is_named() -> None:
    broken = [with_values(one, {"gram": None}) if one.replicate else one for one in make_table()]
    outcome = check_tables(make_table(), broken)
    assert outcome.status is ExitStatus.BAD_INPUT
    assert "brick · inng · gram: seed 1, 2, 3, 4 has no figure and others have; measure it again." in outcome.obstacles


def test_a_reference_without_a_blessing_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_check(tmp_path, make_table()) == ExitStatus.OK
    assert "The reference was not blessed" in capsys.readouterr().out


@pytest.mark.parametrize(("factor", "status"), [(1.1, ExitStatus.OK), (3.0, ExitStatus.REGRESSION)])
def test_one_seed_against_three_sees_what_is_three_times_as_bad(factor: float, status: ExitStatus) -> None:
    old, new = make_table(3), make_table(1, first=100)
    worse = [scaled(one, "gram", factor) if one.method == "inng" else one for one in new]
    assert check_tables(old, worse).status is status
