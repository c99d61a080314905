"""A workbook becomes the table of a source: which sheets, where the table stands in them, stacked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from cytopenia.contract import TABLES, Finding, note
from cytopenia.errors import ReaderError, join_problems, suggest_name
from cytopenia.readers.excel import Sheet, list_sheets, read_cells, read_grid, read_typed
from cytopenia.readers.headings import Grid, fill_down, find_heading_row, fold_heading, lay_out, quote_heading
from cytopenia.readers.mapping_forms import TableMapping
from cytopenia.readers.source_table import SourceTable
from cytopenia.readers.workbook_findings import find_marked_cells

__all__ = ["ALL_SHEETS", "read_workbook_table"]

ALL_SHEETS = "*"
_NAMELESS = re.compile(r"^column [A-Z]+$")
_NUMBERED = re.compile(r"^(?P<base>.*)_[0-9]+$", re.DOTALL)
_HEAD_ROWS = 100


@dataclass(frozen=True)
class _Part:
    """What one sheet gave."""

    name: str
    origin: str
    sheet: Sheet
    findings: list[Finding]
    problems: list[str]


def read_workbook_table(
    name: str, path: Path, mapping: TableMapping, *, sheet: str | None = None
) -> SourceTable:
    """Return the table `name` of a workbook as the mapping says where it stands; errors come all at once.

    Raises
    ------
    ReaderError
        The file cannot be read, a sheet is absent, or the table is not where the mapping says.
    """
    there = list_sheets(path)
    stated = mapping.sheet is not None or bool(mapping.sheets)
    chosen = [sheet] if sheet is not None and not stated else _choose_sheets(path, name, mapping, there)
    parts = [_read_part(name, path, one, mapping) for one in chosen]
    problems = [problem for part in parts for problem in part.problems]
    problems += _find_missing_columns(parts, mapping)
    if problems:
        raise ReaderError(join_problems(f"{path.name}: the table is not where the mapping says", problems))
    left = [one for one in there if one not in chosen and one.strip().lower() not in TABLES]
    findings = [finding for part in parts for finding in part.findings]
    if left:
        listed = ", ".join(f"'{one}'" for one in left)
        findings.insert(
            0, note(name, "sheets_not_read", f"sheets of {path.name} that were not read: {listed}")
        )
    if len(parts) == 1:
        return SourceTable(parts[0].sheet.table, parts[0].origin, tuple(findings))
    table, found = _stack(name, parts)
    listed = ", ".join(chosen)
    return SourceTable(table, f"{path.name}, sheets {listed}", (*findings, *found))


def _choose_sheets(path: Path, name: str, mapping: TableMapping, there: Sequence[str]) -> list[str]:
    if not there:
        raise ReaderError(f"{path.name}: cannot be read as an Excel workbook. Save it as .xlsx again.")
    listed = ", ".join(there)
    if mapping.sheets == (ALL_SHEETS,):
        return list(there)
    wanted = [mapping.sheet] if mapping.sheet is not None else list(mapping.sheets)
    absent = [
        f"sheet '{one}' is absent{suggest_name(one, there)}; found: {listed}"
        for one in wanted
        if one not in there
    ]
    if absent:
        raise ReaderError(f"{path.name}: {'. '.join(absent)}.")
    if wanted:
        return wanted
    named = [one for one in there if one.strip().lower() == name]
    if len(there) > 1 and not named:
        raise ReaderError(
            f"{path.name}: several sheets, none is named '{name}'; found: {listed}. Name one in the mapping: "
            f'[data.{name}] sheet = "{there[0]}", or several: sheets = ["{there[0]}", "{there[1]}"].'
        )
    return [named[0] if named else there[0]]


def _read_part(name: str, path: Path, one: str, mapping: TableMapping) -> _Part:
    origin = f"{path.name}, sheet {one}"
    if mapping.is_laid_out:
        sheet = read_grid(path, one, decimal=mapping.decimal)
        merges = None if sheet.marks is None else sheet.marks.merges
        laid = lay_out(Grid(sheet.table, origin, merges), name, mapping)
        sheet = replace(sheet, table=laid.frame, letters=laid.letters)
        findings, problems = laid.findings, laid.problems
    else:
        sheet = read_typed(path, one, decimal=mapping.decimal)
        findings, problems = list[Finding](), _check_headings(path, one, sheet, name)
        sheet = replace(sheet, table=_drop_blank_rows(sheet.table))
    if problems or sheet.table.width == 0:
        return _Part(one, origin, sheet, findings, problems)
    findings = [*findings, *find_marked_cells(name, sheet, mapping, origin=origin)]
    table, filled, found = fill_down(sheet.table, name, mapping)
    problems = [f"{origin}: {problem}" for problem in found]
    if mapping.sheet_is is not None:
        problems += _check_sheet_column(origin, table, mapping.sheet_is, name)
        table = table.with_columns(pl.lit(one.strip()).alias(mapping.sheet_is))
    return _Part(one, origin, replace(sheet, table=table), [*findings, *filled], problems)


def _check_headings(path: Path, one: str, sheet: Sheet, name: str) -> list[str]:
    """What is wrong with the first filled row as headings; the cells are read again only if it looks odd."""
    headings = list(sheet.letters)
    numbered = {
        heading: match["base"]
        for heading in headings
        if (match := _NUMBERED.match(heading)) and match["base"] in headings
    }
    nameless = any(_NAMELESS.match(heading) for heading in headings)
    if not numbered and not nameless and len(headings) > 1:
        return []
    cells, origin = read_cells(path, one, rows=_HEAD_ROWS), f"{path.name}, sheet {one}"
    row = find_heading_row(cells)
    top = int(sheet.table["source_row"][0]) - 1 if sheet.table.height else 1
    if row is not None:
        return [
            f"{origin}: row {top} has far fewer filled cells than the rows beneath and looks like a title; "
            f"the headings seem to stand in row {row}. Write header = {row} under [data.{name}], or, if row "
            f"{top} is part of the headings, header = [{top}, {row}]"
        ]
    shown = cells.filter(pl.col("source_row") == top)
    return [
        f"{origin}: {quote_heading(base)} stands over columns {sheet.letters[base]}, "
        f"{sheet.letters[heading]}; give every column its own"
        for heading, base in numbered.items()
        if shown.height and (shown[sheet.letters[heading]][0] or "").strip() == base
    ]


def _drop_blank_rows(table: pl.DataFrame) -> pl.DataFrame:
    if table.width <= 1:
        return table
    return table.filter(~pl.all_horizontal(pl.exclude("source_row").is_null()))


def _check_sheet_column(origin: str, table: pl.DataFrame, ours: str, name: str) -> list[str]:
    if name in TABLES and ours not in TABLES[name].inputs:
        return [f"{origin}: 'sheet_is' is '{ours}', and {name} have no column of that name"]
    found = [heading for heading in table.columns if fold_heading(heading) == ours]
    return [
        f"{origin}: 'sheet_is' is '{ours}', and there is a column '{heading}' as well; remove one of them"
        for heading in found
    ]


def _find_missing_columns(parts: Iterable[_Part], mapping: TableMapping) -> list[str]:
    """Mapped columns that one of several sheets lacks, which would be blank without a word."""
    listed = [part for part in parts if not part.problems and part.sheet.letters]
    return [
        f"{part.origin}: column '{theirs}' (for {ours}) is not there"
        f"{suggest_name(theirs, part.sheet.table.columns)}"
        for part in (listed if len(listed) > 1 else [])
        for ours, theirs in mapping.columns.items()
        if theirs not in part.sheet.table.columns
    ]


def _stack(name: str, parts: Sequence[_Part]) -> tuple[pl.DataFrame, list[Finding]]:
    """All sheets as one table; rows are counted on by a round number from sheet to sheet."""
    filled = [part for part in parts if part.sheet.letters]
    if not filled:
        return pl.DataFrame(), []
    last = max((row for part in filled for row in part.sheet.table["source_row"].tail(1)), default=1)
    step = 10 ** len(str(last))
    tables = [
        part.sheet.table.with_columns((pl.col("source_row") + place * step).cast(pl.UInt32))
        for place, part in enumerate(parts)
        if part.sheet.letters
    ]
    counted = ", ".join(f"'{part.name}' from {place * step:,}" for place, part in enumerate(parts) if place)
    what = f"{len(parts)} sheets were stacked; '{parts[0].name}' has its own row numbers, {counted} on"
    findings = [note(name, "sheets_stacked", what)]
    findings += [
        note(name, "empty_table", f"{part.origin} is empty") for part in parts if not part.sheet.letters
    ]
    everywhere = [set(table.columns) for table in tables]
    shared = set[str].intersection(*everywhere)
    partial = [column for table in tables for column in table.columns if column not in shared]
    if partial:
        listed = ", ".join(f"'{column}'" for column in dict.fromkeys(partial))
        findings.append(note(name, "columns_not_in_every_sheet", f"columns of some sheets only: {listed}"))
    return pl.concat(_align_types(tables), how="diagonal"), findings


def _align_types(tables: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Columns of the same name with one type: numbers stay numbers, anything else becomes text."""
    kinds: dict[str, set[pl.DataType]] = {}
    for table in tables:
        for column, dtype in table.schema.items():
            if table[column].null_count() < table.height:
                kinds.setdefault(column, set()).add(dtype)
    common = {
        column: next(iter(found))
        if len(found) == 1
        else pl.Float64()
        if all(dtype.is_numeric() for dtype in found)
        else pl.String()
        for column, found in kinds.items()
        if column != "source_row"
    }
    return [
        table.with_columns(
            pl.col(column).cast(common.get(column, pl.String()))
            for column in table.columns
            if column != "source_row"
        )
        for table in tables
    ]
