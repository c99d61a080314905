"""Answers to the choices of a mapping become lines of its text; contradictions are told, not guessed away."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cytopenia.contract.near_names import is_listed_unit
from cytopenia.readers.choice_parts import AS_IT_IS, OPEN, ColumnChoice, Control, TableChoices
from cytopenia.readers.column_choices import COLUMN, INFUSION, MEASURE, OF_ROW
from cytopenia.readers.column_names import is_ours
from cytopenia.readers.mapping_choices import MappingChoices, list_settled
from cytopenia.readers.mapping_draft import Draft, Edit, Slot, change_draft
from cytopenia.readers.proposal import Proposal
from cytopenia.units import convert_value, load_analytes, match_unit

__all__ = ["answer_choices", "has_answers"]

Answers = Mapping[str, str]


@dataclass
class _Changes:
    """What is written, what is answered by it, and what cannot be written."""

    edits: list[Edit] = field(default_factory=list[Edit])
    answered: list[Slot] = field(default_factory=list[Slot])
    problems: list[str] = field(default_factory=list[str])


def has_answers(choices: MappingChoices, answers: Answers) -> bool:
    """Return whether an answer differs from what stands."""
    return any(answers.get(one.name, one.chosen) != one.chosen for one in _list_controls(choices))


def _list_controls(choices: MappingChoices) -> Iterator[Control]:
    yield from choices.settings
    for table in choices.tables:
        yield from table.controls
        for column in table.columns:
            yield column.becomes
            yield from [column.unit] if column.unit is not None else []


def answer_choices(
    draft: Draft,
    choices: MappingChoices,
    answers: Answers,
    *,
    settled: Collection[str] = (),
    proposal: Proposal | None = None,
) -> tuple[Draft, list[str]]:
    """Return the draft with the answers written into it, and what is wrong with them.

    Where something is wrong, the draft comes back as it was.

    Parameters
    ----------
    draft
        The text, which may have been edited since the choices were shown: only answers that differ from what
        was shown are written.
    choices
        As they were shown.
    answers
        What was chosen, by the name of the control.
    settled
        Questions that are declared settled.
    proposal
        Says which lines answer which question.
    """
    changes = _Changes()
    for control in (*choices.settings, *(one for table in choices.tables for one in table.controls)):
        _answer(changes, control, answers)
    for table in choices.tables:
        _answer_columns(changes, table, answers)
        if table.table == "labs":
            changes.edits += _read_infusions(draft, table, answers)
    if changes.problems:
        return draft, changes.problems
    changed = change_draft(draft, changes.edits, answered=changes.answered, settled=settled)
    return change_draft(changed, [], settled=list_settled(changed, proposal)), []


def _answer(changes: _Changes, control: Control, answers: Answers) -> None:
    value = answers.get(control.name, control.chosen)
    if value == control.chosen or not _is_offered(control, value):
        return
    changes.answered.append(control.slot)
    written: Any = None if value == AS_IT_IS else value
    if control.path[-1] == "fill_down" and written is not None:
        written = [written]
    changes.edits.append(Edit(control.path, written))


def _is_offered(control: Control, value: str) -> bool:
    return any(one.value == value for one in control.options)


def _answer_columns(changes: _Changes, table: TableChoices, answers: Answers) -> None:
    """The columns of one table together: two must not become the same."""
    given = {column.subject: _read_answer(column, answers) for column in table.columns}
    changed = [column for column in table.columns if given[column.subject] != _stand(column)]
    if not changed:
        return
    if any(_is_measure(column) for column in changed) and not any(_has_line(one) for one in table.columns):
        # The reader finds columns of values by itself only as long as no line names one.
        known = [column for column in table.columns if column.implied.startswith(MEASURE)]
        changed += [column for column in known if column not in changed]
    for column in changed:
        _clear(changes, table.table, column, given[column.subject][0])
    for column in changed:
        _write(changes, table.table, column, given[column.subject])
    changes.problems += _find_doubles(table, given)


def _read_infusions(draft: Draft, table: TableChoices, answers: Answers) -> Iterator[Edit]:
    """The infusions are read from a column of labs from now on, or no longer."""
    given = {column.subject: _read_answer(column, answers)[0] for column in table.columns}
    stood = {column.subject: column.becomes.chosen for column in table.columns}
    new = next((one for one, becomes in given.items() if becomes == INFUSION != stood[one]), None)
    if new is None:
        if INFUSION in stood.values() and INFUSION not in given.values():
            yield Edit(("infusions",), None)
        return
    labs, people = draft.table("labs"), f"{COLUMN}patient_id"
    yield Edit(("infusions", "file"), labs.get("file", table.file))
    for key in ("sheet", "sheets", "encoding", "separator", "header", "unit_row", "last_row"):
        if key in labs:
            yield Edit(("infusions", key), labs[key])
    fills = any(
        answers.get(one.name, one.chosen) == "patient_id"
        for one in table.settings
        if one.path[-1] == "fill_down"
    )
    if fills:
        yield Edit(("infusions", "fill_down"), ["patient_id"])
    patient = next((one for one, becomes in given.items() if becomes == people), None)
    if patient is not None and not is_ours(patient, "patient_id"):
        yield Edit(("infusions", "columns", "patient_id"), patient)
    yield Edit(("infusions", "columns", "infusion_date"), new)
    yield Edit(("day_zero",), None)


def _stand(column: ColumnChoice) -> tuple[str, str]:
    return column.becomes.chosen, column.unit.chosen if column.unit is not None else AS_IT_IS


def _read_answer(column: ColumnChoice, answers: Answers) -> tuple[str, str]:
    becomes, unit = _stand(column)
    given = answers.get(column.becomes.name, becomes)
    becomes = given if _is_offered(column.becomes, given) else becomes
    if column.unit is not None:
        unit = answers.get(column.unit.name, unit)
    if becomes.startswith(MEASURE) or column.is_pattern or becomes == column.becomes.chosen:
        return becomes, unit
    return becomes, AS_IT_IS if column.unit is None else column.unit.chosen


def _is_measure(column: ColumnChoice) -> bool:
    return column.unit is not None and not column.is_pattern


def _has_line(column: ColumnChoice) -> bool:
    """Whether a line of the mapping says what is measured in the column."""
    return column.becomes.chosen.startswith(MEASURE) and column.becomes.chosen != column.implied


def _clear(changes: _Changes, table: str, column: ColumnChoice, becomes: str) -> None:
    """Take away what stands now, but for a line that is written anew at its place."""
    chosen, subject = column.becomes.chosen, column.subject
    if column.is_pattern:
        changes.answered.append((table, "days", subject))
        return
    changes.answered += [(table, "columns", subject), (table, "wide", subject)]
    if chosen == becomes:
        return
    if chosen.startswith(COLUMN) and chosen != column.implied:
        changes.edits.append(Edit((table, "columns", chosen.removeprefix(COLUMN)), None))
    elif chosen.startswith(MEASURE) and chosen != column.implied and not column.is_open:
        changes.edits.append(Edit((table, "wide", chosen.removeprefix(MEASURE)), None))


def _write(changes: _Changes, table: str, column: ColumnChoice, given: tuple[str, str]) -> None:
    becomes, unit = given
    measure = becomes.removeprefix(MEASURE) if becomes.startswith(MEASURE) else None
    if measure is not None and unit in {AS_IT_IS, OPEN} and not (column.is_pattern and unit == AS_IT_IS):
        changes.problems.append(f"{table}: choose the unit of '{column.subject}', which becomes {measure}.")
        return
    if measure is not None and unit != AS_IT_IS and not is_listed_unit(measure, unit):
        what = f"choose the unit of '{column.subject}', which becomes {measure}"
        changes.problems.append(f"{table}: {what}: {unit} is none of its units.")
        return
    path: tuple[str, ...]
    value: Any
    if column.is_pattern:
        path, value = (table, "days", column.subject), _write_pattern(becomes, measure, unit)
    elif measure is not None:
        path, value = (table, "wide", measure), {"column": column.subject, "unit": unit}
    elif becomes.startswith(COLUMN) and becomes != column.implied:
        path, value = (table, "columns", becomes.removeprefix(COLUMN)), column.subject
    else:
        return
    changes.edits.append(Edit(path, value))
    printed = column.printed
    if (
        measure is not None
        and measure in load_analytes()
        and unit != AS_IT_IS
        and match_unit(measure, printed) is not None
    ):
        # The reader takes no unit against that of the heading, unless it is told what the heading means.
        sizes = {convert_value(1.0, text, analyte=measure) for text in (unit, printed)}
        changes.edits.append(Edit((table, "units", printed), unit if len(sizes) > 1 else None))


def _write_pattern(becomes: str, measure: str | None, unit: str) -> dict[str, str] | None:
    if becomes == AS_IT_IS:
        return None
    told = {"analyte": measure} if measure is not None and becomes != OF_ROW else {}
    return told | ({"unit": unit} if unit not in {AS_IT_IS, OPEN} else {})


def _find_doubles(table: TableChoices, given: Mapping[str, tuple[str, str]]) -> list[str]:
    """Columns of the file that would become the same thing; those whose unit is still asked for may wait."""
    taken: dict[str, list[str]] = {}
    for column in table.columns:
        becomes, unit = given[column.subject]
        if not column.is_pattern and becomes not in {AS_IT_IS, OPEN} and unit != OPEN:
            taken.setdefault(becomes, []).append(column.subject)
    return [
        f"{table.table}: {' and '.join(repr(one) for one in subjects)} both become "
        f"{becomes.partition(':')[2]}; choose one."
        for becomes, subjects in taken.items()
        if len(subjects) > 1
    ]
