"""A display table without looks: the same rows go to HTML, Word or a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from cytopenia.report.number_sources import take_rows

__all__ = ["Cell", "Column", "Footnotes", "Row", "Table", "Tone", "footnote_mark"]

Align = Literal["left", "right", "center"]
Tone = Literal["", "agrees", "noted", "differs", "quiet"]


@dataclass(frozen=True)
class Column:
    """Title and alignment of a column; the first column holds the row headers.

    `spanner` is the title over neighboring columns that share it, `marks` are the numbers of the footnotes,
    `slanted` is how much of the beginning of the title stands in italics. What was read for a title belongs
    to no cell.
    """

    title: str
    align: Align = "right"
    marks: tuple[int, ...] = ()
    spanner: str = ""
    slanted: int = 0

    def __post_init__(self) -> None:
        """Take the rows read for the title, or the first cell of the table would seem made of them."""
        take_rows()

    @property
    def parts(self) -> tuple[str, str]:
        """The part of the title that stands in italics, and the rest.

        Examples
        --------
        >>> Column("P (Holm)", slanted=1).parts
        ('P', ' (Holm)')
        """
        return self.title[: self.slanted], self.title[self.slanted :]

    @property
    def full_title(self) -> str:
        """Spanner and title on one line, for a display with one row of titles.

        Examples
        --------
        >>> Column("P", spanner="Univariable").full_title
        'Univariable: P'
        """
        return f"{self.spanner}: {self.title}" if self.spanner else self.title


@dataclass(frozen=True)
class Cell:
    """Text of a cell, its bounds on a second line, and the numbers of its footnotes.

    `tone` tells a display that a cell agrees, needs a note, differs or stays in the background. It only
    repeats what the text says. `sources` are the rows of the result table that were read for it.
    """

    text: str = ""
    bounds: str = ""
    marks: tuple[int, ...] = ()
    tone: Tone = ""
    sources: tuple[int, ...] = field(default_factory=take_rows, compare=False, repr=False)

    @property
    def plain(self) -> str:
        """Text and bounds on one line, without footnote marks."""
        return f"{self.text}, {self.bounds}" if self.bounds else self.text


@dataclass(frozen=True)
class Row:
    """One row: a header with the numbers of its footnotes, and its cells; or a title that spans the table.

    `text` is what a title says in a sentence, behind it. `sources` are the rows of the result table read for
    the line as a whole; `target` is the anchor of what its numbers come from where no such row holds them.
    `anchor` names the line itself, `link` is where its header leads.
    """

    header: str
    cells: tuple[Cell, ...] = ()
    indent: int = 0
    is_section: bool = False
    marks: tuple[int, ...] = ()
    text: str = ""
    target: str = ""
    anchor: str = ""
    link: str = ""
    sources: tuple[int, ...] = field(default_factory=take_rows, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table ready for display. `notes` belong to the whole table, `footnotes` to what is marked.

    One with `is_page` stands on a page of its own, in smaller type.
    """

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    footnotes: tuple[str, ...] = ()
    is_page: bool = False

    @property
    def has_spanners(self) -> bool:
        """Whether some columns stand under a common title."""
        return any(column.spanner for column in self.columns)

    @property
    def spans(self) -> list[tuple[str, int]]:
        """Titles over the columns from left to right, each with the number of columns below it."""
        return [
            (title, len(list(columns)))
            for title, columns in groupby(column.spanner for column in self.columns)
        ]


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
