"""FHIR resources become the six tables; resources written by hand, expected rows typed by hand."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.fhir_factory import (
    INFUSED,
    administration,
    concept,
    infusion,
    observation,
    patient,
    quantity,
    write_export,
    write_lines,
)

from cytopenia.contract import Tables
from cytopenia.errors import ProtocolError, ReaderError
from cytopenia.readers.fhir_files import BrokenLines, stream_resources
from cytopenia.readers.fhir_labs import LabCollector
from cytopenia.readers.mapping import DataSection, FhirMapping, read_mapping
from cytopenia.readers.sources import read_tables

FOUND = (folder / "shared" / "data" / "fhir_us_core" for folder in Path(__file__).parents)
SAMPLES = next((folder for folder in FOUND if folder.is_dir()), None)
ATC = "http://www.whocc.no/atc"


def section_of(codes: dict[str, str] | None = None, **keys: Any) -> DataSection:
    return DataSection.model_validate({"fhir": {"codes": {INFUSED: "infusion"} | (codes or {})}, **keys})


def read(folder: Path, *resources: dict[str, Any] | str, codes: dict[str, str] | None = None) -> Tables:
    return read_tables(write_export(folder, infusion(), *resources), section_of(codes))


def labs_of(tables: Tables) -> list[tuple[Any, ...]]:
    return tables.labs.select("patient_id", "day", "analyte", "comparator", "value", "unit", "invalid").rows()


def messages(tables: Tables, rule: str) -> str:
    return " ".join(tables.findings.filter(pl.col("rule") == rule)["message"])


def test_values_by_loinc_and_ucum(tmp_path: Path) -> None:
    tables = read(
        tmp_path,
        observation("751-8", 0.35, "10*3/uL"),
        observation("718-7", 7.9, "g/dL"),
        observation("777-3", 19000, "{cells}/uL", effectiveDateTime="2024-01-09T23:50:00-05:00"),
    )
    assert labs_of(tables) == [
        ("p1", 2, "anc", "=", 0.35, "1e9/L", None),
        ("p1", 2, "hemoglobin", "=", 79.0, "g/L", None),
        ("p1", -1, "platelets", "=", 19.0, "1e9/L", None),
    ]
    assert tables.labs["minute"].to_list() == [None, None, 23 * 60 + 50]
    assert tables.labs["source_row"].to_list() == [1, 2, 3]


def test_the_code_counts_and_not_the_name(tmp_path: Path) -> None:
    named = observation("2951-2", 140, "mmol/L", code=concept("2951-2", display="Sodium"))
    misnamed = observation("718-7", 80, "g/L", code=concept("718-7", display="Platelets"))
    assert [row[2] for row in labs_of(read(tmp_path, named, misnamed))] == ["hemoglobin"]


def test_a_number_keeps_its_digits(tmp_path: Path) -> None:
    """1.234 is no text in which a point may group thousands."""
    line = json.dumps(observation("2276-4", 0, "ng/mL")).replace('"value": 0', '"value": 1.234')
    tables = read(tmp_path, line)
    assert labs_of(tables) == [("p1", 2, "ferritin", "=", 1.234, "ug/L", None)]


def test_comparators(tmp_path: Path) -> None:
    low = observation("751-8", None, "", valueQuantity=quantity(0.1, "10*9/L", comparator="<"))
    odd = observation("777-3", None, "", valueQuantity=quantity(5, "10*9/L", comparator="ad"))
    assert labs_of(read(tmp_path, low, odd)) == [
        ("p1", 2, "anc", "<", 0.1, "1e9/L", None),
        ("p1", 2, "platelets", "=", None, "1e9/L", "comparator ad"),
    ]


def test_components_of_a_panel(tmp_path: Path) -> None:
    panel = observation(
        "58410-2",
        None,
        "",
        code=concept("58410-2", display="CBC panel with platelets"),
        component=[
            {"code": concept("6690-2"), "valueQuantity": quantity(2.5, "10*9/L")},
            {"code": concept("777-3"), "valueQuantity": quantity(40, "10*9/L")},
        ],
    )
    tables = read(tmp_path, panel)
    assert [row[2:5] for row in labs_of(tables)] == [("wbc", "=", 2.5), ("platelets", "=", 40.0)]
    assert messages(tables, "code_unlisted") == ""


def test_a_value_that_is_absent_is_missing_with_its_reason(tmp_path: Path) -> None:
    absent = observation("751-8", None, "", dataAbsentReason=concept("not-performed", system="x"))
    cancelled = observation("777-3", None, "", status="cancelled")
    coded = observation("718-7", None, "", valueCodeableConcept=concept("clotted", system="x"))
    rows = labs_of(read(tmp_path, absent, cancelled, coded))
    assert [(row[2], row[4], row[6]) for row in rows] == [
        ("anc", None, "no value: not-performed"),
        ("platelets", None, "cancelled"),
        ("hemoglobin", None, "valueCodeableConcept is no number"),
    ]


def test_an_entry_in_error_without_a_place_is_the_newest(tmp_path: Path) -> None:
    """One system states versions, the other only that the resource is void: the value must not stay."""
    meta = {"meta": {"versionId": "3"}}
    void: dict[str, Any] = {"status": "entered-in-error"}
    tables = read(
        tmp_path,
        observation("751-8", 0.1, "10*9/L", id="a", **meta),
        observation("751-8", 0.1, "10*9/L", id="a", **void),
        observation("751-8", 0.2, "10*9/L", id="b", **void),
        observation("751-8", 0.2, "10*9/L", id="b", **meta),
        observation("751-8", 0.3, "10*9/L", id="c", **meta),
        infusion("p1", "2024-01-10", **meta),
        infusion("p2", "2024-01-10", **meta),
        infusion("p2", "2024-01-10", **void),
    )
    assert [row[4] for row in labs_of(tables)] == [0.3]
    assert tables.infusions["patient_id"].to_list() == ["p1"]


def test_who_is_no_patient_is_left_out(tmp_path: Path) -> None:
    """Numbers of devices and groups may be those of patients: a control of device p1 is no value of p1."""
    of_patient = {"subject": {"reference": "https://example.org/fhir/Patient/p1"}}
    tables = read(
        tmp_path,
        observation("751-8", 0.3, "10*9/L", **of_patient),
        observation("751-8", 9.9, "10*9/L", subject={"reference": "Device/p1"}),
        observation("751-8", 9.8, "10*9/L", subject={"reference": "https://example.org/fhir/Group/p1"}),
    )
    assert [row[4] for row in labs_of(tables)] == [0.3]
    assert "2 observations are of a group, a device or a place" in messages(tables, "code_left_out")


def test_the_newest_version_counts(tmp_path: Path) -> None:
    def version(name: str, value: float, status: str, **meta: str) -> dict[str, Any]:
        return observation("751-8", value, "10*9/L", id=name, status=status, meta=meta)

    tables = read(
        tmp_path,
        version("a", 0.1, "amended"),
        version("a", 0.2, "final"),
        version("b", 0.3, "final", versionId="10"),
        version("b", 0.4, "final", versionId="9"),
        version("c", 0.5, "final", lastUpdated="2024-01-13T01:00:00+01:00"),
        version("c", 0.6, "final", lastUpdated="2024-01-13T00:30:00Z"),
        version("d", 0.7, "final"),
        version("d", 0.7, "entered-in-error"),
        version("e", 0.8, "preliminary"),
    )
    assert [row[4] for row in labs_of(tables)] == [0.1, 0.3, 0.6, 0.8]
    assert "in 4 of 9 rows (rows 2, 4, 5, 7)" in messages(tables, "older_version")
    assert "in 1 of 9 rows (row 8)" in messages(tables, "entered_in_error")
    assert "in 1 of 9 rows (row 9)" in messages(tables, "preliminary")


def test_a_value_corrected_to_another_test_is_no_count(tmp_path: Path) -> None:
    first = observation("751-8", 0.1, "10*9/L", id="a")
    second = observation("2951-2", 140, "mmol/L", id="a", status="corrected")
    tables = read(tmp_path, first, second, observation("777-3", 9, "10*9/L"))
    assert [row[2] for row in labs_of(tables)] == ["platelets"]


def test_one_id_of_two_patients_is_said(tmp_path: Path) -> None:
    first = observation("751-8", 0.1, "10*9/L", id="a")
    second = first | {"subject": {"reference": "Patient/p2"}}
    assert "rows 1, 2" in messages(read(tmp_path, first, second), "id_of_two_patients")


def test_times_in_utc_are_said(tmp_path: Path) -> None:
    drawn = observation("751-8", 0.1, "10*9/L", effectiveDateTime="2024-01-12T23:30:00Z")
    assert "the time is in UTC in 1 of 1 row (row 1)" in messages(read(tmp_path, drawn), "time_in_utc")


def test_what_is_near_to_ours_is_kept_apart(tmp_path: Path) -> None:
    tables = read(tmp_path, observation("30313-1", 8.1, "g/dL"), observation("718-7", 8.4, "g/dL"))
    assert [row[2:5] for row in labs_of(tables)] == [("hemoglobin", "=", 84.0)]
    expected = "code http://loinc.org|30313-1 is near to hemoglobin (arterial blood; as blood-gas analyzers"
    assert expected in messages(tables, "code_apart")


def test_an_unlisted_code_that_looks_like_a_count(tmp_path: Path) -> None:
    local = concept("NEU", system="urn:lab", display="Neutrophils")
    sodium = concept("NA", system="urn:lab", display="Sodium")
    resources = [
        observation("", 0.4, "10*9/L", code=local),
        observation("", 140, "mmol/L", code=sodium),
        observation("777-3", 50, "10*9/L"),
    ]
    tables = read(tmp_path / "plain", *resources)
    assert "code urn:lab|NEU looks like a blood count (1 value)" in messages(tables, "code_unlisted")
    assert "1 value of 1 other codes" in messages(tables, "code_left_out")
    tables = read(tmp_path / "mapped", *resources, codes={"urn:lab|NEU": "anc", "urn:lab|NA": "ignore"})
    assert [row[2:5] for row in labs_of(tables)] == [("anc", "=", 0.4), ("platelets", "=", 50.0)]
    assert messages(tables, "code_unlisted") + messages(tables, "code_left_out") == ""


def test_codes_that_disagree_are_not_used(tmp_path: Path) -> None:
    both = {"coding": [*concept("751-8")["coding"], *concept("6690-2")["coding"]]}
    tables = read(tmp_path, observation("", 3, "10*9/L", code=both), observation("718-7", 80, "g/L"))
    assert [row[2] for row in labs_of(tables)] == ["hemoglobin"]
    assert "6690-2" in messages(tables, "codes_disagree")


def test_units(tmp_path: Path) -> None:
    apart = quantity(8, "g/dL") | {"unit": "g/L"}
    uncoded = {"value": 8, "unit": "g/dL"}
    tables = read(
        tmp_path,
        observation("718-7", None, "", valueQuantity=apart),
        observation("718-7", None, "", valueQuantity=uncoded),
        observation("718-7", 80, "g/L", effectiveDateTime="2024-01-13"),
        observation("777-3", 80, "g/L"),
    )
    assert [(row[4], row[6]) for row in labs_of(tables)] == [
        (80.0, "code and text of the unit differ"),
        (80.0, None),
        (80.0, None),
        (None, "unknown unit"),
    ]
    assert "row 1)" in messages(tables, "two_units")
    assert "row 2)" in messages(tables, "unit_as_text")
    assert "hemoglobin is given in g/L, g/dL" in messages(tables, "several_units")
    assert "'g/L' of platelets is not listed" in messages(tables, "unknown_unit")


def test_limits_of_normal(tmp_path: Path) -> None:
    normal = {"low": quantity(1.8, "10*9/L"), "high": quantity(7.5, "10*9/L")}
    treated = {"low": quantity(9, "10*9/L"), "type": concept("treatment", system="x")}
    other = {"low": quantity(1800, "/uL")}
    tables = read(
        tmp_path,
        observation("751-8", 1, "10*9/L", referenceRange=[normal, treated]),
        observation("751-8", 1.1, "10*9/L", referenceRange=[normal, normal]),
        observation("751-8", 1.2, "10*9/L", referenceRange=[other]),
    )
    assert tables.labs.select("lln", "uln").rows() == [(1.8, 7.5), (None, None), (None, None)]
    assert "row 3)" in messages(tables, "limit_in_other_unit")


def test_a_broken_line_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    good = observation("751-8", 0.1, "10*9/L")
    tables = read(tmp_path, good, '{"resourceType": "Observation", "sta', "", "[1]", good | {"id": "last"})
    assert tables.labs["source_row"].to_list() == [1]
    assert "row 5)" in messages(tables, "duplicate_rows")
    expected = "2 lines are no FHIR resource in Observation.ndjson (lines 2, 4)"
    assert expected in messages(tables, "line_not_read")


def test_several_files_of_one_kind_count_on(tmp_path: Path) -> None:
    folder = write_export(tmp_path, infusion(), observation("751-8", 0.1, "10*9/L"))
    write_lines(folder / "Observation.2.ndjson", [observation("777-3", 9, "10*9/L")])
    # By the alphabet 2 comes before "ndjson".
    assert read_tables(folder, section_of()).labs.select("analyte", "source_row").rows() == [
        ("platelets", 1),
        ("anc", 2),
    ]


def test_patients_deaths_support_and_events(tmp_path: Path) -> None:
    tables = read(
        tmp_path,
        patient(deceasedDateTime="2024-02-09T22:00:00-05:00"),
        patient("p2", birthDate="1960", deceasedBoolean=True),
        observation("751-8", 0.1, "10*9/L"),
        administration("L03AA02"),
        administration("L03AA13", status="not-done"),
        administration("J01CR05"),
        {
            "resourceType": "Condition",
            "code": concept("FEVER", system="urn:x"),
            "subject": {"reference": "Patient/p1"},
            "onsetDateTime": "2024-01-16",
        },
        codes={"urn:x|FEVER": "infection"},
    )
    assert tables.patients.rows() == [("p1", "female", 63.0), ("p2", "female", None)]
    assert tables.support.select("patient_id", "start", "stop", "kind", "agent").rows() == [
        ("p1", 5, 5, "gcsf", "filgrastim")
    ]
    assert tables.events.select("patient_id", "day", "kind").rows() == [
        ("p1", 6, "infection"),
        ("p1", 30, "death"),
    ]
    assert f"{ATC}|J01CR05 (1)" in messages(tables, "code_left_out")
    assert "row 2)" in messages(tables, "not_done")
    assert "row 2)" in messages(tables, "death_undated")


def test_no_support_is_never_taken_from_silence(tmp_path: Path) -> None:
    tables = read(tmp_path, observation("751-8", 0.1, "10*9/L"), administration("J01CR05"))
    assert not tables.has_support


def test_drugs_by_reference(tmp_path: Path) -> None:
    plain = administration("L03AA02")
    del plain["medicationCodeableConcept"]
    drug = {"resourceType": "Medication", "id": "m1", "code": concept("L03AA10", system=ATC)}
    held = {"resourceType": "Medication", "id": "in", "code": concept("L03AA14", system=ATC)}
    period = {"start": "2024-01-17", "end": "2024-01-20"}
    tables = read(
        tmp_path,
        observation("751-8", 0.1, "10*9/L"),
        drug,
        plain | {"medicationReference": {"reference": "Medication/m1"}},
        plain | {"medicationReference": {"reference": "#in"}, "contained": [held]},
        administration("L03AA02", effectivePeriod=period, effectiveDateTime=None),
    )
    assert tables.support.select("start", "stop", "agent").rows() == [
        (5, 5, "lenograstim"),
        (5, 5, "lipegfilgrastim"),
        (7, 10, "filgrastim"),
    ]


def test_a_bundle(tmp_path: Path) -> None:
    resources = [
        patient(),
        infusion(),
        observation("751-8", 0.1, "10*9/L", subject={"reference": "urn:uuid:p1"}),
    ]
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"fullUrl": "urn:uuid:x", "resource": item} for item in resources],
    }
    path = write_lines(tmp_path / "bundle.json", [bundle])
    tables = read_tables(path, section_of())
    assert labs_of(tables) == [("p1", 2, "anc", "=", 0.1, "1e9/L", None)]
    assert tables.labs["source_row"].to_list() == [3]


def test_tables_beside_the_resources(tmp_path: Path) -> None:
    write_export(tmp_path / "bulk", patient(), observation("751-8", 0.1, "10*9/L"))
    (tmp_path / "infusions.csv").write_text("patient_id,infusion_date\np1,2024-01-11\n", "utf-8")
    (tmp_path / "patients.csv").write_text("patient_id,ecog\np1,1\n", "utf-8")
    section = DataSection.model_validate({"fhir": {"path": "bulk"}})
    tables = read_tables(tmp_path, section)
    assert labs_of(tables)[0][:3] == ("p1", 1, "anc")
    assert tables.patients.columns == ["patient_id", "ecog"]
    assert "patients.csv was read" in messages(tables, "table_from_file")
    assert messages(tables, "infusion_code_missing") == ""


def test_the_number_of_the_patient_in_place_of_the_technical_id(tmp_path: Path) -> None:
    numbers = [{"system": "urn:other", "value": "99"}, {"system": "urn:mrn", "value": "0042"}]
    write_export(
        tmp_path / "bulk",
        patient(identifier=numbers, deceasedDateTime="2024-03-01"),
        patient("p2", identifier=numbers[:1]),
        observation("751-8", 0.1, "10*9/L"),
        administration("L03AA02"),
    )
    (tmp_path / "infusions.csv").write_text("patient_id,infusion_date\n0042,2024-01-11\n", "utf-8")
    section = DataSection.model_validate({"fhir": {"path": "bulk", "identifier": "urn:mrn"}})
    tables = read_tables(tmp_path, section)
    assert labs_of(tables)[0][:3] == ("0042", 1, "anc")
    assert tables.patients["patient_id"].to_list() == ["0042", "Patient/p2"]
    assert [tables.events["patient_id"][0], tables.support["patient_id"][0]] == ["0042", "0042"]
    assert "in 1 of 2 rows (row 2)" in messages(tables, "identifier_missing")


def test_without_an_infusion_the_mapping_is_asked_for(tmp_path: Path) -> None:
    folder = write_export(tmp_path, observation("751-8", 0.1, "10*9/L"))
    tables = read_tables(folder)
    assert "'system|code' = 'infusion'" in messages(tables, "infusion_code_missing")
    assert "no_infusion_date" in tables.findings["rule"].to_list()


def test_anc_from_white_cells_and_percentage(tmp_path: Path) -> None:
    at = "2024-01-12T08:00:00+01:00"
    later = "2024-01-13T08:00:00+01:00"
    tables = read(
        tmp_path,
        observation("6690-2", 2.5, "10*9/L", effectiveDateTime=at),
        observation("770-8", 12, "%", effectiveDateTime=at),
        observation("6690-2", 3, "10*9/L", effectiveDateTime=later),
        observation("770-8", 50, "%", effectiveDateTime=later),
        observation("751-8", 1.4, "10*9/L", effectiveDateTime="2024-01-13T17:00:00+01:00"),
        observation("770-8", 50, "%", effectiveDateTime="2024-01-14"),
    )
    assert [(row[1], row[4]) for row in labs_of(tables) if row[2] == "anc"] == [(2, 0.3), (3, 1.4)]
    assert "in 1 of 6 rows (row 2)" in messages(tables, "anc_computed")


def test_anc_is_computed_from_plain_numbers_only(tmp_path: Path) -> None:
    """No share in another unit, no limit of detection, no two numbers of one moment."""

    def pair(day: str, *values: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            observation(code, None, "", effectiveDateTime=day, valueQuantity=value)
            for code, value in zip(("6690-2", "770-8", "770-8"), values, strict=False)
        ]

    white, share = quantity(2, "10*9/L"), quantity(50, "%")
    tables = read(
        tmp_path,
        *pair("2024-01-12", white, quantity(0.5, "{ratio}")),
        *pair("2024-01-13", quantity(0.1, "10*9/L", comparator="<"), share),
        *pair("2024-01-14", white, quantity(1, "%", comparator="<")),
        *pair("2024-01-15", white, share, quantity(60, "%")),
        *pair("2024-01-16", white, share, share),
    )
    assert [(row[1], row[4]) for row in labs_of(tables) if row[2] == "anc"] == [(6, 1.0)]
    blank = "the unit of the percentage of neutrophils is blank in 1 of 12 rows (row 2)"
    assert blank in messages(tables, "unit_missing")
    differ = "white cells or percentages of neutrophils of one moment differ in 1 of 12 rows (row 8)"
    assert differ in messages(tables, "anc_not_computed")


def csv_of(folder: Path, labs: str, infusions: str) -> Path:
    folder.mkdir()
    (folder / "labs.csv").write_text(labs, "utf-8")
    (folder / "infusions.csv").write_text(infusions, "utf-8")
    return folder


def test_the_same_patients_by_csv_and_by_fhir_give_the_same_labs(tmp_path: Path) -> None:
    """Two invented patients with counts of four kinds in units of several laboratories."""
    header = "patient_id,date,analyte,value,unit,lln,uln\n"
    units = {"751-8": "ANC", "718-7": "Hb", "777-3": "PLT", "1988-5": "CRP"}
    rows = [
        ("p1", "2024-01-09T06:15:00+01:00", "751-8", "0.4", "10*3/uL", "1.8", "7.5"),
        ("p1", "2024-01-12T23:50:00+01:00", "751-8", "<100", "/uL", "", ""),
        ("p1", "2024-01-12T23:50:00+01:00", "718-7", "7.9", "g/dL", "12", "16"),
        ("p2", "2024-02-03", "718-7", "5.1", "mmol/L", "", ""),
        ("p2", "2024-02-03", "777-3", "19", "10*9/L", "150", ""),
        ("p2", "2024-02-28", "777-3", "41", "10*9/L", "150", ""),
        ("p2", "2024-02-28", "1988-5", "12.5", "mg/dL", "", "0.5"),
    ]
    resources = [
        infusion("p1", "2024-01-10"),
        infusion("p2", "2024-02-01T11:00:00+01:00"),
        *(as_observation(row) for row in rows),
    ]
    lines = [",".join((who, day, units[code], *rest)) for who, day, code, *rest in rows]
    folder = csv_of(
        tmp_path / "csv",
        header + "\n".join(lines) + "\n",
        "patient_id,infusion_date\np1,2024-01-10\np2,2024-02-01\n",
    )
    by_csv, by_fhir = (
        read_tables(folder),
        read_tables(write_export(tmp_path / "fhir", *resources), section_of()),
    )
    # Rows are numbered by the lines of their own file: a table has a header.
    assert_frame_equal(by_csv.labs.drop("source_row"), by_fhir.labs.drop("source_row"))
    assert_frame_equal(by_csv.infusions, by_fhir.infusions)
    assert by_csv.labs["day"].to_list() == [-1, 2, 2, 2, 2, 27, 27]


def as_observation(row: tuple[str, ...]) -> dict[str, Any]:
    who, day, code, value, unit, low, high = row
    limits = {name: quantity(float(text), unit) for name, text in (("low", low), ("high", high)) if text}
    comparator = {"comparator": "<"} if value.startswith("<") else {}
    return observation(
        code,
        None,
        "",
        subject={"reference": f"Patient/{who}"},
        effectiveDateTime=day,
        valueQuantity=quantity(float(value.strip("<")), unit, **comparator),
        **({"referenceRange": [limits]} if limits else {}),
    )


@pytest.mark.skipif(SAMPLES is None, reason="the samples of US Core are not at hand")
def test_the_samples_of_us_core() -> None:
    """A blood count of an invented patient, as the guide publishes it."""
    assert SAMPLES is not None
    tables = read_tables(SAMPLES.parent, DataSection(day_zero="first", fhir=FhirMapping(path=SAMPLES.name)))
    assert tables.labs.select("analyte", "value", "unit", "lln", "uln").rows() == [
        ("hemoglobin", 170.0, "g/L", 165.0, 215.0),
        ("wbc", 10.0, "1e9/L", 4.5, 11.0),
        ("platelets", 200.0, "1e9/L", 150.0, 450.0),
    ]
    assert not tables.findings["rule"].is_in(["line_not_read", "code_unlisted", "unknown_unit"]).any()


def test_a_code_that_never_occurs(tmp_path: Path) -> None:
    tables = read(tmp_path, observation("751-8", 0.1, "10*9/L"), codes={"urn:x|1": "anc"})
    assert "'urn:x|1', which never occurs" in messages(tables, "mapping_unused")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[fhir]\ncodes = { "718-7" = "hemoglobin" }',
            "has no code system; write it as 'http://loinc.org|718-7'",
        ),
        (
            '[fhir]\ncodes = { "a|b" = "hemoglobine" }',
            r"'hemoglobine' is not known \(did you mean 'hemoglobin'",
        ),
        ('[fhir]\nfolder = "x"', "folder"),
    ],
)
def test_a_wrong_mapping(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "map.toml").write_text(text, "utf-8")
    with pytest.raises(ProtocolError, match=said):
        read_mapping(tmp_path / "map.toml")


def test_files_that_are_no_resources(tmp_path: Path) -> None:
    write_lines(tmp_path / "pretty.ndjson", ["{", '"resourceType": "Bundle"', "}"])
    with pytest.raises(ReaderError, match=r"pretty\.ndjson: no line is a FHIR resource"):
        read_tables(tmp_path / "pretty.ndjson")
    write_lines(tmp_path / "cut.json", ['{"resourceType":', '"Bundle"'])
    with pytest.raises(ReaderError, match=r"cut\.json: line [0-9] is no JSON"):
        read_tables(tmp_path / "cut.json")
    write_lines(tmp_path / "list.json", ["[]"])
    with pytest.raises(ReaderError, match=r"list\.json: is no FHIR resource"):
        read_tables(tmp_path / "list.json")
    with pytest.raises(
        ReaderError, match=r"gone: no such folder or file\. Correct 'path' under \[data\.fhir\]"
    ):
        read_tables(tmp_path, DataSection.model_validate({"fhir": {"path": "gone"}}))


def test_resources_are_not_kept(tmp_path: Path) -> None:
    """5 MB of other observations leave less than a tenth of that in memory at any moment."""
    other = observation("2951-2", 140, "mmol/L", note=[{"text": "x" * 2000}])
    path = write_lines(tmp_path / "Observation.ndjson", [other] * 2200)
    assert path.stat().st_size > 5_000_000
    collector, broken = LabCollector({}), BrokenLines()
    tracemalloc.start()
    try:
        for resource in stream_resources([path], broken):
            collector.add(resource)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 500_000


ODD = [
    None,
    "",
    "x",
    "5",
    True,
    [],
    [None],
    {},
    {"coding": None},
    {"coding": [{"code": []}]},
    {"reference": 1},
]
WHOLE = [
    observation(
        "751-8", 0.1, "10*9/L", id="a", meta={"versionId": "1"}, component=[], referenceRange=[{"low": {}}]
    ),
    patient(deceasedDateTime="2024-02-09"),
    infusion("p2"),
    administration("L03AA02", medicationReference={"reference": "#a"}, contained=[]),
]


@pytest.mark.parametrize("whole", WHOLE, ids=lambda item: item["resourceType"])
def test_no_part_of_a_resource_breaks_the_reading(tmp_path: Path, whole: dict[str, Any]) -> None:
    good = observation("718-7", 80, "g/L")
    changed = [whole | {name: odd} for name in whole if name != "resourceType" for odd in ODD]
    tables = read(tmp_path, good, *changed)
    assert tables.labs.filter(pl.col("analyte") == "hemoglobin").height == 1


def test_the_manifest_of_an_export_is_no_resource(tmp_path: Path) -> None:
    folder = write_export(tmp_path, infusion(), observation("718-7", 80, "g/L"))
    write_lines(folder / "manifest.json", ['{"transactionTime": "2024-02-01"}'])
    (folder / "Observation.ndjson").rename(folder / "Observation.NDJSON")
    tables = read_tables(folder, section_of())
    assert [row[2] for row in labs_of(tables)] == ["hemoglobin"]
    assert "manifest.json beside the .ndjson files are not read" in messages(tables, "code_left_out")


def test_half_a_character_is_a_broken_line(tmp_path: Path) -> None:
    good = observation("718-7", 80, "g/L")
    broken = json.dumps(good | {"id": "odd"}).replace("odd", "\\ud800")
    tables = read(tmp_path, good, broken, json.dumps(good | {"id": "\U0001f9ea"}))
    assert "(line 2)" in messages(tables, "line_not_read")
    assert "row 3)" in messages(tables, "duplicate_rows")


def test_labs_of_two_kinds_are_refused(tmp_path: Path) -> None:
    folder = write_export(tmp_path, observation("751-8", 0.1, "10*9/L"))
    (folder / "labs.csv").write_text("patient_id,day,analyte,value,unit\np1,1,ANC,1,K/uL\n", "utf-8")
    with pytest.raises(ReaderError, match=r"labs: two sources were found: labs\.csv, Observation\.ndjson"):
        read_tables(folder)
