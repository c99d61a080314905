"""Every page of a study whose ids, titles, columns and files mean harm: nothing runs, nothing is logged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from app_attacks import list_addresses, list_dangers, take_snapshot
from app_server import RunningApp, Visitor, run_app
from app_study import rename_patients, run_in_app
from browser import open_browser
from study_files import SECRET, STUDY, write_study

pytestmark = pytest.mark.long

HARM = "window.harm=1;alert(1)"
SCRIPT = f"\"><script>{HARM}</script>'"
IMAGE = f"<img src=http://evil.example/x onerror={HARM}>"
# What no line of the log may hold.
PATIENT = "SECRETPATIENT"
IDS = {
    "A": f"{PATIENT}-1{SCRIPT}",
    "B": "../../etc/passwd\u202e%00%2e%2e/",
    "C": f"{IMAGE}{{{{7*7}}}}" + "y" * 150,
}
EXPORT = (
    f'Pat.-Nr.,Infusion,Abnahme,"Neutros (G/L){IMAGE}",javascript:alert(1)\n'
    f'"{PATIENT}-2<svg onload={HARM}>",2024-01-10,2024-01-12,{SECRET},1\n'
)
# The pages of a study named "broken", a score, and the reading of a study with a file FAIL.txt have defects
# whose texts hold what may not be told.
DEFECTS = f"""
import cytopenia.app.api as api, cytopenia.app.study_cache as cache
from cytopenia.app.workspace import StudyFolder
def fail(*arguments, **named):
    raise ValueError("{PATIENT}-3 has {SECRET}", arguments, named)
