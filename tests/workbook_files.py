"""Workbooks as clinicians keep them, written cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from cytopenia.readers.mapping import DataSection
from cytopenia.readers.tabular import read_lab_file

Rows = Sequence[Sequence[Any]]


TITLED = [
    ["Hematology follow-up", None, None, None, None, None],
    [],
    ["Patient", "Sex", "ANC", None, "Hb", None],
    [None, None, "Day 0", "Day 7", "Day 0", "Day 7"],
    [None, None, "G/L", "G/L", "g/dL", "g/dL"],
    ["P1", "f", 2.5, 0.4, 11, "<7"],
    ["P2", "m", 3, 0, None, 8.5],
    [None, None, None, None, None, None],
    ["* values from two laboratories"],
]
MERGES = ["A1:F1", "A3:A4", "B3:B4", "C3:D3", "E3:F3"]
DAYS = {"ANC / Day {day}": {"analyte": "anc"}, "Hb / Day {day}": {"analyte": "hemoglobin", "unit": "g/dL"}}
LAYOUT: dict[str, Any] = {
    "header": [3, 4],
    "unit_row": 5,
    "last_row": 7,
    "columns": {"patient_id": "Patient"},
    "days": DAYS,
}
EXPECTED = [
    ("P1", 0, "anc", 2.5, "=", 6),
    ("P1", 0, "hemoglobin", 110.0, "=", 6),
    ("P1", 7, "anc", 0.4, "=", 6),
    ("P1", 7, "hemoglobin", 70.0, "<", 6),
    ("P2", 0, "anc", 3.0, "=", 7),
    ("P2", 7, "anc", 0.0, "=", 7),
    ("P2", 7, "hemoglobin", 85.0, "=", 7),
]


def write_workbook(path: Path, sheets: Mapping[str, Rows], *, merges: Sequence[str] = ()) -> Path:
    """Rows from the first row of each sheet; `merges` are ranges of the first sheet."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        for place, (name, rows) in enumerate(sheets.items()):
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, str) and cell.startswith("="):
                        formula, _, result = cell.partition(" -> ")
                        sheet.write_formula(number, column, formula, None, result)
                    elif cell is not None:
                        sheet.write(number, column, cell)
            for merged in merges if place == 0 else ():
                first, _, _ = merged.partition(":")
                row, column = xlsxwriter.utility.xl_cell_to_rowcol(first)
                sheet.merge_range(merged, rows[row][column])
    return path


def section_of(**labs: Any) -> DataSection:
    return DataSection.model_validate({"labs": labs})


def essence(labs: pl.DataFrame) -> list[tuple[Any, ...]]:
    table = labs.select("patient_id", "day", "analyte", "value", "comparator", "source_row")
    return sorted(table.with_columns(pl.col("analyte").cast(pl.String)).rows())


def read(path: Path, **labs: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    _, table, findings = read_lab_file(path, section_of(**labs))
    return table, findings


def messages(findings: pl.DataFrame, rule: str) -> list[str]:
    return findings.filter(pl.col("rule") == rule)["message"].to_list()
