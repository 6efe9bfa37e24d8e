"""What may be claimed: copies apart, whether the eyes agree, the whole cost, equal trials."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from record_builder import VALUES, make_measurements, make_record, make_texture, write_records
from report_texts import frame, latex, make_rows, markdown, plain_text, wide_table

from inng_bench.metrics.catalogue import BY_NAME, COPIES_ABOVE, HEADLINES, Eye
from inng_bench.records.schema import ModelFacts, Record, Status
from inng_bench.report import build_report, trials
from inng_bench.report.agreement import values_of
from inng_bench.report.comparison import compare_methods, paired_rows
from inng_bench.report.cost_figure import cost_lines, cost_plots
from inng_bench.report.costs import PICTURES, costs_table, whole_costs
from inng_bench.report.effects import logarithms
from inng_bench.report.eyes import eyes_sentence, metrics_by_eye, rankings
from inng_bench.report.plots import MOST_CURVES, draw_plots
from inng_bench.report.rows import Row, find_winners, of_usual_budget
from inng_bench.report.table import comparison_table, floor_table, heading_of
from inng_bench.tables.markup import LATEX, MARKDOWN

TEXTURES = ("brick", "grass", "gravel")
FLOOR_AND_CEILING = {"real": 1.0, "noise": 30.0}
TOO_MANY = COPIES_ABOVE + 0.01


def scaled(factor: float, **changes: float) -> dict[str, float | None]:
    return {name: changes.get(name, value * factor) for name, value in VALUES.items()}


def on_textures(factors: Mapping[str, float], seeds: int = 1, **changes: Any) -> list[Record]:
    """Return records of each method on each texture, whose figures are the floor's times a factor."""
    return [
        make_record(method, texture=texture, replicate=seed, values=scaled(factor * (1 + 0.01 * seed)), **changes)
        for texture in TEXTURES
        for method, factor in factors.items()
        for seed in range(1 if method in FLOOR_AND_CEILING else seeds)
    ]


def copying(method: str, factor: float = 1.0, textures: tuple[str, ...] = TEXTURES, **changes: Any) -> list[Record]:
    values = scaled(factor, copy_rate=TOO_MANY)
    return [make_record(method, texture=texture, values=values, **changes) for texture in textures]


def lines_of(rows: tuple[Row, ...], texture: str) -> list[str]:
    table = frame(comparison_table(rows))
    return list(table.loc[table["texture"] == texture, "method"])


# What copies


def test_what_copies_stands_last_in_its_texture_under_a_heading_of_its_own() -> None:
    records = [*on_textures({"inng": 2.0, **FLOOR_AND_CEILING}), *copying("mirror"), *copying("quilting")]
    records += copying("dcgan", textures=("grass",))
    rows = make_rows(records)
    assert lines_of(rows, "brick") == ["real", "inng", "noise", "copies the picture:", "mirror", "quilting"]
    assert lines_of(rows, "grass") == ["real", "inng", "noise", "copies the picture:", "dcgan", "mirror", "quilting"]
    assert "  copies the picture:\n  mirror" in plain_text(rows, records)
    assert re.search(r"\n\| +\| \*copies the picture\* +\|( +\|)+\n\| +\| mirror ", markdown(rows, records))
    assert r"& \textit{copies the picture} &" in latex(rows, records)
    assert wide_table(rows).set_index(["texture", "method"])["copies"].to_dict() == {
        (row.texture.name, row.method): row.method in ("mirror", "quilting", "dcgan") for row in rows
    }


def test_mirror_and_quilting_copy_by_their_making_whatever_their_rate_and_real_never() -> None:
    rows = make_rows([*on_textures({"mirror": 1.0, "quilting": 1.0}), *copying("real")])
    assert {row.method: row.copies for row in rows} == {"real": False, "mirror": True, "quilting": True}


def test_a_report_without_copies_has_no_such_heading() -> None:
    assert lines_of(make_rows(on_textures({"real": 1.0, "inng": 2.0})), "brick") == ["real", "inng"]


