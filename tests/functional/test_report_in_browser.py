"""The report of the bundled study as people meet it: in the dark, on a phone, by keyboard, on paper."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser

from browser import list_violations, open_browser, open_page
from cytopenia.workflow import run_demo

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_demo(tmp_path_factory.mktemp("demo") / "demo").folder / "report.html"


@pytest.fixture
def browser(find_program: Callable[[str], str]) -> Iterator[Browser]:
    with open_browser(find_program("chromium")) as opened:
        yield opened


@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 1400), ("light", 390)])
def test_axe_finds_nothing(browser: Browser, report: Path, scheme: str, width: int) -> None:
    page = open_page(browser, report, scheme=scheme, width=width)
    # Thousands of rows alike take minutes and say nothing more.
    page.evaluate(
        "document.querySelectorAll('#behind tbody tr:nth-child(n+5)').forEach((row) => row.remove());"
        "document.querySelectorAll('a.number').forEach((link, at) => {"
        " if (at > 300) link.replaceWith(link.textContent); })"
    )
    assert list_violations(page) == []


def test_the_page_asks_for_nothing_but_itself(browser: Browser, report: Path) -> None:
    page = browser.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(report.as_uri())
    page.wait_for_load_state("networkidle")
    assert (asked, complaints) == ([report.as_uri()], [])


def test_a_phone_scrolls_down_only(browser: Browser, report: Path) -> None:
    page = open_page(browser, report, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_keyboard_reaches_the_report_first_and_then_the_row_behind_a_number(
    browser: Browser, report: Path
) -> None:
    page = open_page(browser, report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    number = page.locator("#occurrence-occurrence a.number").first
    printed = number.inner_text()
    number.focus()
    page.keyboard.press("Enter")
    target = page.locator("tr:target")
    assert target.count() == 1
    assert printed.partition("/")[0] == target.locator("td").nth(3).text_content()
    target.locator("th a").click()
    assert page.evaluate("location.hash").startswith("#patients-")


def test_the_first_printed_page_is_the_summary(
    browser: Browser, report: Path, tmp_path: Path, find_program: Callable[[str], str]
) -> None:
    printed = tmp_path / "report.pdf"
    page = browser.new_page()
    page.goto(report.as_uri())
    page.pdf(path=printed, prefer_css_page_size=True)
    first, second = (
        subprocess.run(
            [find_program("pdftotext"), "-f", number, "-l", number, "-layout", printed, "-"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for number in ("1", "2")
    )
    assert all(word in first for word in ("Summary", "Before you use these numbers", "65.0%"))
    assert second.lstrip().startswith("Cohort")
