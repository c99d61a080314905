"""Laboratory values of two systems in two files, each with its own names, units, marks and dates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.fhir_factory import INFUSED, infusion, observation, write_export

from cytopenia.contract import Tables
from cytopenia.errors import MissingColumnError, ProtocolError, ReaderError
from cytopenia.readers.mapping import DataSection, read_mapping
from cytopenia.readers.sources import read_tables
from cytopenia.readers.tabular import read_labs

LIS = """patient_id;Datum;analyte;value;unit;lln
1;12.01.2024 08:00;Leukozyten;4,53;G/L;4,0
1;12.01.2024 08:00;Hb;10,1;g/dL;12
1;13.01.2024 08:00;Leukozyten;3,21;G/L;4,0
1;14.01.2024;Thrombozyten;1,234;G/L;
"""
ICU = """id,time of draw,WBC (K/uL),Hb (g/L),NEUT%
1,01/12/2024 08:00,4.5,101,10
1,01/13/2024 08:00,4.0,,
1,01/14/2024 20:30,2.5,95,<1
"""
MORE = {
    "file": "icu.csv",
    "system": "icu",
    "columns": {"patient_id": "id", "date": "time of draw"},
    "date_format": "%m/%d/%Y %H:%M",
}
FORM: dict[str, Any] = {
    "file": "lis.csv",
    "system": "lis",
    "decimal": ",",
    "columns": {"date": "Datum"},
    "analytes": {"Thrombozyten": "platelets"},
    "also": [MORE],
}


def read(folder: Path, form: dict[str, Any] = FORM, *, icu: str = ICU, **more: Any) -> Tables:
    (folder / "lis.csv").write_text(LIS, "utf-8")
    (folder / "icu.csv").write_text(icu, "utf-8")
    (folder / "infusions.csv").write_text("patient_id,infusion_date\n1,2024-01-10\n", "utf-8")
    return read_tables(folder, DataSection.model_validate({"labs": form, **more}))


def said(tables: Tables, rule: str) -> str:
    return " ".join(tables.findings.filter(pl.col("rule") == rule)["message"])


def test_two_files_become_one_table(tmp_path: Path) -> None:
    """Row 7 is row 2 of icu.csv: the first file ends with row 5, and the heading counts.

    4.5 and 101 g/L of 12 January are in both systems; 4.53 x 10 / 100 = 0.453. On 13 January the two differ.
    """
    tables = read(tmp_path)
    columns = ("day", "minute", "analyte", "value", "lln", "source_row")
    assert tables.labs.select(columns).rows() == [
        (2, 480, "wbc", 4.53, 4.0, 2),
        (3, 480, "wbc", 3.21, 4.0, 4),
        (4, None, "platelets", 1.234, None, 5),
        (2, 480, "hemoglobin", 101.0, 120.0, 7),
        (2, 480, "anc", 0.453, None, 7),
        (3, 480, "wbc", 4.0, None, 8),
        (4, 1230, "wbc", 2.5, None, 9),
        (4, 1230, "hemoglobin", 95.0, None, 9),
    ]
    assert "rows of icu.csv are counted on: its row 2 is row 7" in said(tables, "rows_counted_on")
    assert "in another system (icu, lis)" in said(tables, "duplicate_between_systems")
    assert "rows 4, 8" in said(tables, "systems_disagree")
    assert "3 rows were read from icu.csv" in said(tables, "file_read")


def test_a_limit_holds_for_all_files(tmp_path: Path) -> None:
    tables = read(tmp_path, FORM | {"lln": {"hemoglobin": {"value": 11, "unit": "g/dL"}}})
    limits = tables.labs.filter(pl.col("analyte") == "hemoglobin")["lln"].to_list()
    assert limits == [120.0, 110.0]


def test_what_one_file_cannot_say_is_not_read_by_the_mark_of_the_other(tmp_path: Path) -> None:
    """1,234 of the second file may be 1.234 or 1234, whatever the first file writes."""
    doubtful = 'id,time of draw,WBC (K/uL)\n1,01/12/2024 09:00,"1,234"\n1,01/13/2024 09:00,clotted\n'
    tables = read(tmp_path, icu=doubtful)
    unread = tables.labs.filter(pl.col("source_row") > 6).select("value", "invalid").rows()
    assert unread == [(None, "ambiguous number"), (None, "value not a number")]
    assert "in 1 of 6 rows (row 7)" in said(tables, "ambiguous_number")


def test_days_and_dates_side_by_side(tmp_path: Path) -> None:
    more = MORE | {"columns": {"patient_id": "id", "day": "day"}, "date_format": None}
    tables = read(tmp_path, FORM | {"also": [more]}, icu="id,day,WBC (K/uL)\n1,5,2.5\n1,6,2.4\n")
    assert tables.labs["day"].to_list() == [2, 2, 3, 4, 5, 6]


def test_each_file_has_its_own_times_in_one_time_zone(tmp_path: Path) -> None:
    utc = "id,time of draw,WBC (K/uL)\n1,2024-01-12T07:00Z,4.5\n1,2024-01-12T23:30Z,4.1\n"
    more = {name: value for name, value in MORE.items() if name != "date_format"}
    tables = read(tmp_path, FORM | {"also": [more]}, icu=utc, time_zone="Europe/Berlin")
    whites = tables.labs.filter(pl.col("analyte") == "wbc").select("day", "minute", "value").rows()
    assert whites == [(2, 480, 4.53), (3, 480, 3.21), (3, 30, 4.1)]


def test_resources_and_a_file(tmp_path: Path) -> None:
    write_export(tmp_path / "bulk", infusion("1"), observation("6690-2", 4.53, "10*9/L",
        subject={"reference": "Patient/1"}, effectiveDateTime="2024-01-12T08:00:00+01:00"))  # fmt: skip
    (tmp_path / "icu.csv").write_text(ICU, "utf-8")
    section = {
        "fhir": {"path": "bulk", "codes": {INFUSED: "infusion"}},
        "labs": {"system": "lis", "also": [MORE]},
    }
    tables = read_tables(tmp_path, DataSection.model_validate(section))
    assert tables.labs.filter(pl.col("analyte") == "wbc")["value"].to_list() == [4.53, 4.0, 2.5]
    assert "(icu, lis)" in said(tables, "duplicate_between_systems")


def test_a_column_or_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError, match=r"column 'id' \(for patient_id\) is not in icu\.csv"):
        read(tmp_path, icu="number,time of draw,WBC (K/uL)\n1,01/12/2024 09:00,4.5\n")
    (tmp_path / "icu.csv").unlink()
    with pytest.raises(ReaderError, match=r"icu2\.csv: no such file"):
        read(tmp_path, FORM | {"also": [MORE | {"file": "icu2.csv"}]}, icu=ICU)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ('file = "icu.csv"', "'system' is needed"),
        ('system = "icu"', "'file' is needed"),
        ('system = "icu"\nfile = "../icu.csv"', "leads out of the data folder"),
        ('system = "icu"\nfile = "a.csv"\nalso = [{ system = "x", file = "b.csv" }]', "also"),
        ('system = "icu"\nfile = "a.csv"\nlln = { anc = { value = 2, unit = "G/L" } }', "'lln' stands in"),
    ],
)
def test_a_further_file_says_what_it_is(tmp_path: Path, keys: str, told: str) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(f"[[labs.also]]\n{keys}\n", "utf-8")
    with pytest.raises(ProtocolError, match=told):
        read_mapping(path)


def test_one_file_judged_by_itself_says_that_the_others_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "lis.csv").write_text(LIS, "utf-8")
    _, findings = read_labs(tmp_path / "lis.csv", DataSection.model_validate({"labs": FORM}))
    assert "not read where rows are judged one by one" in " ".join(findings["message"])
