import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from record_builder import (
    VALUES,
    make_measurements,
    make_provenance,
    make_record,
    make_texture,
    make_throughput,
    write_records,
)
from report_texts import frame, latex, make_rows, markdown, plain_text, wide_table
from scipy import stats

from inng_bench.errors import InputError
from inng_bench.metrics.catalogue import BY_NAME, DEFAULT, HEADLINES
from inng_bench.records import store
from inng_bench.records.schema import Record, Status
from inng_bench.report import build_report
from inng_bench.report.__main__ import main
from inng_bench.report.comparison import compare_methods
from inng_bench.report.intervals import (
    Estimate,
    IntervalKind,
    estimate_over_canvases,
    estimate_over_seeds,
)
from inng_bench.report.rows import between_floor_and_ceiling, find_winners
from inng_bench.report.speed import speed_table
from inng_bench.report.table import comparison_table, floor_ratios
from inng_bench.tables.markup import LATEX, MARKDOWN, PLAIN, format_number

GRAM = BY_NAME["gram"]
NASTY = "50 % of <b>a_b</b> | $x$ & {y} \\ # ~ ^ `z`"


def scaled(factor: float) -> dict[str, float | None]:
    return {name: value * factor for name, value in VALUES.items()}


def seeds(method: str, factors: Sequence[float], texture: str = "brick") -> list[Record]:
    return [
        make_record(method, texture=texture, replicate=index, values=scaled(factor))
        for index, factor in enumerate(factors)
    ]


def comparison(texture: str = "brick") -> list[Record]:
    """INNg three times better than DCGAN, by three seeds."""
    return [
        make_record("real", texture=texture, values=scaled(1.0)),
        *seeds("inng", [1.9, 2.0, 2.1], texture),
        *seeds("dcgan", [5.7, 6.0, 6.3], texture),
        make_record("random-phase", texture=texture, values=scaled(9)),
        make_record("noise", texture=texture, values=scaled(30)),
    ]


# Intervals


def test_positive_seeds_have_the_t_interval_of_their_logarithms() -> None:
    values = [0.5, 0.8, 0.7]
    logs = [math.log(value) for value in values]
    low, high = stats.t.interval(0.95, 2, loc=sum(logs) / 3, scale=stats.sem(logs))
    found = estimate_over_seeds(values)
    assert found.value == pytest.approx((0.5 * 0.8 * 0.7) ** (1 / 3))
    assert found.low == pytest.approx(math.exp(low))
    assert found.high == pytest.approx(math.exp(high))


def test_two_seeds_have_the_closed_form_with_the_quantile_12_706() -> None:
    found = estimate_over_seeds([-1.0, 3.0])
    half = 12.7062047361747 * math.sqrt(8) / math.sqrt(2)
    assert found.value == 1.0
    assert found.low == pytest.approx(1 - half)
    assert found.high == pytest.approx(1 + half)


def test_a_zero_among_the_seeds_is_averaged_as_it_is() -> None:
    assert estimate_over_seeds([0.0, 0.0, 0.0]) == Estimate(0.0, 0.0, 0.0)


def test_one_seed_has_no_interval_and_none_has_no_value() -> None:
    assert estimate_over_seeds([0.4]) == Estimate(0.4)
    assert estimate_over_seeds([]) == Estimate()


def test_the_spread_of_canvases_is_their_least_and_greatest_value() -> None:
    assert estimate_over_canvases(0.4, [0.5, 0.3, 0.6]) == Estimate(0.4, 0.3, 0.6)
    assert estimate_over_canvases(0.4, [0.5]) == Estimate(0.4)
    assert estimate_over_canvases(None, [0.5, 0.6]) == Estimate()


# Rows


def test_rows_stand_real_first_then_inng_dcgan_others_and_references() -> None:
    methods = ["noise", "zebra", "dcgan-10x", "random-phase", "dcgan", "inng", "real"]
    rows = make_rows([make_record(method) for method in methods])
    assert [row.method for row in rows] == ["real", "inng", "dcgan", "dcgan-10x", "zebra", "random-phase", "noise"]


