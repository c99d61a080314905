"""Findings on patient ids that are written in more than one way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cytopenia.contract import prepare_tables
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.sources import read_tables

BLANKS, NEAR = "patient_id_blanks", "patient_id_near"


def labs_of(*ids: Any, **more: Any) -> pl.DataFrame:
    """One neutrophil count a row, on days 1, 2, 3 ..."""
    count = len(ids)
    columns = {"day": range(1, count + 1), "analyte": ["anc"] * count, "value": ["1.0"] * count}
    return pl.DataFrame({"patient_id": ids, **columns, "unit": ["10^9/L"] * count, **more})


def found(rule: str, labs: pl.DataFrame, **others: pl.DataFrame) -> list[tuple[str, int, int]]:
    """Table, first row and number of rows."""
    findings = prepare_tables({"labs": labs, **others}).findings.filter(pl.col("rule") == rule)
    assert set(findings["severity"]) <= {"warning"}
    return findings.select("table", "row", "rows").rows()


def test_blanks_around_an_id_are_told_and_make_no_second_patient() -> None:
    tables = prepare_tables({"labs": labs_of("1001", "1001 ", "1002", "1001", "1001 ")})
    assert tables.labs["patient_id"].unique().sort().to_list() == ["1001", "1002"]
    (message,) = tables.findings.filter(pl.col("rule") == BLANKS)["message"]
    assert message == (
        "labs: 1 patient is written with blanks around patient_id, and elsewhere without, in 2 of 5 rows "
        "(rows 3, 6). They are read as one patient; if they are two, correct patient_id."
    )


def test_blanks_are_compared_across_tables() -> None:
    patients = pl.DataFrame({"patient_id": ["A", "B\u00a0"]})
    assert found(BLANKS, labs_of("A", "B"), patients=patients) == [("patients", 3, 1)]


def test_a_patients_table_with_infusions_is_told_once() -> None:
    patients = pl.DataFrame({"patient_id": ["A "], "infusion_date": ["2024-01-01"]})
    assert found(BLANKS, labs_of("A"), patients=patients) == [("patients", 2, 1)]


@pytest.mark.parametrize("ids", [("A ", "A "), ("A", "B"), (7, 7), (7.0, 8.0), (None, " ")])
def test_one_way_of_writing_is_nothing_to_tell(ids: tuple[Any, ...]) -> None:
    assert found(BLANKS, labs_of(*ids)) == found(NEAR, labs_of(*ids)) == []


@pytest.mark.parametrize(
    ("usual", "other"),
    [
        ("A-7", "a-7"),
        ("1001", "01001"),
        ("A-7", "A-007"),
        ("1001", "1001.0"),
        ("\u00c4-1", "A\u0308-1"),  # one sign, and a letter with a combining mark
        ("1001", "\uff11\uff10\uff10\uff11"),  # digits of full width
        ("A7", "A 7"),
        ("A7", "A\u200b7"),  # a blank of no width
    ],
)
def test_a_near_id_could_be_the_same_patient_and_is_never_merged(usual: str, other: str) -> None:
    labs = labs_of(usual, other, usual)
    assert prepare_tables({"labs": labs}).labs["patient_id"].to_list() == [usual, other, usual]
    assert found(NEAR, labs) == [("labs", 3, 1)]
    assert found(BLANKS, labs) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("1001", "10010"), ("1-12", "10-12"), ("A-7", "B-7"), ("10", "1"), ("0", "00A"), ("1.5", "15")],
)
def test_other_ids_are_other_patients(one: str, other: str) -> None:
    assert found(NEAR, labs_of(one, other)) == []


def test_the_rarer_writing_is_named_in_its_table_without_the_id() -> None:
    """Twice in labs as A-7 and A-8, once in patients in small letters."""
    labs = labs_of("A-7", "A-7", "A-8", "A-8")
    tables = prepare_tables({"labs": labs, "patients": pl.DataFrame({"patient_id": ["a-7", "a-8"]})})
    findings = tables.findings.filter(pl.col("rule") == NEAR)
    assert findings["message"].to_list() == [
        "patients: 2 patients are named like another but for case, zeros in front, blanks or signs in 2 of 2 "
        "rows (rows 2, 3). They could be one patient and are read as two; if they are one, write patient_id "
        "in one way."
    ]


def test_blanks_survive_the_reading_of_a_file(tmp_path: Path) -> None:
    text = "patient_id,day,analyte,value,unit\n1001,1,anc,1.0,10^9/L\n1001 ,2,anc,1.0,10^9/L\n"
    (tmp_path / "labs.csv").write_text(text, encoding="utf-8")
    findings = read_tables(tmp_path, DataSection()).findings
    assert findings.filter(pl.col("rule") == BLANKS).select("row", "rows").rows() == [(3, 1)]
