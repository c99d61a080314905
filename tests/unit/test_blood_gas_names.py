"""Hemoglobin of a blood-gas analyzer is kept apart in tables, as it is by code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cytopenia.contract import Tables
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.sources import read_tables

NAMES = [
    "Hb (BGA)",
    "Hb BGA",
    "tHb ABG",
    "tHb",
    "ctHb",
    "Hgb, blood gas",
    "Hemoglobin (blood gas)",
    "Hämoglobin (Blutgasanalyse)",
    "Hb (arterial)",
    "VBG Hgb",
]


def read(folder: Path, labs: str, **mapping: Any) -> Tables:
    (folder / "labs.csv").write_text(labs, "utf-8")
    return read_tables(folder, DataSection.model_validate({"day_zero": "first", "labs": mapping}))


def said(tables: Tables, rule: str) -> str:
    return " ".join(tables.findings.filter(pl.col("rule") == rule)["message"])


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_blood_gases_is_kept_apart_and_counted(tmp_path: Path, name: str) -> None:
    rows = f'1,2024-01-12,"{name}",7.9,g/dL\n1,2024-01-13,"{name}",7.8,g/dL\n'
    labs = f"patient_id,date,analyte,value,unit\n1,2024-01-12,Hb,8.3,g/dL\n{rows}"
    tables = read(tmp_path, labs)
    assert tables.labs.select("analyte", "value").rows() == [("hemoglobin", 83.0)]
    assert f"'{name}' is near to hemoglobin" in said(tables, "name_apart")
    assert "in 2 of 3 rows (rows 3, 4)" in said(tables, "name_apart")
    assert said(tables, "unknown_analyte") == ""


def test_codes_of_blood_gases_in_a_table(tmp_path: Path) -> None:
    labs = "patient_id,date,analyte,value,unit\n1,2024-01-12,718-7,8.3,g/dL\n1,2024-01-12,30313-1,7.9,g/dL\n"
    tables = read(tmp_path, labs)
    assert tables.labs["value"].to_list() == [83.0]
    assert "arterial blood" in said(tables, "code_apart")


def test_a_mapping_uses_them(tmp_path: Path) -> None:
    labs = "patient_id,date,analyte,value,unit\n1,2024-01-12,Hb (BGA),7.9,g/dL\n"
    tables = read(tmp_path, labs, analytes={"Hb (BGA)": "hemoglobin"})
    assert tables.labs["value"].to_list() == [79.0]
    assert said(tables, "name_apart") == ""


def test_columns_of_a_wide_table(tmp_path: Path) -> None:
    tables = read(tmp_path, "patient_id,date,Hb (g/dL),Hb (BGA),tHb (g/dL)\n1,2024-01-12,8.3,7.9,7.8\n")
    assert tables.labs.select("analyte", "value").rows() == [("hemoglobin", 83.0)]
    assert "'Hb (BGA)' is near to hemoglobin" in said(tables, "name_apart")
    assert "'tHb' is near to hemoglobin" in said(tables, "name_apart")
    own = read(tmp_path, "patient_id,date,tHb (g/dL)\n1,2024-01-12,7.8\n", analytes={"tHb": "hemoglobin"})
    assert own.labs["value"].to_list() == [78.0]
    assert said(own, "name_apart") == ""


@pytest.mark.parametrize("name", ["HbA1c", "MetHb", "Hb electrophoresis", "Hb S"])
def test_any_other_hemoglobin_is_not_used_either(tmp_path: Path, name: str) -> None:
    labs = f"patient_id,date,analyte,value,unit\n1,2024-01-12,Hb,8.3,g/dL\n1,2024-01-12,{name},7.9,g/dL\n"
    tables = read(tmp_path, labs)
    assert tables.labs["value"].to_list() == [83.0]
    assert f"'{name}'" in said(tables, "unknown_analyte")
