"""A display table without looks: the same rows go to HTML, Word or a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Cell", "Column", "Footnotes", "Row", "Table", "footnote_mark"]

Align = Literal["left", "right", "center"]


@dataclass(frozen=True)
class Column:
    """Title and alignment of a column; the first column holds the row headers."""

    title: str
    align: Align = "right"


@dataclass(frozen=True)
class Cell:
    """Text of a cell, its bounds on a second line, and the numbers of its footnotes."""

    text: str = ""
    bounds: str = ""
    marks: tuple[int, ...] = ()

    @property
    def plain(self) -> str:
        """Text and bounds on one line, without footnote marks."""
        return f"{self.text}, {self.bounds}" if self.bounds else self.text


@dataclass(frozen=True)
class Row:
    """One row: a header and its cells, or a section title that spans the table."""

    header: str
    cells: tuple[Cell, ...] = ()
    indent: int = 0
    is_section: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table ready for display. `notes` belong to the whole table, `footnotes` to marked cells."""

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    footnotes: tuple[str, ...] = ()


@dataclass
class Footnotes:
    """Collects the footnotes of a table while its cells are made; equal texts share a mark."""

    texts: list[str] = field(default_factory=list[str])
    has_bounds: bool = False
    has_decided: bool = False
    has_open: bool = False

    def mark(self, text: str) -> tuple[int, ...]:
        """Return the mark of a footnote as a cell holds it; no text, no mark."""
        if not text:
            return ()
        if text not in self.texts:
            self.texts.append(text)
        return (self.texts.index(text),)


def footnote_mark(number: int) -> str:
    """Return the letter of a footnote: a, b, ... z, aa, ab, ...

    Examples
    --------
    >>> footnote_mark(0), footnote_mark(25), footnote_mark(26)
    ('a', 'z', 'aa')
    """
    letters = ""
    number += 1
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("a") + place) + letters
    return letters
