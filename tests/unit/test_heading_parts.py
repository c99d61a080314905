"""Headings that clinicians write, and what each of them says; typed by hand."""

from __future__ import annotations

import pytest

from cytopenia.readers.heading_parts import (
    find_unit,
    guess_analytes,
    is_other_test,
    is_share,
    read_day,
    read_heading,
)
from cytopenia.units import match_unit


@pytest.mark.parametrize(
    ("heading", "analyte", "unit"),
    [
        ("Hb [g/dl]", "hemoglobin", "g/dl"),
        ("Hb, g/dL", "hemoglobin", "g/dL"),
        ("Hb in g/dl", "hemoglobin", "g/dl"),
        ("Hb (g%)", "hemoglobin", "g%"),
        ("Hämoglobin mmol/l", "hemoglobin", "mmol/l"),
        ("Leukozyten/nl", "wbc", "/nl"),
        ("Leukozyten (Gpt/l)", "wbc", "Gpt/l"),
        ("PLT x10^3/uL", "platelets", "x10^3/uL"),
        ("Neutros (G/L)", "anc", "G/L"),
        ("Neutrófilos absolutos (10^9/L)", "anc", "10^9/L"),
        ("Polynucléaires neutrophiles (G/L)", "anc", "G/L"),
        ("Piastrine (10^9/L)", "platelets", "10^9/L"),
        ("Trombocyten 10^9/L", "platelets", "10^9/L"),
        ("anc_10e9_L", "anc", "10e9/L"),
        ("hb_g_dl", "hemoglobin", "g/dl"),
        ("plt_k_ul", "platelets", "k/ul"),
        ("Platelets (thousand per uL)", "platelets", "thousand/uL"),
        ("CRP mg/l", "crp", "mg/l"),
        ("Temp. (°C)", "temperature", "°C"),
        ("ANC", "anc", None),
        ("CD4", "cd4", None),
        ("IL-6", "il6", None),
    ],
)
def test_a_name_and_its_unit(heading: str, analyte: str, unit: str | None) -> None:
    parts = read_heading(heading)
    assert parts is not None
    assert (parts.analyte, parts.unit, parts.day) == (analyte, unit, None)
    assert unit is None or match_unit(analyte, unit) is not None


@pytest.mark.parametrize(
    ("heading", "analyte", "day", "pattern"),
    [
        ("ANC_d0", "anc", 0, "ANC_d{day}"),
        ("ANC_d-5", "anc", -5, "ANC_d{day}"),
        ("ANC d+3", "anc", 3, "ANC d{day}"),
        ("ANCd14", "anc", 14, "ANCd{day}"),
        ("Day 7 ANC", "anc", 7, "Day {day} ANC"),
        ("ANC / Day 14", "anc", 14, "ANC / Day {day}"),
        ("ANC (10^9/L) d7", "anc", 7, "ANC (10^9/L) d{day}"),
        ("ANC d7 (10^9/L)", "anc", 7, "ANC d{day} (10^9/L)"),
        ("PLT T+3", "platelets", 3, "PLT T{day}"),
        ("PLT T0", "platelets", 0, "PLT T{day}"),
        ("Hb Tag 5", "hemoglobin", 5, "Hb Tag {day}"),
        ("Plaquettes J7", "platelets", 7, "Plaquettes J{day}"),
        ("Plaquetas día 7", "platelets", 7, "Plaquetas día {day}"),
        ("CD4 d3", "cd4", 3, "CD4 d{day}"),
    ],
)
def test_a_name_and_its_day(heading: str, analyte: str, day: int, pattern: str) -> None:
    parts = read_heading(heading)
    assert parts is not None
    assert (parts.analyte, parts.day, parts.pattern) == (analyte, day, pattern)


def test_the_unit_of_a_day_column() -> None:
    parts = read_heading("ANC d7 (10^9/L)")
    assert parts is not None
    assert parts.unit == "10^9/L"


@pytest.mark.parametrize(
    "heading",
    [
        *("PT", "NE", "Gran%", "% neutrophils", "neutrophils(%)", "neut_percent", "Lymphozyten rel."),
        *("Hb A1c", "HbA1c (%)", "MCH (pg)", "MCHC (g/dL)", "MPV", "nRBC", "RDW-CV", "Hct (%)"),
        *("Plt transfusions", "PLT transfusions d7", "RBC", "ANC week 4", "ANC_m3", "ANC_T3", "ANC 2024"),
        *(
            "ferritin_peak",
            "ANC recovery",
            "Days to ANC > 0.5",
            "Creatinine clearance",
            "LD day",
            "Ferritin (yes/no)",
        ),
    ],
)
def test_what_looks_like_a_count_and_is_none(heading: str) -> None:
    assert read_heading(heading) is None


@pytest.mark.parametrize(
    ("heading", "found"),
    [
        ("Day 7", ("Day {day}", 7)),
        ("T+3", ("T{day}", 3)),
        ("Tag -5", ("Tag {day}", -5)),
        ("D0", ("D{day}", 0)),
    ],
)
def test_a_day_alone(heading: str, found: tuple[str, int]) -> None:
    assert read_day(heading) == found


@pytest.mark.parametrize("heading", ["T3", "Day 7 comment", "week 4", "2024", "7", "CD4", "d7.5", "V2"])
def test_what_is_no_day(heading: str) -> None:
    assert read_day(heading) is None


@pytest.mark.parametrize(
    ("heading", "share"),
    [
        ("Gran%", True),
        ("NEUT (pct)", True),
        ("Neutrophile Prozent", True),
        ("Hb (g%)", False),
        ("ANC", False),
    ],
)
def test_a_share(heading: str, share: bool) -> None:
    assert is_share(heading) is share


def test_another_test_of_a_listed_name() -> None:
    assert is_other_test("Urine creatinine")
    assert is_other_test("CD4/CD8 ratio")
    assert not is_other_test("Kreatinin im Serum")


def test_what_a_question_is_about() -> None:
    assert guess_analytes("Neutrophile segm. absolut") == ["anc"]
    assert guess_analytes("Natrium") == []


def test_grams_are_never_giga() -> None:
    assert find_unit("anc", "g/L") is None
    assert find_unit("anc", "G/L") == "G/L"
    assert find_unit("hemoglobin", "g_dL") == "g/dL"
