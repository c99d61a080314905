"""The mapping that is proposed for patient and time of every table, and for the tables without values."""

from __future__ import annotations

import re
from collections.abc import Collection

import polars as pl

from cytopenia.contract import TABLES
from cytopenia.contract.columns import match_words
from cytopenia.readers.column_guesses import ColumnGuess, quotable
from cytopenia.readers.column_names import is_birth
from cytopenia.readers.infusion_days import find_infusion_days
from cytopenia.readers.proposal_parts import (
    EMPTY,
    Line,
    Part,
    ask,
    join_parts,
    map_to,
    name_column,
    quote,
    show,
)
from cytopenia.readers.table_guesses import SheetGuess

__all__ = ["propose_columns", "propose_keys"]

_PERSONAL = re.compile(
    r"name|initial|address|adresse|phone|telefon|mail|insurance|versicher|\bssn\b|zip code",
    re.IGNORECASE,
)
_MOST_WORDS = 30
_SHOWN = 10
_MOST_BLANK = 0.3
_KIND_COLUMNS = {"support": "kind", "events": "kind", "responses": "response"}
_INFUSION_COLUMNS = ("infusion_date", "lymphodepletion_date")


def propose_keys(table: str, sheet: SheetGuess) -> tuple[Part, set[str]]:
    """Return the lines for the patient and, in labs, for the time; and the headings that they use."""
    part, used = _propose_patient(table, sheet)
    if table != "labs" or sheet.shape == "days":
        return part, used
    time, taken = _propose_time(sheet)
    return part + time, used | taken


def _propose_patient(table: str, sheet: SheetGuess) -> tuple[Part, set[str]]:
    origin, picked = sheet.found.name, sheet.pick("patient_id")
    if sheet.sheet_is == "patient_id":
        why = "no column holds the patient, and each sheet is another one"
        return show(origin, "names of the sheets", f"{table}.patient_id", why=why, state="sure"), set()
    if picked is None:
        likely = next(
            (one for one in sheet.columns if not one.is_wide and one.content.filled), sheet.columns[0]
        )
        line = Line("columns", "patient_id", likely.heading, "no heading names the patient", is_open=True)
        question = f"{table}: no column of {origin} is called like a patient. Write patient_id ="
        return Part((line,)) + ask(f'{question} "their column" under [data.{table}.columns].', [line]), set()
    guess, role = picked
    why = guess.content.say_texts()
    part = name_column(guess, "patient_id", table=table, origin=origin, certain=role.certain, why=why)
    # Infusions that are read from the rows of labs have the same cells under a patient.
    repeats = table == "labs" or (table == "infusions" and sheet.shape != "")
    return part + (_fill_down(guess, sheet, table) if repeats else EMPTY), {guess.heading}


def _fill_down(guess: ColumnGuess, sheet: SheetGuess, table: str) -> Part:
    """Merged cells of a patient over several rows come as one filled cell and blanks."""
    content = guess.content
    blank = content.rows - content.filled
    if sheet.found.has_headings or not blank or guess.cells[0] is None or content.filled != content.distinct:
        return EMPTY
    why = f"{blank:,} of {content.rows:,} cells under a filled one are blank, as merged cells are"
    is_open = blank < _MOST_BLANK * content.rows
    line = Line("", "fill_down", ["patient_id"], why, is_open=is_open)
    part = Part((line,))
    what = f"{table}: {blank:,} cells of {quote(guess.heading)} in {sheet.found.name} are blank"
    question = f"{what}. Are they the patient above? Write fill_down, or fill them."
    return part + ask(question, [line]) if is_open else part


def _propose_time(sheet: SheetGuess) -> tuple[Part, set[str]]:
    """The date or the day of a value. Two dates are a question; what is less certain yields to the other."""
    origin, parts = sheet.found.name, list[Part]()
    found = {name: sheet.pick(name, "labs") for name in ("date", "day", "time")}
    date, day = found["date"], found["day"]
    if date is not None and day is not None and date[1].certain != day[1].certain:
        del found["day" if date[1].certain else "date"]
    if found.get("date") is None:
        del found["time"]
    named = {name: pair for name, pair in found.items() if pair is not None}
    words = {"date": "dates", "day": "days", "time": "times"}
    for name, (guess, role) in named.items():
        count = (
            guess.content.dates
            if name == "date"
            else guess.content.numbers
            if name == "day"
            else guess.content.times
        )
        why = f"{count:,} of {guess.content.filled:,} cells are {words[name]}"
        parts.append(name_column(guess, name, table="labs", origin=origin, certain=role.certain, why=why))
        parts.append(_ask_order("labs", guess, origin) if name == "date" else EMPTY)
    if not {"date", "day"} & set(named):
        parts.append(_ask_time(sheet))
    certain = [
        one for one in sheet.columns if (role := one.role("date", "labs")) is not None and role.certain
    ]
    if len(certain) > 1:
        listed = ", ".join(quote(one.heading) for one in certain)
        what = f"labs: {len(certain)} columns of {origin} may be the date of the draw: {listed}"
        parts.append(ask(f"{what}. Write the right one as date under [data.labs.columns]."))
    return join_parts(parts), {guess.heading for guess, _ in named.values()}


def _ask_time(sheet: SheetGuess) -> Part:
    dates = [
        one
        for one in sheet.columns
        if one.content.is_mostly(one.content.dates)
        and not is_birth(one.heading)
        and one.role("infusion_date", "infusions") is None
    ]
    likely = next((one.heading for one in dates), "their column")
    line = Line("columns", "date", likely, "no heading names the date or day of the draw", is_open=True)
    question = f"labs: no column of {sheet.found.name} is called like the date or the day of the draw."
    advice = 'Write date = "their column" (or day = ...) under [data.labs.columns].'
    return Part((line,)) + ask(f"{question} {advice}", [line])


