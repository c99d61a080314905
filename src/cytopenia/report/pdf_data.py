"""What the PDF shows, as plain data for its template: nothing of a study is ever part of the template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cytopenia.report.captions import CaptionNumbers, clean_held, end_caption, number_captions
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text
from cytopenia.report.drawing import SYNTHETIC_LABEL, ReportFigure
from cytopenia.report.figure_formats import keep_known_signs, list_known_signs, read_view_box
from cytopenia.report.journal_styles import style_words
from cytopenia.report.methods import write_methods_paragraphs
from cytopenia.report.sections import ReportSection
from cytopenia.report.table_model import Cell, Column, Row, Table, footnote_mark
from cytopenia.report.word import SYNTHETIC_TEXT, count_findings, is_wide
from cytopenia.report.word_widths import hold_together, let_break, measure_columns

__all__ = ["FONT", "PAGE_MARGIN", "make_pdf_data"]

FONT = "DejaVu Sans"
# A4 and its margins in points.
SHORT_SIDE, LONG_SIDE, PAGE_MARGIN = 595.28, 841.89, 56.7
TWIPS = 20
# The sizes at which the letters of this font are as wide as those that the widths were measured for.
TEXT_SIZE, SMALL_SIZE = 7.4, 6.5
# Room that a figure leaves on its page for heading and caption.
BELOW_FIGURE = 130
# A word with more signs may break within, so that none leaves its column.
LONG_WORD = re.compile(r"\S{25,}")
PIECE, BREAK = 12, "\N{ZERO WIDTH SPACE}"
HELD = "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"


def make_pdf_data(content: ReportContent, sections: Sequence[ReportSection]) -> dict[str, Any]:
    """Return everything the PDF shows, in its order, as what JSON can hold."""
    pages = _Pages(content, number_captions(content))
    for section in sections:
        if not section.is_after_methods:
            pages.add_section(section)
    pages.turn(is_wide=False)
    pages.add_heading("Findings about the data", 1)
    pages.add_text(count_findings(content))
    pages.add_heading("Methods", 1)
    pages.add_texts(write_methods_paragraphs(content))
    for section in sections:
        if section.is_after_methods:
            pages.add_section(section)
    title = show_text(clean_text(content.title)) or "Report"
    label = f"{SYNTHETIC_LABEL}." if content.synthetic else ""
    return {
        "title": title,
        "description": label,
        "synthetic": label,
        "banner": f"{label} {SYNTHETIC_TEXT}" if label else "",
        "fonts": [FONT],
        "margin": PAGE_MARGIN,
        "spreads": pages.spreads,
    }


@dataclass
class _Pages:
    """Collects block by block; a spread is a run of pages that lie the same way."""

    content: ReportContent
    captions: CaptionNumbers
    spreads: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def turn(self, *, is_wide: bool) -> None:
        """Begin a spread that lies the other way, if this one does not lie so already."""
        if not self.spreads or self.spreads[-1]["wide"] != is_wide:
            self.spreads.append({"wide": is_wide, "blocks": []})

    def add(self, kind: str, **more: Any) -> None:
        """Put a block at the end of the spread."""
        self.spreads[-1]["blocks"].append({"kind": kind, **more})

    def add_heading(self, text: str, level: int) -> None:
        """Put a heading at the end."""
        self.add("heading", text=show_text(text), level=level)

    def add_text(self, text: str) -> None:
        """Put a paragraph at the end."""
        self.add("text", text=show_text(text))

    def add_texts(self, texts: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Put paragraphs under their headings at the end."""
        for heading, paragraphs in texts:
            self.add_heading(heading, 2)
            for text in paragraphs:
                self.add_text(style_words(text))

    def add_section(self, section: ReportSection) -> None:
        """Put heading, tables and figures at the end; the tables of a section lie the same way."""
        self.turn(is_wide=any(map(is_wide, section.tables)))
        self.add_heading(section.title, 1)
        self.add_texts(section.texts)
        for table in section.tables:
            self._add_table(table)
        for figure in section.figures:
            self.turn(is_wide=False)
            self._add_figure(figure)

    @property
    def room(self) -> tuple[float, float]:
        """Width and height of the text in points."""
        sides = (LONG_SIDE, SHORT_SIDE) if self.spreads[-1]["wide"] else (SHORT_SIDE, LONG_SIDE)
        return sides[0] - 2 * PAGE_MARGIN, sides[1] - 2 * PAGE_MARGIN

    def _add_table(self, table: Table) -> None:
        label, text = self.captions.label("Table", table.caption)
        widths = measure_columns(table, width=int(self.room[0] * TWIPS))
        self.add(
            "table",
            label=show_text(label.text),
            caption=show_text(end_caption(text, synthetic=self.content.synthetic)),
            widths=[round(width / TWIPS, 2) for width in widths],
            size=SMALL_SIZE if table.is_page else TEXT_SIZE,
            new_page=table.is_page,
            spans=[{"title": show_text(title), "columns": number} for title, number in table.spans]
            if table.has_spanners
            else [],
            columns=[_show_column(column) for column in table.columns],
            rows=[_show_row(row, table.columns) for row in table.rows],
            footnotes=[
                {"mark": footnote_mark(at), "text": show_text(text)}
                for at, text in enumerate(table.footnotes)
            ],
            notes=[show_text(text) for text in table.notes],
        )

    def _add_figure(self, figure: ReportFigure) -> None:
        label, text = self.captions.label("Figure", figure.title)
        box = read_view_box(figure.svg)
        width, height = map(float, box.split()[2:]) if box else self.room
        shrink = min(1.0, self.room[0] / width, (self.room[1] - BELOW_FIGURE) / height)
        caption = end_caption(f"{text}. {figure.caption}", synthetic=self.content.synthetic)
        self.add(
            "figure",
            label=show_text(label.text),
            caption=show_text(caption),
            svg=keep_known_signs(figure.svg),
            width=round(width * shrink, 2),
            alt=clean_text(figure.description or figure.title),
        )


