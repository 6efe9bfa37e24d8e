"""Effects against a baseline, and the costs of models: from records with planted figures."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from record_builder import VALUES, make_record, write_records
from report_texts import frame, make_rows, markdown, plain_text
from scipy import stats

from inng_bench.errors import ExitStatus
from inng_bench.records import store
from inng_bench.records.schema import Against, ChainFigure, CurvePoint, Detection, ModelFacts, Record, Status
from inng_bench.report import build_report
from inng_bench.report.__main__ import main as report_main
from inng_bench.report.costs import models_table, wide_costs
from inng_bench.report.densities import FOILS, densities_table, wide_densities
from inng_bench.report.effects import QUANTITIES, PairedRatio, Verdict, effects_table, measure_effects
from inng_bench.report.interactions import Joint, interactions_table, joint_rows, measure_interactions
from inng_bench.report.origin import Origin

SUITE = Origin("fidelity", baseline="fast")
TEXTURES = ("brick", "grass")

Factors = Mapping[tuple[str, int], float]


def row(method: str, factors: Factors, **changes: Any) -> list[Record]:
    """One record for each texture and seed, all of whose quantities are the baseline's usual ones times a factor."""
    return [
        make_record(
            method,
            texture=texture,
            replicate=seed,
            implementation="inng",
            values={name: value * factor for name, value in VALUES.items()},
            seconds={"train": 50.0 * factor},
            curve=tuple(CurvePoint(step=i, flops=1.0, values={"sampler_steps": i * factor}) for i in (10, 30)),
            **changes,
        )
        for (texture, seed), factor in factors.items()
    ]


def scattered(centre: float, spread: float, seed: int = 0) -> dict[tuple[str, int], float]:
    random = np.random.default_rng(seed)
    return {(name, i): centre * math.exp(spread * random.normal()) for name in TEXTURES for i in range(3)}


def effects_of(records: list[Record]) -> dict[tuple[str, str], PairedRatio]:
    return {(one.method, one.quantity): one for one in measure_effects(make_rows(records), "fast")}


def test_an_effect_is_the_paired_t_interval_of_log_ratios() -> None:
    fast, other = scattered(1.0, 0.5), scattered(1.3, 0.5, seed=1)
    found = effects_of([*row("fast", fast), *row("softmax", other)])
    differences = [math.log(other[pair] / fast[pair]) for pair in fast]
    low, high = stats.t.interval(0.95, 5, loc=np.mean(differences), scale=stats.sem(differences))
    expected = stats.ttest_rel([math.log(other[pair]) for pair in fast], [math.log(fast[pair]) for pair in fast])
    assert {quantity for _, quantity in found} == set(QUANTITIES)
    for effect in found.values():
        assert effect.pairs == 6
        assert effect.ratio.value == pytest.approx(math.exp(np.mean(differences)))
        assert effect.ratio.low == pytest.approx(math.exp(low))
        assert effect.ratio.high == pytest.approx(math.exp(high))
        assert effect.probability == pytest.approx(expected.pvalue)  # of a single row nothing is corrected


def test_pairs_share_texture_and_seed_and_what_has_no_partner_does_not_count() -> None:
    fast = scattered(1.0, 1.0)
    twice = {pair: 2 * factor for pair, factor in fast.items()}  # far less spread between pairs than between runs
    del twice["brick", 1]
    records = row("fast", {pair: factor for pair, factor in fast.items() if pair != ("grass", 2)})
    effect = effects_of([*records, *row("twice", twice)])["twice", "gram"]
    assert (effect.pairs, effect.verdict) == (4, Verdict.HIGHER)
    assert effect.ratio.low == pytest.approx(2.0)
    assert effect.ratio.high == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("centre", "verdict"), [(1.0, Verdict.NOT_SEPARABLE), (3.0, Verdict.HIGHER), (0.3, Verdict.LOWER)]
)
def test_a_verdict_is_whether_the_interval_holds_1(centre: float, verdict: Verdict) -> None:
    found = effects_of([*row("fast", scattered(1.0, 0.1)), *row("other", scattered(centre, 0.1, seed=1))])
    assert {effect.verdict for effect in found.values()} == {verdict}


def test_probabilities_are_corrected_by_holm_within_a_column() -> None:
    fast = scattered(1.0, 0.0)
    rows = {f"row-{i}": scattered(1.0 + 0.1 * i, 0.2, seed=i) for i in range(1, 5)}
    records = [*row("fast", fast), *(one for name, factors in rows.items() for one in row(name, factors))]
    found = effects_of(records)
    plain = {name: stats.ttest_1samp(np.log(list(factors.values())), 0.0).pvalue for name, factors in rows.items()}
    ordered = sorted(plain, key=lambda name: plain[name])
    for rank, name in enumerate(ordered):
        expected = max(min(1.0, (4 - place) * plain[ordered[place]]) for place in range(rank + 1))
        assert found[name, "gram"].probability == pytest.approx(expected)