def test_a_figure_of_another_version_is_not_shown_and_said_so() -> None:
    outdated = make_measurements({"gram": 0.4})[0].model_copy(update={"version": GRAM.version + 1})
    record = make_record(measurements=(outdated,))
    rows = make_rows([record])
    assert rows[0].figures["gram"].value is None
    assert "gram of another version of the metric; run again" in plain_text(rows, [record])


def test_only_seeds_that_went_well_count() -> None:
    failed = make_record("inng", replicate=2, status=Status.FAILED, error="no")
    (row,) = make_rows([*seeds("inng", [1.0, 4.0]), failed])
    assert row.figures["gram"].value == pytest.approx(2 * VALUES["gram"])
    assert (len(row.succeeded), row.failures, row.status) == (2, 1, "partly failed")


# Winners


def test_the_best_is_bold_where_intervals_over_seeds_separate() -> None:
    rows = make_rows(comparison())
    assert [row.method for row in find_winners(rows, GRAM)] == ["inng"]
    cells = frame(comparison_table(rows), MARKDOWN).set_index("method")
    assert cells.loc["inng"].str.contains(r"\*\*").sum() == len(HEADLINES)
    assert not cells.drop("inng").map(lambda cell: "**" in cell).any(axis=None)


@pytest.mark.parametrize(
    "records",
    [
        [*seeds("inng", [2.0]), *seeds("dcgan", [6.0])],
        [*seeds("inng", [1.9, 2.0, 2.1]), *seeds("dcgan", [6.0])],
        [*seeds("inng", [1.0, 2.0, 4.0]), *seeds("dcgan", [2.0, 3.0, 6.0])],
        seeds("inng", [1.9, 2.0, 2.1]),
    ],
    ids=["one seed each", "one seed of the other", "intervals overlap", "no competitor"],
)
def test_nothing_is_bold_without_separate_intervals(records: list[Record]) -> None:
    table = frame(comparison_table(make_rows(records)), MARKDOWN)
    assert not table.map(lambda cell: "**" in cell).any(axis=None)


def test_a_reference_row_is_never_the_winner() -> None:
    records = [*comparison(), *seeds("real", [0.1, 0.1, 0.1])[1:], *seeds("noise", [0.2, 0.2, 0.2])[1:]]
    assert [row.method for row in find_winners(make_rows(records), GRAM)] == ["inng"]


def standard() -> list[Record]:
    """Three seeds of both at one budget, one seed of DCGAN at ten times that."""
    return [*comparison(), make_record("dcgan-10x", values=scaled(0.5))]


def test_a_row_of_another_budget_is_no_competitor() -> None:
    rows = make_rows(standard())
    assert [row.method for row in find_winners(rows, GRAM)] == ["inng"]
    bold = frame(comparison_table(rows), MARKDOWN).set_index("method").map(lambda cell: "**" in cell).sum(axis=1)
    assert bold[bold > 0].to_dict() == {"inng": len(HEADLINES)}


def test_every_budget_has_its_own_winner() -> None:
    larger = [
        make_record("inng-10x", implementation="inng", replicate=index, values=scaled(factor))
        for index, factor in enumerate([0.10, 0.11, 0.12])
    ]
    rivals = [
        make_record("dcgan-10x", replicate=index, values=scaled(factor))
        for index, factor in enumerate([0.30, 0.31, 0.32])
    ]
    winners = find_winners(make_rows([*comparison(), *larger, *rivals]), GRAM)
    assert [row.method for row in winners] == ["inng", "inng-10x"]


@pytest.mark.parametrize("factor", [0.5, 50])
def test_a_row_of_one_seed_and_the_same_budget_neither_wins_nor_blocks(factor: float) -> None:
    alone = make_record("dcgan-radford", implementation="dcgan", values=scaled(factor))
    assert [row.method for row in find_winners(make_rows([*comparison(), alone]), GRAM)] == ["inng"]