read, load = StudyFolder.read_protocol, cache._load
StudyFolder.read_protocol = lambda self: fail() if self.name == "broken" else read(self)
cache._load = lambda folder: fail() if (folder / "FAIL.txt").exists() else load(folder)
api.record_score = fail
"""


@dataclass
class Seen:
    """What a browser has met: dialogs, complaints of the policy, addresses that are not ours."""

    here: str
    bad: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("dialog", lambda dialog: (self.bad.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("console", self.note_console)
        page.on("request", self.note_request)
        page.on("pageerror", lambda error: self.bad.append(str(error)))

    def note_console(self, said: ConsoleMessage) -> None:
        if said.type == "error" and "Failed to load resource" not in said.text:
            self.bad.append(f"{said.text} at {said.location.get('url')}")

    def note_request(self, request: Request) -> None:
        if not request.url.startswith((self.here, "data:", "blob:", "about:")):
            self.bad.append(f"asked {request.url}")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    folder = tmp_path_factory.mktemp("studies")
    study = write_study(folder / "small")
    rename_patients(study, IDS)
    site = f'"{SCRIPT.replace(chr(34), chr(34) * 2)}"'
    rows = (study / "patients.csv").read_text("utf-8").splitlines()
    rows = [f"{row},{end}" for row, end in zip(rows, ["site", site, "b", site], strict=True)]
    (study / "patients.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    with (study / "labs.csv").open("a", encoding="utf-8") as labs:
        labs.write(f"../../etc/passwd\u202e%00%2e%2e/,3,{IMAGE},7,{IMAGE},\n")
    title = json.dumps(f"Three {SCRIPT}")
    text = STUDY.replace('"Three invented patients"', title).replace(
        '"age_years", "sex"', '"age_years", "site"'
    )
    text = text.replace("[outcomes.neutropenia]", f"[outcomes.neutropenia]\ntitle = {json.dumps(IMAGE)}")
    (study / "study.toml").write_text(text, encoding="utf-8")
    (study / f"{IMAGE.replace('/', '')}.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    foreign = folder / f"x{SCRIPT.replace('/', '')}"
    foreign.mkdir()
    (foreign / "study.toml").write_text(STUDY, encoding="utf-8")
    (foreign / "export.csv").write_text(EXPORT, encoding="utf-8")
    write_study(folder / "broken")
    with run_app(folder, before=DEFECTS) as app:
        run_in_app(app.visit(), "small")
        yield app
    said = "".join(app.said)
    assert len(re.findall(r"defect [0-9a-f]{8}: ValueError at fail:\d+ < ", said)) >= 3
    assert PATIENT not in said
    assert SECRET not in said
    assert "Traceback" not in said
    assert "evil" not in said


@pytest.fixture
def browser(find_program: Callable[[str], str]) -> Generator[Browser]:
    with open_browser(find_program("chromium")) as opened:
        yield opened


def list_patients(visitor: Visitor) -> list[str]:
    page = visitor.ask("GET", "/studies/small/patients").text
    return sorted(set(re.findall(r"/studies/small/patients/([\w-]{8,})", page)))


def list_tour(visitor: Visitor, app: RunningApp) -> list[str]:
    """Every address that is read, with every patient and every file of the results."""
    found = [path for method, path in list_addresses("small") if method == "GET" and path != "/enter"]
    patients = list_patients(visitor)
    assert len(patients) == 3
    found += [
        f"/studies/small/patients/{key}{more}" for key in patients for more in ("", "/explained", "/page")
    ]
    results = app.folder / "small" / "results"
    files = sorted(item.relative_to(results).as_posix() for item in results.rglob("*") if item.is_file())
    found += [f"/studies/small/results/{quote(name)}" for name in files]
    others = [item.name for item in app.folder.iterdir() if item.name.startswith("x")]
    return [*found, *(f"/studies/{quote(name)}" for name in others)]


def test_no_page_opens_a_dialog_or_asks_another_machine(running: RunningApp, browser: Browser) -> None:
    visitor = running.visit()
    assert visitor.send_form("/studies/small/check").status == 303
    here = running.link.partition("/enter")[0]
    seen = Seen(here)
    page = browser.new_context().new_page()
    seen.watch(page)
    page.goto(running.link)
    shown = 0
    for path in list_tour(visitor, running):
        reply = visitor.ask("HEAD", path)
        assert reply.status < 500, path
        kind = reply.headers
        if kind.get("content-type", "").startswith(("text/html", "image/svg")) and (
            "content-disposition" not in kind
        ):
            page.goto(f"{here}{path}")
            assert page.evaluate("typeof window.harm") == "undefined", path
            shown += 1
    assert shown >= 30
    assert seen.bad == []


def test_forms_that_bring_harm_show_it_as_text(running: RunningApp, browser: Browser) -> None:
    here = running.link.partition("/enter")[0]
    seen = Seen(here)
    page = browser.new_context().new_page()
    seen.watch(page)
    page.goto(running.link)
    (foreign,) = [item.name for item in running.folder.iterdir() if item.name.startswith("x")]
    page.get_by_role("link", name=foreign, exact=True).first.click()
    page.get_by_role("button", name="Propose how these files are read").click()
    expect(page.get_by_role("main")).to_contain_text(IMAGE)
    page.goto(f"{here}/studies/small/patients")
    page.locator("#search").fill(SCRIPT)
    page.locator("#search").press("Enter")
    expect(page.locator("#search")).to_have_value(SCRIPT)
    page.goto(f"{here}/studies/small")
    page.locator("textarea").first.fill(f"{SCRIPT}</textarea>{IMAGE}")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("textbox", name="What you typed")).to_have_value(f"{SCRIPT}</textarea>{IMAGE}")
    for address, box in (("easix", "value_ldh"), ("car_hematotox", "value_crp"), ("icaht", "list_anc")):
        page.goto(f"{here}/calculators/{address}")
        page.locator(f"[name={box}]").fill(f"1;{IMAGE}")
        page.locator(f"[name={box}]").press("Tab")
        page.locator("main button:not([type=button])").first.click()
        page.wait_for_load_state()
    assert page.evaluate("typeof window.harm") == "undefined"
    assert seen.bad == []


def test_no_page_and_no_defect_writes_a_patient_to_the_log(running: RunningApp) -> None:
    """What the log says is looked at when the app has ended."""
    visitor = running.visit()
    for path in list_tour(visitor, running):
        reply = visitor.ask("GET", path)
        assert reply.status < 500, path
        if (
            reply.headers.get("content-type", "").startswith("text/html")
            and "sandbox" not in (reply.headers["content-security-policy"])
        ):
            assert list_dangers(reply.text) == [], path
    values = {"ldh": {"value": SECRET, "unit": "U/L"}}
    word = {"X-CSRF-Token": visitor.csrf, "Content-Type": "application/json"}
    bodies = [json.dumps({"values": values}), json.dumps({"values": {PATIENT: SECRET}}), f"{{{PATIENT}"]
    statuses = [visitor.ask("POST", "/api/score/easix", body=body, headers=word).status for body in bodies]
    assert statuses == [500, 422, 422]
    reply = visitor.ask("GET", "/studies/broken")
    assert (reply.status, PATIENT in reply.text, SECRET in reply.text) == (500, False, False)
    assert "Its number in the log is" in reply.text
    visitor.send_form("/studies/small/patients/search", search=PATIENT)
    visitor.ask("GET", f"/studies/{PATIENT}?{SECRET}")
    visitor.ask("GET", f"/nowhere/{PATIENT}")
    visitor.upload(f"/studies/small/files/{PATIENT}.exe", SECRET.encode())


def test_a_defect_beside_a_page_is_logged_without_its_text(running: RunningApp) -> None:
    """Tables are read ahead while the page of the cohort is shown; what fails there is no page."""
    visitor, before = running.visit(), take_snapshot(running.folder)
    key = list_patients(visitor)[0]
    mark = running.folder / "small" / "FAIL.txt"
    mark.write_text("x", encoding="utf-8")
    try:
        assert visitor.ask("GET", "/studies/small/patients").status == 200
        reply = visitor.ask("GET", f"/studies/small/patients/{key}")
        assert (reply.status, PATIENT in reply.text) == (500, False)
    finally:
        mark.unlink()
    assert take_snapshot(running.folder) == before


def test_no_file_of_results_holds_markup_that_a_page_would_run(running: RunningApp) -> None:
    results = running.folder / "small" / "results"
    for file in [results / "report.html", *results.rglob("*.svg")]:
        text = file.read_text("utf-8")
        assert "<script" not in text.lower(), file.name
        assert not re.search(r"<[^>]*\son\w+\s*=", re.sub(r'"[^"]*"', '""', text)), file.name


def test_the_folder_of_results_has_no_name_from_the_data(running: RunningApp) -> None:
    assert not (Path(running.folder).parent / "etc").exists()
    names = [item.name for item in (running.folder / "small" / "results").rglob("*")]
    assert not any("<" in name or ".." in name or PATIENT in name for name in names)
