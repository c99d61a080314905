"""Cells of a workbook (Excel, OpenDocument): as texts by row and letter, or as a table with types."""

from __future__ import annotations

import contextlib
import logging
import string
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl

from cytopenia.errors import ReaderError, suggest_name
from cytopenia.readers.sheet_marks import SheetMarks, scan_sheet
from cytopenia.readers.workbook_guard import check_workbook

if TYPE_CHECKING:
    from fastexcel import DType, ExcelSheet

__all__ = [
    "EXCEL_SUFFIXES",
    "Sheet",
    "list_sheets",
    "name_column",
    "read_cells",
    "read_grid",
    "read_typed",
]

# The library says on the terminal how it chose types; what matters becomes a finding.
logging.getLogger("fastexcel").addHandler(logging.NullHandler())

EXCEL_SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")

_MIDNIGHT = r"^(\d{4}-\d{2}-\d{2})[ T]00:00:00$"
# What a spreadsheet stores for a time without a date.
_NO_DATES = (date(1899, 12, 30), date(1899, 12, 31), date(1904, 1, 1))
_TIME_ONLY = r"^(?:1899-12-3[01]|1904-01-01)[ T](\d{2}:\d{2}:\d{2})$"
_COMMA, _POINT = r"[0-9],[0-9]", r"^-?[0-9]+\.[0-9]+$"
_LARGEST_EXACT = 2**53
_SPLIT_NUMBER = r"^(-?)([0-9]+)\.([0-9]+)$"

Kind = Literal["string", "datetime", "duration"]


