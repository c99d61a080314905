"""A foreign workbook is dropped, corrected by keyboard, taken over and checked in a real browser."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, Locator, Page, expect

from app_server import RunningApp, run_app
from browser import list_violations, open_browser
from clinic_sheets import write_wide, write_workbook

pytestmark = pytest.mark.long
SECONDS = 60_000
MOST_KEYS = 20


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app


@pytest.fixture
def browser(find_program: Callable[[str], str]) -> Generator[Browser]:
    with open_browser(find_program("chromium")) as opened:
        yield opened


def drop_file(page: Page, file: Path) -> None:
    """Drop a file as a hand would, on the place that takes files."""
    content = base64.b64encode(file.read_bytes()).decode()
    dropped = page.evaluate_handle(
        """([name, content]) => {
          const data = new DataTransfer();
          data.items.add(new File([Uint8Array.from(atob(content), (one) => one.charCodeAt(0))], name));
          return data;
        }""",
        [file.name, content],
    )
    with page.expect_navigation():
        page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})


def choose_by_keys(control: Locator, value: str) -> None:
    control.focus()
    for _ in range(MOST_KEYS):
        if control.input_value() == value:
            return
        control.press("ArrowDown")
    assert control.input_value() == value


def look_over(page: Page, width: int) -> None:
    assert list_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "scheme"), [(1300, "light"), (1300, "dark"), (390, "light")])
def test_from_a_foreign_workbook_to_the_map_of_days(
    running: RunningApp, browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    sheets = {name: [list(row) for row in rows] for name, rows in write_wide().items()}
    heading = sheets["Labor"][2]
    # The heading is wrong: the values are in g/dL.
    heading[heading.index("Hb [g/dl]")] = "Hb [g/l]"
    write_workbook(tmp_path / "export.xlsx", sheets)
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(running.link)
    study = f"Ward {width} {scheme}"
    page.get_by_label("Name").fill(study)
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/studies/Ward**")
    drop_file(page, tmp_path / "export.xlsx")
    page.get_by_role("button", name="Propose how these files are read").press("Enter")
    unit = page.get_by_label("Unit of Hb [g/l]")
    expect(unit).to_have_value("?")
    expect(page.get_by_text("nearly all of 21 values would be usual in g/dL").first).to_be_visible()
    look_over(page, width)
    choose_by_keys(unit, "g/dL")
    page.get_by_role("button", name="Show what this gives").press("Enter")
    expect(page.get_by_role("heading", name="What this would give")).to_be_visible()
    look_over(page, width)
    page.get_by_role("button", name="Take it over into the study file").press("Enter")
    page.wait_for_url("**#data")
    data = tomllib.loads((running.folder / study / "study.toml").read_text("utf-8"))["data"]
    assert data["labs"]["wide"]["hemoglobin"] == {"column": "Hb [g/l]", "unit": "g/dL"}
    assert data["labs"]["units"] == {"g/l": "g/dL"}
    assert "questions" not in data
    page.get_by_role("button", name="Check the data").press("Enter")
    expect(page.get_by_role("heading", name="Which days were measured")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_role("group", name="Days by patient")).to_be_visible()
    assert page.locator(".coverage-map .mark-measured").count() == 3
    expect(page.get_by_role("table", name="Units as they were printed")).to_contain_text("× 10 to g/L")
    expect(page.get_by_text("which never occurs")).to_have_count(0)
    look_over(page, width)
    assert faults == []
    context.close()
