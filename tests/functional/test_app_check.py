"""The data check as a page of the app: findings, the map of days, what is outdated, the way to a patient."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest

from app_server import RunningApp, Visitor, run_app
from app_study import run_in_app
from study_files import write_study


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app


@pytest.fixture
def visitor(running: RunningApp) -> Visitor:
    return running.visit()


def make_study(running: RunningApp, name: str) -> Path:
    folder = running.folder / name
    folder.mkdir()
    write_study(folder)
    return folder


def check(visitor: Visitor, study: str) -> str:
    reply = visitor.send_form(f"/studies/{study}/check")
    assert (reply.status, reply.headers.get("location")) == (303, f"/studies/{study}/check"), reply.text
    shown = visitor.ask("GET", f"/studies/{study}/check")
    assert shown.status == 200
    return shown.text


def test_a_study_that_was_not_checked_says_so(running: RunningApp, visitor: Visitor) -> None:
    make_study(running, "fresh")
    text = visitor.ask("GET", "/studies/fresh/check").text
    assert "have not been checked since the app was started" in text
    assert visitor.ask("GET", "/studies/fresh/check/page").status == 404


def test_findings_units_and_the_map_stand_on_one_page(running: RunningApp, visitor: Visitor) -> None:
    make_study(running, "plain")
    text = check(visitor, "plain")
    assert re.search(
        r"<h2 id=\"findings\">Findings</h2>\s*<p>0 errors, \d+ warnings?, \d+ notes?\.</p>", text
    )
    assert "Units as they were printed" in text
    assert "Percent of the patient-days at risk with a value, by week" in text
    # A, B and C have a row each; three lineages have a panel each.
    assert text.count('class="panel-title"') == 3
    assert re.findall(r'<text x="4" y="[\d.]+">([^<]+)</text>', text) == ["A", "B", "C"]
    page = visitor.ask("GET", "/studies/plain/check/page")
    assert page.status == 200
    assert '<meta name="generator" content="cytopenia check">' in page.text


def test_a_finding_leads_to_where_it_is_answered(running: RunningApp, visitor: Visitor) -> None:
    folder = make_study(running, "doubtful")
    labs = folder / "labs.csv"
    text = labs.read_text("utf-8").replace("10^9/L", "strange", 1)
    labs.write_text(text, encoding="utf-8")
    page = check(visitor, "doubtful")
    assert "1 warning" in page
    finding = page[page.index("strange") :]
    assert finding.index('href="/studies/doubtful/mapping"') < finding.index("</li>")


def test_a_file_that_changes_makes_the_check_outdated(running: RunningApp, visitor: Visitor) -> None:
    folder = make_study(running, "moved")
    said = "Files of the study were changed after this check"
    assert said not in check(visitor, "moved")
    # The page that the check wrote is no change of the study.
    assert said not in visitor.ask("GET", "/studies/moved/check").text
    assert "Files were changed since" not in visitor.ask("GET", "/studies/moved").text
    (folder / "events.csv").write_text("patient_id,day,kind\nA,199,last_contact\n", encoding="utf-8")
    assert said in visitor.ask("GET", "/studies/moved/check").text
    assert "Files were changed since" in visitor.ask("GET", "/studies/moved").text
    assert said not in check(visitor, "moved")


def test_what_the_analyses_lack_is_told_and_the_data_are_shown(visitor: Visitor) -> None:
    # The study file of a new study asks for baseline values, and nothing says when lymphodepletion began.
    assert visitor.send_form("/studies", name="lacking", kind="empty").status == 303
    labs = b"patient_id,day,analyte,value,unit\nP1,0,ANC,1.5,10^9/L\nP1,5,ANC,0.4,10^9/L\n"
    assert visitor.upload("/studies/lacking/files/labs.csv", labs).status == 201
    page = check(visitor, "lacking")
    assert "A run stops here:" in page
    assert "baseline values need the start of lymphodepletion" in page
    assert 'class="panel-title"' in page
    overview = visitor.ask("GET", "/studies/lacking").text
    assert "A run stops at what the check names: put that right first." in overview
    assert "<strong>A run stops at what it names.</strong>" in overview
    assert "If nothing there needs an answer first" not in overview


def test_open_questions_are_told_with_the_way_to_them(running: RunningApp, visitor: Visitor) -> None:
    folder = make_study(running, "asked")
    text = (folder / "study.toml").read_text("utf-8")
    asked = 'folder = "."\nquestions = ["Which unit has ANC?"]\n\n[data.labs]\nfile = "labs.csv"\n'
    assert text.count('folder = "."\n') == 1
    (folder / "study.toml").write_text(text.replace('folder = "."\n', asked), encoding="utf-8")
    overview = visitor.ask("GET", "/studies/asked").text
    assert "Next: 1 question about the data is open." in overview
    assert '<a class="button" href="/studies/asked/mapping">' in overview
    reply = visitor.send_form("/studies/asked/check")
    assert reply.status == 422
    assert "Which unit has ANC?" in reply.text
    assert '<a href="/studies/asked">To the study</a>' in reply.text
    assert '<a href="/studies/asked/mapping">' in reply.text


def test_rows_of_the_map_lead_to_patients_by_the_secret_word(running: RunningApp, visitor: Visitor) -> None:
    make_study(running, "judged")
    assert "/patients/" not in check(visitor, "judged").partition('class="coverage-map"')[2]
    run_in_app(visitor, "judged")
    drawn = visitor.ask("GET", "/studies/judged/check").text.partition('class="coverage-map"')[2]
    links = re.findall(r'href="(/studies/judged/patients/[0-9a-f]+)" aria-label="([^"]+)"', drawn)
    assert len(links) == 3
    address, label = links[0]
    assert label.startswith("Patient A. Absolute neutrophil count: measured on 8 of ")
    patient = visitor.ask("GET", address)
    assert patient.status == 200
    assert "Patient A" in patient.text
    # The check that was made before the run does not make the run outdated, nor one after it.
    check(visitor, "judged")
    assert "changed after this run" not in visitor.ask("GET", "/studies/judged/patients").text


def test_a_large_cohort_is_drawn_by_groups_and_weeks(running: RunningApp, visitor: Visitor) -> None:
    # Synthetic: 240 invented patients with a count on day 0, every second one on day 10 too.
    rows = [f"P{number},0,ANC,1.5,10^9/L" for number in range(240)]
    rows += [f"P{number},10,ANC,0.5,10^9/L" for number in range(0, 240, 2)]
    folder = make_study(running, "large")
    for file in folder.glob("*.csv"):
        file.unlink()
    (folder / "labs.csv").write_text(
        "\n".join(["patient_id,day,analyte,value,unit", *rows]) + "\n", encoding="utf-8"
    )
    page = check(visitor, "large")
    assert "a row is a group of patients alike in coverage" in page
    labels = re.findall(r'<text x="4" y="[\d.]+">([^<]+)</text>', page)
    assert (len(labels), labels[0], labels[-1]) == (60, "1–4", "237–240")
    assert 'class="mark-share1"' in page


def test_a_check_of_a_study_that_cannot_be_read_is_told(running: RunningApp, visitor: Visitor) -> None:
    folder = make_study(running, "broken")
    (folder / "labs.csv").unlink()
    reply = visitor.send_form("/studies/broken/check")
    assert reply.status == 422
    assert "no labs table was found" in reply.text