@dataclass(frozen=True)
class Sheet:
    """A sheet that was read: its table, the letter of each column, and its marks (None: not known)."""

    table: pl.DataFrame
    letters: Mapping[str, str]
    marks: SheetMarks | None
    is_hidden: bool = False


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
        letter ("A", "B" ...). A blank cell, a cell with an error (#DIV/0!) and a formula without a stored
        result are null. Dates are ISO texts.

    Raises
    ------
    ReaderError
        The file is absent, no workbook, or has no such sheet.
    """
    return read_grid(path, sheet, rows=rows).table


def read_grid(path: Path, sheet: str, *, rows: int | None = None, decimal: str = "auto") -> Sheet:
    """Return the cells of a sheet as `read_cells` does, with the marks of the sheet.

    With a comma as decimal mark, cells that are numbers are written with it, so that 1.234 in a cell is not
    taken for the text "1.234".
    """
    with _opened(path, sheet):
        marks = scan_sheet(path, sheet)
        cells, hidden = _load_cells(path, sheet, rows, "string")
        if path.suffix.lower() == ".ods":
            cells = _fill_times(cells, _load_cells(path, sheet, rows, "duration")[0])
        letters = cells.columns[1:]
        shown = (
            pl.col(letter).str.replace(_TIME_ONLY, "$1").str.replace(_MIDNIGHT, "$1") for letter in letters
        )
        cells = cells.with_columns(*shown)
        doubtful = [letter for letter in letters if _needs_marks(cells[letter], decimal)]
        if doubtful:
            numbers = _load_cells(path, sheet, rows, "datetime")[0].select(pl.col(doubtful).is_not_null())
            cells = _write_numbers(cells, numbers, decimal)
    same = dict(zip(letters, letters, strict=True))
    return Sheet(_drop_uncomputed(cells, same, marks), same, marks, hidden)


def read_typed(path: Path, sheet: str, *, decimal: str = "auto") -> Sheet:
    """Return the table of a sheet whose first filled row has the headings; all rows decide a column's type.

    A column of numbers with a text among them is text. So is one with numbers beside true or false, which
    are no numbers. `source_row` is the row of the sheet.
    """
    with _opened(path, sheet):
        marks = scan_sheet(path, sheet)
        table, letters, hidden = _load_typed(path, sheet, marks)
        top = _find_top(path, sheet, table, marks)
        table = table.drop("source_row", strict=False).with_columns(
            source_row=pl.int_range(top + 1, top + 1 + table.height, dtype=pl.UInt32, eager=True)
        )
        doubtful = [
            name for name in letters if table[name].dtype == pl.String and _needs_marks(table[name], decimal)
        ]
        if doubtful:
            grid, _ = _load_cells(path, sheet, None, "datetime")
            places = pl.Series(table["source_row"] - 1)
            numbers = pl.DataFrame(
                {name: grid[letters[name]].gather(places).is_not_null() for name in doubtful}
            )
            table = _write_numbers(table, numbers, decimal)
    return Sheet(_drop_uncomputed(table, letters, marks), letters, marks, hidden)


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


def _load_cells(path: Path, sheet: str, rows: int | None, kind: Kind) -> tuple[pl.DataFrame, bool]:
    """All cells as one kind, blank where they are of another, and whether the sheet is hidden."""
    import fastexcel

    loaded = fastexcel.read_excel(path).load_sheet_by_name(
        sheet, header_row=None, skip_rows=0, n_rows=rows, dtypes=kind
    )
    letters = [name_column(column.absolute_index) for column in loaded.selected_columns]
    cells = loaded.to_polars()
    number = pl.int_range(1, cells.height + 1, dtype=pl.UInt32, eager=True).alias("source_row")
    named = cells.rename(dict(zip(cells.columns, letters, strict=True))).select(number, *letters)
    return named, loaded.visible != "visible"


def _load_typed(
    path: Path, sheet: str, marks: SheetMarks | None
) -> tuple[pl.DataFrame, dict[str, str], bool]:
    """The table and the letters of its columns; nameless columns without content are left out."""
    import fastexcel

    reader = fastexcel.read_excel(path)
    try:
        loaded = reader.load_sheet_by_name(sheet, schema_sample_rows=None)
        table = loaded.to_polars()
        mixed = _find_mixed(table, loaded, marks)
        if mixed:
            loaded = reader.load_sheet_by_name(sheet, schema_sample_rows=None, dtypes=mixed)
            table = loaded.to_polars()
    except fastexcel.UnsupportedColumnTypeCombinationError:
        loaded = reader.load_sheet_by_name(sheet, dtypes="string")
        table = loaded.to_polars()
    letters = {column.name: name_column(column.absolute_index) for column in loaded.selected_columns}
    nameless = {name: letter for name, letter in letters.items() if name.startswith("__UNNAMED__")}
    table = table.drop(name for name in nameless if table[name].null_count() == table.height)
    names = {name: f"column {letters[name]}" if name in nameless else name.strip() for name in table.columns}
    _require_distinct(path, sheet, names, letters)
    table = table.with_columns(_narrow(table)).rename(names)
    found = {names[name]: letter for name, letter in letters.items() if name in names}
    return table, found, loaded.visible != "visible"


def _find_mixed(table: pl.DataFrame, loaded: ExcelSheet, marks: SheetMarks | None) -> dict[str | int, DType]:
    """Columns with true or false among other cells, where the library would make them 1 and 0."""
    booleans = marks.booleans if marks is not None else {}
    return {
        column.name: "string"
        for column in loaded.selected_columns
        if name_column(column.absolute_index) in booleans and table[column.name].dtype != pl.Boolean
    }


def _require_distinct(path: Path, sheet: str, names: Mapping[str, str], letters: Mapping[str, str]) -> None:
    """Headings that differ only in the blanks around them are equal."""
    given = list(names.values())
    for shown in dict.fromkeys(given):
        if given.count(shown) > 1:
            columns = ", ".join(letters[name] for name, text in names.items() if text == shown)
            raise ReaderError(
                f"{path.name}, sheet {sheet}: the same heading stands over columns {columns}; give every "
                "column its own."
            )


def _narrow(table: pl.DataFrame) -> list[pl.Expr]:
    """Numbers that are all whole, times that are all midnight, and times without a date, as what they are."""
    narrowed: list[pl.Expr] = []
    for name, dtype in table.schema.items():
        column = table[name].drop_nulls()
        if dtype.is_float() and column.len() and (column.floor() == column).all():
            if (column.abs() <= _LARGEST_EXACT).all():
                narrowed.append(pl.col(name).cast(pl.Int64))
        elif isinstance(dtype, pl.Datetime) and column.len() and column.dt.date().is_in(_NO_DATES).all():
            narrowed.append(pl.col(name).dt.time())
        elif isinstance(dtype, pl.Datetime) and (column.dt.truncate("1d") == column).all():
            narrowed.append(pl.col(name).dt.date())
        elif dtype == pl.String and column.str.contains(_TIME_ONLY).any():
            narrowed.append(pl.col(name).str.replace(_TIME_ONLY, "$1"))
    return narrowed


def _find_top(path: Path, sheet: str, table: pl.DataFrame, marks: SheetMarks | None) -> int:
    """The row of the sheet that has the headings: the first with anything in it."""
    if marks is not None:
        return marks.first_row or 1
    return max(_load_cells(path, sheet, None, "string")[0].height - table.height, 1)


def _fill_times(cells: pl.DataFrame, times: pl.DataFrame) -> pl.DataFrame:
    """Times of the day, which an OpenDocument file keeps as durations, as texts."""
    start = pl.datetime(2000, 1, 1)
    return cells.with_columns(
        pl.col(name).fill_null((start + times[name]).dt.strftime("%H:%M:%S"))
        for name in times.columns[1:]
        if times[name].null_count() < times.height
    )


def _needs_marks(column: pl.Series, decimal: str) -> bool:
    """Whether number cells among texts would be misread by the decimal mark of the texts."""
    if decimal == ".":
        return False
    distinct = column.unique()
    if not distinct.str.contains(_POINT).any():
        return False
    return decimal == "," or bool(distinct.str.contains(_COMMA).any())


def _write_numbers(table: pl.DataFrame, numbers: pl.DataFrame, decimal: str) -> pl.DataFrame:
    """Number cells with the stated decimal mark, or, where the texts have to show it, without any mark."""
    changes: list[pl.Series] = []
    for name in numbers.columns:
        text = table[name]
        parts = text.str.extract_groups(_SPLIT_NUMBER).struct.unnest()
        parts.columns = ["sign", "whole", "part"]
        plain = pl.concat_str(
            "sign", "whole", "part", pl.lit("e-"), pl.col("part").str.len_bytes().cast(pl.String)
        )
        written = (
            text.str.replace(".", ",", literal=True) if decimal == "," else parts.select(plain).to_series()
        )
        is_number = numbers[name] & parts["whole"].is_not_null()
        changes.append(written.zip_with(is_number, text).alias(name))
    return table.with_columns(changes)


def _drop_uncomputed(
    table: pl.DataFrame, letters: Mapping[str, str], marks: SheetMarks | None
) -> pl.DataFrame:
    """Formulas without a stored result are blank, also where a program has put 0 in its place."""
    if marks is None or not marks.uncomputed:
        return table
    return table.with_columns(
        pl.when(~pl.col("source_row").is_in(marks.uncomputed[letter])).then(pl.col(name)).alias(name)
        for name, letter in letters.items()
        if letter in marks.uncomputed and name in table.columns
    )


@contextlib.contextmanager
def _opened(path: Path, sheet: str) -> Generator[None]:
    """Within it the file is a workbook that has the sheet, and what the library says becomes a sentence."""
    with _explained(path):
        sheets = list_sheets(path)
        if sheet not in sheets:
            raise ReaderError(
                f"{path.name}: sheet '{sheet}' is absent{suggest_name(sheet, sheets)}; "
                f"found: {', '.join(sheets)}."
            )
        yield


@contextlib.contextmanager
def _explained(path: Path) -> Generator[None]:
    import fastexcel

    check_workbook(path)
    try:
        yield
    except (fastexcel.FastExcelError, OSError) as cause:
        if "assword" in str(cause):
            raise ReaderError(
                f"{path.name}: is protected with a password. Save it without a password."
            ) from cause
        raise ReaderError(
            f"{path.name}: cannot be read as an Excel workbook. Save it as .xlsx again."
        ) from cause
