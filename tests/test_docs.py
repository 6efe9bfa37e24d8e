"""What the documentation says of the code."""

import importlib
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from record_builder import VALUES, make_record, make_texture, write_records

from inng_bench import cli
from inng_bench.harness.suite import load_suite, parse_suite
from inng_bench.inng.presets import PRESETS, Recipe, configure
from inng_bench.testing import check_method
from inng_bench.textures import Kind, texture_infos

DOCS = Path(__file__).parents[1] / "docs"


def test_the_fidelity_table_says_what_the_presets_do() -> None:
    text = (DOCS / "fidelity.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|[^|]*\| (\S+) \| (\S+) \| (\S+) \|$", text, re.M)
    assert len(rows) == len(re.findall(r"^\| `", text, re.M)) > 20
    for field, *documented in rows:
        assert field in Recipe.model_fields
        assert documented == [str(getattr(PRESETS[preset], field)) for preset in ("paper", "authors", "fast")], field


def test_the_bridge_leads_from_paper_to_fast_and_every_row_changes_something() -> None:
    recipes = [configure(entry.settings)[2] for entry in load_suite("bridge").methods]
    assert (recipes[0], recipes[-1]) == (PRESETS["paper"], PRESETS["fast"])
    fast = PRESETS["fast"].model_dump()
    left = [{name for name, value in recipe.model_dump().items() if value != fast[name]} for recipe in recipes]
    assert all(recipe != before for before, recipe in pairwise(recipes))
    assert all(after <= before for before, after in pairwise(left[1:])), "no change is taken back"


def test_every_promise_names_tests_that_are_there() -> None:
    text = (DOCS / "reliability.md").read_text()
    rows = re.findall(r"^\| ([A-Z][^|]+) \| (`test_[^|]+) \|$", text, re.M)
    assert len(rows) > 12
    for promise, tests in rows:
        for name in re.findall(r"`(test_\w+\.py)`", tests):
            assert (Path(__file__).parent / name).exists(), promise


def test_the_table_of_textures_is_the_catalogue() -> None:
    text = (DOCS / "textures.md").read_text()
    shipped = [info for info in texture_infos() if info.kind is not Kind.PAPER]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert rows == [
        [f"`{info.name}`", info.role, info.kind, info.licence, info.source, info.description] for info in shipped
    ]


def test_the_page_of_rivals_includes_what_is_generated_for_every_row_of_its_suite() -> None:
    included = set(re.findall(r"^```\{include\} _generated/rivals/(\S+)\.md$", (DOCS / "rivals.md").read_text(), re.M))
    rows = {entry.label for entry in load_suite("rivals").methods if entry.budget_factor == 1}
    assert included == {"budgets", "floors", "pictures", *rows}


def test_a_rivals_best_and_worst_texture_are_told_from_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    generate = importlib.import_module("generate")
    values = {"real": 1.0, "inng-fast": 2.0, "psgan": 3.0}
    factors = {"brick": 1.0, "hubble": 4.0, "leaf-litter": 2.0}
    records = [
        make_record(
            label,
            implementation=label,
            texture=make_texture(texture),
            values={name: one * value * (1 if label == "real" else factor) for name, one in VALUES.items()},
        )
        for label, value in values.items()
        for texture, factor in factors.items()
    ]
    generate.write_rivals(write_records(tmp_path, records), tmp_path / "out")
    told = (tmp_path / "out" / "psgan.md").read_text()
    assert "**Best on `brick`** (3.0 times the floor), **worst on `hubble`** (12.0 times)" in told
    assert "no figures" in (tmp_path / "out" / "winn.md").read_text()
    assert "sheets/textures/brick.png" in (tmp_path / "out" / "pictures.md").read_text()
    generate.write_rivals(tmp_path / "nothing", tmp_path / "none")
    assert all("no figures" in page.read_text() for page in (tmp_path / "none").iterdir())


PAGES = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]


def linked_files(page: Path) -> list[str]:
    """Return the relative links and images of a page, of Markdown and of HTML, without anchors."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    links = re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r"\b(?:href|src)=\"([^\"]+)\"", text)
    return [path for link in links if not re.match(r"\w+:", link) and (path := link.partition("#")[0])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_something_that_is_there(page: Path) -> None:
    assert [link for link in linked_files(page) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_holds_a_placeholder(page: Path) -> None:
    assert "@@" not in page.read_text()


COMMANDS = [
    (page, line.split("#")[0].strip())
    for page in PAGES
    for block in re.findall(r"^```(?:\w+)?\n(.*?)^```", page.read_text(), re.M | re.S)
    for line in block.replace("\\\n", " ").splitlines()
    if re.match(r"(?:inng-bench|python -m inng_bench) +[^#\s]", line)
]


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda value: getattr(value, "name", None))
def test_every_command_of_a_page_is_one(page: Path, line: str) -> None:
    words = shlex.split(line.replace("answers-*.json", "answers.json"))
    arguments = words[1:] if words[0] == "inng-bench" else words[3:]
    assert callable(cli.build_parser().parse_args(arguments).command), page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_suite_of_a_page_is_one(page: Path) -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.M | re.S)
    for text in blocks:
        if "\nname = " in f"\n{text}":
            parse_suite(text, page.name)


def test_the_method_of_the_how_to_keeps_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (DOCS / "method.md").read_text()
    (tmp_path / "blocks.py").write_text(re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    check_method(importlib.import_module("blocks").Blocks)


def test_the_readme_is_short_and_every_picture_and_record_that_it_names_is_there() -> None:
    readme = (DOCS.parent / "README.md").read_text()
    assert len(readme.splitlines()) <= 120
    named = re.findall(r"\]\(([^):#]+)\)", readme)
    assert len(named) > 10
    assert [path for path in named if not (DOCS.parent / path).exists()] == []


def test_the_table_of_the_readme_is_that_of_the_committed_records() -> None:
    readme = (DOCS.parent / "README.md").read_text()
    committed = (DOCS.parent / "results" / "reference" / "quick" / "table.md").read_text()
    names = {
        "inng-fast": "INNg",
        "dcgan": "DCGAN",
        "random-phase": "random-phase noise",
        "noise": "noise of the same colours",
    }
    (_, _, floors) = committed.partition("## Times the floor")
    for method, name in names.items():
        (row,) = re.findall(rf"^\| {method} +\|(.*)\|$", floors.partition("\n## ")[0], re.M)
        (shown,) = re.findall(rf"^\| {name}[^|]*\|(.*)\|$", readme, re.M)
        assert [cell.split()[0] for cell in shown.split("|")] == [cell.split()[0] for cell in row.split("|")], name