def test_what_is_missing_is_a_dash_and_never_bold() -> None:
    values: dict[str, float | None] = {**VALUES, "patch_kid": None}
    records = [*seeds("inng", [1.9, 2.0, 2.1])]
    records += [make_record("dcgan", replicate=index, values=values) for index in range(3)]
    table = frame(comparison_table(make_rows(records)), MARKDOWN).set_index("method")
    column = next(name for name in table.columns if name.startswith("patch-KID"))
    assert table.loc["dcgan", column] == "–"
    assert "**" not in str(table.loc["inng", column])


# Labels


def test_one_seed_is_labelled_as_spread_over_canvases_and_three_as_interval_over_seeds() -> None:
    alone = {"gram": (0.18, 0.25)}
    one = make_record(measurements=make_measurements(VALUES, per_image=alone))
    single = make_rows([one])
    assert single[0].interval is IntervalKind.CANVASES
    assert "0.200 \\[0.180–0.250\\]" in markdown(single, [one])
    assert "spread over pieces of the samples" in markdown(single, [one])
    assert "interval over seeds." not in markdown(single, [one])

    records = seeds("inng", [0.9, 1.0, 1.1])
    several = make_rows(records)
    assert several[0].interval is IntervalKind.SEEDS
    assert re.search(r"0\.199 \(0\.1\d+–0\.2\d+\)", markdown(several, records))
    assert "95% t interval over seeds" in markdown(several, records)
    assert "spread over pieces" not in markdown(several, records)


def test_a_texture_without_a_held_out_window_says_so_in_its_row() -> None:
    small = make_texture("small", has_held_out=False)
    records = [make_record("real", texture=small), make_record("inng", texture=small), make_record("inng")]
    rows = make_rows(records)
    table = frame(comparison_table(rows), MARKDOWN)
    gram = next(column for column in table.columns if column.startswith("Gram ↓"))
    copying = next(column for column in table.columns if column.startswith("copy"))
    assert list(table["texture"]) == ["brick", "small (no held-out)", "small (no held-out)"]
    assert list(table[gram]) == ["0.200", "0.200†", "0.200†"]
    assert list(table[copying]) == ["0.000400", "0.000400", "0.000400"]
    assert list(wide_table(rows)["against"]) == ["held-out", "halves", "halves"]
    assert "† no held-out window" in markdown(rows, records)


def test_the_caption_says_what_is_compared_and_with_what_it_must_not_be() -> None:
    records = comparison()
    text = " ".join(plain_text(make_rows(records), records).split())
    for phrase in (
        "n = 512 crops on each side of a pair",
        "3 seeds for each method",
        "compared with each held-out window of its texture, which no method has seen",
        "The row real is the floor",
        "in no comparison and no mean, and are never bold",
        "EfficientNet-Lite0",
        "cannot be compared with published FID",
    ):
        assert phrase in text


# Below the table


def test_times_the_floor_is_the_geometric_mean_over_textures() -> None:
    records = [
        make_record("real", texture="brick", values=scaled(1)),
        make_record("inng", texture="brick", values=scaled(2)),
        make_record("real", texture="grass", values=scaled(1)),
        make_record("inng", texture="grass", values=scaled(8)),
        make_record("inng", texture="no-floor", values=scaled(99)),
    ]
    rows = make_rows(records)
    assert floor_ratios(rows, "inng", "gram") == pytest.approx({"brick": 2, "grass": 8})
    assert "4.00× (2)" in markdown(rows, records)


def test_a_figure_stands_between_the_floor_of_real_and_the_ceiling_of_noise() -> None:
    figures = {"real": (0.1, 0.9), "inng": (0.3, 0.5), "noise": (0.9, 0.1)}
    records = [
        make_record(method, texture=texture, values={"gram": factor * gram, "precision": precision})
        for texture, factor in (("brick", 1), ("grass", 10))
        for method, (gram, precision) in figures.items()
    ]
    rows = make_rows([*records, make_record("inng", texture="no-floor", values={"gram": 1.0})])
    table = wide_table(rows).set_index(["texture", "method"])
    for metric, place in (("gram", 0.25), ("precision", 0.5)):
        column = table[f"{metric}_normalised"]
        assert [column["grass", method] for method in figures] == pytest.approx([0, place, 1])
    assert table["gram_normalised"].isna().loc["no-floor", "inng"]


