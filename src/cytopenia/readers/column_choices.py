"""What each column of a table may become, and what it becomes by the mapping as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from cytopenia.contract import TABLES
from cytopenia.readers.choice_parts import (
    AS_IT_IS,
    OPEN,
    Choice,
    ColumnChoice,
    Control,
    list_measures,
    list_unit_choices,
    name_control,
)
from cytopenia.readers.column_guesses import ColumnGuess, count_usual
from cytopenia.readers.column_names import is_birth, is_ours
from cytopenia.readers.day_columns import group_day_columns
from cytopenia.readers.harmonize import find_wide
from cytopenia.readers.heading_parts import list_scales
from cytopenia.readers.headings import fold_heading
from cytopenia.readers.labs_mapping import DayColumn, LabsTable
from cytopenia.readers.mapping_draft import Draft, OpenLine, as_table
from cytopenia.readers.mapping_sheets import TableSheet
from cytopenia.readers.unit_questions import say_usual
from cytopenia.units import load_analytes
from cytopenia.values import parse_values

__all__ = [
    "COLUMN",
    "INFUSION",
    "MEASURE",
    "OF_ROW",
    "Assigned",
    "Why",
    "assign_columns",
    "list_column_choices",
    "list_columns_of",
    "list_measure_choices",
]

_UNITED = re.compile(r"^.+?\s*[\(\[](?P<unit>[^\(\)\[\]]+)[\)\]]$")
# How a value of a control says which kind of thing a column becomes.
COLUMN, MEASURE = "column:", "measure:"
# A column of labs that says in the rows of values when the infusion was: the infusions are read from it.
INFUSION = "infusions:infusion_date"
OF_ROW = f"{COLUMN}row"

Why = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Assigned:
    """What the columns of a sheet are by a mapping: values as controls have them, by heading.

    `said` are those with a line, `implied` those that the reader knows by the heading, `asked` those of an
    open line; `is_wide` is True where values may stand in columns of their own.
    """

    said: Mapping[str, tuple[str, str]]
    implied: Mapping[str, tuple[str, str]]
    asked: Mapping[str, OpenLine]
    is_wide: bool

    def find(self, heading: str) -> tuple[str, str]:
        """Return what a column becomes, and its unit."""
        return self.said.get(heading) or self.implied.get(heading) or (AS_IT_IS, AS_IT_IS)

    def holds(self, column: str) -> str | None:
        """Return the heading of the column that becomes one of ours."""
        wanted = f"{COLUMN}{column}"
        everything = {**self.implied, **self.said}
        return next((heading for heading, (value, _) in everything.items() if value == wanted), None)


def list_columns_of(table: str) -> tuple[str, ...]:
    """Return the columns of ours that a file of a table may give.

    Examples
    --------
    >>> list_columns_of("responses")[:2]
    ('patient_id', 'day')
    """
    names = [*TABLES[table].inputs]
    if table == "patients":
        names += [name for name in TABLES["infusions"].inputs if name != "day"]
    return tuple(name for name in dict.fromkeys(names) if name != "source_row")


def assign_columns(draft: Draft, sheet: TableSheet) -> Assigned:
    """Return what the columns of a sheet are by the draft."""
    table = sheet.table
    columns = {str(ours): str(theirs) for ours, theirs in draft.part(table, "columns").items()}
    said = {theirs: (f"{COLUMN}{ours}", AS_IT_IS) for ours, theirs in columns.items()}
    for measure, given in draft.part(table, "wide").items():
        if entry := as_table(given):
            said[str(entry.get("column", measure))] = (f"{MEASURE}{measure}", str(entry.get("unit", "")))
    asked = {
        line.slot[2]: line
        for line in reversed(draft.open_lines)
        if line.slot[0] == table and line.slot[1] in {"columns", "wide"} and line.slot[2] not in said
    }
    implied = {
        heading: (f"{COLUMN}{ours}", AS_IT_IS)
        for heading in sheet.headings
        if (ours := fold_heading(heading)) in list_columns_of(table)
        and ours not in columns
        and heading not in said
    }
    if table != "labs":
        return Assigned(said, implied, asked, is_wide=False)
    if (infusion := _find_infusion(draft, sheet)) is not None and infusion not in {*said, *asked}:
        said[infusion] = (INFUSION, AS_IT_IS)
    has_days = bool(draft.part(table, "days")) or any(slot[1] == "days" for slot in draft.open_slots)
    named = {value for value, _ in (*said.values(), *implied.values())}
    is_wide = not has_days and not named & {f"{COLUMN}value", f"{COLUMN}analyte"}
    is_told = bool(draft.part(table, "wide"))
    if is_wide and not is_told:
        implied = {**_find_implied(sheet, draft, taken={*said, *implied}), **implied}
    return Assigned(said, implied, asked, is_wide=is_wide)


def _find_infusion(draft: Draft, sheet: TableSheet) -> str | None:
    """The column of labs that the infusions are read from."""
    labs, infusions = draft.table("labs"), draft.table("infusions")
    file = labs.get("file", sheet.file)
    if infusions.get("file") != file or infusions.get("sheet") != labs.get("sheet"):
        return None
    told = draft.part("infusions", "columns").get("infusion_date")
    return next(
        (one for one in sheet.headings if one == told or (not told and is_ours(one, "infusion_date"))), None
    )


def _find_implied(sheet: TableSheet, draft: Draft, *, taken: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Columns of values that the reader finds by itself, by a heading that names an analyte."""
    names = {str(key): str(value) for key, value in draft.part("labs", "analytes").items()}
    free = [heading for heading in sheet.headings if heading not in {*taken}]
    frame = pl.DataFrame(schema=dict.fromkeys(free, pl.String))
    return {
        heading: (f"{MEASURE}{analyte}", unit or AS_IT_IS)
        for heading, analyte, unit in find_wide(frame, names)
        if analyte in list_measures()
    }


