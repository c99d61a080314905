"""Workbooks as clinicians keep them, written cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

Rows = Sequence[Sequence[Any]]


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
