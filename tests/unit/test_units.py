"""Names, units and conversions; expected numbers were typed by hand from the unit definitions."""

from __future__ import annotations

import polars as pl
import pytest

from cytopenia.errors import UnitError
from cytopenia.units import (
    convert_units,
    convert_value,
    is_usual_limit,
    list_units,
    load_analytes,
    load_units,
    match_unit,
    mentions_analyte,
    resolve_analyte,
)


def test_the_thirteen_analytes_and_their_units() -> None:
    assert {name: analyte.unit for name, analyte in load_analytes().items()} == {
        "anc": "1e9/L",
        "wbc": "1e9/L",
        "alc": "1e9/L",
        "cd4": "1e9/L",
        "platelets": "1e9/L",
        "hemoglobin": "g/L",
        "crp": "mg/L",
        "ferritin": "ug/L",
        "il6": "pg/mL",
        "ldh": "U/L",
        "creatinine": "umol/L",
        "fibrinogen": "g/L",
        "temperature": "degC",
    }


@pytest.mark.parametrize("analyte", load_analytes().values(), ids=lambda a: a.name)
def test_ranges_are_ordered(analyte) -> None:
    assert analyte.plausible_low <= analyte.typical_low < analyte.typical_high <= analyte.plausible_high


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("anc", "anc"),
        ("ANC", "anc"),
        ("NEUT", "anc"),
        ("Neutrophils", "anc"),
        ("absolute neutrophil count", "anc"),
        ("Absolute_Neutrophil-Count", "anc"),
        ("Neutrophils, abs.", "anc"),
        ("Hb", "hemoglobin"),
        ("HGB", "hemoglobin"),
        ("Haemoglobin", "hemoglobin"),
        ("Hämoglobin", "hemoglobin"),
        ("血红蛋白", "hemoglobin"),
        ("PLT", "platelets"),
        ("Platelet count", "platelets"),
        ("Thrombocytes", "platelets"),
        ("WBC", "wbc"),
        ("White Blood Cells", "wbc"),
        ("Leukocytes", "wbc"),
        ("LYMPH", "alc"),
        ("Absolute Lymphocyte Count", "alc"),
        ("C-reactive protein", "crp"),
        ("IL-6", "il6"),
        ("Interleukin 6", "il6"),
        ("LD", "ldh"),
        ("CREAT", "creatinine"),
        ("FIB", "fibrinogen"),
        ("TEMP", "temperature"),
        (" ferritin ", "ferritin"),
    ],
)
def test_known_names_resolve(text: str, name: str) -> None:
    assert resolve_analyte(text) == name


@pytest.mark.parametrize(
    "text", ["", "NEUT%", "Neutrophils (%)", "HbA1c", "neutrophil", "platelet volume", "RBC", "Bands"]
)
def test_other_names_never_resolve(text: str) -> None:
    assert resolve_analyte(text) is None


ONE = [
    ("1e9/L", 1.0),
    ("10^9/L", 1.0),
    ("10*9/L", 1.0),
    ("10**9/L", 1.0),
    ("x10^9/L", 1.0),
    ("× 10⁹/L", 1.0),
    ("10e9/L", 1.0),
    ("10E9/l", 1.0),
    ("G/L", 1.0),
    ("Gpt/L", 1.0),
    ("/nL", 1.0),
    ("K/uL", 1.0),
    ("k/µL", 1.0),
    ("K/μL", 1.0),
    ("K/mcL", 1.0),
    ("10^3/uL", 1.0),
    ("10*3/uL", 1.0),
    ("x10^3/uL", 1.0),
    ("X 10³/µl", 1.0),
    ("thousand/uL", 1.0),
    ("Thousand/mcL", 1.0),
    ("10^3/mm3", 1.0),
    ("10^3/mm³", 1.0),
    ("K/mm3", 1.0),
    ("/uL", 0.001),
    ("cells/uL", 0.001),
    ("cells / µL", 0.001),
    ("cells/mm3", 0.001),
    ("/mm^3", 0.001),
    ("10^6/L", 0.001),
    ("1e6/L", 0.001),
    ("10^6/mL", 1.0),
    ("10^4/uL", 10.0),
    ("10^9/㎕", None),
    ("㎕", None),
]


@pytest.mark.parametrize("analyte", ["anc", "wbc", "alc", "platelets"])
@pytest.mark.parametrize(("text", "factor"), ONE)
def test_units_of_counts(analyte: str, text: str, factor: float | None) -> None:
    if factor is None:
        assert match_unit(analyte, text) is None
    else:
        assert convert_value(1.0, text, analyte=analyte) == factor


@pytest.mark.parametrize(
    "text", ["g/L", "g/l", "%", "UNK", "M/L", "m/uL", "M/uL", "10^6/uL", "109/L", "", None, "K"]
)
def test_doubtful_units_of_counts_are_unknown(text: str | None) -> None:
    assert match_unit("anc", text) is None


