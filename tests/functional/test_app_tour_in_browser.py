"""The app as people meet it: the whole path; each page in light, dark, on a phone, and by keys alone."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect

from app_server import RunningApp, run_app
from app_study import run_in_app
from app_tour import (
    RUN_MILLISECONDS,
    SCORE_VALUES,
    STOPS,
    Stop,
    at,
    enter_app,
    list_faults,
    walk_by_keys,
    write_studies,
)
from browser import open_browser

pytestmark = pytest.mark.long
PASSWORD = "a word of the tests"
ANSWER = "3 to 5 of 7 points, risk group high (whatever the open items are)"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    folder = tmp_path_factory.mktemp("studies")
    write_studies(folder)
    with run_app(folder) as app:
        visitor = app.visit()
        visitor.send_form("/studies", kind="demo")
        run_in_app(visitor, "demo")
        yield app


@pytest.fixture(scope="module")
def browser(find_program: Callable[[str], str]) -> Generator[Browser]:
    with open_browser(find_program("chromium")) as opened:
        yield opened


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_every_page_is_in_order(browser: Browser, running: RunningApp, scheme: str, width: int) -> None:
    faults: list[str] = []
    with enter_app(browser, running.link, scheme=scheme, width=width) as visit:
        for stop in STOPS:
            stop.go(visit.page, visit.here)
            faults += [f"{stop.name}: {fault}" for fault in list_faults(visit.page, stop)]
    assert faults == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_door_is_in_order(browser: Browser, tmp_path: Path, scheme: str, width: int) -> None:
    door = Stop("door", at("/enter"))
    with (
        run_app(tmp_path, CYTOPENIA_APP_PASSWORD=PASSWORD) as app,
        enter_app(browser, app.link, scheme=scheme, width=width, calm=True) as visit,
    ):
        page = visit.page
        faults = [*list_faults(page, door), *walk_by_keys(page)]
        page.get_by_label("Password").fill("not this one")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("That is not the password.")
        faults += list_faults(page, door)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Close this session").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("The session is closed")
        faults += [*list_faults(page, door), *walk_by_keys(page)]
    assert faults == []


def test_every_page_is_gone_through_by_keys_alone(browser: Browser, running: RunningApp) -> None:
    faults: list[str] = []
    with enter_app(browser, running.link, calm=True) as visit:
        for stop in STOPS:
            if stop.is_framed:
                stop.go(visit.page, visit.here)
                faults += [f"{stop.name}: {fault}" for fault in walk_by_keys(visit.page)]
        assert visit.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert faults == []


def test_the_whole_path(browser: Browser, tmp_path: Path) -> None:
    with run_app(tmp_path) as app, enter_app(browser, app.link) as visit:
        page = visit.page
        expect(page.get_by_text("There is no study here yet.")).to_be_visible()
        page.get_by_role("button", name="Open the demonstration").click()
        expect(page.locator("#next")).to_contain_text("Next: check the data")
        page.get_by_role("button", name="Check the data").click()
        expect(page.get_by_role("heading", name="Which days were measured")).to_be_visible()
        page.get_by_role("link", name="All of it on one page").click()
        expect(page.get_by_role("heading", name="What to answer first")).to_be_visible()
        page.go_back()
        page.get_by_role("link", name="demo: Overview").click()
        expect(page.locator("#next")).to_contain_text("The data were checked.")
        run_and_watch(page)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download everything").click()
        look_into(download.value.path().read_bytes())
        page.get_by_role("link", name="Read the report").click()
        expect(page.get_by_text("Synthetic data: no patient").first).to_be_visible()
        page.go_back()
        page.get_by_role("link", name="Look at the patients").click()
        expect(page.locator(".note")).to_have_count(0)
        look_at_patients(page)
        page.get_by_role("link", name="Calculators").click()
        page.get_by_role("link", name="CAR-HEMATOTOX").click()
        for name, value in SCORE_VALUES.items():
            page.locator(f"[name=value_{name}]").press_sequentially(value)
        expect(page.locator("#result .answer")).to_have_text(ANSWER)
        expect(page.locator("#said[role=status]")).to_have_text(ANSWER)
        page.get_by_role("button", name="Close this session").click()
        expect(page.get_by_role("heading", name="The session is closed")).to_be_visible()
        page.goto(f"{visit.here}/studies/demo")
        expect(page.get_by_role("alert")).to_contain_text("opens with the link")


def run_and_watch(page: Page) -> None:
    """Run the study on the page that shows it; what it says meanwhile changes in place."""
    page.get_by_role("button", name="Run the study").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.evaluate(
        "() => { window.told = []; new MutationObserver(() => window.told.push("
        "document.getElementById('job-words').textContent)).observe("
        "document.getElementById('job-words'), { childList: true }); }"
    )
    expect(page.get_by_role("link", name="Read the report")).to_be_visible(timeout=RUN_MILLISECONDS)
    expect(page.locator("#job-words[role=status]")).to_contain_text("Finished in")
    told = page.evaluate("window.told")
    assert len(set(told)) >= 2, told
    assert "Finished in" in told[-1]
    expect(page.locator("#next")).to_contain_text("The results are complete.")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(page.get_by_role("button", name="Run the study")).to_be_enabled()


def look_into(packed: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        sizes = {item.filename: item.file_size for item in archive.infolist()}
    wanted = ("report.html", "report.docx", "tables.xlsx", "results.csv", "patients.csv", "methods.md")
    assert [name for name in wanted if not sizes.get(name)] == []


def look_at_patients(page: Page) -> None:
    # A choice made before the script of the page has come waits for the button "Show".
    page.wait_for_url("**/studies/demo/patients")
    page.select_option("#open", "recovery")
    page.wait_for_url("**open=recovery*")
    # Of the 63 invented patients 20 have a recovery that missing days leave open, as the report says.
    expect(page.get_by_role("status")).to_contain_text("20 of 63 patients.")
    page.locator("#patients tbody th a").first.click()
    expect(page.get_by_text("Patient 1 of the 20 chosen")).to_be_visible()
    expect(page.locator("#explanation dt", has_text="Result").first).to_be_visible()
    page.get_by_role("link", name="Hematologic recovery at day 28").click()
    assert page.url.endswith("#reason-8")
    expect(page.locator("#reason-8")).to_be_in_viewport()
    page.get_by_role("link", name="One page for printing").click()
    expect(page.get_by_text("For research.")).to_have_count(1)
    page.go_back()


def test_a_calculator_tells_the_answer_alone(browser: Browser, running: RunningApp) -> None:
    with enter_app(browser, running.link) as visit:
        page = visit.page
        page.goto(f"{visit.here}/calculators/car_hematotox")
        assert page.locator("#result[aria-live]").count() == 0
        page.locator("[name=value_crp]").fill("high")
        expect(page.get_by_role("alert")).to_contain_text("crp has no number")
        expect(page.locator("#said")).to_have_text("")
        page.locator("[name=value_crp]").fill("4.2")
        expect(page.locator("#said")).to_have_text("1 to 7 of 7 points, risk group open: low or high")


def test_what_is_folded_away_is_opened_by_key(browser: Browser, running: RunningApp) -> None:
    with enter_app(browser, running.link) as visit:
        page = visit.page
        page.goto(f"{visit.here}/studies/demo/patients")
        page.locator("#patients tbody th a", has_text="SYN-16").press("Enter")
        table = page.locator(".by-day")
        expect(table).to_be_hidden()
        page.get_by_text("The same as a table").press("Enter")
        # Row 2386 of the labs file: 0.09 on day 3.
        row = table.locator("tr", has=page.locator("th", has_text=re.compile("^3$")))
        expect(row).to_contain_text("0.09 ×10⁹/L, measured, row 2386")


def pinch(page: Page, *, apart: float, to: float) -> None:
    """Two fingers on the days of the first count, moved from one distance to another."""
    box = page.locator("#timeline svg.days").bounding_box()
    assert box is not None
    middle, high = box["x"] + box["width"] / 2, box["y"] + 80
    touch: Any = page.context.new_cdp_session(page)

    def send(kind: str, distance: float | None) -> None:
        places = [] if distance is None else [middle - distance / 2, middle + distance / 2]
        points = [{"x": x, "y": high, "id": finger} for finger, x in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", apart)
    for share in range(1, 6):
        send("touchMove", apart + (to - apart) * share / 5)
    send("touchEnd", None)


def test_two_fingers_zoom_the_days(browser: Browser, running: RunningApp) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)
    page = context.new_page()
    page.goto(running.link)
    page.goto(f"http://127.0.0.1:{running.port}/studies/demo/patients")
    page.locator("#patients tbody th a").first.click()
    days = page.locator("#timeline svg.days")
    days.scroll_into_view_if_needed()
    whole = float((days.get_attribute("viewBox") or "").split()[2])
    pinch(page, apart=100, to=200)
    assert float((days.get_attribute("viewBox") or "").split()[2]) == pytest.approx(whole / 2, rel=0.02)
    pinch(page, apart=300, to=60)
    assert float((days.get_attribute("viewBox") or "").split()[2]) == whole
    context.close()


def test_forced_colors_keep_what_is_told_by_color(browser: Browser, running: RunningApp) -> None:
    with enter_app(browser, running.link) as visit:
        page = visit.page
        page.emulate_media(forced_colors="active")
        page.goto(f"{visit.here}/studies/demo/patients")
        edge = "one => getComputedStyle(one).borderLeftWidth"
        assert page.locator("#patients td.open").first.evaluate(edge) == "4px"
        grades = "parts => parts.map((part) => getComputedStyle(part).backgroundColor)"
        first = page.locator(".mix").first.locator(".swatch").evaluate_all(grades)
        assert len(first) == len(set(first)) == 5
        words = "one => getComputedStyle(one).fill"
        dark, light = (page.locator(f".bars .grade{grade} text").first.evaluate(words) for grade in (4, 0))
        assert (dark, light) == ("rgb(255, 255, 255)", "rgb(28, 36, 48)")


def contrast(one: Any, other: Any) -> float:
    """The contrast of two colors as WCAG 2.2 defines it, of red, green and blue from 0 to 255."""

    def shine(color: Any) -> float:
        parts = [part / 255 for part in color]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((shine(one), shine(other)))
    return (high + 0.05) / (low + 0.05)


# The kinds of day differ by shape; here, that each shape can be seen on the ground of its theme.
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_of_the_timeline_stand_out(browser: Browser, running: RunningApp, scheme: str) -> None:
    with enter_app(browser, running.link, scheme=scheme) as visit:
        page = visit.page
        page.goto(f"{visit.here}/studies/demo/patients")
        page.locator("#patients tbody th a", has_text="SYN-16").click()

        def color(selector: str, part: str) -> list[float]:
            look = page.locator(selector).first.evaluate(f"one => getComputedStyle(one).{part}")
            return [float(number) for number in look[look.index("(") + 1 : -1].split(",")[:3]]

        ground = color("body", "backgroundColor")
        marks = [(".solid", "fill"), (".hollow", "stroke"), (".between", "stroke"), (".cut", "stroke")]
        drawn = {name: contrast(ground, color(f"#timeline {name}", part)) for name, part in marks}
        drawn["grade 4"] = contrast(ground, color("#timeline .grade4 .filled", "stroke"))
        assert {name: found for name, found in drawn.items() if found < 3} == {}