def test_a_row_that_failed_is_a_row_with_its_reason() -> None:
    failed = [
        make_record("broken", texture=name, replicate=i, implementation="inng", status=Status.FAILED, error="it is NaN")
        for name, i in scattered(1.0, 0.0)
    ]
    rows = make_rows([*row("fast", scattered(1.0, 0.1)), *failed])
    (line,) = frame(effects_table(rows, "fast")).to_dict("records")
    assert (line["method"], line["pairs"]) == ("broken", "0")
    assert line["quality"] == "not measured; failed: it is NaN"


def test_a_row_tells_the_settings_in_which_it_differs() -> None:
    usual = {"preset": "fast", "temperature": 1.0, "stop": "logit"}
    other = row("other", scattered(1.0, 0.1), settings={**usual, "temperature": 0.0, "stop": "loss"})
    rows = make_rows([*row("fast", scattered(1.0, 0.1), settings=usual), *other])
    (line,) = frame(effects_table(rows, "fast")).to_dict("records")
    assert line["change"] == "temperature 0.0, stop loss"


def test_another_budget_is_a_change() -> None:
    half = row("half", scattered(1.0, 0.1), budget_flops=4e12)
    table = frame(effects_table(make_rows([*row("fast", scattered(1.0, 0.1)), *half]), "fast"))
    assert list(table["change"]) == ["0.5 of the budget"]


def test_quality_is_told_in_words_and_stars_are_what_holm_leaves() -> None:
    records = [
        *row("fast", scattered(1.0, 0.02)),
        *row("bad", scattered(2.0, 0.02, seed=1)),
        *row("same", scattered(1.0, 0.02, seed=2)),
    ]
    bad, same = frame(effects_table(make_rows(records), "fast")).to_dict("records")
    assert (bad["quality"], same["quality"]) == ("worse in Gram and patch-FID", "not separable")
    assert re.match(r"(1\.9|2\.0)\d\*\n", bad["train time"])
    assert "*" not in same["train time"]


def test_the_report_of_a_suite_with_a_baseline_has_effects_and_no_other_has(tmp_path: Path) -> None:
    records = [*row("fast", scattered(1.0, 0.1)), *row("other", scattered(2.0, 0.1, seed=1))]
    write_records(tmp_path, records)
    assert "Effects" not in build_report(tmp_path).text
    assert not (store.report_folder(tmp_path) / "effects.csv").exists()
    store.suite_path(tmp_path).write_text(json.dumps({"baseline": "fast"}))
    report = build_report(tmp_path)
    assert "Ratios to the row fast" in report.text
    assert "## Effects" in (report.folder / "table.md").read_text()
    table = pd.read_csv(report.folder / "effects.csv")
    assert list(table["quantity"]) == list(QUANTITIES)
    assert table["verdict"].tolist() == ["higher"] * 4
    assert max(map(len, report.text.splitlines())) <= 120


USUAL = {"preset": "fast", "temperature": 1.0, "stop": "logit", "history": 24}


def a_joint_suite(together: Factors, first: Factors, second: Factors, usual: Factors, **changes: Any) -> list[Record]:
    """Return rows of which the last makes the changes of the two before it."""
    cold, loss = {"temperature": 0.0}, {"stop": "loss"}
    return [
        *row("fast", usual, settings=USUAL),
        *row("cold", first, settings=USUAL | cold),
        *row("loss", second, settings=USUAL | loss),
        *row("cold.loss", together, settings=USUAL | cold | loss, **changes),
    ]


def test_an_interaction_is_the_paired_t_interval_of_a_ratio_to_the_product_of_the_parts() -> None:
    together, first, second, usual = (scattered(centre, 0.3, seed=i) for i, centre in enumerate((3.0, 1.5, 0.8, 1.0)))
    del first["grass", 1]  # where one of the four runs is not, there is no pair
    rows = make_rows(a_joint_suite(together, first, second, usual))
    found = measure_interactions(rows, "fast")
    expected = stats.ttest_1samp(
        [math.log(together[pair] * usual[pair] / (first[pair] * second[pair])) for pair in first], 0.0
    )
    low, high = expected.confidence_interval(0.95)
    assert [effect.quantity for _, effect in found] == list(QUANTITIES)
    for joint, effect in found:
        assert (joint, effect.pairs) == (Joint("cold.loss", ("cold", "loss")), 5)
        assert effect.ratio.low == pytest.approx(math.exp(low))
        assert effect.ratio.high == pytest.approx(math.exp(high))
        assert effect.probability == pytest.approx(expected.pvalue)