def list_column_choices(draft: Draft, sheet: TableSheet, why: Why) -> Iterator[ColumnChoice]:
    """Return a choice for every column of a sheet; columns of one day each share that of their pattern."""
    assigned = assign_columns(draft, sheet)
    grouped = _group_days(draft, sheet)
    for pattern, headings in grouped.items():
        yield _choose_pattern(draft, sheet, pattern, headings=headings, why=why)
    of_days = {heading for headings in grouped.values() for heading in headings}
    for guess in sheet.columns:
        if guess.heading not in of_days:
            yield _choose_column(draft, assigned, sheet, guess=guess, why=why)


def _choose_column(
    draft: Draft, assigned: Assigned, sheet: TableSheet, *, guess: ColumnGuess, why: Why
) -> ColumnChoice:
    table, heading = sheet.table, guess.heading
    value, unit = assigned.find(heading)
    line = assigned.asked.get(heading)
    if line is not None and line.slot[1] == "wide":
        value, unit = f"{MEASURE}{line.key}", OPEN
    elif line is not None:
        value = OPEN
    implied = assigned.implied.get(heading, (AS_IT_IS, AS_IT_IS))[0]
    known = why.get((table, heading)) or (why.get(("", heading)) if value == AS_IT_IS else None)
    known = line.why if line is not None else known or _say_content(guess)
    becomes = Control(
        name=name_control("becomes", (table, "columns", heading)),
        subject=heading,
        options=(
            *_list_options(table, line, implied=implied, is_wide=assigned.is_wide),
            *_offer_infusion(draft, guess, value, table),
        ),
        chosen=value,
        slot=(table, "columns", heading),
        path=(),
    )
    is_number = guess.content.is_mostly(guess.content.numbers) or value.startswith(MEASURE)
    shown = _make_unit(becomes, value, unit) if assigned.is_wide and is_number else None
    return ColumnChoice(
        subject=heading,
        becomes=becomes,
        unit=shown,
        why=_add_usual(known, value, guess.cells),
        implied=implied,
        printed=_find_printed(heading),
    )


def _list_options(table: str, line: OpenLine | None, *, implied: str, is_wide: bool) -> Iterator[Choice]:
    if line is not None and line.slot[1] == "columns":
        yield Choice(OPEN, "open_is", line.key)
    if not implied.startswith(COLUMN):
        yield Choice(AS_IT_IS, "own_name" if table == "patients" else "not_used")
    for name in list_columns_of(table):
        yield Choice(f"{COLUMN}{name}", "as_named", name)
    if is_wide:
        yield from list_measure_choices()


def _offer_infusion(draft: Draft, guess: ColumnGuess, value: str, table: str) -> Iterator[Choice]:
    """Dates beside the values may be the infusion, unless another table says when it was."""
    elsewhere = draft.table("infusions") or "infusion_date" in draft.part("patients", "columns")
    is_date = guess.content.is_mostly(guess.content.dates) and not is_birth(guess.heading)
    may_be = is_date and not elsewhere
    if table == "labs" and (value == INFUSION or may_be):
        yield Choice(INFUSION, "as_named", "infusion_date")


