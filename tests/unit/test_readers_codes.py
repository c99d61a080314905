"""The tables of codes: what counts, what is kept apart, and that both tables of analytes agree."""

from __future__ import annotations

import re

import pytest

from cytopenia.contract import SUPPORT_KINDS
from cytopenia.readers.codes import load_analyte_codes, load_support_codes, read_ucum
from cytopenia.units import load_analytes, match_unit


# Typed from the names that LOINC gives these codes.
@pytest.mark.parametrize(
    ("code", "analyte", "use"),
    [
        ("751-8", "anc", "yes"),
        ("753-4", "anc", "yes"),
        ("26499-4", "anc", "yes"),
        ("770-8", "anc", "percent"),
        ("26511-6", "anc", "percent"),
        ("769-0", "anc", "apart"),
        ("6690-2", "wbc", "yes"),
        ("49498-9", "wbc", "apart"),
        ("777-3", "platelets", "yes"),
        ("49497-1", "platelets", "apart"),
        ("731-0", "alc", "yes"),
        ("736-9", "alc", "apart"),
        ("718-7", "hemoglobin", "yes"),
        ("30313-1", "hemoglobin", "apart"),
        ("30350-3", "hemoglobin", "apart"),
        ("30522-7", "crp", "yes"),
        ("26881-3", "il6", "yes"),
    ],
)
def test_what_a_code_is(code: str, analyte: str, use: str) -> None:
    row = load_analyte_codes()[code]
    assert (row.analyte, row.use) == (analyte, use)


def loinc_is_valid(code: str) -> bool:
    """The check digit of LOINC (modulus 10, double-add-double)."""
    body, digit = code.split("-")
    doubled = int(body[::-1][::2]) * 2
    total = sum(map(int, str(doubled))) + sum(map(int, body[::-1][1::2]))
    return (10 - total % 10) % 10 == int(digit)


def test_the_check_digit_sees_a_slip() -> None:
    assert loinc_is_valid("718-7")
    assert not loinc_is_valid("718-8")
    assert not loinc_is_valid("781-7")


@pytest.mark.parametrize("code", load_analyte_codes())
def test_every_code_is_one_of_loinc(code: str) -> None:
    row = load_analyte_codes()[code]
    assert re.fullmatch(r"[0-9]{3,6}-[0-9]", code)
    assert loinc_is_valid(code)
    assert row.analyte in load_analytes()
    assert row.use in {"yes", "percent", "apart"}
    assert row.source
    assert row.use == "yes" or row.remark


def test_both_tables_name_the_same_codes() -> None:
    listed = {code: name for name, analyte in load_analytes().items() for code in analyte.loinc}
    ours = {code: row.analyte for code, row in load_analyte_codes().items() if row.use == "yes"}
    assert listed.items() <= ours.items()


def test_support_codes_are_of_the_contract() -> None:
    assert {row.kind for row in load_support_codes().values()} <= {*SUPPORT_KINDS}
    codes = {system: set[str]() for system, _ in load_support_codes()}
    for system, code in load_support_codes():
        codes[system].add(code)
    assert codes == {
        "http://www.whocc.no/atc": {"L03AA02", "L03AA10", "L03AA13", "L03AA14"},
        "OMOP": {"1304850", "19009705", "1325608"},
    }


@pytest.mark.parametrize(
    ("analyte", "code", "factor"),
    [
        ("anc", "10*3/uL", 1.0),
        ("anc", "10*9/L", 1.0),
        ("anc", "{cells}/uL", 0.001),
        ("anc", "/uL{cells}", 0.001),
        ("anc", "10*6/L", 0.001),
        ("hemoglobin", "g/dL", 10.0),
        ("ferritin", "ng/mL", 1.0),
        ("crp", "mg/dL", 10.0),
        ("ldh", "[IU]/L", 1.0),
        ("creatinine", "umol/L", 1.0),
    ],
)
def test_ucum_becomes_a_listed_unit(analyte: str, code: str, factor: float) -> None:
    unit = match_unit(analyte, read_ucum(code))
    assert unit is not None
    assert unit.multiply / unit.divide == factor


def test_other_ucum_codes_are_no_units() -> None:
    assert match_unit("anc", read_ucum("g/L")) is None
    assert match_unit("anc", read_ucum("%{WBC}")) is None
    assert match_unit("hemoglobin", read_ucum("{ratio}")) is None
