"""`judge`: what a page shows and hides, what answers say, and whatever it refuses."""

import base64
import io
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from judged_results import METHODS, SIDE, answers_to, by_rank, make_results, save
from PIL import Image
from record_builder import make_record, write_records

from inng_bench import cli
from inng_bench.people import strength
from inng_bench.people.documents import read_key
from inng_bench.people.page import Page, build_page
from inng_bench.people.pairs import choose_pairs
from inng_bench.people.strength import Comparison, estimate_strengths, fit, win_matrix
from inng_bench.people.table import verdict_text
from inng_bench.people.verdict import read_verdict
from inng_bench.records import store

HOSTILE = '</script><img src=x onerror="alert(1)">&{{ 7 * 7 }}<!--'


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "RESAMPLES", 99)


def build(out: Path, **options: Any) -> Page:
    return build_page(out, **{"pairs": 12, "seed": 0, **options})


def data_of(page: Page) -> dict[str, Any]:
    text = page.path.read_text()
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return dict(json.loads(found))


def text_of(page: Page) -> str:
    """Return a page without its pictures, whose letters are random."""
    return re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", page.path.read_text())


def decode(address: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,"))))


def listing(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# Pairs.


def test_pairs_are_balanced_in_every_first_part_of_a_page() -> None:
    textures = {f"t{number}": METHODS for number in range(8)}
    chosen = choose_pairs(textures, 80, np.random.default_rng(1))
    assert len(set(chosen)) == len(chosen) == 80
    for stop in (10, 20, 40, 80):
        met = Counter(frozenset((pair.first, pair.second)) for pair in chosen[:stop])
        assert set(met.values()) == {stop // 10}
        seen = Counter(pair.texture for pair in chosen[:stop])
        assert max(seen.values()) - min(seen.values()) <= 2
    for first, second in combinations(METHODS, 2):
        sides = [pair.first == first for pair in chosen if {pair.first, pair.second} == {first, second}]
        assert sum(sides) == len(sides) / 2


def test_pairs_and_their_order_come_from_the_seed_alone() -> None:
    textures = {"brick": METHODS, "grass": METHODS}
    pages = [choose_pairs(textures, 12, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert pages[0] == pages[1] != pages[2]


def test_there_are_no_more_pairs_than_the_textures_have() -> None:
    chosen = choose_pairs({"brick": ("a", "b"), "grass": ("a", "b", "c")}, 60, np.random.default_rng(0))
    assert Counter(pair.texture for pair in chosen) == {"brick": 1, "grass": 3}


# The page.


def test_a_page_shows_the_pictures_that_its_key_names_and_cuts_a_pair_to_one_size(tmp_path: Path) -> None:
    page = build(make_results(tmp_path, sides={"dcgan": 32}), pairs=20)
    data = data_of(page)
    assert len(data["pairs"]) == len(page.key.questions) == 20
    for shown, question in zip(data["pairs"], page.key.questions, strict=True):
        assert shown["pair"] == question.pair
        methods = {question.first.method, question.second.method}
        side, context = (32, 64) if "dcgan" in methods else (SIDE, SIDE)
        assert (shown["side"], shown["context"]) == (side, context)
        source = tmp_path / "textures" / question.texture / "train.png"
        assert is_cut_of(decode(data["pictures"][shown["source"]]), source, context)
        for place in ("first", "second"):
            picture = tmp_path / getattr(question, place).picture
            assert getattr(question, place).method in picture.parts or "held_out" in picture.name
            assert is_cut_of(decode(data["pictures"][shown[place]]), picture, side)


def test_of_a_set_whole_pictures_are_shown(tmp_path: Path) -> None:
    sides = dict.fromkeys(METHODS[1:], 2 * SIDE)  # of mosaics of four pictures; a window is one picture
    page = build(make_results(tmp_path, textures=("faces",), kind="set", sides=sides), pairs=20)
    data = data_of(page)
    for shown, question in zip(data["pairs"], page.key.questions, strict=True):
        assert shown["side"] == shown["context"] == SIDE
        for place in ("first", "second"):
            cut = np.asarray(decode(data["pictures"][shown[place]]))
            with Image.open(tmp_path / getattr(question, place).picture) as image:
                whole = np.asarray(image)
            places = range(0, len(whole), SIDE)
            assert any((whole[y : y + SIDE, x : x + SIDE] == cut).all() for y in places for x in places)


def is_cut_of(cut: Image.Image, path: Path, side: int) -> bool:
    assert (cut.size, cut.mode, cut.info) == ((side, side), "RGB", {})
    with Image.open(path) as image:
        whole, part = np.asarray(image), np.asarray(cut)
    tops, lefts = np.nonzero((whole == part[0, 0]).all(axis=2))
    return any(
        np.array_equal(whole[top : top + side, left : left + side], part)
        for top, left in zip(tops.tolist(), lefts.tolist(), strict=True)
    )


def test_a_page_does_not_say_whose_the_samples_are(tmp_path: Path) -> None:
    page = build(make_results(tmp_path), pairs=20)
    text = text_of(page)
    assert not [word for word in (*METHODS, "seed-", "sample-", "held_out", tmp_path.name) if word in text.lower()]
    assert len({question.pair for question in page.key.questions}) == 20
    assert b"key.json" not in page.path.read_bytes()


def test_a_picture_is_stored_once_and_all_of_a_page_comes_from_the_page(tmp_path: Path) -> None:
    page = build(make_results(tmp_path, samples=1), pairs=20)
    pictures = data_of(page)["pictures"]
    assert len(set(pictures)) == len(pictures) <= 2 * (1 + 3 + 4)
    text = text_of(page)
    assert not re.findall(r"(?:https?:)?//[a-z]|@import|url\(|\bsrc=\"|\bhref=\"(?!data:,)", text)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy.replace("&#39;", "'").startswith("default-src 'none'; img-src data:; script-src 'sha256-")
    assert "unsafe" not in policy


def test_names_of_strangers_are_shown_as_they_are_and_nothing_more(tmp_path: Path) -> None:
    page = build(make_results(tmp_path, licence=HOSTILE, source=HOSTILE))
    text = text_of(page)
    assert HOSTILE not in text
    assert "&lt;/script&gt;&lt;img src=x onerror=&#34;alert(1)&#34;&gt;&amp;{{ 7 * 7 }}&lt;!--" in text
    assert text.count("<script") == 2


def test_the_same_command_gives_the_same_page_and_another_seed_a_page_of_its_own(tmp_path: Path) -> None:
    first = build(make_results(tmp_path))
    before = listing(tmp_path)
    again = build(tmp_path)
    assert (first.is_new, again.is_new) == (True, False)
    assert listing(tmp_path) == before
    assert build(tmp_path, seed=1).path != first.path != build(tmp_path, pairs=5).path
    assert {path: content for path, content in listing(tmp_path).items() if path in before} == before


def test_a_page_that_lost_its_key_gets_it_back(tmp_path: Path) -> None:
    page = build(make_results(tmp_path))
    page.key_path.unlink()
    assert build(tmp_path).is_new
    assert read_key(page.key_path) == page.key


def test_only_test_textures_are_shown_where_there_are_any(tmp_path: Path) -> None:
    make_results(tmp_path, textures=("grass",), role="tuning")
    make_results(tmp_path, textures=("brick",), role="test")
    make_results(tmp_path, textures=("field",), role="control")
    assert {question.texture for question in build(tmp_path).key.questions} == {"brick"}


def test_a_texture_without_held_out_windows_has_no_real_samples(tmp_path: Path) -> None:
    page = build(make_results(tmp_path, held_out=()), pairs=50)
    shown = {one.method for question in page.key.questions for one in (question.first, question.second)}
    assert shown == set(METHODS) - {"real"}


def test_methods_without_pictures_are_left_out(tmp_path: Path) -> None:
    make_results(tmp_path)
    for picture in tmp_path.glob("runs/*/dcgan/*/*.png"):
        picture.unlink()
    page = build(tmp_path, pairs=50)
    assert "dcgan" not in {one.method for question in page.key.questions for one in (question.first, question.second)}


def test_the_command_needs_no_torch(tmp_path: Path) -> None:
    make_results(tmp_path)
    script = (
        "import sys; from inng_bench.cli import main; main(['judge', sys.argv[1]]); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True, capture_output=True)


# Strengths.


def draw_answers(strengths: list[float], questions: int, generator: np.random.Generator) -> list[Comparison]:
    pairs = list(combinations(range(len(strengths)), 2))
    comparisons = []
    for question in range(questions):
        first, second = pairs[question % len(pairs)]
        chance = 1 / (1 + np.exp(strengths[second] - strengths[first]))
        comparisons.append(Comparison(first, second, float(generator.random() < chance), question))
    return comparisons


def test_the_order_and_size_of_planted_strengths_come_back() -> None:
    planted = [1.5, 0.5, 0.0, -2.0]
    found = estimate_strengths(draw_answers(planted, 6000, np.random.default_rng(0)), 4, np.random.default_rng(1))
    assert found.values == pytest.approx(planted, abs=0.15)
    assert found.values.sum() == pytest.approx(0, abs=1e-9)


def test_two_methods_have_the_strength_of_the_closed_form() -> None:
    # 7.5 against 2.5 with the half answer on either side: the logarithm of 8 / 3.
    strengths = fit(np.array([[0.0, 7.5], [2.5, 0.0]]))
    assert strengths[0] - strengths[1] == pytest.approx(np.log(8 / 3), abs=1e-5)


def test_intervals_hold_the_truth_about_as_often_as_they_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "RESAMPLES", 199)
    planted = [0.8, 0.0, -0.8]
    inside = []
    for trial in range(25):
        comparisons = draw_answers(planted, 90, np.random.default_rng(trial))
        found = estimate_strengths(comparisons, 3, np.random.default_rng(1000 + trial))
        ends = [found.interval(method) for method in range(3)]
        inside += [low <= truth <= high for truth, (low, high) in zip(planted, ends, strict=True)]
    assert 0.88 <= np.mean(inside) <= 0.99


def test_many_people_before_the_same_pictures_do_not_narrow_the_interval_as_other_pictures_would() -> None:
    few = draw_answers([0.5, -0.5], 12, np.random.default_rng(3))
    repeated = [Comparison(one.first, one.second, one.score, one.question) for _ in range(10) for one in few]
    more = draw_answers([0.5, -0.5], 120, np.random.default_rng(3))

    def width(comparisons: list[Comparison]) -> float:
        low, high = estimate_strengths(comparisons, 2, np.random.default_rng(0)).interval(0)
        return high - low

    assert width(repeated) > 0.9 * width(few) > 2 * width(more)


def test_cannot_tell_is_half_a_win_of_either() -> None:
    wins = win_matrix([Comparison(0, 1, 0.5, 0), Comparison(1, 0, 1.0, 1)], 2)
    assert wins.sum(axis=0).tolist() == [[0, 0.5], [1.5, 0]]


# Reading.

ORDER = ("real", "mirror", "inng", "dcgan", "noise")


def test_answers_become_a_table_in_the_order_in_which_the_methods_were_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = build(make_results(tmp_path / "results"), pairs=20)
    file = save(tmp_path / "answers.json", answers_to(page.key, by_rank(ORDER)))
    assert cli.main(["judge", str(tmp_path / "results"), "--read", str(file)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("20 answers from 1 sitting to 20 of 20 pairs\n")
    rows = re.findall(r"^(\S+(?: \(copies\))?) +(\d+) +(\d+) +(\d+) +(\d+) +(−?\d\.\d\d) +\S", said, re.M)
    assert [row[0] for row in rows] == ["real", "mirror (copies)", "inng", "dcgan", "noise"]
    assert [row[1:5] for row in rows] == [("8", f"{8 - 2 * lost}", f"{2 * lost}", "0") for lost in range(5)]
    assert re.search(r"^mirror \(copies\) : inng +2 +2 +0 +0 +0\.\d\d +0\.\d\d–0\.\d\d$", said, re.M)
    # Where all answers go one way there is no spread to resample, and an interval would be too short.
    assert re.search(r"^real : mirror \(copies\) +2 +2 +0 +0 +0\.\d\d +–$", said, re.M)
    assert len(re.findall(r"^(?:real|noise) .* –$", said, re.M)) == 6
    assert "No interval (–)" in said
    assert "do not tell how far apart some methods are" in said
    assert "no merit of a model" in said


def test_the_same_answers_give_the_same_table_and_the_sides_do_not_matter(tmp_path: Path) -> None:
    page = build(make_results(tmp_path), pairs=20)
    file = save(tmp_path / "answers.json", answers_to(page.key, by_rank(ORDER)))
    text = verdict_text(read_verdict([file], tmp_path))
    assert verdict_text(read_verdict([file], tmp_path)) == text
    everything = save(tmp_path / "all.json", answers_to(page.key, lambda _: "cannot tell"))
    assert read_verdict([everything], tmp_path).strengths.values == pytest.approx(np.zeros(5), abs=1e-5)


def test_several_people_and_pages_of_a_folder_are_read_together(tmp_path: Path) -> None:
    pages = [build(make_results(tmp_path), seed=seed, pairs=8) for seed in (0, 1)]
    files = [
        save(tmp_path / f"{sitting}.json", answers_to(page.key, by_rank(ORDER), sitting=sitting, number=6))
        for sitting, page in enumerate([pages[0], pages[0], pages[1]])
    ]
    verdict = read_verdict(files, tmp_path)
    assert (verdict.sittings, verdict.asked, len(verdict.comparisons)) == (3, 16, 18)
    assert len({one.question for one in verdict.comparisons}) == 12


def test_the_page_is_found_among_the_results_without_naming_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_results(store.RUNS / "others")
    page = build(make_results(store.RUNS / "quick"), seed=3)
    file = save(tmp_path / "answers.json", answers_to(page.key, by_rank(ORDER)))
    assert cli.main(["judge", "--read", str(file)]) == 0
    assert cli.main(["judge"]) == 0


# What is refused.


def refuse(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: object) -> str:
    """Assert one sentence, status 2 and that nothing in a folder has changed; return the sentence."""
    before = listing(folder)
    capsys.readouterr()
    assert cli.main(["judge", *map(str, arguments)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert listing(folder) == before
    return said.err


def test_a_folder_without_results_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there are no records in" in refuse(capsys, tmp_path, tmp_path)
    assert "there are no records in" in refuse(capsys, tmp_path, tmp_path / "nowhere")


def test_fewer_than_two_methods_with_pictures_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = make_results(tmp_path / "one", methods=("inng",))
    assert "pictures of two or more methods" in refuse(capsys, tmp_path, one)
    bare = write_records(tmp_path / "bare", [make_record("inng"), make_record("dcgan"), make_record("real")])
    assert "pictures of two or more methods" in refuse(capsys, tmp_path, bare)
    control = make_results(tmp_path / "control", role="control")
    assert "pictures of two or more methods" in refuse(capsys, tmp_path, control)
    two = make_results(tmp_path / "two")
    assert "pictures of two or more methods" in refuse(capsys, tmp_path, two, "--methods", "inng")
    assert "did you mean 'inng'?" in refuse(capsys, tmp_path, two, "--methods", "ing,dcgan")


@pytest.mark.parametrize("name", ["runs/brick/inng/seed-0/sample-0.png", "textures/brick/train.png"])
def test_a_damaged_picture_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    make_results(tmp_path, samples=1, textures=("brick",))
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-900])
    assert f"{name} is damaged" in refuse(capsys, tmp_path, tmp_path)


def test_a_page_or_key_that_was_edited_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = build(make_results(tmp_path), pairs=60)
    page.key_path.write_text(page.key_path.read_text().replace("inng", "dcgan"))
    assert "was changed since it was written" in refuse(capsys, tmp_path, tmp_path)


Spoil = Callable[[dict[str, Any]], object]


def drop_pair(content: dict[str, Any]) -> None:
    content["answers"][0]["pair"] = "0" * 16


REFUSED: dict[str, tuple[Spoil, str]] = {
    "another page": (lambda content: content.update(page="a" * 12), "which is not in"),
    "a page that leads elsewhere": (lambda content: content.update(page="../../../tmp"), "not a file of answers"),
    "an unknown pair": (drop_pair, "which its page does not have"),
    "an answer twice": (lambda content: content["answers"].append(content["answers"][0]), "two answers to one pair"),
    "no answers": (lambda content: content.update(answers=[]), "contains no answers"),
    "an unknown choice": (lambda content: content["answers"][0].update(choice="both"), "not a file of answers"),
    "a newer version": (lambda content: content.update(version=2), "not a file of answers"),
    "unknown fields": (lambda content: content.update(method="inng"), "not a file of answers"),
    "no sitting": (lambda content: content.pop("sitting"), "not a file of answers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_answers_that_no_page_saved_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    spoil, sentence = REFUSED[case]
    page = build(make_results(tmp_path))
    content = answers_to(page.key, by_rank(ORDER))
    spoil(content)
    file = save(tmp_path / "answers.json", content)
    assert sentence in refuse(capsys, tmp_path, tmp_path, "--read", file)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "[" * 100_000, '{"version": 1e999}', "\ud800"])
def test_a_file_that_is_no_json_of_a_page_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    file = tmp_path / "answers.json"
    file.write_bytes(content.encode(errors="surrogatepass"))
    assert "not a file of answers" in refuse(capsys, tmp_path, tmp_path, "--read", file)


def test_answers_cut_short_anywhere_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = build(make_results(tmp_path))
    whole = json.dumps(answers_to(page.key, by_rank(ORDER)))
    for tenth in range(1, 10):
        file = save(tmp_path / "answers.json", whole[: len(whole) * tenth // 10])
        assert "cut short" in refuse(capsys, tmp_path, tmp_path, "--read", file)


def test_a_missing_file_a_damaged_key_and_options_of_the_other_half_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = build(make_results(tmp_path))
    file = save(tmp_path / "answers.json", answers_to(page.key, by_rank(ORDER)))
    assert "cannot be read" in refuse(capsys, tmp_path, tmp_path, "--read", tmp_path / "none.json")
    assert "--pairs does not go with --read" in refuse(capsys, tmp_path, tmp_path, "--read", file, "--pairs", "3")
    page.key_path.write_text(page.key_path.read_text()[:-100])
    assert f"the key {page.key_path} is damaged" in refuse(capsys, tmp_path, tmp_path, "--read", file)


def test_a_person_counts_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = build(make_results(tmp_path))
    early = save(tmp_path / "early.json", answers_to(page.key, by_rank(ORDER), number=4))
    late = save(tmp_path / "late.json", answers_to(page.key, by_rank(ORDER)))
    assert "would count twice" in refuse(capsys, tmp_path, tmp_path, "--read", early, late)
    assert "would count twice" in refuse(capsys, tmp_path, tmp_path, "--read", late, late)


def test_pages_of_two_folders_are_not_added_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = []
    for sitting, name in enumerate(("one", "two")):
        page = build(make_results(store.RUNS / name), seed=sitting)
        files.append(save(tmp_path / f"{name}.json", answers_to(page.key, by_rank(ORDER), sitting=sitting)))
    assert "results/runs/one and results/runs/two" in refuse(capsys, tmp_path, "--read", *files)