def test_what_copies_is_never_bold_and_does_not_keep_another_from_winning() -> None:
    records = on_textures({"inng": 2.0, "dcgan": 6.0, **FLOOR_AND_CEILING}, seeds=3)
    for seed in range(3):
        records += copying("other", 1.5, implementation="other", budget_flops=8e12, replicate=seed)
        records += copying("mirror", 0.5, replicate=seed)
    brick = make_rows(one for one in records if one.texture.name == "brick")
    assert [row.method for row in find_winners(brick, BY_NAME["gram"])] == ["inng"]
    table = frame(comparison_table(make_rows(records)), MARKDOWN).set_index("method")
    assert not table.loc[["other", "mirror"]].map(lambda cell: "**" in cell).any(axis=None)


def test_what_copies_is_in_no_comparison_no_mean_and_no_effect() -> None:
    records = on_textures({"inng": 2.0, **FLOOR_AND_CEILING}) + copying("mirror")
    records += copying("dcgan", 3.0, ("brick",))
    records += [make_record("dcgan", texture=texture, values=scaled(6.0)) for texture in ("grass", "gravel")]
    rows = make_rows(records)
    assert paired_rows(rows, "inng", "dcgan") == {}
    assert compare_methods(rows) == ()
    assert list(frame(floor_table(rows))["method"]) == ["inng", "noise"]
    assert [len(values_of(rows)[texture]) for texture in TEXTURES] == [3, 3, 3]
    assert logarithms(rows, "dcgan", "gram") == {}
    assert all(list(by[texture]) == ["inng"] for by in rankings(rows).values() for texture in TEXTURES)
    sentence = "Copies on some texture: dcgan (brick). These methods take part in no comparison, no mean of quality"
    text = " ".join(plain_text(rows, records).split())
    assert sentence in text


def test_a_copy_on_a_texture_that_nothing_is_claimed_of_does_not_count() -> None:
    tuning = make_texture("cloth", role="tuning")
    records = on_textures({"inng": 2.0, "dcgan": 6.0, **FLOOR_AND_CEILING})
    records += [make_record("dcgan", texture=tuning, values=scaled(6.0, copy_rate=TOO_MANY))]
    rows = make_rows(records)
    assert list(paired_rows(rows, "inng", "dcgan")) == list(TEXTURES)
    assert "Copies on some texture" not in plain_text(rows, records)


def test_one_seed_that_copies_marks_the_row() -> None:
    records = on_textures({"inng": 2.0, "dcgan": 6.0}, seeds=9)
    records[-1] = make_record("dcgan", texture=TEXTURES[-1], replicate=8, values=scaled(6.0, copy_rate=TOO_MANY))
    rows = make_rows(records)
    assert [row.texture.name for row in rows if row.copies] == [TEXTURES[-1]]
    assert (rows[-1].figures["copy_rate"].value or 1.0) < COPIES_ABOVE


