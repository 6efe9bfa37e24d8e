"""The page of a report in a real browser: `tox -e browser`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd
import pytest
from browser import MARKS, NARROW, WIDE, opened_page, started_browser, violations
from paged_results import FACTORS, TEXTURES, make_results
from record_builder import make_record

from inng_bench.records import store
from inng_bench.report import build_report
from inng_bench.report.serve import PageServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

pytestmark = MARKS


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    results = make_results(tmp_path_factory.mktemp("results"))
    return (build_report(results).folder / "index.html").as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened_page(browser, address) as opened:
        yield opened


def column(page: Page, key: str) -> list[str]:
    """Return what is seen in a column, without intervals."""
    script = """key => {
      const index = [...document.querySelectorAll('#table thead th')].findIndex(head => head.dataset.key === key);
      const rows = [...document.querySelectorAll('#table tbody tr')].filter(row => !row.hidden);
      return rows.map(row => row.cells[index].firstChild.textContent.trim());
    }"""
    return list(page.evaluate(script, key))


def head(page: Page, key: str) -> str:
    return str(page.locator(f'#table th[data-key="{key}"]').get_attribute("aria-sort"))


def test_a_column_is_sorted_by_its_numbers_and_the_address_keeps_it(page: Page) -> None:
    usual = column(page, "method")
    button = page.locator('#table th[data-key="gram"] button')
    button.click()
    assert head(page, "gram") == "ascending"
    assert [float(text) for text in column(page, "gram")] == sorted(map(float, column(page, "gram")))
    assert page.locator("#told").inner_text() == "10 of 10 rows, by Gram\N{NO-BREAK SPACE}↓, rising."
    button.click()
    assert head(page, "gram") == "descending"
    assert column(page, "method")[:2] == ["noise", "noise"]
    page.reload()
    assert head(page, "gram") == "descending"
    assert page.url.endswith("#?s=-gram")
    page.locator('#table th[data-key="gram"] button').click()
    assert column(page, "method") == usual


def test_rows_and_pictures_are_filtered_by_texture_and_method_with_the_keyboard_alone(page: Page) -> None:
    page.locator("summary", has_text="Textures").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "Textures"
    assert set(column(page, "texture")) == {"pebbles"}
    assert page.locator('section[data-texture="brick"]').is_hidden()
    page.locator("summary", has_text="Methods").click()
    page.locator('#methods input[value="dcgan"]').uncheck()
    assert "dcgan" not in column(page, "method")
    assert page.locator('section[data-texture="pebbles"] figure[data-method="dcgan"]').first.is_hidden()
    shown = column(page, "method")
    page.reload()
    assert (column(page, "method"), set(column(page, "texture"))) == (shown, {"pebbles"})
    page.locator("#reset").click()
    assert len(column(page, "method")) == len(TEXTURES) * len(FACTORS)


def test_columns_come_and_go(page: Page) -> None:
    spectrum = page.locator('#table th[data-key="spectrum"]')
    assert spectrum.is_hidden()
    page.locator("summary", has_text="Columns").click()
    page.locator('#columns input[value="spectrum"]').check()
    page.locator('#columns input[value="gram"]').uncheck()
    assert spectrum.is_visible()
    assert page.locator('#table th[data-key="gram"]').is_hidden()
    page.reload()
    assert spectrum.is_visible()


def test_a_picture_is_enlarged_and_a_slider_lays_the_source_over_it(page: Page) -> None:
    page.locator('figure[data-method="inng"] button').first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#viewer-title").inner_text() == "brick: inng, seed 0, sample 1"
    natural, shown = page.evaluate("[over.naturalWidth, over.getBoundingClientRect().width]")
    assert shown == 2 * natural
    assert page.evaluate("under.src === document.getElementById('brick/source').src")
    page.locator("#slider").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("over.style.clipPath") == "inset(0px 0px 0px 3%)"
    page.locator("#next").click()
    assert "p=brick%2Fdcgan%2F0%2F1" in page.url
    page.reload()
    assert page.locator("#viewer-title").inner_text() == "brick: dcgan, seed 0, sample 1"
    page.keyboard.press("Escape")
    assert page.locator("#viewer").is_hidden()
    page.wait_for_function("!location.hash.includes('p=')")  # the viewer tells that it is closed a moment later
    assert "p=" not in page.url


def test_a_curve_tells_its_values_under_the_pointer_and_to_the_keyboard(page: Page) -> None:
    plots = page.locator("#curves-of-the-trainings .plot")
    assert plots.count() == 2 * len(TEXTURES) + 4
    first = plots.first
    first.scroll_into_view_if_needed()
    over = first.locator(".u-over")
    over.hover(position={"x": 2, "y": 2})
    assert first.locator("output").inner_text() == "dcgan: 4 at 0.2 TFLOP"
    first.locator('[role="group"]').focus()
    page.keyboard.press("ArrowRight")
    assert first.locator("output").inner_text() == "dcgan: 2.83 at 0.4 TFLOP"
    assert page.locator("#quality-over-cost .plot").count() == 6


def test_the_table_is_saved_as_csv(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.locator('a[download="table.csv"]').click()
    download.value.save_as(tmp_path / "table.csv")
    assert len(pd.read_csv(tmp_path / "table.csv")) == len(TEXTURES) * len(FACTORS)


def test_a_link_within_the_page_keeps_the_view(page: Page) -> None:
    page.locator('#table th[data-key="gram"] button').click()
    page.locator('nav a[href="#cost"]').click()
    assert page.evaluate("document.activeElement.id") == "cost"
    assert page.url.endswith("#?s=gram")


@pytest.mark.parametrize(("viewport", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide", "narrow"])
def test_nothing_is_amiss_for_people_with_disabilities_nor_wider_than_the_screen(
    browser: Browser, address: str, scheme: Literal["light", "dark"], viewport: ViewportSize
) -> None:
    with opened_page(browser, address, viewport=viewport, color_scheme=scheme) as page:
        page.locator('#table th[data-key="gram"] button').click()
        page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        page.evaluate("for (const details of document.querySelectorAll('.choice')) details.open = false")
        page.locator('figure[data-method="inng"] button').first.click()
        assert violations(page) == []


def test_without_a_script_all_is_there_to_read(browser: Browser, address: str) -> None:
    with opened_page(browser, address, java_script_enabled=False) as page:
        assert page.locator("#table tbody tr").count() == len(TEXTURES) * len(FACTORS)
        assert page.locator("#controls").is_hidden()
        assert page.locator('#table th[data-key="spectrum"]').is_visible()
        assert page.locator("img.still").count() == 3
        assert page.locator("img.still").first.is_visible()
        assert page.locator("table").count() > 5


def test_a_served_page_shows_a_row_when_its_run_has_ended(browser: Browser, tmp_path: Path) -> None:
    results = make_results(tmp_path)
    with PageServer(results) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with opened_page(browser, server.address) as page:
                page.locator('#table th[data-key="gram"] button').click()
                store.write_record(results, make_record("psgan", texture="rust"))
                page.get_by_role("rowheader", name="psgan").wait_for()
                page.locator('#table th[data-key="gram"][aria-sort]').wait_for()  # the row is there before the script
                assert head(page, "gram") == "ascending"
        finally:
            server.shutdown()
            thread.join()
