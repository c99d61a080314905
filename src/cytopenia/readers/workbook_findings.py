"""What is doubtful about the cells of a sheet: formulas, errors, hidden and merged cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from cytopenia.contract import Finding, note, note_rows
from cytopenia.readers.excel import Sheet, name_column
from cytopenia.readers.headings import fold_heading
from cytopenia.readers.mapping_forms import TableMapping
from cytopenia.readers.sheet_marks import Merge, SheetMarks, count_places

__all__ = ["find_marked_cells"]

_SHOWN = 10


def find_marked_cells(name: str, sheet: Sheet, mapping: TableMapping, *, origin: str) -> list[Finding]:
    """Return what the marks of a sheet say about the rows that were read from it.

    Parameters
    ----------
    name : str
        The table.
    sheet : Sheet
        Its table has `source_row`, its letters are those of the columns of the table.
    mapping : TableMapping
    origin : str
        File and sheet, as messages print them.
    """
    marks = sheet.marks
    findings = [note(name, "hidden_cells", f"{origin} is a hidden sheet")] if sheet.is_hidden else []
    if marks is None:
        what = f"{origin} is of a kind whose formulas, errors, hidden and merged cells are not seen"
        return [*findings, note(name, "workbook_not_checked", what)]
    if marks.formulas:
        what = f"{marks.formulas:,} {'cell' if marks.formulas == 1 else 'cells'} of {origin} hold a formula"
        lacking = count_places(marks.uncomputed)
        what += f", {lacking:,} of them no result" if lacking else ""
        findings.append(note(name, "formula_cells", what))
    headings = {letter: heading for heading, letter in sheet.letters.items()}
    findings += _name_cells(name, sheet.table, headings, "formula_without_result", marks.uncomputed)
    findings += _name_cells(name, sheet.table, headings, "error_cells", marks.errors)
    return findings + _find_hidden(name, origin, sheet, marks) + _find_merged(name, sheet, marks, mapping)


def _name_cells(
    name: str,
    table: pl.DataFrame,
    headings: Mapping[str, str],
    rule: str,
    places: Mapping[str, list[int]],
) -> list[Finding]:
    said = {
        "formula_without_result": "a formula has no stored result",
        "error_cells": "the cell is an error",
    }[rule]
    findings: list[Finding] = []
    for letter, rows in sorted(places.items(), key=lambda place: (len(place[0]), place[0])):
        if letter in headings:
            read = table["source_row"].filter(table["source_row"].is_in(rows))
            what = f"'{headings[letter]}': {said}"
            findings += note_rows(f"{name}.{headings[letter]}", rule, what, rows=read, total=table.height)
    return findings


def _find_hidden(name: str, origin: str, sheet: Sheet, marks: SheetMarks) -> list[Finding]:
    findings: list[Finding] = []
    rows = sheet.table["source_row"]
    hidden = rows.filter(rows.is_in(marks.hidden_rows))
    findings += note_rows(
        name, "hidden_cells", f"the row is hidden in {origin}", rows=hidden, total=rows.len()
    )
    concealed = {
        name_column(place)
        for left, right in marks.hidden_columns
        for place in range(left, min(right, left + _MOST_COLUMNS) + 1)
    }
    columns = [heading for heading, letter in sheet.letters.items() if letter in concealed]
    if columns:
        findings.append(note(name, "hidden_cells", f"hidden columns of {origin}: {_list(columns)}"))
    return findings


_MOST_COLUMNS = 16_384


def _find_merged(name: str, sheet: Sheet, marks: SheetMarks, mapping: TableMapping) -> list[Finding]:
    """Cells merged over several rows of data, where nothing says that they are filled down."""
    if not marks.merges or sheet.table.height == 0:
        return []
    first = int(sheet.table["source_row"][0])
    last = mapping.last_row or int(sheet.table["source_row"][-1])
    filled = {mapping.columns.get(ours, ours) for ours in mapping.fill_down}
    by_letter: dict[str, list[Merge]] = {}
    for merge in marks.merges:
        if first <= merge.top < merge.bottom and merge.top <= last:
            by_letter.setdefault(name_column(merge.left), []).append(merge)
    findings: list[Finding] = []
    for heading, letter in sheet.letters.items():
        if heading in filled or fold_heading(heading) in filled:
            continue
        if spans := by_letter.get(letter):
            rows = sum(merge.bottom - merge.top + 1 for merge in spans)
            cells = f"{len(spans):,} merged {'cell' if len(spans) == 1 else 'cells'}"
            what = f"'{heading}' has {cells} over {rows:,} rows"
            findings.append(note(f"{name}.{heading}", "merged_cells", what, rows=rows))
    return findings


def _list(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN:,} more" if len(listed) > _SHOWN else ""
    return ", ".join(f"'{name}'" for name in listed[:_SHOWN]) + more
