"""The calculators as people meet them: with a keyboard, in the dark, on a phone, with and without scripts."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, Page

from app_server import RunningApp, run_app
from browser import list_violations, open_browser
from card_files import write_card

pytestmark = pytest.mark.long

PAGES = ("", "/car_hematotox", "/eipm_pre", "/card", "/icaht", "/recovery")
LIST = "Day\tANC\n0\t2,1\n3\t0,4\n5\t<0,1\n8\t0,1\n12\t0,2\n15\t0,6\n20\t1,1\n28\t2"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_card(tmp_path_factory.mktemp("card"))


@pytest.fixture
def browser(find_program: Callable[[str], str]) -> Iterator[Browser]:
    with open_browser(find_program("chromium")) as opened:
        yield opened


def visit(
    browser: Browser, app: RunningApp, *, scheme: str = "light", width: int = 1400, script: bool = True
) -> tuple[Page, list[str]]:
    """A page of the opened app, and every address that it asks for."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=script,
        bypass_csp=True,
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app.link)
    return page, asked


def go(page: Page, app: RunningApp, path: str) -> None:
    page.goto(f"http://127.0.0.1:{app.port}/calculators{path}")


def fill_score(page: Page) -> None:
    for name, value in {"platelets": "110", "anc": "950", "hemoglobin": "10,1", "crp": "4.2"}.items():
        page.locator(f"[name=value_{name}]").fill(value)


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1400), ("dark", 1400), ("light", 390), ("dark", 390)]
)
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(
    browser: Browser, running: RunningApp, card: Path, scheme: str, width: int
) -> None:
    page, asked = visit(browser, running, scheme=scheme, width=width)
    for path in PAGES:
        go(page, running, path)
        assert list_violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    go(page, running, "/car_hematotox")
    fill_score(page)
    page.get_by_text("risk group high").first.wait_for()
    assert list_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    go(page, running, "/icaht")
    page.locator("[name=list_anc]").fill(LIST)
    page.get_by_role("button", name="Calculate").click()
    page.get_by_role("heading", name="Timeline").wait_for()
    assert list_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    go(page, running, "/card")
    page.locator("[name=card]").fill(card.read_text("utf-8"))
    page.get_by_role("button", name="Read the card").click()
    page.get_by_role("heading", name="Invented model").wait_for()
    assert list_violations(page) == []
    assert all(address.startswith(f"http://127.0.0.1:{running.port}/") for address in asked)


def test_a_score_follows_the_values_while_they_are_typed(browser: Browser, running: RunningApp) -> None:
    page, asked = visit(browser, running)
    go(page, running, "/car_hematotox")
    fill_score(page)
    page.get_by_text("3 to 5 of 7 points, risk group high").first.wait_for()
    page.locator("[name=value_ferritin]").fill("540")
    page.get_by_text("3 of 7 points, risk group high").first.wait_for()
    page.locator("[name=value_crp]").fill("high")
    page.get_by_role("alert").get_by_text("crp has no number").wait_for()
    assert all("950" not in address for address in asked)


def test_the_sentence_can_be_copied_and_a_card_taken_from_a_file(
    browser: Browser, running: RunningApp, card: Path
) -> None:
    page, _ = visit(browser, running)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    go(page, running, "/card")
    page.locator("#file-card").set_input_files(card)
    page.get_by_role("heading", name="Invented model").wait_for()
    page.locator("[name=value_ferritin]").fill("540")
    page.locator("[name=value_anc]").fill("950")
    page.locator("[name=unit_anc]").select_option("/uL")
    page.locator("[name=value_stage]").select_option("II")
    page.get_by_text("99.4%").first.wait_for()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("Invented model: 99.4% probability")


def test_everything_works_without_scripts_by_keyboard(browser: Browser, running: RunningApp) -> None:
    page, _ = visit(browser, running, script=False)
    page.get_by_role("link", name="Calculators").press("Enter")
    page.get_by_role("link", name="CAR-HEMATOTOX").press("Enter")
    page.locator("[name=value_anc]").press_sequentially("950")
    page.keyboard.press("Enter")
    page.get_by_text("1 to 7 of 7 points, risk group open: low or high").first.wait_for()
    assert page.locator(".only-script:visible").count() == 0
    go(page, running, "/icaht")
    page.locator("[name=list_anc]").fill(LIST)
    page.get_by_role("button", name="Calculate").press("Enter")
    page.get_by_text("grade 2;").first.wait_for()
