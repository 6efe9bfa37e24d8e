"""A real browser for the tests of pages, which may complain of nothing and ask for nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = os.environ.get("INNG_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
"""The browser: INNG_CHROMIUM has its path where it is not on PATH."""

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; install it or set INNG_CHROMIUM"),
]

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 380, "height": 800}


@contextmanager
def started_browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        yield started
        started.close()


@contextmanager
def opened_page(browser: Browser, address: str, **options: Any) -> Iterator[Page]:
    """Open a page; that it complains, or asks for another address, is an error at the end."""
    context = browser.new_context(**{"viewport": WIDE, "accept_downloads": True} | options)
    opened = context.new_page()
    faults: list[str] = []
    is_own: Callable[[str], bool] = lambda asked: asked.startswith(("data:", "blob:", address))  # noqa: E731
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda request: None if is_own(request.url) else faults.append(request.url))
    opened.goto(address)
    yield opened
    assert faults == []
    context.close()


def violations(page: Page) -> list[str]:
    """Return what axe-core finds amiss, each with its place."""
    found = axe.Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