def list_measure_choices() -> Iterator[Choice]:
    """Return the options of what was measured."""
    titles = load_analytes()
    for measure in list_measures():
        label = f"{measure} – {titles[measure].title}" if measure in titles else measure
        yield Choice(f"{MEASURE}{measure}", "as_named", label)


def _make_unit(becomes: Control, value: str, unit: str) -> Control:
    table, _, subject = becomes.slot
    measure = value.removeprefix(MEASURE) if value.startswith(MEASURE) else None
    first = [Choice(OPEN, "open")] if unit == OPEN else [Choice(AS_IT_IS, "choose")]
    if unit not in {OPEN, AS_IT_IS}:
        first = [Choice(unit, "as_named", unit)]
    listed = (
        list_unit_choices([measure], first=first)
        if measure in list_measures()
        else (*first, *(Choice(one, "as_named", one) for one in _list_all_scales()))
    )
    section = "days" if becomes.slot[1] == "days" else "wide"
    return Control(
        name=name_control("unit", (table, section, subject)),
        subject=subject,
        options=tuple({one.value: one for one in listed}.values()),
        chosen=unit,
        slot=(table, section, subject),
        path=(),
    )


def _list_all_scales() -> list[str]:
    return list(dict.fromkeys(unit for analyte in load_analytes() for unit in list_scales(analyte)))


def _group_days(draft: Draft, sheet: TableSheet) -> dict[str, list[str]]:
    """The headings of each pattern of days, also of those whose line is open."""
    if sheet.table != "labs":
        return {}
    patterns = {str(pattern) for pattern in draft.part("labs", "days")}
    patterns |= {line.key for line in draft.open_lines if line.slot[:2] == ("labs", "days")}
    form = LabsTable(days={pattern: DayColumn() for pattern in patterns})
    return group_day_columns(sheet.headings, form)


def _choose_pattern(
    draft: Draft, sheet: TableSheet, pattern: str, *, headings: list[str], why: Why
) -> ColumnChoice:
    slot = ("labs", "days", pattern)
    line, entry = draft.find_open(slot), draft.part("labs", "days").get(pattern, {})
    told = as_table(line.value if line is not None else entry)
    analyte, unit = told.get("analyte"), str(told.get("unit", AS_IT_IS))
    value = f"{MEASURE}{analyte}" if analyte else OF_ROW
    options = [
        Choice(AS_IT_IS, "not_used"),
        Choice(OF_ROW, "of_row"),
        *list_measure_choices(),
    ]
    becomes = Control(
        name=name_control("becomes", slot),
        subject=pattern,
        options=tuple(options),
        chosen=value,
        slot=slot,
        path=(),
    )
    guesses = [guess for guess in sheet.columns if guess.heading in set(headings)]
    cells = pl.concat([one.cells for one in guesses]) if guesses else pl.Series([], dtype=pl.String)
    span = f"{headings[0]} ... {headings[-1]}" if len(headings) > 1 else pattern
    known = line.why if line is not None else why.get(("labs", pattern), f"{len(headings)} columns: {span}")
    return ColumnChoice(
        subject=pattern,
        becomes=becomes,
        unit=_make_unit(becomes, value, OPEN if line is not None else unit),
        why=_add_usual(known, value, cells),
        is_pattern=True,
        printed=next((unit for heading in headings if (unit := _find_printed(heading))), ""),
    )


def _find_printed(heading: str) -> str:
    """The unit in brackets behind the name of an analyte, which the reader compares with the mapping."""
    found = _UNITED.match(heading)
    return found["unit"].strip() if found and find_wide(pl.DataFrame(schema=[heading]), {}) else ""


def _say_content(guess: ColumnGuess) -> str:
    content = guess.content
    if content.is_mostly(content.dates):
        return f"{content.dates:,} of {content.filled:,} cells are dates"
    if content.is_mostly(content.numbers):
        return f"{content.numbers:,} of {content.filled:,} cells are numbers"
    return content.say_texts() if content.filled else "blank"


def _add_usual(why: str, value: str, cells: pl.Series) -> str:
    """The evidence with how many values would be usual in which unit, unless it says so already."""
    analyte = value.removeprefix(MEASURE)
    if not value.startswith(MEASURE) or analyte not in load_analytes() or "sual" in why:
        return why
    counts, total = count_usual(cells, analyte), int(parse_values(cells)["value"].is_not_null().sum())
    if not any(counts.values()):
        return f"{why}; no value would be usual in any unit"
    told = say_usual(counts, total)
    return f"{why}; {told[0].lower()}{told[1:]}"