def test_interactions_are_corrected_by_holm_over_the_joint_rows() -> None:
    sets = [scattered(1.0 + 0.2 * i, 0.2, seed=i) for i in range(4)]
    none, both = {"history": 1}, {"temperature": 0.0, "history": 1}
    more = [
        *row("none", scattered(1.1, 0.2, seed=5), settings=USUAL | none),
        *row("cold.none", scattered(1.9, 0.2, seed=6), settings=USUAL | both),
    ]
    alone = a_joint_suite(*sets), [*a_joint_suite(*sets)[:12], *more]
    plain = sorted(
        effect.probability or 0.0 for suite in alone for _, effect in measure_interactions(make_rows(suite), "fast")[:1]
    )
    assert plain[0] > 0
    found = measure_interactions(make_rows([*alone[0], *more]), "fast")[:2]
    assert [joint.method for joint, _ in found] == ["cold.loss", "cold.none"]
    least = min(1.0, 2 * plain[0])
    assert sorted(effect.probability or 0.0 for _, effect in found) == pytest.approx([least, max(least, plain[1])])


@pytest.mark.parametrize(
    ("extra", "verdict"),
    [(1.0, "not separable"), (1.5, "worse in Gram and patch-FID"), (0.6, "better in Gram and patch-FID")],
)
def test_parts_that_multiply_do_not_interact_and_what_is_beyond_their_product_is_found(
    extra: float, verdict: str
) -> None:
    product = {pair: 2.0 * 1.4 * extra * factor for pair, factor in scattered(1.0, 0.05, seed=3).items()}
    parts = scattered(2.0, 0.05, seed=1), scattered(1.4, 0.05, seed=2), scattered(1.0, 0.05)
    (line,) = frame(interactions_table(make_rows(a_joint_suite(product, *parts)), "fast")).to_dict("records")
    assert (line["joins"], line["pairs"], line["than the product"]) == ("cold and loss", "6", verdict)


def test_only_a_row_with_exactly_the_changes_of_two_others_and_their_budget_is_their_pair() -> None:
    same = [scattered(1.0, 0.1, seed=i) for i in range(4)]
    assert [joint.method for joint in joint_rows(make_rows(a_joint_suite(*same)), "fast")] == ["cold.loss"]
    for changes in (
        {"settings": USUAL | {"temperature": 0.0, "stop": "loss", "history": 1}},
        {"settings": USUAL | {"temperature": 0.5, "stop": "loss"}},
        {"budget_flops": 1.0},
    ):
        records = [one for one in a_joint_suite(*same) if one.method != "cold.loss"]
        other = row("cold.loss", same[0], **({"settings": USUAL | {"temperature": 0.0, "stop": "loss"}} | changes))
        assert joint_rows(make_rows([*records, *other]), "fast") == ()


def test_the_report_of_a_suite_with_pairs_has_interactions(tmp_path: Path) -> None:
    same = [scattered(1.0, 0.1, seed=i) for i in range(4)]
    write_records(tmp_path, a_joint_suite(*same))
    store.suite_path(tmp_path).write_text(json.dumps({"baseline": "fast"}))
    report = build_report(tmp_path)
    assert "Interactions. Some rows make the changes of two other rows together" in report.text
    assert max(map(len, report.text.splitlines())) <= 120
    assert "## Interactions" in (report.folder / "table.md").read_text()
    table = pd.read_csv(report.folder / "interactions.csv")
    assert list(table["quantity"]) == list(QUANTITIES)
    assert {(one.method, one.first, one.second) for one in table.itertuples()} == {("cold.loss", "cold", "loss")}


def test_effects_can_be_told_against_another_row_of_a_suite_whose_rows_share_their_seeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = [scattered(1.0 + i, 0.1, seed=i) for i in range(4)]
    write_records(tmp_path, a_joint_suite(*same))
    assert report_main([str(tmp_path), "--baseline", "cold"]) == ExitStatus.BAD_INPUT
    assert "names no baseline" in capsys.readouterr().err
    store.suite_path(tmp_path).write_text(json.dumps({"baseline": "fast"}))
    assert report_main([str(tmp_path), "--baseline", "cool"]) == ExitStatus.BAD_INPUT
    assert "has no method 'cool'; did you mean 'cold'?" in capsys.readouterr().err
    assert report_main([str(tmp_path), "--baseline", "cold"]) == ExitStatus.OK
    assert "Ratios to the row cold" in capsys.readouterr().out
    found = pd.read_csv(store.report_folder(tmp_path) / "effects.csv").set_index(["method", "quantity"])["ratio"]
    pairs = [math.log(same[2][pair] / same[1][pair]) for pair in same[1]]
    assert found["loss", "gram"] == pytest.approx(math.exp(np.mean(pairs)))


