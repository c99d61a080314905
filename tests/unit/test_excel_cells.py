"""Cells of a workbook as texts: what stands in the file, by row and letter."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import xlsxwriter

from cytopenia.errors import ReaderError
from cytopenia.readers.excel import read_cells

KINDS = [0.1, "<0.1", 0, True, 12, 1e-7, "007", "  pad ", None, 2.675]


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "kinds.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        for row, value in enumerate(KINDS, start=2):
            sheet.write(row, 1, value)
        dates = {"yyyy-mm-dd": dt.datetime(2024, 1, 31), "dd.mm.yy hh:mm": dt.datetime(2024, 1, 31, 13, 45)}
        for row, (shown, value) in enumerate(dates.items(), start=13):
            sheet.write_datetime(row, 1, value, book.add_format({"num_format": shown}))
        sheet.write_number(15, 1, 0.5, book.add_format({"num_format": "hh:mm"}))
        sheet.write_formula(16, 1, "=1/0", None, "#DIV/0!")
        sheet.write(20, 3, "x")
    return path


def test_every_kind_of_cell_is_a_text_at_its_place(workbook: Path) -> None:
    cells = read_cells(workbook, "S")
    assert cells.columns == ["source_row", "B", "C", "D"]
    assert cells["source_row"].to_list() == list(range(1, 22))
    column = cells["B"].to_list()
    assert column[2:12] == ["0.1", "<0.1", "0", "true", "12", "0.0000001", "007", "  pad ", None, "2.675"]
    assert column[13:17] == ["2024-01-31", "2024-01-31 13:45:00", "12:00:00", None]
    assert cells["D"].to_list()[20] == "x"


def test_only_the_first_rows(workbook: Path) -> None:
    assert read_cells(workbook, "S", rows=3)["B"].to_list() == [None, None, "0.1"]


def test_dates_since_1904(tmp_path: Path) -> None:
    path = tmp_path / "mac.xlsx"
    with xlsxwriter.Workbook(path, {"date_1904": True}) as book:
        sheet = book.add_worksheet()
        shown = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_datetime(0, 0, dt.datetime(2024, 1, 31), shown)
    assert read_cells(path, "Sheet1")["A"].to_list() == ["2024-01-31"]


def test_what_is_no_sheet_or_workbook(workbook: Path, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"kinds\.xlsx: sheet 'T' is absent; found: S"):
        read_cells(workbook, "T")
    with pytest.raises(ReaderError, match=r"none\.xlsx: no such file in"):
        read_cells(tmp_path / "none.xlsx", "T")
    (tmp_path / "text.xlsx").write_text("no workbook")
    with pytest.raises(ReaderError, match=r"text\.xlsx: cannot be read as an Excel workbook"):
        read_cells(tmp_path / "text.xlsx", "T")