@pytest.mark.parametrize(
    ("metric", "low", "high", "ceiling", "place"),
    [
        ("gram", 0.1, 0.4, 0.5, 1 / 3),
        ("gram", 0.1, 0.4, 0.4, None),
        ("gram", 0.1, 0.4, 0.1, None),
        ("gram", None, None, 0.3, 1.0),
        ("gram", None, None, 0.2, None),
        ("precision", 0.1, 0.4, 0.05, -2 / 3),
        ("precision", 0.1, 0.4, 0.1, None),
        ("precision", None, None, 0.3, None),
    ],
)
def test_a_ceiling_within_the_interval_of_the_floor_is_none(
    metric: str, low: float | None, high: float | None, ceiling: float, place: float | None
) -> None:
    (real,) = make_measurements({metric: 0.2})
    records = [
        make_record("real", measurements=(real.model_copy(update={"low": low, "high": high}),)),
        make_record("inng", values={metric: 0.3}),
        make_record("noise", values={metric: ceiling}),
    ]
    rows = make_rows(records)
    assert between_floor_and_ceiling(rows[1], rows, metric) == (None if place is None else pytest.approx(place))


def test_companions_stand_in_a_table_of_their_own_and_are_never_bold() -> None:
    records = comparison()
    text = markdown(make_rows(records), records)
    companions = text.partition("## Companions")[2].partition("\n## ")[0]
    assert "spectrum" in companions
    assert "**" not in companions
    assert "VGG" not in text
    assert "spectrum" not in text.partition("## Times the floor")[0]
    asked = [*records, make_record("inng", replicate=9, values={"gram_vgg": 0.7})]
    assert "Gram (VGG-19)" in markdown(make_rows(asked), asked)


def test_a_floor_that_is_not_positive_gives_no_ratio() -> None:
    rows = make_rows([make_record("real", values={**VALUES, "patch_kid": -0.001}), make_record("inng")])
    assert floor_ratios(rows, "inng", "patch_kid") == {}


def test_wins_and_losses_are_counted_at_equal_budget_only() -> None:
    records = [*comparison("brick"), *seeds("inng", [7.0], "grass"), *seeds("dcgan", [6.0], "grass")]
    records += [make_record("dcgan-10x", texture="brick", values=scaled(0.5))]
    gram = next(one for one in compare_methods(make_rows(records)) if one.metric is GRAM)
    assert (gram.ours, gram.theirs, gram.textures, gram.better) == ("inng", "dcgan", 2, 1)
    assert (gram.rated, gram.clear) == (1, 1)
    assert "dcgan-10x" not in {one.theirs for one in compare_methods(make_rows(records))}


def test_a_warning_of_several_runs_is_said_once_with_all_of_them() -> None:
    records = [make_record(replicate=index, warnings=("It collapsed.",)) for index in range(2)]
    text = plain_text(make_rows(records), records)
    assert text.count("It collapsed.") == 1
    assert "(brick seed 0, 1)" in text


def test_records_of_two_machines_show_both() -> None:
    records = [make_record(), make_record(replicate=1, provenance=make_provenance(cpu="Other CPU"))]
    assert "CPU Example CPU / Other CPU" in plain_text(make_rows(records), records)


def test_the_command_that_makes_the_results_again_is_given() -> None:
    records = seeds("inng", [1.0, 1.1])
    assert "inng-bench run --suite quick --seeds 2" in plain_text(make_rows(records), records)


def test_the_command_of_the_suite_is_given_where_the_folder_keeps_one(tmp_path: Path) -> None:
    results = write_records(tmp_path / "elsewhere" / "my-run", seeds("inng", [1.0, 1.1]))
    command = "inng-bench run --suite quick --methods inng --seeds 2"
    for suite, expected in (
        (json.dumps({"name": "quick", "command": command}), command),
        ("{}", "inng-bench run --suite quick --seeds 2"),
        ("[", "inng-bench run --suite quick --seeds 2"),
    ):
        store.suite_path(results).write_text(suite)
        report = build_report(results)
        lines = [expected, "inng-bench report results/runs/my-run"]
        assert "```\n" + "\n".join(lines) + "\n```" in (report.folder / "table.md").read_text()
        assert "\n".join(f"- {line}" for line in lines) in report.text
        assert str(tmp_path) not in report.text