def test_the_report_of_a_suite_without_pairs_has_no_interactions(tmp_path: Path) -> None:
    same = [scattered(1.0, 0.1, seed=i) for i in range(4)]
    write_records(tmp_path, [one for one in a_joint_suite(*same) if one.method != "loss"])
    store.suite_path(tmp_path).write_text(json.dumps({"baseline": "fast"}))
    report = build_report(tmp_path)
    assert "Interactions" not in report.text
    assert not (report.folder / "interactions.csv").exists()


def with_model(**changes: Any) -> dict[str, Any]:
    return {
        "model": ModelFacts(numbers=2_000_000, bytes=4 * 2**20, sample_flops=8e12),
        "samples": 4,
        "sample_size": (128, 256),
        "seconds": {"train": 100.0, "sample": 6.0},
        "detection": tuple(map(a_detection, FOILS)),
        "chain": (chain_figure(1.2),),
    } | changes


def a_detection(foil: str, whole: float | None = 0.8, typical: float | None = 0.7) -> Detection:
    return Detection(foil=foil, against=Against.HELD_OUT, auc=0.9, whole_auc=whole, typical_auc=typical, windows=50)


def chain_figure(ratio: float) -> ChainFigure:
    facts: dict[str, Any] = {"version": 1, "against": Against.HELD_OUT, "images": 4, "side": 128}
    return ChainFigure(metric="patch_fid", fresh=0.5 * ratio, chain=0.5, **facts)


def test_costs_are_of_256_px_and_the_chain_s_ratio_is_the_median_over_seeds() -> None:
    records = [
        make_record("inng", replicate=seed, **with_model(chain=(chain_figure(ratio),)))
        for seed, ratio in enumerate((1.0, 1.1, 9.0))
    ]
    costs = wide_costs(make_rows(records)[0])
    assert costs["sample_seconds_256"] == pytest.approx(3.0)  # four half pictures in six seconds
    assert costs["sample_flops_256"] == pytest.approx(16e12)
    assert (costs["model_numbers"], costs["model_bytes"]) == (2e6, 4 * 2**20)
    assert costs["fresh_over_chain_patch_fid"] == pytest.approx(1.1)
    assert costs["fresh_over_chain_gram"] is None


def test_a_foil_has_the_mean_auc_of_each_score_and_of_older_records_what_they_know() -> None:
    old = a_detection("noise", whole=None, typical=None), a_detection("shuffled", whole=None, typical=None)
    both = make_rows(
        [make_record("inng", **with_model()), make_record("inng", replicate=1, **with_model(detection=old[:1]))]
    )
    wide = wide_densities(both[0])
    assert (wide["auc_noise"], wide["whole_auc_noise"], wide["typical_auc_other_texture"]) == pytest.approx(
        (0.9, 0.8, 0.7)
    )
    before = make_rows([make_record("inng", **with_model(detection=old[1:]))])
    (line,) = frame(densities_table(before)).to_dict("records")
    assert (line["noise"], line["shuffled"]) == ("–", "0.900")


def test_models_without_density_or_chain_have_dashes_or_no_line_and_records_without_models_no_table() -> None:
    other = make_record("dcgan", **with_model(detection=(), chain=()))
    rows = make_rows([make_record("inng", **with_model()), other, make_record("noise", **with_model())])
    models, densities = (frame(made(rows)).set_index("method") for made in (models_table, densities_table))
    assert (list(models.index), list(densities.index)) == (["inng", "dcgan"], ["inng"])
    column = "patch-FID fresh/chain"
    assert (models.loc["inng", column], models.loc["dcgan", column]) == ("1.20", "–")
    assert set(densities.loc["inng"]) == {"0.900 / 0.800 / 0.700"}
    text = plain_text(rows, [other])
    assert "Models. Numbers: how many numbers the model stores" in text
    assert "What the densities of the models detect" in text
    assert max(map(len, text.splitlines())) <= 120
    assert column in markdown(rows, [other])
    assert not models_table(make_rows([make_record("inng")]))
