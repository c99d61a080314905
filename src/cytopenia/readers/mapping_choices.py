"""A mapping as choices: for each table what its columns, words and units are read as, with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cytopenia.forms import read_form
from cytopenia.readers.choice_parts import (
    AS_IT_IS,
    Choice,
    ColumnChoice,
    Control,
    TableChoices,
    list_measures,
    list_unit_choices,
    name_control,
)
from cytopenia.readers.column_choices import MEASURE, Why, assign_columns, list_column_choices
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.mapping_draft import Draft, Slot, find_slot
from cytopenia.readers.mapping_sheets import TableSheet, read_table_sheets
from cytopenia.readers.proposal import Proposal
from cytopenia.readers.word_choices import list_settings, list_unit_texts, list_words

__all__ = ["MappingChoices", "list_settled", "make_choices", "offer_units", "read_section"]


@dataclass(frozen=True)
class MappingChoices:
    """All choices of a mapping; `problems` say what cannot be shown as one.

    `questions` are those that stand in the draft.
    """

    tables: tuple[TableChoices, ...]
    settings: tuple[Control, ...]
    questions: tuple[str, ...]
    problems: tuple[str, ...]


def read_section(draft: Draft) -> tuple[DataSection | None, list[str]]:
    """Return the mapping of a draft with its questions left aside, or what is wrong with it."""
    content = {key: value for key, value in draft.data.items() if key != "questions"}
    return read_form(DataSection, content, where="[data]")


def make_choices(draft: Draft, folder: Path, proposal: Proposal | None = None) -> MappingChoices:
    """Return the choices of a draft.

    Parameters
    ----------
    draft
    folder
        Of the study file.
    proposal
        What the files look like by themselves, for the evidence.

    Raises
    ------
    ProtocolError
        The draft is no TOML, or holds more than [data].
    """
    section, problems = read_section(draft)
    sheets: dict[str, TableSheet] = {}
    if section is not None:
        sheets, problems = read_table_sheets(folder / section.folder, section)
    return MappingChoices(
        tables=tuple(_choose_table(draft, sheet, _collect_why(sheet, proposal)) for sheet in sheets.values()),
        settings=(_choose_day_zero(draft),),
        questions=draft.questions,
        problems=tuple(problems),
    )


def _choose_table(draft: Draft, sheet: TableSheet, why: Why) -> TableChoices:
    assigned = assign_columns(draft, sheet)
    return TableChoices(
        table=sheet.table,
        origin=sheet.origin,
        columns=tuple(list_column_choices(draft, sheet, why)),
        settings=tuple(list_settings(draft, sheet, assigned)),
        words=tuple(list_words(draft, sheet, assigned)),
        units=tuple(list_unit_texts(draft, sheet, assigned)),
        file=sheet.file,
    )


def _collect_why(sheet: TableSheet, proposal: Proposal | None) -> Why:
    """The evidence of a proposal, by table and column; why a column is not used stands under no table."""
    found: dict[tuple[str, str], str] = {}
    for row in proposal.rows if proposal is not None else ():
        key = ("" if row.state == "not used" else sheet.table, row.column)
        if row.origin == sheet.origin and (key not in found or row.becomes.startswith(f"{sheet.table}.")):
            found[key] = row.why
    for table in proposal.tables if proposal is not None else ():
        if table.table == sheet.table:
            found |= {(table.table, line.key): line.why for line in table.lines if line.section == "days"}
    return found


def _choose_day_zero(draft: Draft) -> Control:
    slot = ("", "", "day_zero")
    now = str(draft.data.get("day_zero", AS_IT_IS))
    options = (Choice(AS_IT_IS, "zero_infusion"), Choice("first", "zero_first"))
    return Control(
        name=name_control("set", slot),
        subject="day_zero",
        options=options,
        chosen=AS_IT_IS if now == "infusion" else now,
        slot=slot,
        path=("day_zero",),
    )


def offer_units(choices: MappingChoices, answers: Mapping[str, str]) -> MappingChoices:
    """Return the choices with the units of what was chosen for each column, to choose one of them."""
    tables = tuple(
        replace(table, columns=tuple(_offer(column, answers) for column in table.columns))
        for table in choices.tables
    )
    return replace(choices, tables=tables)


def _offer(column: ColumnChoice, answers: Mapping[str, str]) -> ColumnChoice:
    becomes = answers.get(column.becomes.name, column.becomes.chosen)
    measure = becomes.removeprefix(MEASURE)
    if column.unit is None or becomes == column.becomes.chosen or measure not in list_measures():
        return column
    options = list_unit_choices([measure], first=[Choice(AS_IT_IS, "choose")])
    return replace(column, unit=replace(column.unit, options=options))


def list_settled(draft: Draft, proposal: Proposal | None) -> list[str]:
    """Return the questions of a draft all of whose lines have been decided."""
    lines: dict[str, list[Slot]] = {}
    for text, table, line in proposal.settles if proposal is not None else ():
        lines.setdefault(text, []).append(find_slot(table, line))
    return [text for text in draft.questions if text in lines and not {*lines[text]} & draft.open_slots]
