"""Cells of a workbook (Excel, OpenDocument) as texts, by the rows and letters the spreadsheet shows."""

from __future__ import annotations

import contextlib
import string
from collections.abc import Generator
from pathlib import Path

import polars as pl

from cytopenia.errors import ReaderError, suggest_name

__all__ = ["EXCEL_SUFFIXES", "list_sheets", "name_column", "read_cells"]

EXCEL_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")

_MIDNIGHT = r"^(\d{4}-\d{2}-\d{2}) 00:00:00$"
# What a spreadsheet stores for a time without a date.
_TIME_ONLY = r"^(?:1899-12-3[01]|1904-01-01) (\d{2}:\d{2}:\d{2})$"


def read_cells(path: Path, sheet: str, *, rows: int | None = None) -> pl.DataFrame:
    """Return the cells of a sheet as texts, one row per row of the sheet, blank rows among them.

    Parameters
    ----------
    path : Path
    sheet
        Its name.
    rows
        Only so many rows from the top.

    Returns
    -------
    DataFrame
        `source_row` (the first row of a sheet is 1), then one text column per column of the sheet under its
        letter ("A", "B" ...). A blank cell and a cell with an error (#DIV/0!) are null. Dates are ISO texts.

    Raises
    ------
    ReaderError
        The file is absent, no workbook, or has no such sheet.
    """
    import fastexcel

    with _explained(path):
        reader = fastexcel.read_excel(path)
        if sheet not in reader.sheet_names:
            listed = ", ".join(reader.sheet_names)
            raise ReaderError(
                f"{path.name}: sheet '{sheet}' is absent{suggest_name(sheet, reader.sheet_names)}; "
                f"found: {listed}."
            )
        table = reader.load_sheet_by_name(sheet, header_row=None, skip_rows=0, n_rows=rows, dtypes="string")
        letters = [name_column(column.absolute_index) for column in table.selected_columns]
        cells = table.to_polars()
    cells = cells.rename(dict(zip(cells.columns, letters, strict=True)))
    number = pl.int_range(1, cells.height + 1, dtype=pl.UInt32, eager=True)
    shown = (pl.col(letter).str.replace(_MIDNIGHT, "$1").str.replace(_TIME_ONLY, "$1") for letter in letters)
    return cells.select(number.alias("source_row"), *shown)


def list_sheets(path: Path) -> list[str]:
    """Return the names of the sheets, hidden ones among them.

    Raises
    ------
    ReaderError
        The file is absent or no workbook.
    """
    import fastexcel

    with _explained(path):
        return fastexcel.read_excel(path).sheet_names


def name_column(place: int) -> str:
    """Return the letters of a column; the first is 0.

    Examples
    --------
    >>> [name_column(place) for place in (0, 25, 26, 701, 702)]
    ['A', 'Z', 'AA', 'ZZ', 'AAA']
    """
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = string.ascii_uppercase[rest] + letters
    return letters


@contextlib.contextmanager
def _explained(path: Path) -> Generator[None]:
    import fastexcel

    if not path.is_file():
        raise ReaderError(f"{path.name}: no such file in {path.parent}. Check the name.")
    try:
        yield
    except (fastexcel.FastExcelError, OSError) as cause:
        raise ReaderError(
            f"{path.name}: cannot be read as an Excel workbook. Save it as .xlsx again."
        ) from cause
