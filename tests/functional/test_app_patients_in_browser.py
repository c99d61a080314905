"""The pages of a cohort and a patient in a real browser: keys, zoom, focus, and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Generator
from importlib import resources
from pathlib import Path

import polars as pl
import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect

from app_server import RunningApp, run_app
from app_study import rename_patients, run_in_app
from browser import list_violations, open_browser
from cytopenia.app.cohort_mix import list_mixes
from cytopenia.app.cohort_run import read_run

pytestmark = pytest.mark.long

EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example"))
# SYN-16 has the most support, and died before day 28.
HOSTILE = "<script>document.title='harm'</script>"
SECONDS = 60_000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    folder = tmp_path_factory.mktemp("studies")
    study = folder / "twin"
    study.mkdir()
    for file in EXAMPLE.iterdir():
        (study / file.name).write_bytes(file.read_bytes())
    rename_patients(study, {"SYN-16": HOSTILE})
    with run_app(folder) as app:
        run_in_app(app.visit(), "twin")
        yield app


@pytest.fixture
def browser(find_program: Callable[[str], str]) -> Generator[Browser]:
    with open_browser(find_program("chromium")) as opened:
        yield opened


def test_how_answers_divide_is_what_the_report_says(running: RunningApp) -> None:
    study = running.folder / "twin"
    results = pl.read_csv(study / "results" / "results.csv", infer_schema_length=None)
    counts = results.filter((pl.col("analysis_id") == "occurrence") & (pl.col("estimate") == "count"))
    reported = {
        (row["variable"], row["variable_level"], row["scenario"]): row["value"]
        for row in counts.iter_rows(named=True)
    }
    compared = 0
    for mix in list_mixes(read_run(study, b"")):
        for one in mix.answers:
            place = mix.column.name, one.words
            if (*place, "best") in reported and one.bounds is not None:
                ends = sorted((reported[*place, "best"], reported[*place, "worst"]))
                assert (one.count, [*one.bounds]) == (reported[*place, "policy"], ends), place
                compared += 1
    # Five grades of neutropenia and of thrombocytopenia, four of anemia, and "yes" of any severe cytopenia.
    assert compared == 15


def enter(
    browser: Browser, app: RunningApp, *, scheme: str = "light", width: int = 1400
) -> tuple[Page, list[str]]:
    """A page of the app, and the requests that it makes."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        bypass_csp=True,
    )
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: asked.append(f"error: {error}"))
    page.goto(app.link)
    page.goto(f"http://127.0.0.1:{app.port}/studies/twin/patients")
    return page, asked


def focused(page: Page) -> str:
    return str(
        page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
        )
    )


def test_patients_are_gone_through_by_keys(browser: Browser, running: RunningApp) -> None:
    page, asked = enter(browser, running)
    page.locator("#patients tbody th a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "SYN-02"
    page.keyboard.press("Home")
    assert focused(page) == HOSTILE
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(f"Patient {HOSTILE}")
    # A title stays in the history of the browser: no id stands there.
    assert page.title() == "Patient 1 of 63 · twin · cytopenia"
    expect(page.locator("#explanation dt", has_text="Result").first).to_be_visible()
    # That the reasons are there is told to who listens, and not all of them.
    expect(page.locator("#asked[role=status]")).to_have_text("The reasons stand below.")
    assert page.locator("#explanation[aria-live]").count() == 0
    page.locator("a[rel=next]").click()
    expect(page.locator("h1")).to_have_text("Patient SYN-01")
    origin = f"http://127.0.0.1:{running.port}/"
    assert [one for one in asked if not one.startswith(origin)] == []


def test_a_day_says_what_it_is_by_key_and_by_pointer(browser: Browser, running: RunningApp) -> None:
    page, _ = enter(browser, running)
    page.get_by_role("link", name="SYN-01").click()
    readout = page.locator("#readout")
    expect(readout).to_contain_text("Point at a day")
    page.locator("#timeline .spot[tabindex='0']").focus()
    first = focused(page)
    assert first.startswith("Absolute neutrophil count, day ")
    expect(readout).to_have_text(first)
    page.keyboard.press("ArrowRight")
    second = focused(page)
    assert second != first
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("Platelet count, day ")
    expect(readout).to_have_text(focused(page))
    # One stop of Tab: the next one leaves the figure.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#timeline') === null")
    # Row 23 of the labs file: 0.39 on day 0.
    page.locator("#timeline .spot[aria-label^='Absolute neutrophil count, day 0:']").hover()
    expect(readout).to_have_text("Absolute neutrophil count, day 0: 0.39 ×10⁹/L, measured, row 23")


def test_the_timeline_is_zoomed_by_button_key_and_wheel(browser: Browser, running: RunningApp) -> None:
    page, _ = enter(browser, running)
    page.get_by_role("link", name="SYN-01").click()
    days = page.locator("#timeline svg.days")

    def shown() -> float:
        return float((days.get_attribute("viewBox") or "").split()[2])

    whole = shown()
    page.get_by_role("button", name="Zoom in").click()
    assert shown() == pytest.approx(whole / 1.5)
    page.get_by_role("button", name="All days").click()
    assert shown() == whole
    page.locator("#timeline .spot[tabindex='0']").focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert shown() == pytest.approx(whole / 2.25)
    page.keyboard.press("-")
    page.keyboard.press("0")
    assert shown() == whole
    days.hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function("document.getElementById('timeline').classList.contains('zoomed')")
    assert shown() < whole


def test_a_choice_shows_those_alone(browser: Browser, running: RunningApp) -> None:
    page, _ = enter(browser, running)
    page.select_option("#open", "any")
    page.wait_for_url("**open=any*")
    status = page.get_by_role("status")
    expect(status).to_contain_text("57 of 63 patients")
    page.fill("#search", "syn-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**found=*")
    assert "syn-1" not in page.url.lower()
    expect(page.locator("#patients tbody tr")).to_have_count(9)


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1400), ("dark", 1400), ("light", 390), ("dark", 390)]
)
def test_axe_finds_nothing(browser: Browser, running: RunningApp, scheme: str, width: int) -> None:
    page, _ = enter(browser, running, scheme=scheme, width=width)
    assert list_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.locator("#patients tbody th a").first.click()
    expect(page.locator("#explanation dt").first).to_be_visible()
    page.locator("details summary").first.click()
    assert list_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_page_works_without_scripts(browser: Browser, running: RunningApp) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    page.goto(running.link)
    page.goto(f"http://127.0.0.1:{running.port}/studies/twin/patients")
    page.select_option("#open", "recovery")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("20 of 63 patients")
    page.locator("#patients tbody th a").first.click()
    page.get_by_role("link", name="Read what is behind the grades").click()
    expect(page.locator("dt", has_text="Changed by").first).to_be_visible()