# Speed of the sampler


def test_the_speed_of_a_row_is_the_median_over_its_timed_seeds() -> None:
    timed = [make_throughput(speed) for speed in (1.0, 5.0, 2.0)]
    records = [make_record(replicate=index, throughput=one) for index, one in enumerate(timed)]
    records += [make_record(replicate=3), make_record("dcgan")]
    rows = make_rows(records)
    lines = wide_table(rows).set_index("method")
    expected = {
        "speed_seeds": 3,
        "speed_update": "adam",
        "speed_precision": "float32",
        "speed_threads": 1,
        "speed_height": 256,
        "speed_width": 256,
        "speed_batch": 4,
        "speed_filters": 32,
        "gradient_evaluations_per_second": 108.0,
        "image_steps_per_second": 96.0,
        "image_steps_per_second_low_quartile": 94.0,
        "image_steps_per_second_high_quartile": 98.0,
        "share_of_ceiling": 0.8,
    }
    assert lines.loc["inng", list(expected)].to_dict() == expected
    assert lines.loc["dcgan", list(expected)].isna().all()
    (line,) = frame(speed_table(rows)).to_dict("records")
    assert line["image·steps/s"] == "96.0 [94.0–98.0]"
    assert (line["n"], line["% of the ceiling"]) == ("3", "80 [78–82]")


def test_speeds_of_two_settings_are_not_mixed() -> None:
    settings = [{"threads": 1}, {"threads": 2}, {"threads": 2}]
    records = [
        make_record(replicate=index, throughput=make_throughput(1 + index, **setting))
        for index, setting in enumerate(settings)
    ]
    table = frame(speed_table(make_rows(records)))
    assert list(table["threads"]) == ["2", "1"]
    assert "update" not in table.columns
    text = " ".join(plain_text(make_rows(records), records).split())
    assert "All rows have update adam, precision float32, size 256×256, batch 4, filters 32." in text
    assert list(table["image·steps/s"]) == ["120 [118–122]", "48.0 [47.0–49.0]"]


def test_the_report_says_how_the_speed_was_timed_where_something_was() -> None:
    for records, said in (([make_record(throughput=make_throughput())], True), ([make_record()], False)):
        for write in (plain_text, markdown):
            text = " ".join(write(make_rows(records), records).split())
            for phrase in (
                "while nothing else of this package runs on the machine",
                "median of repeated rounds",
                "a 1×1 and a 3×3 convolution",
            ):
                assert (phrase in text) is said


# Failures and escaping


def test_a_failed_run_is_a_row_with_its_reason() -> None:
    records = [make_record("inng"), make_record("dcgan", status=Status.FAILED, error="the loss was\nNaN")]
    rows = make_rows(records)
    line = wide_table(rows).set_index("method").loc["dcgan"].to_dict()
    assert (line["seeds"], line["failures"], line["status"], line["error"]) == (0, 1, "failed", "the loss was NaN")
    assert pd.isna(line["gram"])
    for text in (plain_text(rows, records), markdown(rows, records), latex(rows, records)):
        assert "0 of 1" in text
        assert "the loss was NaN" in text


def test_failed_runs_alone_give_their_reasons_and_no_empty_table(tmp_path: Path) -> None:
    records = [
        make_record(method, status=Status.FAILED, error=f"{method} has no memory") for method in ("inng", "dcgan")
    ]
    report = build_report(write_records(tmp_path, records))
    page = (report.folder / "index.html").read_text()
    for text in (report.text, (report.folder / "table.md").read_text(), (report.folder / "table.tex").read_text()):
        assert "inng has no memory" in text
        assert "Gram" not in text
        assert "Times the floor" not in text
    assert "All runs failed, so there are no figures." in page
    assert '<td class="word">failed: inng has no memory</td>' in page