@pytest.mark.parametrize(
    ("analyte", "value", "text", "expected"),
    [
        ("hemoglobin", 80.0, "g/L", 80.0),
        ("hemoglobin", 80.0, "G/L", 80.0),
        ("hemoglobin", 7.9, "g/dL", 79.0),
        ("hemoglobin", 11.45, "G/DL", 114.5),
        ("hemoglobin", 1.0, "mmol/L", 16.114),
        ("hemoglobin", 5.0, "mmol/l", 80.57),
        ("crp", 1.2, "mg/dL", 12.0),
        ("crp", 1.2, "mg/L", 1.2),
        ("ferritin", 558.65, "ng/mL", 558.65),
        ("ferritin", 558.65, "mcg/L", 558.65),
        ("ferritin", 558.65, "µg/l", 558.65),
        ("il6", 21.43, "pg/mL", 21.43),
        ("il6", 21.43, "ng/L", 21.43),
        ("ldh", 250.0, "IU/L", 250.0),
        ("ldh", 4.0, "µkat/L", 240.0),
        ("creatinine", 1.0, "mg/dL", 88.42),
        ("creatinine", 88.0, "µmol/L", 88.0),
        ("fibrinogen", 150.0, "mg/dL", 1.5),
        ("temperature", 98.6, "°F", 37.0),
        ("temperature", 101.0, "degF", 38.3333333333333),
        ("temperature", 38.3, "℃", 38.3),
        ("anc", 500.0, "/uL", 0.5),
        ("anc", 499.0, "cells/uL", 0.499),
        ("platelets", 150000.0, "/mm3", 150.0),
    ],
)
def test_conversions(analyte: str, value: float, text: str, expected: float) -> None:
    assert convert_value(value, text, analyte=analyte) == expected


@pytest.mark.parametrize(
    ("analyte", "text"), [("il6", "pg/L"), ("crp", "mmol/L"), ("ferritin", "mg/dL"), ("hemoglobin", "K/uL")]
)
def test_an_unlisted_unit_is_an_error_that_lists_the_allowed(analyte: str, text: str) -> None:
    with pytest.raises(UnitError, match=f"'{text}' is not a listed unit of {analyte}; allowed: "):
        convert_value(1.0, text, analyte=analyte)


def test_an_unknown_analyte_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UnitError, match=r"analyte 'platlets' is unknown \(did you mean 'platelets'\?\)"):
        convert_value(1.0, "g/L", analyte="platlets")


def test_value_and_limits_are_converted_alike() -> None:
    labs = pl.DataFrame(
        {
            "analyte": ["anc", "hemoglobin"],
            "unit": ["/uL", "g/dL"],
            "value": [70.0, 7.0],
            "lln": [2000.0, 12.0],
            "uln": [7000.0, None],
        }
    )
    converted = convert_units(labs)
    assert converted.select("value", "lln", "uln", "unit").rows() == [
        (0.07, 2.0, 7.0, "1e9/L"),
        (70.0, 120.0, None, "g/L"),
    ]
    assert labs["unit"].to_list() == ["/uL", "g/dL"]


def test_rows_of_an_unknown_unit_keep_their_number_and_unit_text() -> None:
    labs = pl.DataFrame(
        {"analyte": ["anc", "anc", None], "unit": ["%", None, "K/uL"], "value": [70.0, 3.0, 4.0]}
    )
    assert convert_units(labs).rows() == [("anc", "%", 70.0), ("anc", None, 3.0), (None, "K/uL", 4.0)]


@pytest.mark.parametrize(("unit", "divisor"), [("/uL", 1000), ("10^6/L", 1000)])
def test_no_decimal_noise_enters_with_a_conversion(unit: str, divisor: int) -> None:
    whole = range(1, 20001)
    labs = pl.DataFrame({"analyte": "anc", "unit": unit, "value": [float(v) for v in whole]})
    assert convert_units(labs)["value"].to_list() == [float(f"{v}e-3") for v in whole]
    assert divisor == 1000


def test_no_decimal_noise_in_grams_per_deciliter() -> None:
    labs = pl.DataFrame(
        {"analyte": "hemoglobin", "unit": "g/dL", "value": [float(f"{v}e-2") for v in range(1, 3000)]}
    )
    assert convert_units(labs)["value"].to_list() == [float(f"{v}e-1") for v in range(1, 3000)]


def test_every_row_of_the_unit_table_has_a_source_and_a_known_analyte() -> None:
    known = {*load_analytes(), "count"}
    assert [
        row.text
        for row in load_units()
        if row.applies_to not in known or not row.source or row.multiply <= 0 or row.divide <= 0
    ] == []


def test_listed_units_name_the_canonical_first() -> None:
    assert list_units("crp")[0] == "mg/L"
    assert list_units("anc")[0] == "1e9/L"


@pytest.mark.parametrize(
    ("analyte", "limit", "is_usual"),
    [
        ("anc", 0.3, True),
        ("anc", 12, True),
        ("anc", 0.002, False),
        ("anc", 0, False),
        ("anc", float("nan"), False),
        ("hemoglobin", 80, True),
        ("hemoglobin", 12, False),
        ("platelets", 401, False),
        ("crp", 0, True),
        ("crp", -1, False),
        ("ldh", 0, True),
    ],
)
def test_limits_that_laboratories_print(analyte: str, limit: float, is_usual: bool) -> None:
    assert is_usual_limit(limit, analyte=analyte) is is_usual


@pytest.mark.parametrize(
    ("text", "is_mentioned"),
    [
        ("NEUT %", True),
        ("Platelet volume", True),
        ("hemoglobin A1c", True),
        ("ＣＲＰ ratio", True),
        ("Sodium", False),
        ("Feritinlike", False),
        ("LD isoenzymes", False),
        ("", False),
    ],
)
def test_a_listed_name_within_a_text(text: str, is_mentioned: bool) -> None:
    assert mentions_analyte(text) is is_mentioned
