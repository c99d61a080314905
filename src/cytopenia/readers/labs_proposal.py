"""The mapping that is proposed for a sheet of laboratory values: a row per value, or see `wide_proposal`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from cytopenia.contract.near_names import NEUTROPHIL_SHARE, match_near_name
from cytopenia.readers.codes import load_analyte_codes
from cytopenia.readers.column_guesses import ColumnGuess, name_analyte, quotable, understand_word
from cytopenia.readers.heading_parts import (
    guess_analytes,
    is_other_test,
    is_share,
    read_heading,
    speaks_of_analyte,
)
from cytopenia.readers.proposal_parts import Line, Part, ask, join_parts, map_to, name_column, quote, show
from cytopenia.readers.table_guesses import SheetGuess
from cytopenia.readers.unit_questions import ask_default_unit, ask_unit_text, ask_units, doubt_unit
from cytopenia.readers.wide_proposal import leave_column, propose_bare_days, propose_days, propose_wide
from cytopenia.units import match_unit
from cytopenia.values import is_missing_text

__all__ = ["propose_values"]

_LONG = {
    "analyte": "the names of the analytes",
    "value": "the values",
    "unit": "the units",
    "lln": "the lower limits of normal",
    "uln": "the upper limits of normal",
}
_APART = ("blood gas", "bga", "poc", "point of care", "blutgas")
_MOST = 0.5
_SHOWN = 10


def propose_values(sheet: SheetGuess, used: Collection[str]) -> Part:
    """Return the lines for the values of a sheet of labs; `used` are the headings already spoken for."""
    bare = sheet.bare_days
    if sheet.shape == "long" or bare:
        part, taken = _propose_long(sheet, bare)
    else:
        part = propose_days(sheet) if sheet.shape == "days" else propose_wide(sheet)
        taken = {
            guess.heading
            for guess in sheet.wide
            if sheet.shape == "wide" or (guess.parts and guess.parts.pattern)
        }
    rest = [guess for guess in sheet.columns if guess.heading not in taken | {*used}]
    return part + _ask_decimal(sheet, taken) + join_parts(leave_column(guess, sheet) for guess in rest)


def _propose_long(sheet: SheetGuess, bare: Sequence[ColumnGuess]) -> tuple[Part, set[str]]:
    """Names in a column (or as names of sheets), values in a column, or in one per day."""
    origin, parts, picked = sheet.found.name, list[Part](), dict[str, ColumnGuess]()
    for column, what in _LONG.items():
        pair = sheet.pick(column, "labs")
        if (
            pair is None
            or (column == "analyte" and sheet.sheet_is == "analyte")
            or (column == "value" and bare)
        ):
            continue
        picked[column], certain = pair[0], pair[1].certain or bool(pair[0].analytes)
        why = f"{what}: {_say_cells(pair[0], column)}"
        parts.append(name_column(pair[0], column, table="labs", origin=origin, certain=certain, why=why))
    parts.append(propose_bare_days(bare, origin) if bare else Part())
    if sheet.sheet_is == "analyte":
        parts += [
            _propose_words(sheet.sheets, origin, what="sheet"),
            _propose_sheet_units(sheet, picked.get("unit")),
        ]
    elif "analyte" in picked:
        shares = _find_shares(picked)
        words = [word for word in picked["analyte"].content.words if word not in shares]
        values = bare or [picked[name] for name in ("value",) if name in picked]
        parts += [
            _propose_words(words, origin, what="name"),
            *(_propose_share(word, picked["analyte"].analytes[word], origin) for word in shares),
            *([_propose_units(values, picked, shares, origin=origin)] if values else []),
        ]
    return join_parts(parts), {guess.heading for guess in (*picked.values(), *bare)}


def _say_cells(guess: ColumnGuess, column: str) -> str:
    if column == "analyte":
        return f"{len(guess.analytes):,} of its {guess.content.distinct:,} texts name analytes of ours"
    if column == "unit":
        return f"{guess.content.distinct:,} {'text' if guess.content.distinct == 1 else 'different texts'}"
    return f"{guess.content.numbers:,} of {guess.content.filled:,} cells are numbers"


def _find_shares(picked: dict[str, ColumnGuess]) -> list[str]:
    """Names of analytes that the reader does not know, and whose every value is a percentage."""
    if "unit" not in picked:
        return []
    units = picked["unit"].cells.str.strip_chars()
    words = picked["analyte"].cells.str.strip_chars()
    frame = pl.DataFrame({"word": words, "share": units == "%"}).drop_nulls("word")
    shares = frame.group_by("word").agg(pl.col("share").fill_null(value=False).all()).filter("share")["word"]
    return sorted(
        word for word in shares if word in picked["analyte"].analytes and name_analyte(word) is None
    )


def _propose_share(word: str, analyte: str, origin: str) -> Part:
    column = f"name {quote(word)}"
    if analyte != "anc":
        return show(origin, column, "", why="all its values are a share of cells, no count", state="not used")
    why = "all its values are in %: ANC is computed from them where a day has none"
    line = Line("analytes", word, NEUTROPHIL_SHARE, why)
    return map_to(line, origin=origin, column=column, becomes=NEUTROPHIL_SHARE)


def _propose_words(words: Sequence[str], origin: str, *, what: str) -> Part:
    """What the names of analytes stand for; a name that the reader knows needs no line."""
    parts: list[Part] = []
    unknown: list[str] = []
    for word in words:
        analyte = name_analyte(word)
        if analyte is not None:
            parts.append(
                show(
                    origin,
                    f"{what} {quote(word)}",
                    analyte,
                    why="a listed name, no line needed",
                    state="sure",
                )
            )
            continue
        found = _propose_word(word, origin, what) if _is_quotable(word) else None
        if found is None:
            unknown.append(word)
        else:
            parts.append(found)
    if unknown:
        listed = ", ".join(quote(word) for word in quotable(tuple(unknown))[:_SHOWN])
        more = f"no analytes of ours{': ' if listed else ''}{listed}"
        parts.append(show(origin, f"{len(unknown):,} other {what}s", "", why=more, state="not used"))
    return join_parts(parts)


def _is_quotable(word: str) -> bool:
    """A number could be the value of a patient; a code is none."""
    return bool(quotable((word,))) or word in load_analyte_codes()


def _propose_word(word: str, origin: str, what: str) -> Part | None:
    """The line for a name that holds a listed name, or a question; None for a name that holds none."""
    shown = f"{what} {quote(word)}"
    near = match_near_name(word)
    if near is not None and near.use == "apart":
        return show(origin, shown, "", why=f"near to {near.analyte} ({near.remark})", state="not used")
    if near is not None:
        return show(origin, shown, NEUTROPHIL_SHARE, why="a listed name, no line needed", state="sure")
    code = load_analyte_codes().get(word)
    if code is not None and code.use == "percent":
        return show(origin, shown, NEUTROPHIL_SHARE, why="a listed code, no line needed", state="sure")
    if code is not None:
        return show(origin, shown, "", why=f"the code is {code.nearness}", state="not used")
    analyte = understand_word(word)
    if analyte is not None:
        line = Line("analytes", word, analyte, f"holds the listed name of {analyte}")
        return map_to(line, origin=origin, column=shown, becomes=analyte)
    if is_share(word) or not speaks_of_analyte(word):
        return None
    apart = any(sign in word.casefold() for sign in _APART)
    if apart or is_other_test(word):
        why = "blood-gas and bedside analyzers are kept apart" if apart else "another test"
        return map_to(Line("analytes", word, "ignore", why), origin=origin, column=shown, becomes="ignore")
    hints = guess_analytes(word)
    if not hints:
        return None
    line = Line("analytes", word, hints[0], f"mentions {hints[0]}, but more stands beside it", is_open=True)
    question = f"labs: is {quote(word)} of {origin} {hints[0]}, or something else?"
    advice = f'Write it under [data.labs.analytes], as "{hints[0]}" or as "ignore".'
    part = map_to(line, origin=origin, column=shown, becomes=f"{hints[0]}?")
    return part + ask(f"{question} {advice}", [line])


def _propose_units(
    values: Sequence[ColumnGuess], picked: dict[str, ColumnGuess], shares: Sequence[str], *, origin: str
) -> Part:
    """Units that are listed need no line; blank ones and those that are not listed are asked for."""
    blank = pl.repeat(None, values[0].content.rows, dtype=pl.String, eager=True)
    unit = picked["unit"].cells.str.strip_chars() if "unit" in picked else blank
    word = picked["analyte"].cells.str.strip_chars()
    frame = pl.concat(
        pl.DataFrame({"word": word, "unit": unit.set(is_missing_text(unit), None), "value": one.cells})
        for one in values
    )
    names = dict(picked["analyte"].analytes)
    frame = frame.with_columns(
        analyte=pl.col("word").replace_strict(names, default=None, return_dtype=pl.String)
    ).filter(~is_missing_text(frame["value"]) & ~pl.col("word").is_in(list(shares)))
    parts, unstated = list[Part](), list[str]()
    groups = frame.drop_nulls("analyte").partition_by("analyte", "unit", maintain_order=True)
    for rows in sorted(groups, key=lambda group: (group["analyte"][0], group["unit"][0] or "")):
        analyte, text = rows["analyte"][0], rows["unit"][0]
        if text is None:
            unstated.append(analyte)
            parts.append(ask_default_unit(analyte, rows["value"], origin))
        elif match_unit(analyte, text) is None:
            parts.append(ask_unit_text(analyte, text, rows=rows.height, origin=origin))
        else:
            parts.append(doubt_unit(analyte, text, rows["value"], origin=origin))
    part = join_parts(parts)
    return part + (ask_units(unstated, "default_units", origin, lines=part.lines) if unstated else Part())


def _propose_sheet_units(sheet: SheetGuess, unit: ColumnGuess | None) -> Part:
    """Units of sheets that are named after an analyte: in the name, in a column, or to be asked for."""
    if unit is not None and unit.content.filled >= _MOST * unit.content.rows:
        return Part()
    parts, unstated = list[Part](), list[str]()
    for name in sheet.sheets:
        heading = read_heading(name)
        analyte = heading.analyte if heading else name_analyte(name)
        if analyte is None:
            continue
        if heading is not None and heading.unit is not None:
            line = Line("default_units", analyte, heading.unit, f"the sheet is called {quote(name)}")
            parts.append(
                map_to(line, origin=sheet.found.name, column=f"unit of {analyte}", becomes=heading.unit)
            )
        else:
            unstated.append(analyte)
            parts.append(ask_default_unit(analyte, pl.Series([], dtype=pl.String), sheet.found.name))
    part = join_parts(parts)
    asked = ask_units(unstated, "default_units", sheet.found.file, lines=part.lines) if unstated else Part()
    return part + asked


def _ask_decimal(sheet: SheetGuess, used: Collection[str]) -> Part:
    """A question where texts such as 1,234 can be read in two ways."""
    doubtful = [guess for guess in sheet.columns if guess.heading in used and guess.content.doubtful]
    if not doubtful:
        return Part()
    count, names = (
        sum(guess.content.doubtful for guess in doubtful),
        ", ".join(quote(guess.heading) for guess in doubtful),
    )
    what = f"{count:,} cells of {names} may be read in two ways, as 1,234 may"
    line = Line("", "decimal", ",", what, is_open=True)
    question = f'labs: {what} ({sheet.found.name}). Write decimal = "," or decimal = ".".'
    return Part((line,)) + ask(question, [line])
