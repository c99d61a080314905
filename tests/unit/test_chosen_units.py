"""A unit that was chosen where another fits the values as well stays a doubt; synthetic values."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cytopenia.readers.mapping import DataSection
from cytopenia.readers.sources import read_tables
from cytopenia.readers.unit_questions import weigh_units

# 9 as mmol/L is 145 g/L, as g/dL 90 g/L; all five lie within 80 to 170 g/L either way but 7.8 g/dL.
VALUES = ("7.8", "8.5", "9.0", "9.6", "10.4")


def find_doubts(folder: Path, heading: str, unit: str, values: tuple[str, ...] = VALUES) -> list[str]:
    rows = "".join(f"P{place},{place},{value}\n" for place, value in enumerate(values))
    (folder / "labs.csv").write_text(f"patient_id,day,{heading}\n{rows}", encoding="utf-8")
    wide = {"hemoglobin": {"column": heading, "unit": unit}}
    findings = read_tables(folder, DataSection.model_validate({"labs": {"wide": wide}})).findings
    doubts = findings.filter(pl.col("rule") == "chosen_unit_not_certain")
    assert set(doubts["severity"]) <= {"warning"}
    return doubts["message"].to_list()


@pytest.mark.parametrize(
    ("unit", "other", "counts", "medians"),
    [("mmol/L", "g/dL", "5 and 4", "145 and 90"), ("g/dL", "mmol/L", "4 and 5", "90 and 145")],
)
def test_both_units_of_hemoglobin_are_possible(
    tmp_path: Path, unit: str, other: str, counts: str, medians: str
) -> None:
    (doubt,) = find_doubts(tmp_path, "Hb", unit)
    assert f"{unit} was chosen, and {other} is as likely: usual would be {counts} of 5 values" in doubt
    assert f"the medians would be {medians} g/L" in doubt


def test_a_unit_that_is_printed_or_alone_fits_is_no_doubt(tmp_path: Path) -> None:
    assert find_doubts(tmp_path, "Hb (g/dL)", "g/dL") == []
    assert find_doubts(tmp_path, "Hb", "g/L", ("78", "85", "90", "96", "104")) == []


@pytest.mark.parametrize(("printed", "doubts"), [("", 1), ("g/dL", 0)])
def test_a_default_unit_is_a_choice_only_where_rows_print_none(
    tmp_path: Path, printed: str, doubts: int
) -> None:
    rows = [f"P{place},{place},Hb,{value},{printed}" for place, value in enumerate(VALUES)]
    lines = ["patient_id,day,analyte,value,unit", *rows, "P9,9,Hb,9.1,"]
    (tmp_path / "labs.csv").write_text("\n".join(lines), encoding="utf-8")
    section = DataSection.model_validate({"labs": {"default_units": {"hemoglobin": "g/dL"}}})
    findings = read_tables(tmp_path, section).findings
    assert findings.filter(pl.col("rule") == "chosen_unit_not_certain").height == doubts


def test_the_evidence_says_that_the_values_do_not_tell() -> None:
    told, likely = weigh_units("hemoglobin", pl.Series(VALUES))
    assert told == (
        "g/L, g/dL, mmol/L? Cannot be told from the values: mmol/L and g/dL are both possible "
        "(usual would be 5 and 4 of 5)"
    )
    assert likely == "g/dL"
