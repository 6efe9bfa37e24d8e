"""Suites: strictly read, wrong names answered with the nearest right one, and a hash of what figures depend on."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inng_bench.errors import InputError
from inng_bench.harness.bundled import suite_names
from inng_bench.harness.suite import Suite, load_suite, own_picture_suite, parse_suite
from inng_bench.textures import Kind, Role, find_texture, texture_infos

TEXT = """
name = "mine"
textures = ["brick"]
replicates = 2
budget_tflop = 1.5
[[methods]]
label = "wide"
implementation = "inng"
[methods.settings]
filters = 64
"""


def read(text: str) -> Suite:
    return parse_suite(text, "mine.toml")


def test_every_bundled_suite_can_be_read_and_bears_its_files_name() -> None:
    assert set(suite_names()) == {
        "bridge",
        "faces-quick",
        "paper",
        "quick",
        "rivals",
        "rivals-quick",
        "sets",
        "smoke",
        "tuning",
        "variants",
    }
    assert [load_suite(name).name for name in suite_names()] == suite_names()


def test_the_long_suite_is_what_the_tables_promise() -> None:
    long = load_suite("rivals")
    assert set(long.textures) == {info.name for info in texture_infos() if info.role in (Role.TEST, Role.CONTROL)}
    assert long.replicates == 3
    radford = next(entry for entry in long.methods if entry.label == "dcgan-radford")
    assert (radford.implementation, radford.settings, radford.replicates) == ("dcgan", {"preset": "radford"}, 1)


@pytest.mark.parametrize("name", ["quick", "rivals", "rivals-quick"])
def test_what_a_headline_rests_on_has_no_texture_on_which_a_recipe_was_chosen(name: str) -> None:
    assert Role.TUNING not in {find_texture(texture).role for texture in load_suite(name).textures}


@pytest.mark.parametrize("name", ["tuning", "variants", "bridge"])
def test_a_suite_that_compares_recipes_has_no_texture_on_which_a_headline_rests(name: str) -> None:
    assert {find_texture(texture).role for texture in load_suite(name).textures} == {Role.TUNING}


def test_a_suite_that_mixes_both_is_refused() -> None:
    with pytest.raises(InputError, match=r"mixes tuning textures \(grass\) and test textures \(brick\)"):
        read(TEXT.replace('["brick"]', '["brick", "grass"]'))


def test_the_trials_of_each_implementation_are_counted_and_equally_many() -> None:
    tuning = load_suite("tuning")
    trials = Counter(entry.implementation for entry in tuning.methods)
    assert trials.keys() == {"inng", "dcgan", "energy", "winn", "psgan", "diffusion"}
    assert len(set(trials.values())) == 1
    assert {(entry.replicates, entry.budget_factor) for entry in tuning.methods} == {(None, 1.0)}
    for entry in tuning.methods:
        assert len(entry.settings) <= 1  # one choice that differs
    recipes = {(entry.implementation, str(entry.settings)) for entry in tuning.methods}
    assert len(recipes) == len(tuning.methods)


def test_the_rivals_of_the_long_suite_are_those_of_the_short_one_and_every_trained_one_has_three_budgets() -> None:
    short, long = load_suite("rivals-quick"), load_suite("rivals")
    rows = {entry.label: entry for entry in long.methods}
    untrained = {"gpdm", "portilla-simoncelli"}
    once = {label: {"replicates": 1} for label in untrained}  # they draw for minutes, and vary little
    for entry in short.methods:
        assert rows[entry.label] == entry.model_copy(update=once.get(entry.label, {}))
    for label in {entry.label for entry in short.methods} - untrained:
        budgets = [rows[f"{label}{more}"] for more in ("-half", "", "-double")]
        assert [entry.budget_factor for entry in budgets] == [0.5, 1.0, 2.0]
        assert len({(entry.implementation, str(entry.settings)) for entry in budgets}) == 1
    assert len(rows) == 3 * (len(short.methods) - 2) + 2 + 1  # and dcgan-radford


def test_the_paper_suite_is_the_papers_pictures_under_the_usual_budget_and_says_to_fetch_them() -> None:
    paper, rivals = load_suite("paper"), load_suite("rivals")
    assert set(paper.textures) == {info.name for info in texture_infos() if info.kind is Kind.PAPER}
    assert (paper.replicates, paper.budget_tflop) == (rivals.replicates, rivals.budget_tflop)
    assert [entry.label for entry in paper.methods] == ["inng-fast", "inng-paper", "dcgan"]
    assert "inng-bench textures fetch paper" in paper.description


def test_the_smoke_suite_pins_float32() -> None:
    assert load_suite("smoke").precision == "float32"


def test_settings_and_defaults_are_read() -> None:
    suite = read(TEXT)
    assert suite.methods[0].settings == {"filters": 64}
    assert (suite.sample_size, suite.canvases, suite.threads_per_run, suite.precision) == (256, 4, 1, "auto")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("replicates = 2", "replicats = 2", "mine.toml: unknown key 'replicats'; did you mean 'replicates'?"),
        ("implementation", "implementaton", "unknown key 'implementaton' of methods.0; did you mean 'implementation'?"),
        ("budget_tflop = 1.5", "", "the key 'budget_tflop' is missing"),
        ("budget_tflop = 1.5", "budget_tflop = -1", "the value of 'budget_tflop' is wrong"),
        ("budget_tflop = 1.5", "budget_tflop = inf", "the value of 'budget_tflop' is wrong|is wrong"),
        ("budget_tflop = 1.5", 'budget_tflop = "much"', "the value of 'budget_tflop' is wrong"),
        ("replicates = 2", "replicates = 2.5", "the value of 'replicates' is wrong"),
        ('label = "wide"', 'label = "../wide"', "the value of 'label' of methods.0 is wrong"),
        ('label = "wide"', 'label = "real"', "the method label 'real' stands there twice or is a reference row"),
        ('["brick"]', '["brick", "brick"]', "the texture 'brick' stands there twice"),
        ('["brick"]', "[]", "there is neither a texture nor a picture"),
        ("replicates = 2", 'replicates = 2\nbaseline = "narrow"', "the baseline 'narrow' is the label of no method"),
        ("replicates = 2", 'replicates = 2\nbaseline = "noise"', "the baseline 'noise' is the label of no method"),
        ('name = "mine"', 'name = "mine', "mine.toml is not valid TOML"),
    ],
)
def test_a_wrong_suite_is_answered_with_what_is_wrong(old: str, new: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence.replace("?", r"\?")):
        read(TEXT.replace(old, new))


def test_an_unknown_suite_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="no suite 'rivels'; did you mean 'rivals'"):
        load_suite("rivels")


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent.toml cannot be read \(No such file"):
        load_suite(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(InputError, match=r"latin.toml cannot be read \(it is not UTF-8"):
        load_suite(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"name": "other", "description": "words"}, True),
        ({"replicates": 7}, True),
        ({"time_limit_minutes": 7.0, "memory_limit_gib": 1.0}, True),
        ({"budget_tflop": 1.6}, False),
        ({"textures": ("grass",)}, False),
        ({"precision": "float32"}, False),
        ({"canvases": 5}, False),
        ({"threads_per_run": 2}, False),
        ({"baseline": "inng"}, False),
    ],
)
def test_the_hash_covers_what_a_figure_depends_on_and_nothing_else(changes: dict[str, Any], same: bool) -> None:
    suite = read(TEXT)
    assert (suite.model_copy(update=changes).hash() == suite.hash()) is same


@pytest.mark.parametrize("name", ["quick", "smoke"])
def test_a_suite_without_a_baseline_has_the_hash_of_before_there_were_baselines(name: str) -> None:
    stored = Path(__file__).parents[1] / "results" / "reference" / name / "suite.json"
    if not stored.exists():
        pytest.skip("an sdist has no reference results")
    assert load_suite(name).hash() == json.loads(stored.read_text())["hash"]


def test_a_methods_settings_are_in_the_hash_and_its_number_of_seeds_is_not() -> None:
    assert read(TEXT.replace("filters = 64", "filters = 65")).hash() != read(TEXT).hash()
    assert read(TEXT.replace('"inng"', '"inng"\nreplicates = 1')).hash() == read(TEXT).hash()


def test_a_picture_counts_with_its_content_and_not_with_its_place(tmp_path: Path) -> None:
    first, moved, other = (tmp_path / name for name in ("my.png", "moved.png", "other.png"))
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    for path, content in ((first, pixels), (moved, pixels), (other, 255 - pixels)):
        Image.fromarray(content).save(path)
    suite = own_picture_suite(first)
    assert suite.name == "my"
    assert suite.textures == ()
    assert suite.hash() == own_picture_suite(moved).hash()
    assert suite.hash() != own_picture_suite(other).hash()
    assert suite.hash() != own_picture_suite(first, scale=0.9).hash()


def test_a_picture_of_a_suite_file_lies_relative_to_the_file(tmp_path: Path) -> None:
    text = TEXT.replace('textures = ["brick"]', "") + '[[pictures]]\npath = "pictures/my.png"\n'
    (tmp_path / "mine.toml").write_text(text)
    assert load_suite(tmp_path / "mine.toml").pictures[0].path == tmp_path / "pictures" / "my.png"
