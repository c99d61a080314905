"""A file, or the files of a folder, as they are become a proposal for their mapping, with the evidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cytopenia.contract import TABLES
from cytopenia.errors import ReaderError
from cytopenia.readers.column_guesses import ColumnGuess
from cytopenia.readers.infusion_days import ask_infusion_days, find_infusion_days
from cytopenia.readers.labs_proposal import propose_values
from cytopenia.readers.other_proposal import propose_columns, propose_keys
from cytopenia.readers.proposal_parts import ColumnRow, Line, Part, ask, join_parts, quote, show
from cytopenia.readers.sheet_sources import (
    LOOKED_AT_ROWS,
    LOOKED_AT_SHEETS,
    PROPOSED_SUFFIXES,
    FoundSheet,
    find_sheets,
)
from cytopenia.readers.table_guesses import SheetGuess, group_sheets, guess_sheet

__all__ = ["Proposal", "TableProposal", "is_proposable", "propose_mapping"]

_MOST_SHEETS = 12
_REDCAP = frozenset({"redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"})


@dataclass(frozen=True)
class TableProposal:
    """The lines that are proposed for one of the six tables, and the sheet they are about."""

    table: str
    origin: str
    why: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Proposal:
    """What is proposed for a file or folder.

    `rows` show every column; a run must not start before `questions` are answered; `notes` say what was
    looked at and what is absent. `settles` has, for a question, the table and an open line that answers it.
    """

    tables: tuple[TableProposal, ...]
    rows: tuple[ColumnRow, ...]
    questions: tuple[str, ...]
    notes: tuple[str, ...]
    settles: tuple[tuple[str, str, Line], ...] = ()


def propose_mapping(paths: Sequence[Path], *, beside: Collection[str] = ()) -> Proposal:
    """Return a proposal for the mapping of files that lie in one folder.

    Only the first rows of each sheet are looked at. `beside` are tables that are read from other files.

    Raises
    ------
    ReaderError
        No file can be read, or nothing stands in any of them.
    """
    found, unread = _find_all(paths)
    guessed = [guess for sheet in found if (guess := guess_sheet(sheet)) is not None]
    if not guessed and unread:
        raise ReaderError(" ".join(unread))
    if not guessed:
        listed = ", ".join(path.name for path in paths)
        raise ReaderError(f"{listed}: there is no table in it. Export it again.")
    sheets = group_sheets(guessed)
    chosen = _agree_on_patients(_choose(sheets, beside))
    parts = {table: _propose_table(table, chosen[table]) for table in TABLES if table in chosen}
    taken = {(one.found.file, one.found.sheet) for one in chosen.values()}
    rest = [sheet for sheet in sheets if (sheet.found.file, sheet.found.sheet) not in taken]
    part = join_parts(
        [*parts.values(), *map(_leave_sheet, rest), _tell_absent(chosen, [*parts.values()], beside)]
    )
    tables = tuple(
        TableProposal(table, _name_sheets(chosen[table]), chosen[table].why, one.lines)
        for table, one in parts.items()
    )
    return Proposal(
        tables,
        _drop_repeats(part.rows),
        tuple(dict.fromkeys(part.questions)),
        (*unread, *_tell_limits(found), *_tell_project(guessed), *part.notes),
        tuple((text, table, line) for table, one in parts.items() for text, line in one.settles),
    )


def _find_all(paths: Sequence[Path]) -> tuple[list[FoundSheet], list[str]]:
    """The sheets of the files that can be read, and why others cannot: one must not stop the rest."""
    found, unread = list[FoundSheet](), list[str]()
    for path in paths:
        try:
            found += find_sheets(path)
        except ReaderError as cause:
            if len(paths) == 1:
                raise
            unread.append(f"Not read: {cause}")
    return found, unread


def _drop_repeats(rows: Sequence[ColumnRow]) -> tuple[ColumnRow, ...]:
    """Without the word that a column is not used, where another table uses it."""
    used = {(row.origin, row.column) for row in rows if row.state != "not used"}
    return tuple(row for row in rows if row.state != "not used" or (row.origin, row.column) not in used)


def is_proposable(path: Path) -> bool:
    """Return True for a file of a kind that a proposal can be made from."""
    return (
        path.is_file() and path.suffix.lower() in PROPOSED_SUFFIXES and not path.name.startswith(("~", "."))
    )


def _choose(sheets: Sequence[SheetGuess], beside: Collection[str]) -> dict[str, SheetGuess]:
    """The sheet of each table: the one with most rows; a row per patient gives facts of patients too."""
    chosen: dict[str, SheetGuess] = {}
    for sheet in sorted(sheets, key=lambda one: -one.layout.body.height):
        if sheet.table is not None:
            chosen.setdefault(sheet.table, sheet)
    patients = chosen.get("patients")
    if "infusions" not in chosen and patients is not None and not _has_infusion(patients):
        others = [
            one for one in sheets if one.table == "patients" and one is not patients and _has_infusion(one)
        ]
        chosen |= {"infusions": others[0]} if len(others) == 1 else {}
    labs = chosen.get("labs")
    is_free = "infusions" not in {*chosen, *beside} and (patients is None or not _has_infusion(patients))
    if labs is not None and is_free and (why := find_infusion_days(labs)) is not None:
        chosen["infusions"] = replace(labs, why=why)
    if labs is not None and patients is None and labs.rows_are_patients:
        chosen["patients"] = replace(labs, why="every row is another patient")
    return chosen


def _has_infusion(sheet: SheetGuess) -> bool:
    return sheet.pick("infusion_date", "infusions") is not None


def _agree_on_patients(chosen: Mapping[str, SheetGuess]) -> dict[str, SheetGuess]:
    """Where a table has several columns for the patient, the one that the other tables have as well."""
    named = {
        table: [one for one in sheet.columns if one.role("patient_id")] for table, sheet in chosen.items()
    }
    headings = [{one.heading for one in found if not one.is_constant} for found in named.values()]
    shared = set[str]().union(*headings).intersection(*headings)
    if not shared:
        return dict(chosen)
    return {
        table: replace(sheet, columns=tuple(_keep_role(one, shared) for one in sheet.columns))
        for table, sheet in chosen.items()
    }


def _keep_role(guess: ColumnGuess, shared: Collection[str]) -> ColumnGuess:
    if guess.heading in shared:
        return guess
    return replace(guess, roles=tuple(role for role in guess.roles if role.column != "patient_id"))


def _name_sheets(sheet: SheetGuess) -> str:
    return f"{sheet.found.file}, {len(sheet.sheets)} sheets" if sheet.sheets else sheet.found.name


def _propose_table(table: str, sheet: SheetGuess) -> Part:
    keys, used = propose_keys(table, sheet)
    values = propose_values(sheet, used) if table == "labs" else propose_columns(table, sheet, used)
    part = _place_table(sheet) + keys + values
    return part + ask_infusion_days(sheet) if table == "infusions" and sheet.shape else part


def _place_table(sheet: SheetGuess) -> Part:
    """Where the table is: file, sheets, rows of headings."""
    found, layout = sheet.found, sheet.layout
    lines = [Line("", "file", found.file, "as it was given")]
    lines += [Line("", key, value, why) for key, (value, why) in found.keys.items()]
    if len(sheet.sheets) > _MOST_SHEETS or (sheet.sheet_is == "patient_id" and _is_whole(sheet)):
        lines.append(Line("", "sheets", ["*"], f"all {len(sheet.sheets)} sheets have the same headings"))
    elif sheet.sheets:
        lines.append(Line("", "sheets", [*sheet.sheets], "they have the same headings"))
    elif found.sheet is not None:
        lines.append(Line("", "sheet", found.sheet, sheet.why))
    if sheet.sheet_is is not None:
        what = "analyte" if sheet.sheet_is == "analyte" else "patient"
        lines.append(Line("", "sheet_is", sheet.sheet_is, f"each sheet is called after its {what}"))
    if not layout.is_plain:
        header = layout.header[0] if len(layout.header) == 1 else [*layout.header]
        lines.append(Line("", "header", header, layout.reasons["header"]))
    if layout.unit_row is not None:
        lines.append(Line("", "unit_row", layout.unit_row, layout.reasons["unit_row"]))
    if layout.last_row is not None and not found.is_cut and not sheet.sheets:
        lines.append(Line("", "last_row", layout.last_row, layout.reasons["last_row"]))
    return Part(tuple(lines))


def _is_whole(sheet: SheetGuess) -> bool:
    """True where all sheets of the file belong together; then none needs to be named."""
    return len(sheet.sheets) == sheet.found.of_sheets


def _leave_sheet(sheet: SheetGuess) -> Part:
    name, column = _name_sheets(sheet), f"all {len(sheet.columns)} columns"
    if sheet.layout.questions:
        part = show(name, "the whole sheet", "?", why=sheet.why, state="ask")
        return join_parts([part, *(ask(f"{name}: {question}.") for question in sheet.layout.questions)])
    if sheet.table is None:
        return show(name, column, "", why=sheet.why, state="not used")
    part = show(
        name, column, f"{sheet.table}?", why=f"could be {sheet.table} as well: {sheet.why}", state="ask"
    )
    question = f"{sheet.table}: {name} could be this table too"
    return part + ask(f"{question}. Name the right one, stack them with sheets, or leave it.")


def _tell_absent(chosen: Mapping[str, SheetGuess], parts: Sequence[Part], beside: Collection[str]) -> Part:
    """What a run will need beside what was found."""
    becomes = {row.becomes.removesuffix("?").partition(".")[2] for part in parts for row in part.rows}
    labs, notes, has_infusions = chosen.get("labs"), list[str](), bool({*beside} & {"infusions", "patients"})
    if labs is None:
        notes.append("No laboratory values were found: write [data.labs] by hand; see docs/protocol.md.")
    elif labs.shape != "days" and not becomes & {"infusion_date", "day"} and not has_infusions:
        notes.append(
            "No date of infusion was found: add infusions.csv with patient_id and infusion_date. Only where "
            'none can be had, write day_zero = "first" under [data]: days then count from each patient\'s '
            "first laboratory day, and windows, day 28 and ICAHT with them."
        )
    if not becomes & {"lymphodepletion_date", "lymphodepletion_day"} and not has_infusions:
        notes.append("No start of lymphodepletion was found: write lymphodepletion_day under [study].")
    if "support" not in {*chosen, *beside}:
        notes.append("No growth factors or transfusions were found: recovery is then called count recovery.")
    if labs is not None and "lln" not in becomes:
        notes.append(
            "No lower limits of normal were found: grade 1 of CTCAE is not judged without them. Write those"
            ' of the laboratory under [data.labs]: lln = { anc = { value = ..., unit = "1e9/L" } }.'
        )
    return Part(notes=tuple(notes))


def _tell_project(guessed: Sequence[SheetGuess]) -> list[str]:
    names = [quote(one.found.name) for one in guessed if _REDCAP & set(one.layout.headings)]
    what = (
        "looks like an export of REDCap, which has a reader of its own: see [data.redcap] in docs/sources.md"
    )
    return [f"{name} {what}." for name in names]


def _tell_limits(found: Sequence[FoundSheet]) -> list[str]:
    cut = [quote(sheet.name) for sheet in found if sheet.is_cut]
    left = max((sheet.of_sheets for sheet in found), default=0) - LOOKED_AT_SHEETS
    notes = [f"Only the first {LOOKED_AT_ROWS:,} rows were looked at: {', '.join(cut)}."] if cut else []
    return [*notes, *([f"{left:,} further sheets were not looked at."] if left > 0 else [])]
