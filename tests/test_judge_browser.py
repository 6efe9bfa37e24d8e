"""The page of `judge` in a real browser: `tox -e browser`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from browser import MARKS, NARROW, WIDE, opened_page, started_browser, violations
from judged_results import make_results

from inng_bench import cli
from inng_bench.people.documents import Choice, read_answers
from inng_bench.people.page import Page as JudgePage
from inng_bench.people.page import build_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

pytestmark = MARKS


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as started:
        yield started


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> JudgePage:
    results = make_results(tmp_path_factory.mktemp("results"), sides={"dcgan": 32})
    return build_page(results, pairs=6, seed=0)


@pytest.fixture
def page(browser: Browser, judged: JudgePage) -> Iterator[Page]:
    with opened_page(browser, judged.path.as_uri()) as opened:
        yield opened


def progress(page: Page) -> str:
    return str(page.locator("#progress").inner_text())


def save(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.locator(button).click()
    path = folder / str(download.value.suggested_filename)
    download.value.save_as(path)
    return path


def test_a_person_clicks_through_and_the_saved_file_is_read(
    page: Page, judged: JudgePage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert page.locator("#save").is_disabled()
    clicked = ["first", "second", "neither", "first", "first", "second"]
    for number, button in enumerate(clicked, start=1):
        assert progress(page) == f"Pair {number} of 6."
        page.locator(f"#{button}").click()
    assert page.get_by_role("heading", name="All pairs are answered").is_visible()
    file = save(page, "#save-all", tmp_path)
    assert file.name.startswith(f"answers-{judged.key.page}-")
    assert page.locator("#said").inner_text().startswith("6 of 6 answers went to the file ")
    saved = read_answers(file)
    chosen = [Choice.CANNOT_TELL if button == "neither" else Choice(button) for button in clicked]
    assert [answer.choice for answer in saved.answers] == chosen
    assert [answer.pair for answer in saved.answers] == [question.pair for question in judged.key.questions]
    results = judged.path.parents[2]
    assert cli.main(["judge", str(results), "--read", str(file)]) == 0
    assert capsys.readouterr().out.startswith("6 answers from 1 sitting to 6 of 6 pairs\n")


def test_a_person_answers_with_the_keyboard_alone(page: Page, tmp_path: Path) -> None:
    for key in ("ArrowLeft", "ArrowLeft", "Backspace", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert progress(page) == "Pair 4 of 6."
    page.locator("h1").click()
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    assert reached[:5] == ["first", "second", "neither", "back", "save"]
    page.locator("#second").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.id") == "save-all"
    saved = read_answers(save_by_key(page, tmp_path))
    assert [answer.choice.value for answer in saved.answers] == [
        "first",
        "second",
        "cannot tell",
        "second",
        "second",
        "first",
    ]


def save_by_key(page: Page, folder: Path) -> Path:
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    path = folder / str(download.value.suggested_filename)
    download.value.save_as(path)
    return path


def test_a_key_held_down_and_a_double_click_answer_one_pair(page: Page) -> None:
    page.keyboard.down("ArrowLeft")
    page.keyboard.down("ArrowLeft")
    page.keyboard.up("ArrowLeft")
    assert progress(page) == "Pair 2 of 6."
    page.locator("#first").dblclick()
    assert progress(page) == "Pair 3 of 6."
    page.keyboard.press("Control+ArrowLeft")
    assert progress(page) == "Pair 3 of 6."
    page.locator("#second").focus()
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    assert progress(page) == "Pair 4 of 6."


def test_a_page_that_is_opened_again_goes_on_and_the_next_person_begins_anew(page: Page, tmp_path: Path) -> None:
    page.keyboard.press("ArrowLeft")
    early = save(page, "#save", tmp_path)
    page.reload()
    assert progress(page) == "Pair 2 of 6."
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    late = save(page, "#save-all", tmp_path)
    assert early == late  # one person, one name: the browser numbers the second file
    first = read_answers(late)
    page.locator("#anew").click()
    assert progress(page) == "Pair 1 of 6."
    page.keyboard.press("ArrowDown")
    second = read_answers(save(page, "#save", tmp_path))
    assert (len(first.answers), len(second.answers)) == (6, 1)
    assert first.sitting != second.sitting


def test_the_three_pictures_of_a_pair_are_shown_at_one_scale(page: Page, judged: JudgePage) -> None:
    data = json.loads(str(page.locator("#data").text_content()))
    for viewport in (WIDE, NARROW):
        page.set_viewport_size(viewport)
        for shown in data["pairs"]:
            scales = page.evaluate(
                "Promise.all(Array.from(document.querySelectorAll('#pictures img'), async (image) => {"
                " await image.decode(); return image.getBoundingClientRect().width / image.naturalWidth; }))"
            )
            assert scales == pytest.approx([scales[0]] * 3, rel=0.01)
            natural = page.evaluate("document.querySelector('#first img').naturalWidth")
            assert natural == shown["side"]
            page.keyboard.press("ArrowLeft")
        for _ in data["pairs"]:
            page.keyboard.press("Backspace")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_is_amiss_for_people_with_disabilities_nor_wider_than_the_screen(
    page: Page, scheme: Literal["light", "dark"], viewport: ViewportSize
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(viewport)
    page.locator("summary").click()
    for key in ("ArrowLeft", *["ArrowRight"] * 5):
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        page.keyboard.press(key)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_without_a_store_of_the_browser_the_page_still_works(
    browser: Browser, judged: JudgePage, tmp_path: Path
) -> None:
    opened = browser.new_page()
    opened.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('none'); } })")
    opened.goto(judged.path.as_uri())
    opened.keyboard.press("ArrowLeft")
    assert len(read_answers(save(opened, "#save", tmp_path)).answers) == 1
    opened.close()
