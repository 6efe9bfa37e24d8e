"""The catalogue: complete, in agreement with the registry, the suites' names and the documentation."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from inng_bench import cli
from inng_bench.errors import InputError
from inng_bench.harness.suite import load_suite, parse_suite
from inng_bench.metrics.catalogue import BY_NAME, CATALOGUE, DEFAULT, Eye, Role, Scope, selected, with_defaults
from inng_bench.metrics.registry import MEASURES

DOCS = Path(__file__).parents[1] / "docs"

SUITE = """
name = "some"
textures = ["brick"]
replicates = 1
budget_tflop = 0.1
metrics = ["{}"]
[[methods]]
label = "inng"
implementation = "inng"
"""


def test_every_metric_has_its_function_and_every_function_its_metric() -> None:
    assert list(MEASURES) == [info.name for info in CATALOGUE if info.scope is not Scope.SETS]


def test_the_headline_has_three_eyes_is_of_the_default_set_and_names_its_features() -> None:
    of_textures = [info for info in CATALOGUE if info.scope is not Scope.SETS]
    eyes = {info.name: info.eye for info in of_textures if info.role is Role.HEADLINE}
    assert eyes == {
        **dict.fromkeys(("gram", "patch_fid", "patch_kid"), Eye.NETWORK),
        **dict.fromkeys(("gram_far", "patch_fid_far"), Eye.FAR),
        "patch_fid_wavelet": Eye.UNTRAINED,
    }
    assert all(info.scope is Scope.DEFAULT and "(" in info.label for info in of_textures if info.role is Role.HEADLINE)
    assert len({info.label for info in of_textures}) == len(of_textures)


def test_a_default_row_stays_within_its_seconds_and_needs_nothing() -> None:
    assert sum(BY_NAME[name].cost for name in DEFAULT) < 15
    assert {BY_NAME[name].needs for name in DEFAULT} == {"nothing"}


def test_metrics_are_selected_by_name_once_in_the_catalogues_order() -> None:
    assert selected(None) == DEFAULT
    assert selected(["patch_kid", "gram", "gram"]) == ("gram", "patch_kid")
    assert with_defaults(["gram_vgg"]) == tuple(name for name in BY_NAME if name in (*DEFAULT, "gram_vgg"))
    with pytest.raises(InputError, match="there is no metric 'patch_fit'; did you mean 'patch_fid'"):
        selected(["patch_fit"])


def test_a_suite_may_ask_for_metrics_which_are_not_part_of_its_hash() -> None:
    asked = parse_suite(SUITE.format("gram_vgg"), "some.toml")
    assert asked.metrics == ("gram_vgg",)
    assert asked.hash() == parse_suite(SUITE.replace('metrics = ["{}"]\n', ""), "some.toml").hash()
    with pytest.raises(InputError, match="there is no metric 'gram_vg'; did you mean 'gram_vgg'"):
        parse_suite(SUITE.format("gram_vg"), "some.toml")


def test_a_metric_of_sets_cannot_be_asked_for() -> None:
    with pytest.raises(InputError, match="'set_kid' is measured in every suite of sets, and in no other"):
        parse_suite(SUITE.format("set_kid"), "some.toml")


def test_the_hash_of_a_suite_is_that_of_its_reference() -> None:
    """The field ``metrics`` is younger than the committed references."""
    reference = Path(__file__).parents[1] / "results" / "reference" / "smoke" / "suite.json"
    assert load_suite("smoke").hash() == json.loads(reference.read_text())["hash"]


def test_the_command_lists_every_metric_with_its_cost_and_blind_spots_and_without_torch() -> None:
    code = (
        "import sys\nfrom inng_bench.cli import main\nstatus = main(['metrics'])\n"
        "assert 'torch' not in sys.modules, 'torch'\nsys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for info in CATALOGUE:
        assert f"\n{info.name}: {info.label}" in f"\n{done.stdout}"
        assert info.blind_to in done.stdout


def test_the_command_gives_the_same_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["metrics", "--json"]) == 0
    told = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert told.keys() == BY_NAME.keys()
    assert (told["gram"]["direction"], told["gram"]["scope"]) == ("lower", "default")
    assert (told["coverage"]["direction"], told["gram_vgg"]["scope"]) == ("higher", "on request")


def test_the_page_on_metrics_agrees_with_the_catalogue() -> None:
    text = (DOCS / "metrics.md").read_text()
    line = re.compile(r"^\| `(\w+)` \| (.+?) \| (\w+) \| (\d+) \| (.+?) \| ([\d.]+) \|", re.M)
    rows = {name: cells for name, *cells in line.findall(text)}
    assert rows.keys() == BY_NAME.keys()
    for name, (label, direction, version, scope, cost) in rows.items():
        info = BY_NAME[name]
        assert (label, direction, int(version), scope) == (info.label, info.direction, info.version, info.scope), name
        assert float(cost) == info.cost, name
    for variable in re.findall(r"INNG_BENCH_\w+", " ".join(info.needs for info in CATALOGUE)):
        assert variable in text
