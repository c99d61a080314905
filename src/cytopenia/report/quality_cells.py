"""Cells and tables that the tables of the page of `check` share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from cytopenia.report.display import Counted, format_count, format_number
from cytopenia.report.table_model import Cell, Column, Row, Table

__all__ = ["LEFT", "Lines", "make_table", "show_count", "show_share"]

LEFT: Literal["left"] = "left"

Lines = Iterable[tuple[str, Sequence[Cell]]]


def show_count(value: float | None) -> Cell:
    """Return a count, 0 in the background."""
    return Cell(format_number(value), tone="quiet" if value == 0 else "")


def show_share(count: float, of: float, percent: float | None) -> Cell:
    """Return a count with its percent."""
    return Cell(format_count(Counted(count, None, percent)), tone="quiet" if not of else "")


def make_table(
    name: str, caption: str, columns: Sequence[Column], *, lines: Lines, notes: tuple[str, ...] = ()
) -> Table:
    """Return a table of lines with their headers."""
    rows = tuple(Row(header, tuple(cells)) for header, cells in lines)
    return Table(id=name, caption=caption, columns=tuple(columns), rows=rows, notes=notes)
