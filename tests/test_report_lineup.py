"""No method is special: the suite says who is compared with whom, and who optimises a metric cannot win by it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from record_builder import VALUES, make_record, suite_of, write_records
from report_texts import frame, make_rows, markdown

from inng_bench import report
from inng_bench.harness.suite import load_suite, parse_suite
from inng_bench.metrics.catalogue import BY_NAME, HEADLINES
from inng_bench.records import store
from inng_bench.records.schema import Record
from inng_bench.report import build_report
from inng_bench.report.agreement import values_of
from inng_bench.report.comparison import compare_methods, holm, pairs
from inng_bench.report.cost_figure import cost_lines
from inng_bench.report.effects import logarithms
from inng_bench.report.eyes import eyes_sentence
from inng_bench.report.origin import read_origin
from inng_bench.report.rows import Lineup, find_winners
from inng_bench.report.rows import make_rows as make_rows_of
from inng_bench.report.table import comparison_table, floor_table
from inng_bench.report.wide import wide_lines
from inng_bench.tables.markup import MARKDOWN, fitting_places, format_places

GRAM = BY_NAME["gram"]
FACTORS = {"real": 1.0, "inng": 2.0, "dcgan": 3.1, "energy": 4.2, "psgan": 1.6, "noise": 30.0}
TEXTURES = {"brick": 1.0, "grass": 1.3, "gravel": 0.8, "wood": 1.1}


def suite_records(factors: Mapping[str, float] = FACTORS) -> list[Record]:
    """Return three seeds of each method on four textures, whose distances are the factors times the floor's."""
    return [
        make_record(
            method,
            texture=texture,
            replicate=seed,
            budget_flops=0.0 if method in ("real", "noise") else 8e12,
            values={name: value * factor * level**index * (1 + 0.01 * seed) for name, value in VALUES.items()},
        )
        for texture, level in TEXTURES.items()
        for index, (method, factor) in enumerate(factors.items())
        for seed in range(1 if method in ("real", "noise") else 3)
    ]


def test_no_method_is_named_in_the_code_of_the_report() -> None:
    for path in Path(report.__file__).parent.glob("*.*"):
        text = path.read_text(encoding="utf-8").replace("inng_bench", "").replace("inng-bench", "")
        assert not re.search(r"\b(inng|INNg|dcgan|DCGAN)\b", text), path


def test_every_reference_is_compared_with_every_rival_and_all_tests_are_corrected_together() -> None:
    rows = make_rows_of(suite_records(), Lineup(("psgan", "inng", "energy", "dcgan"), references=("psgan", "inng")))
    assert pairs(rows) == tuple((one, other) for one in ("psgan", "inng") for other in ("energy", "dcgan"))
    compared = compare_methods(rows)
    assert len(compared) == 4 * len(HEADLINES)
    plain = [one.probability for one in compared if one.probability is not None]
    assert [one.corrected for one in compared] == holm(plain)


def test_named_rivals_alone_are_compared() -> None:
    rows = make_rows_of(suite_records(), Lineup(references=("inng",), rivals=("energy",)))
    assert pairs(rows) == (("inng", "energy"),)
    assert pairs(make_rows_of(suite_records())) == ()


def test_methods_stand_in_the_order_of_their_suite_with_the_references_first() -> None:
    lineup = Lineup(("dcgan", "psgan", "inng"), references=("inng",))
    brick = [row.method for row in make_rows_of(suite_records(), lineup) if row.texture.name == "brick"]
    assert brick == ["real", "inng", "dcgan", "psgan", "energy", "noise"]


def test_a_suite_that_does_not_say_compares_all_rows_of_its_first_implementation(tmp_path: Path) -> None:
    records = [*suite_records(), make_record("inng-small", implementation="inng")]
    write_records(tmp_path, records)
    assert read_origin(tmp_path).lineup == Lineup(
        ("inng", "inng-small", "dcgan", "energy", "psgan"), ("inng", "inng-small")
    )
    told = suite_of(
        records,
        references=["psgan"],
        rivals=["inng", "dcgan"],
        optimises={"dcgan": ["gram_far"]},
        pretrained={"energy": "ImageNet"},
    )
    store.suite_path(tmp_path).write_text(json.dumps(told))
    text = (build_report(tmp_path).folder / "table.md").read_text()
    compared = re.findall(r"^\| (\w+) +\| (\w+) +\| Gram \(EffLite0\)", text, re.MULTILINE)
    assert compared == [("psgan", "inng"), ("psgan", "dcgan")]
    assert "not compared: dcgan Gram, far (EffLite0)." in text
    assert "was trained on other pictures than the window: energy, on ImageNet." in text