def _show_column(column: Column) -> dict[str, str]:
    slanted, rest = column.parts
    title = (
        f" {show_text(let_break(rest))}" if slanted and rest.startswith(" ") else show_text(let_break(rest))
    )
    return {"slanted": slanted, "title": title, "align": column.align, "marks": _show_marks(column.marks)}


def _show_row(row: Row, columns: Sequence[Column]) -> dict[str, Any]:
    blank = [Cell()] * (len(columns) - 1 - len(row.cells))
    cells = zip([*row.cells, *blank], columns[1:], strict=True) if not row.is_section else ()
    return {
        "section": row.is_section,
        "header": show_text(row.header),
        "marks": _show_marks(row.marks),
        "text": show_text(row.text),
        "indent": row.indent,
        "cells": [
            {
                "text": show_text(hold_together(cell.text, column)),
                "bounds": show_text(cell.bounds),
                "marks": _show_marks(cell.marks),
                "tone": cell.tone,
            }
            for cell, column in cells
        ],
    }


def _show_marks(marks: Sequence[int]) -> str:
    return ",".join(map(footnote_mark, marks))


def show_text(text: str) -> str:
    r"""Return text on one line as the font can show it; a sign it has not is named by its number.

    Examples
    --------
    >>> show_text("ANC \N{GREATER-THAN OR EQUAL TO} 1\n"), show_text("\N{DNA DOUBLE HELIX}")
    ('ANC ≥ 1', '[U+1F9EC]')
    """
    known = _list_known_signs()
    held = clean_held(text)
    shown = held if known.issuperset(held) else "".join(_name_sign(sign, known) for sign in held)
    return LONG_WORD.sub(_break_word, shown)


def _name_sign(sign: str, known: frozenset[str]) -> str:
    return sign if sign in known else f"[U+{ord(sign):04X}]"


def _break_word(found: re.Match[str]) -> str:
    word = found.group()
    if any(sign in word for sign in HELD):
        return word
    return BREAK.join(word[at : at + PIECE] for at in range(0, len(word), PIECE))


@cache
def _list_known_signs() -> frozenset[str]:
    """Signs that the font has, and those that are never drawn."""
    return list_known_signs() | {BREAK}