def _ask_order(table: str, guess: ColumnGuess, origin: str) -> Part:
    """A question where nothing in a column tells the day from the month."""
    if not guess.content.order:
        return EMPTY
    mixed = guess.content.order == "mixed"
    why = "both orders of day and month appear" if mixed else "no date shows which part is the day"
    year = "%y" if guess.content.has_short_years else "%Y"
    first, other = f"%d/%m/{year}", f"%m/%d/{year}"
    line = Line("", "date_format", first, f'{quote(guess.heading)}: {why}; or "{other}"', is_open=True)
    question = f"{table}: dates in {quote(guess.heading)} of {origin}: {why}."
    choice = f'Write date_format = "{first}" or date_format = "{other}"'
    return (
        Part((line,))
        + show(origin, guess.heading, "?", why=why, state="ask")
        + ask(f"{question} {choice} under [data.{table}].", [line])
    )


def propose_columns(table: str, sheet: SheetGuess, used: Collection[str]) -> Part:
    """Return the lines for the columns of a table other than labs; `used` are headings already spoken for."""
    origin, parts, taken = sheet.found.name, list[Part](), set(used)
    for column in _list_columns(table):
        picked = _pick(sheet, column, table)
        if picked is None or picked[0].heading in taken:
            continue
        guess, certain = picked
        taken.add(guess.heading)
        why = _say_content(guess)
        if column == "infusion_date" and sheet.shape and (told := find_infusion_days(sheet)) is not None:
            why = f"{why}; {told}"
        parts.append(name_column(guess, column, table=table, origin=origin, certain=certain, why=why))
        if "date" in column:
            parts.append(_ask_order("infusions" if column in _INFUSION_COLUMNS else table, guess, origin))
        if _KIND_COLUMNS.get(table) == column:
            parts.append(_propose_kinds(table, guess, origin))
    rest = [guess for guess in sheet.columns if guess.heading not in taken and not _is_day_value(guess)]
    parts += [_leave_out(table, guess, origin) for guess in rest]
    return join_parts(parts)


def _is_day_value(guess: ColumnGuess) -> bool:
    """True for the columns of days of a table whose rows are patients; labs shows them."""
    return guess.is_wide and guess.parts is not None and guess.parts.day is not None


def _list_columns(table: str) -> list[str]:
    names = [*TABLES[table].inputs]
    if table == "patients":
        names += [name for name in TABLES["infusions"].inputs if name != "day"]
    return [name for name in dict.fromkeys(names) if name not in {"patient_id", "source_row"}]


def _pick(sheet: SheetGuess, column: str, table: str) -> tuple[ColumnGuess, bool] | None:
    """The column for one of ours; a plain date will do for the start of support and for an infusion."""
    tables = {
        "patients": ("patients", "infusions"),
        "events": ("events", "labs"),
        "responses": ("responses", "labs"),
    }
    picked = sheet.pick(column, *tables.get(table, (table,)))
    if picked is None and column in {"start_date", "infusion_date"} and table in {"support", "infusions"}:
        picked = sheet.pick("date", "labs")
    if picked is None and column == "start" and table == "support":
        picked = sheet.pick("day", "labs")
    return (picked[0], picked[1].certain) if picked is not None else None


def _say_content(guess: ColumnGuess) -> str:
    content = guess.content
    if content.is_mostly(content.dates):
        return f"{content.dates:,} of {content.filled:,} cells are dates"
    if content.is_mostly(content.numbers):
        return f"{content.numbers:,} of {content.filled:,} cells are numbers"
    return content.say_texts()


def _propose_kinds(table: str, guess: ColumnGuess, origin: str) -> Part:
    """What the words of a column of kinds stand for; those that the reader knows need no line."""
    rule = next(column for column in TABLES[table].columns if column.name == _KIND_COLUMNS[table])
    words = quotable(guess.content.words)[:_MOST_WORDS]
    listed = match_words(pl.Series(words, dtype=pl.String), rule.allowed).to_list()
    kinds, parts, unknown = guess.kinds(table), list[Part](), list[str]()
    for word, known in zip(words, listed, strict=True):
        column = f"word {quote(word)}"
        if known is not None:
            parts.append(show(origin, column, known, why="a word of ours, no line needed", state="sure"))
        elif word in kinds:
            line = Line("kinds", word, kinds[word], f"a listed word for {kinds[word]}")
            parts.append(map_to(line, origin=origin, column=column, becomes=kinds[word]))
        else:
            why = f"no listed word; ignore, or one of {', '.join(rule.allowed)}"
            line = Line("kinds", word, "ignore", why, is_open=True)
            parts.append(map_to(line, origin=origin, column=column, becomes="?"))
            unknown.append(quote(word))
    if unknown:
        more = " ..." if len(unknown) > _SHOWN else ""
        what = f"{table}: what is {', '.join(unknown[:_SHOWN])}{more} of {origin}?"
        advice = f"Take the # from these lines under [data.{table}.kinds], with a kind."
        parts.append(ask(f"{what} {advice}", [line for line in join_parts(parts).lines if line.is_open]))
    return join_parts(parts)


def _leave_out(table: str, guess: ColumnGuess, origin: str) -> Part:
    if _PERSONAL.search(guess.heading) or is_birth(guess.heading):
        why = "may name a person, and is not needed: leave it out of the export"
        return show(origin, guess.heading, "", why=why, state="not used")
    if table == "patients" and guess.content.filled:
        why = "any column of patients may be a factor, by its own name"
        return show(origin, guess.heading, "a factor", why=why, state="sure")
    why = "nothing of ours by heading or content" if guess.content.filled else "blank"
    return show(origin, guess.heading, "", why=why, state="not used")
