"""The small study as a REDCap project gives the same patients, to the byte, from a file and from a server."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from quick_reports import finish_run
from redcap_stub import TOKEN, RedcapStub, run_stub
from study_files import COUNTS, EVENTS, INFUSIONS, PATIENTS, SUPPORT, change, write_study

pytestmark = pytest.mark.usefixtures("tables_alone")

VARIABLE = "CYTOPENIA_TEST_REDCAP"
FIELDS = [
    # name, instrument, type, label, choices, validation
    ("record_id", "patient", "text", "Record ID", "", ""),
    ("age", "patient", "text", "Age", "", "integer"),
    ("sex", "patient", "radio", "Sex", "f, female | m, male", ""),
    ("inf_date", "patient", "text", "Date of infusion", "", "date_dmy"),
    ("ld_day", "patient", "text", "First day of lymphodepletion", "", "integer"),
    ("end_day", "patient", "text", "Last day", "", "integer"),
    ("end_kind", "patient", "radio", "What happened then", "1, Died | 0, Last seen", ""),
    ("cbc_day", "cbc", "text", "Day", "", "integer"),
    ("anc", "cbc", "text", "ANC", "", "number"),
    ("hb", "cbc", "text", "Hemoglobin (g/L)", "", "number"),
    ("plt", "cbc", "text", "Platelets", "", "number"),
    ("s_kind", "support", "dropdown", "Given", "1, G-CSF | 2, Platelets", ""),
    ("s_start", "support", "text", "From day", "", "integer"),
    ("s_stop", "support", "text", "To day", "", "integer"),
    ("s_agent", "support", "text", "Drug", "", ""),
]
KEYS = ("redcap_repeat_instrument", "redcap_repeat_instance")
MAPPING = """folder = "."
[data.labs.lln]
anc = { value = 2.0, unit = "10^9/L" }
hemoglobin = { value = 120, unit = "g/L" }
platelets = { value = 150, unit = "10^9/L" }
[data.redcap]
WHERE
[data.redcap.patients]
fields = { age_years = "age", sex = "sex" }
[data.redcap.infusions]
date = "inf_date"
lymphodepletion_day = "ld_day"
[data.redcap.events]
day = "end_day"
kind_field = "end_kind"
kinds = { Died = "death", "0" = "last_contact" }
[data.redcap.support]
start = "s_start"
stop = "s_stop"
agent = "s_agent"
kind_field = "s_kind"
kinds = { "G-CSF" = "gcsf", Platelets = "platelet_transfusion" }
[data.redcap.labs]
day = "cbc_day"
[data.redcap.labs.fields]
anc = { analyte = "anc", unit = "10^9/L" }
hb = { analyte = "hemoglobin", unit_from = "label" }
plt = { analyte = "platelets", unit = "10^9/L" }
"""


def list_metadata() -> list[dict[str, str]]:
    names = ("field_name", "form_name", "field_type", "field_label", "select_choices_or_calculations")
    keys = (*names, "text_validation_type_or_show_slider_number")
    return [dict(zip(keys, field, strict=True)) for field in FIELDS]


def list_records() -> list[dict[str, str]]:
    """The raw export of the study: one row a patient, then one a draw and one a course of support."""
    tables = {
        name: list(csv.DictReader(io.StringIO(text)))
        for name, text in {"p": PATIENTS, "i": INFUSIONS, "e": EVENTS, "s": SUPPORT}.items()
    }
    rows: list[dict[str, str]] = []
    for patient, infusion, event in zip(tables["p"], tables["i"], tables["e"], strict=True):
        who = patient["patient_id"]
        first = {"record_id": who, "age": patient["age_years"], "sex": patient["sex"][0]}
        first |= {"inf_date": infusion["infusion_date"], "ld_day": infusion["lymphodepletion_day"]}
        first |= {"end_day": event["day"], "end_kind": "1" if event["kind"] == "death" else "0"}
        rows.append({**first, "patient_complete": "2"})
        draws = [(day, counts) for (own, day), counts in COUNTS.items() if own == who]
        for place, (day, (anc, hb, plt)) in enumerate(draws, start=1):
            counts = {"cbc_day": str(day), "anc": f"{anc:g}", "hb": f"{hb:g}", "plt": f"{plt:g}"}
            rows.append({"record_id": who, KEYS[0]: "cbc", KEYS[1]: str(place), **counts})
        courses = [course for course in tables["s"] if course["patient_id"] == who]
        for place, course in enumerate(courses, start=1):
            kind = {"gcsf": "1", "platelet_transfusion": "2"}[course["kind"]]
            given = {"s_kind": kind, "s_start": course["start"], "s_stop": course["stop"]}
            rows.append(
                {
                    "record_id": who,
                    KEYS[0]: "support",
                    KEYS[1]: str(place),
                    **given,
                    "s_agent": course["agent"],
                }
            )
    forms = [f"{form}_complete" for form in ("patient", "cbc", "support")]
    columns = ["record_id", *KEYS, *(field[0] for field in FIELDS[1:]), *forms]
    return [{name: row.get(name, "") for name in columns} for row in rows]


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def become_project(study: Path, where: str) -> None:
    for table in study.glob("*.csv"):
        table.unlink()
    change(study / "study.toml", 'folder = "."\n', MAPPING.replace("WHERE", where))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    results = finish_run(write_study(tmp_path_factory.mktemp("redcap") / "cohort"))
    return (results / "patients.csv").read_bytes()


@pytest.fixture
def stub() -> Iterator[RedcapStub]:
    pytest.importorskip("redcap", reason="PyCap is not installed")
    with run_stub() as server:
        server.longitudinal = 0
        server.metadata, server.rows = list_metadata(), list_records()
        yield server


def test_a_run_from_an_export(expected: bytes, command, study: Path) -> None:
    become_project(study, 'records = "data.csv"\ndictionary = "dictionary.csv"')
    write_csv(study / "data.csv", list_records())
    write_csv(study / "dictionary.csv", list_metadata())
    assert command("run", study).code == 0
    assert (study / "results" / "patients.csv").read_bytes() == expected


def test_a_run_from_a_server_leaves_no_token(
    expected: bytes, command, study: Path, stub: RedcapStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    become_project(study, f'url = "{stub.url}"\ntoken_env = "{VARIABLE}"')
    answer = command("run", study)
    assert answer.code == 0
    assert (study / "results" / "patients.csv").read_bytes() == expected
    written = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    assert [path.name for path, content in written.items() if TOKEN.encode() in content] == []
    assert TOKEN not in answer.out + answer.err
    assert b"3 records with 18 fields were fetched" in written[study / "results" / "findings.csv"]


def test_a_server_that_fails_leaves_the_results_as_they_were(
    command, study: Path, stub: RedcapStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    become_project(study, f'url = "{stub.url}"\ntoken_env = "{VARIABLE}"')
    assert command("run", study).code == 0
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    stub.faults = ["", "", "", "", "drop", "drop"]
    answer = command("run", study)
    assert answer.code == 14
    assert "the connection was refused or broke off while records was read, twice" in answer.err
    assert TOKEN not in answer.err
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before