def test_a_trained_row_without_a_copy_rate_takes_part_in_no_claim_and_a_reference_row_does() -> None:
    unknown = {name: value for name, value in scaled(2.0).items() if name != "copy_rate"}
    records = on_textures({"dcgan": 6.0, "other": 9.0, **FLOOR_AND_CEILING}, seeds=3, budget_flops=8e12)
    for texture in TEXTURES:
        records += [make_record("random-phase", texture=texture, values=unknown)]
        records += [make_record("inng", texture=texture, replicate=0, values=unknown | {"copy_rate": 0.0})]
        records += [make_record("inng", texture=texture, replicate=seed, values=unknown) for seed in (1, 2)]
    rows = make_rows(records)
    assert {row.method for row in rows if row.may_copy} == {"inng"}
    assert [row.method for row in find_winners(rows[: len(rows) // 3], BY_NAME["gram"])] == ["dcgan"]
    assert compare_methods(rows) == ()
    assert list(frame(floor_table(rows))["method"]) == ["dcgan", "other", "random-phase", "noise"]
    sentence = "take part in no comparison and no mean, and are never bold: inng (brick, grass, gravel)."
    assert sentence in " ".join(plain_text(rows, records).split())


# Floors


def test_the_floor_is_shown_with_its_interval_over_real_windows() -> None:
    figures = [
        one.model_copy(update={"low": 0.1, "high": 0.4}) if one.metric == "gram" else one
        for one in make_measurements(VALUES)
    ]
    records = [make_record("real", measurements=tuple(figures))]
    assert "0.20 {0.10–0.40}" in markdown(make_rows(records), records)
    assert "Braces hold the 95% interval of the floor over real windows" in markdown(make_rows(records), records)


# Eyes


def eye_values(best: Mapping[Eye, float]) -> dict[str, float | None]:
    """Return figures that are twice the floor times the factor of the metric's eye."""
    return {**scaled(2.0), **{one.name: 2.0 * VALUES[one.name] * best.get(one.eye, 1.0) for one in HEADLINES}}


def test_every_headline_metric_belongs_to_one_of_three_eyes() -> None:
    found = metrics_by_eye()
    assert len(found) == 3
    assert sorted(one.name for metrics in found.values() for one in metrics) == sorted(one.name for one in HEADLINES)


def test_the_report_says_in_one_sentence_that_the_eyes_disagree() -> None:
    ours = eye_values({Eye.UNTRAINED: 9.0})
    records = on_textures({"dcgan": 3.0, **FLOOR_AND_CEILING})
    records += [make_record("inng", texture=texture, values=ours) for texture in TEXTURES]
    records += copying("mirror", 0.9)
    sentence = (
        "The eyes disagree over 3 test textures. Most often first: inng on 3 (EfficientNet-Lite0), inng on 3 "
        "(EfficientNet-Lite0, from afar), dcgan on 3 (no trained network). All eyes put the same method first on none."
    )
    rows = make_rows(records)
    assert eyes_sentence(rows) == sentence
    for text in (plain_text(rows, records), markdown(rows, records), latex(rows, records)):
        assert sentence in " ".join(text.split())


def test_eyes_that_name_the_same_methods_agree_and_a_control_does_not_count() -> None:
    inng_first, random_first = {"inng": 2.0, "random-phase": 5.0}, {"inng": 5.0, "random-phase": 2.0}
    by_texture = {"bark": inng_first, "brick": inng_first, "marble": random_first, "field": random_first}
    records = [
        make_record(
            method,
            texture=make_texture(texture, role="control" if texture == "field" else "test"),
            values=scaled(factor),
        )
        for texture, factors in by_texture.items()
        for method, factor in (factors | FLOOR_AND_CEILING).items()
    ]
    found = eyes_sentence(make_rows(records))
    assert found.startswith("The eyes agree over 3 test textures. Most often first: inng on 2 (")
    assert found.endswith("All eyes put the same method first on 3.")
    tied = eyes_sentence(make_rows([one for one in records if one.texture.name != "bark"]))
    assert "inng and random-phase on 1 (" in tied


def test_a_method_that_an_eye_cannot_rank_is_named_first_and_not_counted() -> None:
    records = on_textures({"inng": 2.0, "random-phase": 5.0, **FLOOR_AND_CEILING})
    small = {name: None if name.endswith("_far") else value for name, value in VALUES.items()}
    records += [make_record("dcgan", texture=texture, values=small) for texture in TEXTURES]
    unseen = "Not ranked by EfficientNet-Lite0, from afar, and therefore not counted: dcgan."
    found = eyes_sentence(make_rows(records))
    assert found.startswith(f"{unseen} The eyes agree over 3 test textures. Most often first: inng on 3 (")
    assert found.endswith("All eyes put the same method first on 3.")
    alone = [one for one in records if one.method != "random-phase"]
    assert eyes_sentence(make_rows(alone)) == unseen


def test_without_two_methods_or_a_ceiling_nothing_is_said_of_eyes() -> None:
    assert eyes_sentence(make_rows(on_textures({"inng": 2.0, **FLOOR_AND_CEILING}))) == ""
    assert eyes_sentence(make_rows(on_textures({"inng": 2.0, "dcgan": 3.0, "real": 1.0}))) == ""


# Cost


def with_cost(records: list[Record], *, draw_flops: float = 1e9, draw_seconds: float = 0.5) -> list[Record]:
    """Return records of two canvases of 512 px, which are eight of 256 px."""
    changes = {
        "samples": 2,
        "sample_size": (512, 512),
        "model": ModelFacts(numbers=1, bytes=4, sample_flops=4 * draw_flops),
    }
    return [
        record.model_copy(update=changes | {"seconds": {"train": 100.0, "sample": 8 * draw_seconds}})
        for record in records
    ]


def test_the_whole_cost_is_training_and_as_many_pictures_of_256_px() -> None:
    (row,) = make_rows(with_cost([make_record("inng")]))
    costs = whole_costs(row)
    for number in PICTURES:
        assert costs[f"flops_{number}"] == pytest.approx(8e12 + number * 1e9)
        assert costs[f"seconds_{number}"] == pytest.approx(100.0 + number * 0.5)
    columns = [f"{unit}_{number}" for unit in ("flops", "seconds") for number in PICTURES]
    assert set(columns) <= set(wide_table((row,)).columns)


@pytest.mark.parametrize("method", ["random-phase", "noise", "mirror", "quilting"])
def test_a_row_that_is_not_trained_has_no_cost_of_training(method: str) -> None:
    costs = whole_costs(make_rows(with_cost([make_record(method)], draw_flops=0.0))[0])
    assert costs["seconds_train"] == 0.0
    assert costs["seconds_100"] == pytest.approx(50.0)


def test_work_that_the_counter_does_not_see_is_a_dash_and_has_seconds_all_the_same() -> None:
    records = with_cost(on_textures({"dcgan": 3.0, "random-phase": 4.0}), draw_flops=0.0)
    rows = make_rows([*records, *with_cost([make_record("noise", texture="brick")], draw_flops=5e12)])
    costs = frame(costs_table(rows)).set_index("method")
    operations = [column for column in costs.columns if column.startswith("TFLOP")]
    assert list(costs.loc["random-phase", operations]) == ["–"] * len(operations)
    assert costs.loc["random-phase", "s 100"] == "50.0"
    assert [costs.loc["dcgan", column] for column in operations[:2]] == ["8.00", "0"]
    assert [costs.loc["noise", column] for column in operations[:2]] == ["0", "5.00"]
    assert "Fourier transforms are not counted" in " ".join(plain_text(rows, records).split())


def test_the_table_of_costs_has_a_line_a_method_over_the_test_textures_and_copies_apart() -> None:
    records = with_cost(on_textures({"inng": 2.0, "dcgan": 3.0, "mirror": 1.0, **FLOOR_AND_CEILING}))
    table = frame(costs_table(make_rows([one for one in records if one.method != "real"])))
    assert list(table["method"]) == ["inng", "dcgan", "noise", "copies the picture:", "mirror"]
    costs = table.set_index("method")
    found = [str(costs.loc["inng", column]) for column in ("TFLOP train", "TFLOP 10000", "s 100")]
    assert found == ["8.00", "18.0", "150"]
    assert frame(costs_table(make_rows([make_record("inng")]))).empty


def test_quality_over_cost_has_a_line_a_method_and_marks_copies() -> None:
    records = with_cost(on_textures({"inng": 2.0, "dcgan": 3.0, "mirror": 1.1, **FLOOR_AND_CEILING}), draw_flops=0.0)
    rows = make_rows(records)
    lines = {line.name: line for line in cost_lines(rows, "gram", "seconds")}
    assert list(lines) == ["inng", "dcgan", "mirror (copies the picture)"]
    assert lines["inng"].quality == pytest.approx(2.0)
    assert lines["inng"].costs == pytest.approx((100.5, 150.0, 5100.0))
    assert [line.copies for line in lines.values()] == [False, False, True]
    assert [line.name for line in cost_lines(rows, "gram", "flops")] == ["inng", "dcgan"]
    assert draw_plots(cost_plots(rows), 2) == draw_plots(cost_plots(rows), 2)
    assert cost_plots(make_rows(on_textures({"inng": 2.0, "dcgan": 3.0, "real": 1.0}))) == ()
    many = with_cost(on_textures({f"row-{number}": 2.0 for number in range(MOST_CURVES + 1)} | {"real": 1.0}))
    assert cost_plots(make_rows(many)) == ()


def test_quality_and_cost_are_of_the_same_textures_for_all_methods() -> None:
    records = with_cost(on_textures({"inng": 2.0, "dcgan": 3.0, "real": 1.0}))
    far_off = {"measurements": make_measurements(scaled(50.0)), "seconds": {"train": 9000.0, "sample": 80.0}}
    records = [
        one.model_copy(update=far_off) if (one.method, one.texture.name) == ("inng", "gravel") else one
        for one in records
        if (one.method, one.texture.name) != ("dcgan", "gravel")
    ]
    inng, dcgan = cost_lines(make_rows(records), "gram", "seconds")
    assert (inng.textures, dcgan.textures) == (2, 2)
    assert inng.quality == pytest.approx(2.0)
    assert inng.costs == pytest.approx((100.5, 150.0, 5100.0))
    apart = [one for one in records if one.method != "dcgan" or one.texture.name == "brick"]
    apart = [one for one in apart if one.method != "inng" or one.texture.name == "grass"]
    assert cost_lines(make_rows(apart), "gram", "seconds") == ()


def test_a_method_that_copies_somewhere_is_drawn_as_a_copy() -> None:
    records = on_textures({"inng": 2.0, "real": 1.0}) + copying("dcgan", 3.0, TEXTURES[:1])
    records += [make_record("dcgan", texture=texture, values=scaled(3.0)) for texture in TEXTURES[1:]]
    lines = cost_lines(make_rows(with_cost(records)), "gram", "seconds")
    assert [(line.name, line.copies) for line in lines] == [("inng", False), ("dcgan (copies the picture)", True)]


# Trials


def a_trial(method: str, implementation: str, factor: float, **changes: Any) -> list[Record]:
    return [
        make_record(
            method,
            implementation=implementation,
            texture=make_texture(texture, role="tuning"),
            **{"values": scaled(factor), "suite": "tuning"} | changes,
        )
        for texture in TEXTURES
    ]


def tuning_suite() -> list[Record]:
    return [
        *a_trial("real", "real", 1.0),
        *a_trial("noise", "noise", 31.0),
        *a_trial("first", "inng", 7.0),
        *a_trial("second", "inng", 4.0),
        *a_trial("copy", "inng", 1.0, values=scaled(1.5, copy_rate=TOO_MANY)),
        *a_trial("broken", "inng", 1.0)[1:],
        make_record(
            "broken", implementation="inng", texture=make_texture("brick"), suite="tuning", status=Status.FAILED
        ),
        *a_trial("radford", "dcgan", 10.0),
    ]


def test_the_suite_of_trials_counts_them_and_names_the_best() -> None:
    records = tuning_suite()
    records = [one.model_copy(update={"texture": make_texture(one.texture.name, role="tuning")}) for one in records]
    rows = make_rows(records)
    table = frame(trials.trials_table(rows))
    assert table[["method", "trials", "best", "mean"]].values.tolist() == [
        ["inng", "4", "second", "0.100"],
        ["dcgan", "1", "radford", "0.300"],
    ]
    assert table.loc[0, heading_of(BY_NAME["gram"])] == "0.100"
    assert "Trials. A trial is a row of this suite" in plain_text(rows, records)
    assert "## Trials" in markdown(rows, records)


def test_other_suites_say_how_many_trials_each_of_their_methods_had(monkeypatch: pytest.MonkeyPatch) -> None:
    records = on_textures({"inng": 2.0, "dcgan": 3.0, **FLOOR_AND_CEILING})
    rows = make_rows(records)
    monkeypatch.setattr(trials, "trials_of_suite", lambda: {"inng": 9, "dcgan": 1, "other": 3})
    assert not trials.trials_table(rows)
    sentence = (
        "Trials in the suite tuning: inng 9, dcgan 1; the recipes were developed in more trials before, which "
        "are not stored."
    )
    assert sentence in " ".join(plain_text(rows, records).split())
    alone = trials.trials_sentence([row for row in rows if row.method == "inng"])
    assert "tuning: inng 9; the recipe was developed in more trials before" in alone
    monkeypatch.setattr(trials, "trials_of_suite", dict)
    assert "Trials in the suite" not in plain_text(rows, records)


def test_the_bundled_suite_of_trials_gives_inng_and_dcgan_the_same_number() -> None:
    found = trials.trials_of_suite()
    assert len(set(found.values())) <= 1


# Other budgets


def with_budgets() -> list[Record]:
    """Return two methods with three seeds, one of them with a tenth of the budget as well, of one seed."""
    records = on_textures({"inng": 2.0, "dcgan": 3.0, "psgan": 4.0, **FLOOR_AND_CEILING}, seeds=3)
    tenth = on_textures({"inng-tenth": 5.0}, implementation="inng", budget_flops=8e11)
    return records + [one for one in tenth if one.texture.name != "gravel"]


def test_a_rarer_budget_of_a_method_stands_in_a_table_of_its_own_and_in_the_csv(tmp_path: Path) -> None:
    report = build_report(write_records(tmp_path, with_budgets()))
    first, _, rest = (report.folder / "table.md").read_text().partition("## Other budgets")
    own, _, later = rest.partition("\n## ")
    assert "inng-tenth" not in first + later
    lines = [[cell.strip() for cell in line.split("|")[1:5]] for line in own.splitlines() if line.startswith("| inng")]
    # The first seed and two textures, which both have; the three seeds of all three textures have the mean 2.02.
    assert lines == [["inng-tenth", "0.8", "1", "5.00× (2)"], ["inng", "8", "1", "2.00× (2)"]]
    assert "inng-tenth" in set(report.table["method"])


@pytest.mark.parametrize("change", [{"settings": {"filters": 8}}, {"budget_flops": 8e12}, {"implementation": "winn"}])
def test_only_rows_that_differ_in_nothing_but_their_budget_are_set_apart(change: dict[str, Any]) -> None:
    records = [one.model_copy(update=change) if one.method == "inng-tenth" else one for one in with_budgets()]
    rows = make_rows(records)
    assert of_usual_budget(rows) == rows


def test_where_all_budgets_are_equally_frequent_none_is_set_apart() -> None:
    rows = make_rows([*on_textures({"inng": 2.0}), *on_textures({"inng-10x": 1.5}, implementation="inng")])
    assert of_usual_budget(rows) == rows


# Files


def test_the_files_of_a_report_tell_copies_and_costs(tmp_path: Path) -> None:
    records = with_cost(on_textures({"inng": 2.0, "dcgan": 3.0, **FLOOR_AND_CEILING})) + copying("mirror")
    report = build_report(write_records(tmp_path, records))
    table = pd.read_csv(report.folder / "table.csv").set_index(["texture", "method"])
    assert table["copies"].sum() == len(TEXTURES)
    assert table.loc[("brick", "inng"), "seconds_10000"] == pytest.approx(5100.0)
    assert report.folder / "sheets/costs.svg" in report.files
    assert r"\textit" in LATEX.italic("x")
