"""The tables of the report as a workbook: one sheet a table, and a sheet that lists them."""

# The library behind workbooks ships partial types.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

from cytopenia.report.captions import clean_held, end_caption, number_captions
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text
from cytopenia.report.drawing import SYNTHETIC_LABEL
from cytopenia.report.journal_styles import in_journal_style
from cytopenia.report.sections import ReportSection, list_sections
from cytopenia.report.table_model import Cell, Row, Table, footnote_mark

__all__ = ["name_sheet", "render_workbook"]

AUTHOR, CONTENTS = "cytopenia", "Contents"
# Part of the file, not of the run: the same content has the same bytes on any day.
WRITTEN = datetime(2000, 1, 1, tzinfo=UTC)
MOST_SIGNS_OF_NAME = 31
FORBIDDEN_SIGNS = re.compile(r"[\[\]:*?/\\]")
# A name that the program keeps for itself.
KEPT_NAMES = {"history", CONTENTS.lower()}
# Widths in signs, heights in points.
NARROWEST, WIDEST, WIDEST_HEADER, UPRIGHT_WIDTH, LINE_HEIGHT = 9, 30, 44, 100, 13.0
CAPTION_ROW, A4 = 0, 9
LEFT_INDENT = 2
QUIET, DIFFERS = "#5B6673", "#9C1C14"
LOOKS: dict[str, dict[str, Any]] = {
    "caption": {"bold": True, "text_wrap": True, "valign": "top", "font_size": 11},
    "title": {"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1, "top": 2},
    "lower title": {"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1},
    "spanner": {"bold": True, "text_wrap": True, "align": "center", "bottom": 1, "top": 2},
    "no spanner": {"top": 2},
    "section": {"bold": True, "text_wrap": True, "valign": "top"},
    "said": {"bold": False},
    "cell": {"text_wrap": True, "valign": "top"},
    "note": {"text_wrap": True, "valign": "top", "font_size": 8},
    "slanted": {"bold": True, "italic": True},
    "raised": {"font_script": 1},
    "bounds": {"font_color": QUIET, "font_size": 8},
    "link": {"font_color": "#1F4E79", "underline": 1},
    "synthetic": {"bold": True, "font_color": "#B8312A"},
}


@in_journal_style
def render_workbook(content: ReportContent, *, sections: Sequence[ReportSection] | None = None) -> bytes:
    """Return the tables of the report as an Excel file: one sheet a table, the contents first.

    Every cell is text as the report prints it: no formula, whatever a name of the study begins with.

    Parameters
    ----------
    content : ReportContent
        Results and evidence of one run; never changed.
    sections : sequence of ReportSection, optional
        From `list_sections`, where they have been made already.

    Returns
    -------
    bytes
        An .xlsx file without date or user; identical content gives identical bytes.
    """
    from xlsxwriter import Workbook

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(buffer, options) as book:
        book.set_properties(
            {"title": clean_text(content.title, longest=250), "author": AUTHOR, "created": WRITTEN}
        )
        writer = _BookWriter(book, content, {name: book.add_format(look) for name, look in LOOKS.items()})
        writer.write(list_sections(content) if sections is None else sections)
    return buffer.getvalue()


def name_sheet(label: str, taken: set[str]) -> str:
    """Return a name that a sheet may have, like no other of the workbook; `taken` are those in lower case.

    Examples
    --------
    >>> name_sheet("Table II/III", set()), name_sheet("table 1", {"table 1"}), name_sheet("'", set())
    ('Table II III', 'table 1 (2)', 'Table')
    """
    plain = clean_text(FORBIDDEN_SIGNS.sub(" ", label)).strip("' ") or "Table"
    name, count = plain[:MOST_SIGNS_OF_NAME].strip("' "), 1
    while name.lower() in taken | KEPT_NAMES:
        count += 1
        ending = f" ({count})"
        name = plain[: MOST_SIGNS_OF_NAME - len(ending)].rstrip("' ") + ending
    return name


@dataclass(frozen=True)
class _BookWriter:
    """Writes the sheets of one workbook."""

    book: Any
    content: ReportContent
    looks: dict[str, Any]

    def write(self, sections: Sequence[ReportSection]) -> None:
        captions, taken = number_captions(self.content), set[str]()
        contents = self.book.add_worksheet(CONTENTS)
        row = self._begin_contents(contents)
        for section in sections:
            for table in section.tables:
                label, text = captions.label("Table", table.caption)
                name = name_sheet(label.text, taken)
                taken.add(name.lower())
                caption = f"{label.text}. {end_caption(clean_held(text), synthetic=self.content.synthetic)}"
                _SheetWriter(self, self.book.add_worksheet(name), table, caption).write()
                link = f"internal:'{name.replace(chr(39), chr(39) * 2)}'!A1"
                contents.write_url(row, 0, link, self.looks["link"], name)
                contents.write_string(row, 1, clean_held(text), self.looks["cell"])
                contents.write_string(row, 2, clean_text(section.title), self.looks["cell"])
                row += 1

    def _begin_contents(self, sheet: Any) -> int:
        """Write what stands above the list, and return the first row of the list."""
        sheet.set_column(0, 0, 14)
        sheet.set_column(1, 1, 70)
        sheet.set_column(2, 2, 40)
        sheet.write_string(0, 0, clean_text(self.content.title, longest=250), self.looks["caption"])
        row = 1
        if self.content.synthetic:
            sheet.write_string(row, 0, f"{SYNTHETIC_LABEL}.", self.looks["synthetic"])
            row += 1
        for place, title in enumerate(("Sheet", "Table", "Section of the report")):
            sheet.write_string(row + 1, place, title, self.looks["title"])
        _set_up_page(sheet, is_wide=True, synthetic=self.content.synthetic)
        sheet.freeze_panes(row + 2, 0)
        return row + 2


@dataclass(frozen=True)
class _SheetWriter:
    """Writes one table on its sheet: caption, titles, rows, then what stands below it."""

    writer: _BookWriter
    sheet: Any
    table: Table
    caption: str

    @property
    def last(self) -> int:
        """Place of the last column."""
        return len(self.table.columns) - 1

    def write(self) -> None:
        widths = _measure_columns(self.table)
        for place, width in enumerate(widths):
            self.sheet.set_column(place, place, width)
        self._write_across(CAPTION_ROW, self.caption, "caption", sum(widths))
        first = self._write_titles(CAPTION_ROW + 1)
        for at, row in enumerate(self.table.rows):
            self._write_row(first + at, row, sum(widths), is_last=at == len(self.table.rows) - 1)
        below = first + len(self.table.rows)
        for number, text in enumerate(self.table.footnotes):
            self._write_across(below, text, "note", sum(widths), mark=footnote_mark(number))
            below += 1
        for text in self.table.notes:
            self._write_across(below, text, "note", sum(widths))
            below += 1
        self.sheet.freeze_panes(first, 1)
        self.sheet.repeat_rows(CAPTION_ROW + 1, first - 1)
        self.sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{below + 1}"})
        self.sheet.print_area(0, 0, max(below - 1, first), self.last)
        is_wide = sum(widths) > UPRIGHT_WIDTH
        _set_up_page(self.sheet, is_wide=is_wide, synthetic=self.writer.content.synthetic)

    def _write_titles(self, row: int) -> int:
        """Write the titles, in two rows where some have one in common; return the row below."""
        if self.table.has_spanners:
            place = 0
            for title, columns in self.table.spans:
                look = self._look("spanner" if title else "no spanner")
                if title and columns > 1:
                    self.sheet.merge_range(row, place, row, place + columns - 1, "", look)
                for at in range(place, place + columns):
                    if at == place and title:
                        self.sheet.write_string(row, at, clean_held(title), look)
                    elif not title:
                        self.sheet.write_blank(row, at, None, look)
                place += columns
            row += 1
        name = "lower title" if self.table.has_spanners else "title"
        for place, column in enumerate(self.table.columns):
            look = self._look(name, align=column.align)
            slanted, rest = column.parts
            raised = ",".join(map(footnote_mark, column.marks))
            self._write_rich(row, place, [(slanted, "slanted"), (rest, ""), (raised, "raised")], look)
        return row + 1

    def _write_row(self, at: int, row: Row, width: float, *, is_last: bool) -> None:
        end: dict[str, Any] = {"bottom": 2} if is_last else {}
        if row.is_section:
            text = f"{row.header} {row.text}".strip()
            self._write_across(at, text, "section", width, marks=row.marks)
            return
        look = self._look("cell", indent=LEFT_INDENT * row.indent, **end)
        self._write_marked(at, 0, [(row.header, "")], row.marks, look)
        for place, column in enumerate(self.table.columns[1:], start=1):
            cell = row.cells[place - 1] if place <= len(row.cells) else Cell()
            tone: dict[str, Any] = {"quiet": {"font_color": QUIET}}.get(cell.tone, {})
            tone = {"font_color": DIFFERS, "bold": True} if cell.tone == "differs" else tone
            look = self._look("cell", align=column.align, **tone, **end)
            parts = [(cell.text, ""), (cell.bounds, "bounds")]
            self._write_marked(at, place, parts, cell.marks, look)

    def _write_across(
        self, row: int, text: str, name: str, width: float, *, mark: str = "", marks: tuple[int, ...] = ()
    ) -> None:
        """Write one text over all columns, in a row as high as its lines."""
        look = self._look(name)
        if self.last:
            self.sheet.merge_range(row, 0, row, self.last, "", look)
        shown = clean_held(text)
        if mark:
            self._write_rich(row, 0, [(mark, "raised"), (f" {shown}", "")], look)
        else:
            self._write_marked(row, 0, [(shown, "")], marks, look)
        lines = ceil((len(shown) + 4) * (1.15 if name in {"caption", "section"} else 0.85) / max(width, 1))
        self.sheet.set_row(row, LINE_HEIGHT * max(lines, 1) + 3)

    def _write_marked(
        self, row: int, place: int, parts: Sequence[tuple[str, str]], marks: tuple[int, ...], look: Any
    ) -> None:
        """Write the text of a cell with its raised marks behind it, and its bounds on a second line."""
        (text, _), *rest = ((clean_held(text), name) for text, name in parts)
        raised = ",".join(map(footnote_mark, marks))
        pieces = [(text, ""), (raised, "raised")]
        pieces += [(f"\n{more}" if text or raised else more, name) for more, name in rest if more]
        self._write_rich(row, place, pieces, look)

    def _write_rich(self, row: int, place: int, pieces: Sequence[tuple[str, str]], look: Any) -> None:
        kept = [(text, name) for text, name in pieces if text]
        if len(kept) < 2 and not any(name for _, name in kept):
            # A string however it begins: another way of writing would read "=..." as a formula.
            self.sheet.write_string(row, place, kept[0][0] if kept else "", look)
            return
        fragments: list[Any] = []
        for text, name in kept:
            fragments += [self.writer.looks[name], text] if name else [text]
        if len(kept) < 2:
            # A rich text has two pieces at least.
            fragments += [" "]
        self.sheet.write_rich_string(row, place, *fragments, look)

    def _look(self, name: str, **more: Any) -> Any:
        """The format of a name with more of its own, made once for the workbook."""
        key = f"{name} {sorted(more.items())}" if any(more.values()) else name
        if key not in self.writer.looks:
            self.writer.looks[key] = self.writer.book.add_format({**LOOKS[name], **more})
        return self.writer.looks[key]


def _set_up_page(sheet: Any, *, is_wide: bool, synthetic: bool) -> None:
    """A4, as wide as the page, its number below; what is synthetic says so on every page."""
    sheet.set_paper(A4)
    if is_wide:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.hide_gridlines(2)
    sheet.set_margins(left=0.6, right=0.6, top=0.8, bottom=0.8)
    if synthetic:
        sheet.set_header(f"&R&8{SYNTHETIC_LABEL}")
    sheet.set_footer("&C&8&P / &N")


def _measure_columns(table: Table) -> list[float]:
    """Widths in signs: of the longest line, within bounds that keep a sheet readable."""
    return [_measure_column(table, place) for place in range(len(table.columns))]


def _measure_column(table: Table, place: int) -> float:
    widest = WIDEST if place else WIDEST_HEADER
    lengths = [ceil(len(table.columns[place].title) / 2), *map(len, _list_lines(table, place))]
    return min(widest, max(NARROWEST, max(lengths) + 2))


def _list_lines(table: Table, place: int) -> Iterator[str]:
    for row in table.rows:
        if row.is_section:
            continue
        if not place:
            yield " " * LEFT_INDENT * row.indent + row.header
        elif place <= len(row.cells):
            yield row.cells[place - 1].text
            yield row.cells[place - 1].bounds
