"""A study from its files to its report in a real browser: only loopback is asked, and axe finds nothing."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from app_server import RunningApp, run_app
from browser import list_violations, open_browser

pytestmark = pytest.mark.long
RUN_MILLISECONDS = 240_000

# Synthetic: two invented patients, one draw a row, headings of a laboratory system.
EXPORT = """Pat.-Nr.,Infusion,Abnahme,Neutros (G/L),Hb (g/dL),PLT (G/L)
P1,2024-01-10,2024-01-12,0.4,8.1,45
P1,2024-01-10,2024-01-20,1.9,9.5,90
P2,2024-02-01,2024-02-05,<0.1,7.4,12
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app


@pytest.fixture(scope="module")
def chromium(find_program) -> Generator[Browser]:
    with open_browser(find_program("chromium")) as browser:
        yield browser


@pytest.fixture
def page(running: RunningApp, chromium: Browser) -> Generator[Page]:
    """A new visitor; every address that the page asks for is on loopback, and nothing breaks in it."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900}, bypass_csp=False)
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: note_fault(faults, said))
    page.goto(running.link)
    yield page
    context.close()
    here = running.link.partition("/enter")[0]
    assert [url for url in asked if not url.startswith((here, "data:", "blob:"))] == []
    assert faults == []


def note_fault(faults: list[str], said: ConsoleMessage) -> None:
    # An answer of 4xx is told on its page; the browser notes it here as well.
    if said.type == "error" and "Failed to load resource" not in said.text:
        faults.append(said.text)


def test_from_the_demonstration_to_the_report(page: Page, running: RunningApp) -> None:
    page.get_by_role("button", name="Open the demonstration").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("demo")
    page.get_by_role("button", name="Check the data").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.go_back()
    page.goto(f"{running.link.partition('/enter')[0]}/studies/demo")
    page.get_by_role("button", name="Run the study").click()
    report = page.get_by_role("link", name="Read the report")
    expect(report).to_be_visible(timeout=RUN_MILLISECONDS)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download everything").click()
    assert download.value.suggested_filename == "demo-results.zip"
    report.click()
    expect(page.get_by_text("Synthetic data: no patient").first).to_be_visible()


def test_from_an_export_to_its_mapping(page: Page, running: RunningApp, tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_text(EXPORT, encoding="utf-8")
    page.get_by_label("Name").fill("Export")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/studies/Export")
    page.locator("#files").set_input_files(export)
    page.get_by_role("button", name="Propose how these files are read").click()
    expect(page.get_by_label("What Neutros (G/L) becomes")).to_have_value("measure:anc")
    page.get_by_role("button", name="Take it over").click()
    expect(page.get_by_role("textbox", name="Study file")).to_have_value(re.compile(r"export\.csv"))
    assert (running.folder / "Export" / "export.csv").read_text("utf-8") == EXPORT


def test_a_change_elsewhere_is_not_overwritten(page: Page, running: RunningApp) -> None:
    page.get_by_label("Name").fill("Two tabs")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/studies/Two%20tabs")
    file = running.folder / "Two tabs" / "study.toml"
    elsewhere = file.read_text("utf-8") + "\n# changed in an editor\n"
    file.write_text(elsewhere, encoding="utf-8")
    page.get_by_role("textbox", name="Study file").fill(f"{elsewhere}# and here\n")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was overwritten")
    assert file.read_text("utf-8") == elsewhere
    expect(page.get_by_role("textbox", name="What you typed")).to_have_value(f"{elsewhere}# and here\n")
    expect(page.get_by_role("textbox", name="What is saved now")).to_have_value(elsewhere)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Two tabs")
    assert file.read_text("utf-8") == f"{elsewhere}# and here\n"


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (390, "dark")])
def test_pages_are_accessible(running: RunningApp, chromium: Browser, width: int, scheme: str) -> None:
    running.visit().send_form("/studies", name=f"Seen at {width}", kind="empty")
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(running.link)
    here = running.link.partition("/enter")[0]
    for path in ("/", f"/studies/Seen at {width}", "/nowhere"):
        page.goto(f"{here}{path}")
        assert list_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
