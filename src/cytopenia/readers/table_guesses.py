"""Which of the six tables a sheet holds, in which shape, and which sheets belong together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import polars as pl

from cytopenia.readers.column_guesses import ColumnGuess, guess_column, name_analyte
from cytopenia.readers.column_names import NamedColumn, find_table
from cytopenia.readers.heading_parts import read_heading
from cytopenia.readers.sheet_layout import Layout, find_layout
from cytopenia.readers.sheet_sources import FoundSheet

__all__ = ["SheetGuess", "group_sheets", "guess_sheet"]

_PATIENT_FACTS = (
    "age_years",
    "sex",
    "diagnosis",
    "stage",
    "ecog",
    "prior_lines",
    "prior_hsct",
    "marrow_involvement",
    "bridging",
)
# Names that programs give to sheets, and years and months, are no patients.
_NO_PATIENT = re.compile(
    r"(?:sheet|table|tabelle|tabla|feuil|hoja|foglio|blad|data|daten|export|page|seite|lab|q[1-4]\b|(?:19|20)\d\d\b"
    r"|jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SheetGuess:
    """A sheet, the table it holds, and its columns.

    `shape` of labs is "long" (a row per value), "wide" (a column per analyte) or "days" (a column per day).
    `sheets` are the sheets that are stacked, `sheet_is` the column whose value is the name of each sheet.
    """

    found: FoundSheet
    layout: Layout
    columns: tuple[ColumnGuess, ...]
    table: str | None
    shape: str
    why: str
    sheets: tuple[str, ...] = ()
    sheet_is: str | None = None

    def pick(self, column: str, *tables: str) -> tuple[ColumnGuess, NamedColumn] | None:
        """The column that stands for one of ours: the surest, and of these the first."""
        found = [(guess, role) for guess in self.columns if (role := guess.role(column, *tables)) is not None]
        return min(found, key=_rank, default=None)

    @property
    def wide(self) -> list[ColumnGuess]:
        """The columns of values of one analyte each."""
        return [guess for guess in self.columns if guess.is_wide]

    @property
    def bare_days(self) -> list[ColumnGuess]:
        """The columns of values whose headings name a day only, if something else names the analyte."""
        named = self.sheet_is == "analyte" or any(
            guess.role("analyte", "labs") and guess.analytes for guess in self.columns
        )
        found = [
            guess for guess in self.columns if guess.day and guess.content.is_mostly(guess.content.numbers)
        ]
        return found if named and len(found) > 1 else []

    @property
    def rows_are_patients(self) -> bool:
        """True where every row is another patient."""
        picked = self.pick("patient_id")
        if picked is None:
            return False
        content = picked[0].content
        # Blanks under a filled cell are rows of the patient above.
        return 0 < content.distinct == content.filled and 2 * content.filled > content.rows


def _rank(pair: tuple[ColumnGuess, NamedColumn]) -> tuple[bool, bool, bool]:
    """What is certain comes first, then what differs from row to row, then what the heading itself says."""
    guess, role = pair
    return not role.certain, guess.is_constant, role.by_words


def guess_sheet(found: FoundSheet) -> SheetGuess | None:
    """Return what a sheet is, or None where nothing stands in it."""
    layout = _plain_layout(found) if found.has_headings else find_layout(found.cells, found.merges)
    if layout is None or (layout.body.is_empty() and not layout.questions):
        return None
    columns = tuple(guess_column(name, layout.body[name]) for name in layout.headings)
    sheet = SheetGuess(found, layout, columns, None, "", "")
    if layout.questions:
        return replace(sheet, why="no table can be made of it")
    if not layout.has_words:
        return replace(
            sheet, why="values stand where headings are expected; write a row of headings above them"
        )
    table, shape, why = _guess_table(sheet)
    return replace(sheet, table=table, shape=shape, why=why)


def _plain_layout(found: FoundSheet) -> Layout:
    names = tuple(name for name in found.cells.columns if name != "source_row")
    return Layout((1,), None, None, names, found.cells, {})


def group_sheets(sheets: Sequence[SheetGuess]) -> list[SheetGuess]:
    """Return the sheets with those of one table and the same headings as one."""
    grouped: list[SheetGuess] = []
    used: set[int] = set()
    for place, sheet in enumerate(sheets):
        if place in used:
            continue
        alike = [
            other
            for other in range(place + 1, len(sheets))
            if other not in used
            and sheets[other].found.file == sheet.found.file
            and _are_alike(sheet, sheets[other])
        ]
        used.update(alike)
        grouped.append(_join([sheet, *(sheets[other] for other in alike)]) if alike else _name_single(sheet))
    return grouped


def _are_alike(one: SheetGuess, other: SheetGuess) -> bool:
    here, there = one.layout, other.layout
    return (here.headings, here.header, here.unit_row) == (there.headings, there.header, there.unit_row)


def _join(sheets: Sequence[SheetGuess]) -> SheetGuess:
    """Sheets under one another; where they lack the patient or the analyte, their names are these."""
    first, names = sheets[0], tuple(str(sheet.found.sheet) for sheet in sheets)
    body = pl.concat([sheet.layout.body for sheet in sheets])
    columns = tuple(guess_column(name, body[name]) for name in first.layout.headings)
    found = replace(first.found, sheet=None)
    joined = replace(
        first, found=found, columns=columns, layout=replace(first.layout, body=body), sheets=names
    )
    sheet_is = None
    if all(_names_analyte(name) for name in names):
        sheet_is = "analyte"
    elif joined.pick("patient_id") is None and not any(_NO_PATIENT.match(name.strip()) for name in names):
        sheet_is = "patient_id"
    table, shape, why = _guess_table(replace(joined, sheet_is=sheet_is))
    return replace(
        joined,
        sheet_is=sheet_is,
        table=table,
        shape=shape,
        why=f"{len(names)} sheets with the same headings; {why}",
    )


def _name_single(sheet: SheetGuess) -> SheetGuess:
    """A sheet whose name is the analyte of its only column of values."""
    if sheet.table is not None or sheet.found.sheet is None or not _names_analyte(sheet.found.sheet):
        return sheet
    named = replace(sheet, sheet_is="analyte", sheets=(sheet.found.sheet,))
    table, shape, why = _guess_table(named)
    return replace(named, table=table, shape=shape, why=why) if table == "labs" else sheet


def _names_analyte(name: str) -> bool:
    return name_analyte(name) is not None or read_heading(name) is not None


def _guess_table(sheet: SheetGuess) -> tuple[str | None, str, str]:
    """The table, its shape and the reason."""
    hint = find_table(sheet.found.sheet or "") or find_table(PurePath(sheet.found.file).stem)
    labs = _guess_labs(sheet)
    if labs is not None:
        return ("labs", *labs)
    has_time = any(
        sheet.pick(name, "labs", "events", "responses", "support") for name in ("date", "day", "start_date")
    )
    if sheet.pick("response", "responses") and has_time and not sheet.rows_are_patients:
        return "responses", "", "a column of responses and a date"
    support = [column for column in sheet.columns if column.kinds("support")]
    if has_time and ((support and not _are_events(sheet)) or hint == "support"):
        return "support", "", "growth factors or transfusions, and a date"
    if (
        has_time
        and (_are_events(sheet) or hint == "events")
        and not (sheet.rows_are_patients and _facts(sheet))
    ):
        return "events", "", "a column of events and a date"
    facts = _facts(sheet)
    infusion = sheet.pick("infusion_date", "infusions")
    if infusion is not None or (hint == "infusions" and has_time):
        if facts or (sheet.rows_are_patients and hint != "infusions"):
            return "patients", "", "one row per patient, with the date of infusion"
        return "infusions", "", "dates of infusion"
    picked = sheet.pick("patient_id")
    named = picked is not None and (picked[1].certain or sheet.rows_are_patients)
    if named and (facts or hint == "patients"):
        return "patients", "", "facts about patients" if facts else "the name of the sheet"
    return None, "", "it is none of the six tables as far as its headings say"


def _facts(sheet: SheetGuess) -> list[str]:
    return [name for name in _PATIENT_FACTS if sheet.pick(name, "patients") is not None]


def _are_events(sheet: SheetGuess) -> bool:
    return any(column.kinds("events") and column.role("kind", "events") for column in sheet.columns)


def _guess_labs(sheet: SheetGuess) -> tuple[str, str] | None:
    """Shape and reason, if the sheet holds laboratory values with a day."""
    wide = sheet.wide
    days = [column for column in wide if column.parts is not None and column.parts.day is not None]
    if len(days) > 1:
        return "days", f"{len(days)} columns of values of one day each"
    if sheet.bare_days:
        return "days", f"{len(sheet.bare_days)} columns of one day each; the analyte stands elsewhere"
    has_time = sheet.pick("date", "labs") is not None or sheet.pick("day", "labs") is not None
    value = sheet.pick("value", "labs")
    analyte = sheet.pick("analyte", "labs")
    if value is not None and analyte is not None and (analyte[0].analytes or analyte[1].certain):
        return "long", "a row per value: a column of analytes and a column of values"
    if value is not None and sheet.sheet_is == "analyte" and has_time:
        return "long", "a row per value; the sheet is named after the analyte"
    has_infusion = sheet.pick("infusion_date", "infusions") is not None
    if len(wide) > 1 and not has_time and not has_infusion and not _facts(sheet):
        return "wide", f"{len(wide)} columns of one analyte each; no date and no day"
    if wide and has_time and not (sheet.rows_are_patients and has_infusion):
        columns = "1 column" if len(wide) == 1 else f"{len(wide)} columns"
        return "wide", f"{columns} of one analyte each, and a date or day"
    return None
