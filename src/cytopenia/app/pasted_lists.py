"""A list that was pasted, line by line: a day or date, and a value; what cannot be read is told by line."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["MOST_LINES", "Line", "ListProblem", "ReadList", "read_list"]

MOST_LINES = 999
_LONGEST_CELL = 60
# "5 < 0.1" and "2024-01-03 08:00 0.4": the value is what comes last, with its sign.
_BY_BLANKS = re.compile(r"(.*?\S)\s+([<>]=?\s*\S+|\S+)")
# "3 0,4": a day, blanks and a value with a decimal comma; no date ends in a blank and a number.
_COMMA_BEHIND_BLANKS = re.compile(r"([^,]*[^\s,<>=])\s+([<>]?=?\s*[0-9]+,[0-9]+)")
# "Tag 3", "d3", "+3": a day as it is spoken.
_SPOKEN = re.compile(r"(?:(?:tag|day|d)\s*)?\+?(?=-?[0-9])", re.IGNORECASE)
_HAS_DIGIT = re.compile(r"[0-9]")


@dataclass(frozen=True)
class Line:
    """One line: its number in the list, and its cells."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class ListProblem:
    """What is wrong with a line: the key of the text that says it, and the line."""

    key: str
    line: int


@dataclass(frozen=True)
class ReadList:
    """The lines that were read, what is wrong with others, and those passed over as empty or a heading."""

    lines: tuple[Line, ...]
    problems: tuple[ListProblem, ...] = ()
    empty: tuple[int, ...] = ()
    headings: tuple[int, ...] = ()


def read_list(text: str, *, least: int = 2, most: int = 2) -> ReadList:
    r"""Return the lines of a list with their cells.

    Cells are set apart by tabulators, else by semicolons, else by the blanks before a value with a decimal
    comma, else by the first comma, else by blanks. "Tag 3", "d3" and "+3" are day 3. A first line
    without any digit is a heading. A line whose value is empty says that nothing was measured.

    Parameters
    ----------
    text : str
    least, most : int
        Cells that a line may have.

    Examples
    --------
    >>> [line.cells for line in read_list("Date;ANC\n2024-01-03;0,4\n2024-01-05;<0,1").lines]
    [('2024-01-03', '0,4'), ('2024-01-05', '<0,1')]
    >>> [line.cells for line in read_list("5, 0,31").lines]
    [('5', '0,31')]
    """
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines: list[Line] = []
    problems: list[ListProblem] = []
    empty: list[int] = []
    headings: list[int] = []
    for number, row in enumerate(rows, start=1):
        if not row.strip(" \t;,\ufeff\u00a0"):
            continue
        if number > MOST_LINES:
            problems.append(ListProblem("list.too_long", number))
            break
        cells = _split(row, most)
        if not lines and not headings and not _HAS_DIGIT.search(row) and least > 1:
            headings.append(number)
        elif (problem := _judge(row, cells, least, most)) is not None:
            problems.append(ListProblem(problem, number))
        elif len(cells) < least or not cells[least - 1]:
            empty.append(number)
        else:
            lines.append(Line(number, tuple(cells)))
    return ReadList(tuple(lines), tuple(problems), tuple(empty), tuple(headings))


def _split(row: str, most: int) -> list[str]:
    text = row.strip(" \ufeff\u00a0\n").replace("\u00a0", " ")
    if (spoken := _SPOKEN.match(text)) is not None:
        text = text[spoken.end() :]
    for mark in ("\t", ";"):
        if mark in text:
            cells = [cell.strip() for cell in text.split(mark)]
            while len(cells) > 1 and not cells[-1]:
                cells.pop()
            return cells
    if most == 2 and (found := _COMMA_BEHIND_BLANKS.fullmatch(text)) is not None:
        return [found[1], found[2]]
    if "," in text:
        return [cell.strip() for cell in text.split(",", most - 1)]
    found = _BY_BLANKS.fullmatch(text) if most == 2 else None
    return [found[1], found[2]] if found else text.split() if most > 2 else [text]


def _judge(row: str, cells: list[str], least: int, most: int) -> str | None:
    """The key of what is wrong with a line."""
    if len(cells) > most:
        return "list.many_cells"
    if any(len(cell) > _LONGEST_CELL for cell in cells):
        return "list.long_cell"
    if not cells[0]:
        return "list.no_day"
    is_empty = "\t" in row or ";" in row or row.rstrip().endswith(",")
    return "list.one_cell" if len(cells) < least and not is_empty else None
