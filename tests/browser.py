"""A real browser for tests: Debian's Chromium driven by Playwright, with no network of its own."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def open_browser(program: str) -> Generator[Browser]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Browser, file: Path, *, scheme: str = "light", width: int = 1400) -> Page:
    # The policy of the page forbids every script, the checker's too.
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(file.as_uri())
    return page


def list_violations(page: Page) -> list[tuple[str, list[Any]]]:
    """What axe finds: the rule, and the first places it names."""
    found = Axe().run(page).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]
