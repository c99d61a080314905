"""The mapping that is proposed for values in columns: a column per analyte, or per analyte and day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

import polars as pl

from cytopenia.contract.near_names import NEUTROPHIL_SHARE, NearName, match_near_name
from cytopenia.readers.column_guesses import ColumnGuess
from cytopenia.readers.column_names import is_birth
from cytopenia.readers.heading_parts import guess_analytes, is_other_test, is_share, speaks_of_analyte
from cytopenia.readers.proposal_parts import Line, Part, ask, join_parts, map_to, quote, show
from cytopenia.readers.table_guesses import SheetGuess
from cytopenia.readers.unit_questions import ask_units, count_plausible, find_better_unit, weigh_units
from cytopenia.units import list_units, load_analytes, resolve_analyte
from cytopenia.values import parse_values

__all__ = ["leave_column", "propose_bare_days", "propose_days", "propose_wide"]

_ASKED = "analyte:"
_UNITED = re.compile(r"^(?P<name>.+?)\s*[\(\[](?P<unit>[^\(\)\[\]]+)[\)\]]$")
_USUAL_DAYS_BEFORE = 2


def propose_wide(sheet: SheetGuess) -> Part:
    """Return the lines for a table with one column per analyte."""
    origin, parts, unstated = sheet.found.name, list[Part](), list[str]()
    for analyte, alike in groupby(sorted(sheet.wide, key=_order_of), key=_analyte_of):
        guesses = [*alike]
        parts += [_propose_column(guess, origin, rivals=len(guesses) - 1) for guess in guesses]
        unstated += [guess.heading for guess in guesses if guess.parts and guess.parts.unit is None]
        if len(guesses) > 1:
            listed = ", ".join(quote(guess.heading) for guess in guesses)
            what = f"labs: {len(guesses)} columns of {origin} are {analyte}: {listed}"
            rivals = [line for line in join_parts(parts).lines if line.key == analyte]
            parts.append(ask(f"{what}. Take the # from the line of one of them.", rivals))
    if unstated:
        asked = [
            line
            for line in join_parts(parts).lines
            if isinstance(line.value, dict) and line.value["column"] in unstated
        ]
        parts.append(ask_units([quote(name) for name in unstated], "wide", origin, lines=asked))
    return join_parts(parts)


def _analyte_of(guess: ColumnGuess) -> str:
    return guess.parts.analyte if guess.parts else ""


def _order_of(guess: ColumnGuess) -> int:
    return [*load_analytes(), ""].index(_analyte_of(guess))


def _propose_column(guess: ColumnGuess, origin: str, *, rivals: int) -> Part:
    analyte, unit = _analyte_of(guess), guess.parts.unit if guess.parts else None
    if unit is None:
        choice, likely = weigh_units(analyte, guess.cells)
        why = f"heading names {analyte}; its unit is not stated: {choice}"
        line = Line("wide", analyte, {"column": guess.heading, "unit": likely}, why, is_open=True)
        return map_to(line, origin=origin, column=guess.heading, becomes=f"{analyte} in ?")
    count = f"{guess.content.numbers:,} {'value' if guess.content.numbers == 1 else 'values'}"
    better = find_better_unit(analyte, unit, guess.cells)
    if better is not None:
        why = f"heading says {unit}, but nearly all of {count} would be usual in {better}"
    else:
        possible = count_plausible(analyte, unit, guess.cells)
        why = f"heading names {analyte}, unit {unit} is listed; {count}, {possible:,} of them possible"
    is_open = better is not None or rivals > 0
    line = Line("wide", analyte, {"column": guess.heading, "unit": unit}, why, is_open=is_open)
    part = map_to(line, origin=origin, column=guess.heading, becomes=f"{analyte} in {unit}")
    if better is None:
        return part
    what = f"labs: {quote(guess.heading)} of {origin}: {why}"
    return part + ask(f"{what}. Take the # from the line of {analyte}, with the right unit.", [line])


def propose_days(sheet: SheetGuess) -> Part:
    """Return one line per pattern of headings: "ANC_d{day}" stands for all of its columns."""
    origin, groups = sheet.found.name, dict[str, list[ColumnGuess]]()
    for guess in sheet.wide:
        if guess.parts is not None and guess.parts.pattern is not None:
            groups.setdefault(guess.parts.pattern, []).append(guess)
    parts = [_propose_pattern(pattern, guesses, origin) for pattern, guesses in groups.items()]
    unstated = [
        pattern for pattern, guesses in groups.items() if guesses[0].parts and guesses[0].parts.unit is None
    ]
    if unstated:
        asked = [line for line in join_parts(parts).lines if line.key in unstated]
        parts.append(ask_units([quote(name) for name in unstated], "days", origin, lines=asked))
    return join_parts(parts)


def _propose_pattern(pattern: str, guesses: Sequence[ColumnGuess], origin: str) -> Part:
    analyte, unit = _analyte_of(guesses[0]), guesses[0].parts.unit if guesses[0].parts else None
    days = [guess.parts.day for guess in guesses if guess.parts is not None and guess.parts.day is not None]
    cells = pl.concat([guess.cells for guess in guesses])
    why = f"headings name {analyte} and the days {min(days)} to {max(days)}"
    better = find_better_unit(analyte, unit, cells) if unit is not None else None
    question = ""
    if unit is None:
        choice, likely = weigh_units(analyte, cells)
        why = f"{why}; the unit is not stated: {choice}"
    else:
        likely = unit
        if better is not None:
            why = f"{why}; they say {unit}, but nearly all values would be usual in {better}"
            question = "Take the # from its line, with the right unit."
        elif min(days) < -_USUAL_DAYS_BEFORE and max(days) <= 0:
            why = f"{why}; is the '-' a minus?"
            question = "If it is only a mark before the day, write it before {day}; take the # from its line."
        else:
            why = f"{why}; unit {unit} is listed"
    is_open = unit is None or bool(question)
    line = Line("days", pattern, {"analyte": analyte, "unit": likely}, why, is_open=is_open)
    part = map_to(
        line, origin=origin, column=_span(guesses), becomes=f"{analyte} in {unit or '?'}, a day each"
    )
    asked = f"labs: {quote(pattern)} of {origin}: {why}. {question}"
    return part + ask(asked, [line]) if question else part


def propose_bare_days(guesses: Sequence[ColumnGuess], origin: str) -> Part:
    """Return one line per pattern of headings that name a day only; what was measured stands elsewhere."""
    groups = dict[str, list[ColumnGuess]]()
    for guess in guesses:
        if guess.day is not None:
            groups.setdefault(guess.day[0], []).append(guess)
    parts: list[Part] = []
    for pattern, alike in groups.items():
        days = [guess.day[1] for guess in alike if guess.day is not None]
        why = f"headings name the days {min(days)} to {max(days)}; the analyte stands elsewhere"
        parts.append(
            map_to(
                Line("days", pattern, {}, why),
                origin=origin,
                column=_span(alike),
                becomes="values, a day each",
            )
        )
    return join_parts(parts)


def _span(guesses: Sequence[ColumnGuess]) -> str:
    """The first and the last heading of columns that are shown in one row."""
    if len(guesses) == 1:
        return guesses[0].heading
    return f"{guesses[0].heading} ... {guesses[-1].heading} ({len(guesses)} columns)"


def leave_column(guess: ColumnGuess, sheet: SheetGuess) -> Part:
    """Return why a column of labs is not used, or the question whether it should be."""
    origin, given = sheet.found.name, {_analyte_of(other) for other in sheet.wide}
    is_number = guess.content.is_mostly(guess.content.numbers)
    short = [role.column.removeprefix(_ASKED) for role in guess.roles if role.column.startswith(_ASKED)]
    hints = [name for name in (*short, *guess_analytes(guess.heading)) if name not in given]
    near = _match_near(guess.heading)
    if near is not None and near.use == "apart":
        why = f"near to {near.analyte} ({near.remark})"
    elif near is not None and sheet.shape == "wide" and is_number:
        return _propose_share(guess, origin, is_stated=near.states_percent)
    elif is_birth(guess.heading):
        why = "a date of birth, which is not needed: leave it out of the export"
    elif is_share(guess.heading):
        why = "a share of cells, no count"
    elif is_other_test(guess.heading):
        why = "another test"
    elif sheet.shape == "wide" and is_number and hints and guess.parts is None:
        return _ask_column(guess, hints[0], origin)
    elif guess.role("infusion_date", "infusions") is not None:
        why = "the infusion, which an infusions or patients table gives, with a row for each patient"
    elif any(role.table == "patients" and role.certain for role in guess.roles):
        why = "a fact about patients, which a patients table gives, with a row for each patient"
    elif speaks_of_analyte(guess.heading):
        why = "mentions an analyte, but is no value of one day in a listed unit"
    else:
        why = "nothing of ours by heading or content" if guess.content.filled else "blank"
    return show(origin, guess.heading, "", why=why, state="not used")


def _match_near(heading: str) -> NearName | None:
    """The row of the reviewed table, also where a unit stands behind the name, as in "Neut. rel. [%]"."""
    found = match_near_name(heading)
    if found is not None or (parts := _UNITED.match(heading)) is None:
        return found
    in_percent = parts["unit"].strip() == "%"
    found = match_near_name(parts["name"])
    if in_percent and (found.use == "share" if found else resolve_analyte(parts["name"]) == "anc"):
        return NearName(heading, "anc", "percent", "share of the white cells")
    return found


def _propose_share(guess: ColumnGuess, origin: str, *, is_stated: bool) -> Part:
    """The percentage of neutrophils, from which ANC is computed where a day has none."""
    values = parse_values(guess.cells)["value"].drop_nulls()
    is_open = not is_stated or not (values > 1).any()
    why = "percentage of neutrophils: ANC is computed from it where a day has none"
    if is_open:
        why = f'{why}; is it in %, or a fraction (unit = "1")?'
    line = Line("wide", NEUTROPHIL_SHARE, {"column": guess.heading, "unit": "%"}, why, is_open=is_open)
    part = map_to(line, origin=origin, column=guess.heading, becomes=NEUTROPHIL_SHARE)
    if not is_open:
        return part
    what = f"labs: is {quote(guess.heading)} of {origin} in %, or a fraction?"
    advice = "Take the # from its line under [data.labs.wide], with the right unit."
    return part + ask(f"{what} {advice}", [line])


def _ask_column(guess: ColumnGuess, analyte: str, origin: str) -> Part:
    choice, _ = weigh_units(analyte, guess.cells)
    why = f"may be {analyte}, or something else; in {choice}"
    value = {"column": guess.heading, "unit": list_units(analyte)[0]}
    line = Line("wide", analyte, value, why, is_open=True)
    what = f"labs: is column {quote(guess.heading)} of {origin} {analyte}?"
    advice = "If so, take the # from its line under [data.labs.wide], with the right unit."
    part = map_to(line, origin=origin, column=guess.heading, becomes=f"{analyte}?")
    return part + ask(f"{what} {advice}", [line])
