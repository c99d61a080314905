"""The study file as a form in a real browser: chosen by keyboard, seen in the text, and back again."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from app_server import RunningApp, run_app
from browser import list_violations, open_browser

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        assert app.visit().send_form("/studies", name="demo", kind="demo").status == 303
        yield app


@pytest.fixture(scope="module")
def chromium(find_program) -> Generator[Browser]:
    with open_browser(find_program("chromium")) as browser:
        yield browser


def open_form(browser: Browser, running: RunningApp, *, width: int = 1300, scheme: str = "light") -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(running.link)
    page.goto(f"{running.link.partition('/enter')[0]}/studies/demo")
    page.get_by_role("link", name="Choose in a form").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The study file as a form")
    return page


def open_entry(page: Page, entry: str) -> None:
    page.locator(f"[id='{entry}'] > summary").focus()
    page.keyboard.press("Enter")


def test_form_and_text_are_one_file(running: RunningApp, chromium: Browser) -> None:
    file: Path = running.folder / "demo" / "study.toml"
    before = file.read_text("utf-8")
    page = open_form(chromium, running)

    open_entry(page, "outcomes.0")
    page.keyboard.press("Tab")
    expect(page.locator("[id='outcomes.0.definition']")).to_be_focused()
    page.keyboard.type("ctcae_v6.neu")
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("-2")

    open_entry(page, "analyses.1")
    page.keyboard.press("Tab")
    expect(page.locator("[id='analyses.1.id']")).to_be_focused()
    page.keyboard.press("Tab")
    ticked = page.locator("[id='analyses.1.outcomes']").get_by_label("thrombocytopenia", exact=True)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(ticked).to_be_focused()
    page.keyboard.press("Space")
    # Enter in a field saves, as the first button of the form does.
    page.get_by_label("Seed").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved. The file has your changes.")

    expected = before.replace(
        'definition = "ctcae_v4.neutrophil_count_decreased"\nwindow = [0, 28]',
        'definition = "ctcae_v6.neutrophil_count_decreased"\nwindow = [-2, 28]',
        1,
    ).replace('["neutropenia", "anemia", "thrombocytopenia", "severe_', '["neutropenia", "anemia", "severe_')
    assert file.read_text("utf-8") == expected

    page.get_by_role("link", name="Read and edit the text").first.click()
    text = page.get_by_role("textbox", name="Study file")
    expect(text).to_have_value(expected)
    text.fill(expected.replace("seed = 20230515", "seed = 4711").replace('at = "peak"', 'at = "baseline"', 1))
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Choose in a form").click()
    expect(page.get_by_label("Seed")).to_have_value("4711")
    open_entry(page, "factors.6")
    expect(page.locator("[id='factors.6.at']")).to_have_value("baseline")
    page.context.close()


def test_what_is_wrong_leads_to_its_field(running: RunningApp, chromium: Browser) -> None:
    page = open_form(chromium, running, width=390)
    page.locator("[id='add.outcomes.name']").fill("low_platelets")
    page.locator("[id='add.outcomes.what']").select_option("ctcae_v5.platelet_count_decreased")
    page.get_by_role("button", name="Add an outcome").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved yet")
    page.get_by_role("link", name="'window' is missing").click()
    expect(page.locator("[id='outcomes.8.window']")).to_be_in_viewport()
    page.get_by_role("link", name="Forget these changes").click()
    expect(page.locator("[id='outcomes.8']")).to_have_count(0)
    page.context.close()


@pytest.mark.parametrize(
    ("width", "scheme"), [(1300, "light"), (1300, "dark"), (390, "light"), (390, "dark")]
)
def test_the_form_is_accessible(running: RunningApp, chromium: Browser, width: int, scheme: str) -> None:
    page = open_form(chromium, running, width=width, scheme=scheme)
    page.locator("[id='study.seed']").fill("none")
    page.locator("[id='add.analyses.name']").fill("model")
    page.locator("[id='add.analyses.what']").select_option("prediction")
    page.get_by_role("button", name="Add an analysis").click()
    expect(page.get_by_role("heading", name="What has to be corrected first")).to_be_visible()
    for entry in ("outcomes.7", "factors.9", "analyses.2"):
        open_entry(page, entry)
    for further in page.locator("details.entry[open] details.further > summary").all():
        further.focus()
        page.keyboard.press("Enter")
    assert page.locator("details.further[open]").count() >= 4
    assert list_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_who_leaves_with_changes_is_asked(running: RunningApp, chromium: Browser) -> None:
    page = open_form(chromium, running)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_label("Seed").fill("77")
    page.get_by_role("link", name="Calculators").click(no_wait_after=True)
    page.wait_for_function("() => document.querySelector('[id=\"study.seed\"]').value === '77'")
    expect(page.get_by_role("heading", level=1)).to_have_text("The study file as a form")
    assert asked == ["beforeunload"]
    page.locator("button[value=save]").first.click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    page.get_by_role("link", name="Calculators").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Calculators")
    assert asked == ["beforeunload"]
