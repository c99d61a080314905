"""The page of `check` on the bundled study as people meet it: in the dark, on a phone, on paper."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser

from browser import list_violations, open_browser, open_page
from bundled_contents import EXAMPLE
from cytopenia.check_file import write_check

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_check(EXAMPLE / "study.toml", out=tmp_path_factory.mktemp("check") / "check.html")


@pytest.fixture
def browser(find_program: Callable[[str], str]) -> Iterator[Browser]:
    with open_browser(find_program("chromium")) as opened:
        yield opened


@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 1400), ("light", 390)])
def test_axe_finds_nothing(browser: Browser, page_file: Path, scheme: str, width: int) -> None:
    assert list_violations(open_page(browser, page_file, scheme=scheme, width=width)) == []


def test_the_page_asks_for_nothing_but_itself(browser: Browser, page_file: Path) -> None:
    page = browser.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(page_file.as_uri())
    page.wait_for_load_state("networkidle")
    assert (asked, complaints) == ([page_file.as_uri()], [])


def test_a_phone_scrolls_down_only(browser: Browser, page_file: Path) -> None:
    page = open_page(browser, page_file, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_first_tab_skips_to_the_page(browser: Browser, page_file: Path) -> None:
    page = open_page(browser, page_file)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"


def test_on_paper_no_table_is_cut_at_the_side(
    browser: Browser, page_file: Path, tmp_path: Path, find_program: Callable[[str], str]
) -> None:
    printed = tmp_path / "check.pdf"
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.pdf(path=printed, prefer_css_page_size=True)
    page.emulate_media(media="print")
    # The printed width of A4 without its margins, 182 mm at 96 points an inch.
    page.set_viewport_size({"width": 688, "height": 1000})
    wide = page.evaluate(
        "[...document.querySelectorAll('table')].filter((one) => one.scrollWidth > 690).map((one) =>"
        " one.caption.textContent)"
    )
    assert wide == []
    text = subprocess.run(
        [find_program("pdftotext"), "-l", "1", "-layout", printed, "-"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "At a glance" in text
    assert "Coverage" not in text
