"""Infusion dates among the rows of laboratory values: one in some rows of a patient is enough; synthetic."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from cytopenia.readers.mapping import DataSection
from cytopenia.readers.sources import read_tables

LABS = """MRN,Infusion date,Date,ANC (G/L)
1,2024-01-10,2024-01-17,0.2
1,,2024-01-18,0.4
2,,2024-02-12,1.2
2,2024-02-10,2024-02-13,1.3
3,,2024-02-13,1.3
"""
INFUSIONS = {"file": "export.csv", "columns": {"patient_id": "MRN", "infusion_date": "Infusion date"}}
OF_LABS = {"file": "export.csv", "columns": {"patient_id": "MRN", "date": "Date"}}


def read(folder: Path, **data: object) -> tuple[pl.DataFrame, dict[str, tuple[str, str]]]:
    """The rows of labs, and severity and message of each finding by its rule."""
    (folder / "export.csv").write_text(LABS, encoding="utf-8")
    tables = read_tables(folder, DataSection.model_validate({"labs": OF_LABS, **data}))
    found = {one["rule"]: (one["severity"], one["message"]) for one in tables.findings.to_dicts()}
    return tables.labs, found


def test_a_blank_date_is_no_error_where_another_row_of_the_patient_has_one(tmp_path: Path) -> None:
    labs, found = read(tmp_path, infusions=INFUSIONS)
    assert labs.select("patient_id", "day").rows() == [("1", 7), ("1", 8), ("2", 2), ("2", 3), ("3", None)]
    assert found["infusion_date_in_other_rows"] == (
        "info",
        "infusions: 2 of 5 rows have no infusion date; another row of the patient has it.",
    )
    assert found["infusion_date_missing"][0] == "error"
    assert "infusion_column_unused" not in found


def test_a_blank_date_in_a_file_of_infusions_stays_an_error(tmp_path: Path) -> None:
    (tmp_path / "given.csv").write_text(
        "MRN,Infusion date\n1,2024-01-10\n1,\n2,2024-02-10\n", encoding="utf-8"
    )
    _, found = read(tmp_path, infusions={**INFUSIONS, "file": "given.csv"})
    assert found["infusion_date_missing"][0] == "error"
    assert "infusion_date_in_other_rows" not in found


def test_a_column_of_infusion_dates_is_named_where_day_0_is_the_first_laboratory_day(tmp_path: Path) -> None:
    labs, found = read(tmp_path, day_zero="first")
    assert labs["day"].to_list() == [0, 1, 0, 1, 0]
    severity, message = found["infusion_column_unused"]
    assert severity == "warning"
    assert "column 'Infusion date' of export.csv is called like the infusion date and is not used" in message
    assert found["day_zero_first"][0] == "warning"


def test_without_an_infusion_the_first_laboratory_day_is_no_advice(tmp_path: Path) -> None:
    _, found = read(tmp_path)
    assert found["infusion_column_unused"][0] == "warning"
    assert "Only where none can be had" in found["no_infusion_date"][1]
