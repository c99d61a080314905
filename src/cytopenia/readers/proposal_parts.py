"""What a proposal is made of: lines of a mapping with their evidence, rows that show it, questions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from cytopenia.contract.texts import shorten
from cytopenia.readers.column_guesses import ColumnGuess
from cytopenia.readers.column_names import is_ours

__all__ = [
    "EMPTY",
    "ColumnRow",
    "Line",
    "Part",
    "State",
    "Value",
    "ask",
    "join_parts",
    "map_to",
    "name_column",
    "quote",
    "show",
]

State = Literal["sure", "ask", "not used"]
Value = str | int | list[str] | list[int] | dict[str, str]


@dataclass(frozen=True)
class Line:
    """One line of a mapping: `section` is the part of the table it stands in ("" for the table itself).

    An open line stands commented out until the user has answered its question.
    """

    section: str
    key: str
    value: Value
    why: str
    is_open: bool = False


@dataclass(frozen=True)
class ColumnRow:
    """One row of the table that shows a proposal: a column of the file, what it becomes, and why."""

    origin: str
    column: str
    becomes: str
    why: str
    state: State


@dataclass(frozen=True)
class Part:
    """Lines, rows and questions on one matter; `settles` names the open lines that answer a question."""

    lines: tuple[Line, ...] = ()
    rows: tuple[ColumnRow, ...] = ()
    questions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    settles: tuple[tuple[str, Line], ...] = ()

    def __add__(self, other: Part) -> Part:
        return Part(
            self.lines + other.lines,
            self.rows + other.rows,
            self.questions + other.questions,
            self.notes + other.notes,
            self.settles + other.settles,
        )


EMPTY = Part()


def join_parts(parts: Iterable[Part]) -> Part:
    """Return all parts as one, in their order."""
    return reduce(lambda one, other: one + other, parts, EMPTY)


def show(origin: str, column: str, becomes: str, *, why: str, state: State) -> Part:
    """Return a row that shows a column, without a line in the mapping."""
    return Part(rows=(ColumnRow(origin, column, becomes, why, state),))


def ask(question: str, lines: Iterable[Line] = ()) -> Part:
    """Return a question, with the open lines that answer it once they are decided."""
    return Part(questions=(question,), settles=tuple((question, line) for line in lines))


def map_to(line: Line, *, origin: str, column: str, becomes: str) -> Part:
    """Return a line with the row that shows it."""
    state: State = "ask" if line.is_open else "sure"
    return Part((line,), (ColumnRow(origin, column, becomes, line.why, state),))


def name_column(guess: ColumnGuess, column: str, *, table: str, origin: str, certain: bool, why: str) -> Part:
    """Return the line that maps a column of a table, nothing for a heading it knows, or a question."""
    if is_ours(guess.heading, column):
        known = f"{why}; known by its heading, no line needed"
        return show(origin, guess.heading, f"{table}.{column}", why=known, state="sure")
    line = Line("columns", column, guess.heading, why, is_open=not certain)
    becomes = f"{table}.{column}" if certain else f"{table}.{column}?"
    part = map_to(line, origin=origin, column=guess.heading, becomes=becomes)
    if certain:
        return part
    return part + ask(
        f"{table}: is column {quote(guess.heading)} of {origin} the {column}? {why}. "
        f"If so, take the # from its line under [data.{table}.columns].",
        [line],
    )


def quote(text: str) -> str:
    r"""Return a name of the file as a message quotes it.

    Examples
    --------
    >>> quote("Hb\n[g/dl]")
    "'Hb [g/dl]'"
    """
    return f"'{shorten(text)}'"