@pytest.mark.parametrize("methods", [None, "x", [1], [{"label": 3}], [{"label": "inng"}, "x"]])
def test_a_damaged_suite_is_no_error(methods: object, tmp_path: Path) -> None:
    write_records(tmp_path, [make_record()])
    store.suite_path(tmp_path).write_text(
        json.dumps(
            {"methods": methods, "references": methods, "rivals": 7, "optimises": methods, "pretrained": methods}
        )
    )
    assert "inng" in build_report(tmp_path).text


def test_a_suite_names_references_and_rivals_that_change_no_hash() -> None:
    quick = load_suite("quick")
    assert (quick.references, quick.rivals) == ((), ())
    named = quick.model_copy(update={"references": ("dcgan",), "rivals": ("inng",)})
    assert named.hash() == quick.hash()
    head = 'name = "a"\ntextures = ["brick"]\nreplicates = 1\nbudget_tflop = 1.0\n'
    text = head + '{}\n[[methods]]\nlabel = "inng"\nimplementation = "inng"'
    for kind in ("reference", "rival"):
        with pytest.raises(Exception, match=f"the {kind} 'inn' is the label of no method"):
            parse_suite(text.format(f"{kind}s = ['inn']"), "it")


# Who optimises a metric


def test_a_figure_that_its_method_optimises_is_marked_and_compared_with_nobody() -> None:
    rows = make_rows(suite_records(), psgan=("gram", "patch_fid"))
    brick = [row for row in rows if row.texture.name == "brick"]
    assert [row.method for row in find_winners(brick, GRAM)] == ["inng"]
    assert [row.method for row in find_winners(brick, BY_NAME["patch_kid"])] == ["psgan"]
    compared = {(one.theirs, one.metric.name) for one in compare_methods(rows)}
    assert ("psgan", "gram") not in compared
    assert {("psgan", "patch_kid"), ("dcgan", "gram")} <= compared
    assert [line.name for line in cost_lines(rows, "gram", "seconds")] == []
    assert logarithms(rows, "psgan", "gram") == {}
    assert values_of(rows)["brick"][-2].keys() == BY_NAME.keys() - {"gram", "patch_fid"}
    cells = frame(comparison_table(rows), MARKDOWN).set_index(["texture", "method"])
    assert str(cells.loc[("brick", "psgan"), "Gram ↓"]).count("‡") == 1
    assert "‡" not in str(cells.loc[[("brick", "inng")]].to_numpy().tolist())
    assert "‡" in str(frame(floor_table(rows)).set_index("method").loc["psgan", "Gram ↓"])
    assert {line["optimises"] for line in wide_lines(rows) if line["method"] == "psgan"} == {"gram patch_fid"}


def test_the_report_says_which_metrics_a_method_optimises() -> None:
    records = suite_records()
    sentence = "‡ The method optimises this metric or a similar one, so its figure is not compared: psgan spectrum."
    assert sentence in markdown(make_rows(records, psgan=("spectrum",)), records)
    assert "‡" not in markdown(make_rows(records), records)


def test_an_eye_does_not_rank_who_optimises_one_of_its_metrics() -> None:
    said = eyes_sentence(make_rows(suite_records(), psgan=("patch_fid_far",)))
    assert said.startswith("Not ranked by EfficientNet-Lite0, from afar, and therefore not counted: psgan.")
    assert "inng on 4 (no trained network)" in said


# Digits


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.706, 0.601, 0.829, "0.71"),
        (1.02, 0.33, 3.14, "1.02"),
        (0.2319, 0.1981, 0.2722, "0.232"),
        (16667.2, 12000.0, 22000.0, "16667"),
        (0.0540, 0.0003, 8.38, "0.054"),
        (0.5, 0.5, 0.5, "0.500"),
        (0.123456, None, None, "0.123"),
    ],
)
def test_no_digit_is_shown_that_the_interval_makes_worthless(
    value: float, low: float | None, high: float | None, expected: str
) -> None:
    assert format_places(value, fitting_places(value, low, high, 3)) == expected