def test_special_signs_of_an_error_are_escaped_in_markdown_and_latex() -> None:
    records = [make_record(), make_record("dcgan", status=Status.FAILED, error=NASTY)]
    rows = make_rows(records)
    as_markdown, as_latex = markdown(rows, records), latex(rows, records)
    assert "<b>" not in as_markdown
    assert r"50 % of &lt;b&gt;a\_b&lt;/b&gt; \| \$x\$ &amp;" in as_markdown
    assert NASTY not in as_latex
    assert r"50 \% of \textless{}b\textgreater{}a\_b" in as_latex
    lines = [line for line in as_latex.splitlines() if line.startswith(" & dcgan")]
    assert [len(re.findall(r"(?<!\\)&", line)) for line in lines] == [
        len(frame(comparison_table(rows), LATEX).columns) - 1
    ]


def test_a_markdown_cell_cannot_leave_its_column() -> None:
    records = [make_record("dcgan", status=Status.FAILED, error="a | b \\| c\n| d")]
    header, _, row = markdown(make_rows(records), records).splitlines()[4:7]
    bars = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in (header, row)]
    assert bars[0] == bars[1]


def test_control_signs_of_an_error_do_not_reach_the_terminal() -> None:
    records = [make_record("dcgan", status=Status.FAILED, error="\x1b[31mred\x07")]
    assert "\x1b" not in plain_text(make_rows(records), records)


def test_latex_escapes_a_backslash_once() -> None:
    assert LATEX.escape("\\{") == r"\textbackslash{}\{"
    assert MARKDOWN.escape("a_b*") == r"a\_b\*"
    assert PLAIN.escape("a_b*") == "a_b*"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (0.0, "0"),
        (0.12345, "0.123"),
        (12.345, "12.3"),
        (12345.6, "12346"),
        (-0.0012345, "−0.00123"),
        (0.000000123, "1.23e-07"),
    ],
)
def test_numbers_keep_their_significant_digits(value: float | None, expected: str) -> None:
    assert format_number(value) == expected


# Files


def test_the_wide_table_has_the_columns_that_others_rely_on(tmp_path: Path) -> None:
    write_records(tmp_path, [*comparison(), make_record("inng", replicate=7, throughput=make_throughput())])
    build_report(tmp_path)
    table = pd.read_csv(tmp_path / "report/table.csv")
    metrics = list(DEFAULT)
    assert list(table.columns[: 4 + len(metrics)]) == ["texture", "method", "seeds", "n", *metrics]
    expected = {f"{name}_{end}" for name in metrics for end in ("low", "high", "normalised")}
    expected |= {"images", "disjoint_crops", "flops", "train_seconds", "sample_seconds", "status", "error"}
    expected |= {"gradient_evaluations_per_second", "image_steps_per_second"}
    assert expected <= set(table.columns)
    assert table.set_index("method").loc["inng", "image_steps_per_second"] == 48.0


def test_the_csv_keeps_full_precision(tmp_path: Path) -> None:
    value = 0.1 + 0.2
    write_records(tmp_path, [make_record(values={"gram": value})])
    build_report(tmp_path)
    cell = pd.read_csv(tmp_path / "report/table.csv", dtype=str).loc[0, "gram"]
    assert float(str(cell)) == value


def test_two_reports_of_the_same_records_are_identical_and_leave_them_alone(tmp_path: Path) -> None:
    write_records(tmp_path, comparison())
    records = {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*.json")}
    first, second = build_report(tmp_path, tmp_path / "a"), build_report(tmp_path, tmp_path / "b")
    names = [path.relative_to(first.folder) for path in first.files]
    assert names == [path.relative_to(second.folder) for path in second.files]
    assert {"table.md", "table.csv", "table.tex", "agreement.csv"} <= {str(name) for name in names}
    for name in names:
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()
    assert {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*.json")} == records
    assert not store.report_folder(tmp_path).exists()


def test_the_table_fits_a_terminal_of_120_columns(tmp_path: Path) -> None:
    timed = make_record(texture="immunohistochemistry", replicate=7, throughput=make_throughput(1000))
    write_records(tmp_path, [*comparison("immunohistochemistry"), timed])
    assert max(map(len, build_report(tmp_path).text.splitlines())) <= 120


def test_the_markdown_table_leaves_out_what_it_can_say_once() -> None:
    records = [*comparison("brick"), *comparison("grass")]
    header, _, *lines = markdown(make_rows(records), records).splitlines()[2:14]
    headings = [cell.strip() for cell in header.strip("|").split("|")]
    assert headings[:5] == ["texture", "method", "seeds", "Gram ↓", "patch-FID ↓"]
    assert not {"n", "TFLOP", "failed", "status"} & set(headings)
    assert [line.split("|")[1].strip() for line in lines] == ["brick", "", "", "", "", "grass", "", "", "", ""]
    assert "3 seeds for each method with 8 TFLOP, n = 512 crops on each side of a pair" in markdown(
        make_rows(records), records
    )


GOLDEN = """\
Methods on the suite quick

                                            Gram,    patch-FID      copy
                                Gram          far   (wavelets)      rate
method          seeds              ↓            ↓            ↓         ↓
────────────────────────────────────────────────────────────────────────
brick
  real              1          0.200        0.500        0.500  0.000400
  inng              3         0.400*        1.00*        1.00*  0.000799
                       (0.353–0.453)  (0.88–1.13)  (0.88–1.13)
"""


def test_the_printed_table_looks_like_this() -> None:
    records = comparison()
    assert plain_text(make_rows(records), records).startswith(GOLDEN)


# Command line


def test_the_command_prints_the_table_and_says_where_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path, [*comparison(), make_record("dcgan-10x", status=Status.FAILED, error="no memory")])
    assert main([str(tmp_path), "--out", str(tmp_path / "elsewhere")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Methods on the suite quick\n")
    assert f"Written to {tmp_path / 'elsewhere'}" in printed
    assert printed.rstrip().endswith("1 run failed; see Failures and warnings above.")


def test_without_an_argument_the_latest_results_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_records(Path("results/runs/quick"), [make_record()])
    assert main([]) == 0
    assert Path("results/runs/quick/report/table.md").exists()
    assert "brick" in capsys.readouterr().out


def assert_one_sentence(captured: str) -> None:
    assert captured.startswith("inng-bench: ")
    assert captured.count("\n") == 1


def test_no_results_end_with_2_and_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in ([], [str(tmp_path)], ["nowhere"]):
        assert main(arguments) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert_one_sentence(captured.err)
        assert "inng-bench run" in captured.err


def test_a_broken_record_ends_with_2_and_a_sentence_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path, comparison())
    path = store.record_path(tmp_path, "brick", "dcgan", 1)
    path.write_bytes(path.read_bytes()[:100])
    assert main([str(tmp_path)]) == 2
    captured = capsys.readouterr().err
    assert_one_sentence(captured)
    assert str(path) in captured
    assert not store.report_folder(tmp_path).exists()


def test_a_folder_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    write_records(tmp_path, [make_record()])
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        build_report(tmp_path, tmp_path / "file" / "report")


def test_the_help_names_arguments_and_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(word in text for word in ("RESULTS", "--out", "exit status"))


def loaded_modules(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"], check=True, capture_output=True, text=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_module_runs_without_torch_and_starts_without_what_loads_slowly(tmp_path: Path) -> None:
    write_records(tmp_path, comparison())
    start = "from inng_bench.report.__main__ import main"
    assert not {"torch", "skimage"} & loaded_modules(f"{start}; main([{str(tmp_path)!r}])")
    assert not {"pandas", "matplotlib", "scipy.stats"} & loaded_modules(start)


def test_a_reader_that_stops_early_sees_no_traceback(tmp_path: Path) -> None:
    write_records(tmp_path, comparison())
    command = f"{sys.executable} -m inng_bench.report {tmp_path} | true"
    done = subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True, text=True)
    assert done.stderr == ""
