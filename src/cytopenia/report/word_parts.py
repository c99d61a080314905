"""Parts of a Word file as WordprocessingML: runs, captions, native tables, and an archive without a clock."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from cytopenia.report.captions import CaptionLabel, clean_held
from cytopenia.report.display import clean_text
from cytopenia.report.table_model import Cell, Column, Table, footnote_mark
from cytopenia.report.word_widths import BOUNDS_SIZE, MARGIN, hold_together, let_break, measure_columns

__all__ = [
    "NAMESPACE",
    "fix_archive",
    "write_caption",
    "write_paragraph",
    "write_run",
    "write_table",
]

NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
# The oldest date that a ZIP archive can hold.
ARCHIVE_DATE = (1980, 1, 1, 0, 0, 0)
QUIET, DIFFERS = "5B6673", "9C1C14"
# In twentieths of a point.
INDENT = 200
HEAVY_RULE, LIGHT_RULE = 8, 4
# A table of no more rows stands on one page.
MOST_KEPT_ROWS = 20


def write_run(
    text: str,
    *,
    bold: bool = False,
    slanted: bool = False,
    raised: bool = False,
    size: int | None = None,
    color: str = "",
) -> str:
    """Return a run of text: one line, no character that XML cannot hold. `size` is in half points."""
    look = "<w:b/>" if bold else ""
    look += "<w:i/>" if slanted else ""
    look += f'<w:color w:val="{color}"/>' if color else ""
    look += f'<w:sz w:val="{size}"/><w:szCs w:val="{size}"/>' if size else ""
    look += '<w:vertAlign w:val="superscript"/>' if raised else ""
    shown = escape(text if text == " " else clean_held(text))
    properties = f"<w:rPr>{look}</w:rPr>" if look else ""
    return f'<w:r>{properties}<w:t xml:space="preserve">{shown}</w:t></w:r>'


@dataclass(frozen=True, kw_only=True)
class CellLook:
    """How a cell stands: columns it spans, rule below it, alignment, indent, and staying with the next."""

    span: int = 1
    rule: int = 0
    align: str = "left"
    indent: int = 0
    keep_next: bool = False
    style: str = "TableText"


def write_paragraph(
    runs: str,
    *,
    style: str,
    align: str = "",
    indent: int = 0,
    keep_next: bool = False,
    new_page: bool = False,
) -> str:
    """Return a paragraph of a style around its runs.

    `keep_next` keeps it on the page of what follows, `new_page` begins a page with it.
    """
    look = f'<w:pStyle w:val="{style}"/>' + ("<w:keepNext/>" if keep_next else "")
    look += "<w:pageBreakBefore/>" if new_page else ""
    look += f'<w:ind w:left="{indent}"/>' if indent else ""
    look += f'<w:jc w:val="{align}"/>' if align and align != "left" else ""
    return f"<w:p><w:pPr>{look}</w:pPr>{runs}</w:p>"


def write_caption(label: CaptionLabel, text: str, *, keep_next: bool) -> str:
    """Return a caption; a number stands in a field, so that Word renumbers and lists what is captioned."""
    if label.given:
        start = write_run(f"{label.given}.", bold=True)
    else:
        number = write_run(str(label.number), bold=True)
        start = write_run(label.kind, bold=True) + _write_space(label.prefix)
        start += f'<w:fldSimple w:instr=" SEQ {label.kind} \\* ARABIC ">{number}</w:fldSimple>'
        start += write_run(".", bold=True)
    return write_paragraph(start + write_run(" ") + write_run(text), style="Caption", keep_next=keep_next)


def _write_space(prefix: str) -> str:
    """Return the space before a number, which holds both together, and the letter in front of it."""
    shown = f"\N{NO-BREAK SPACE}{escape(prefix)}"
    return f'<w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">{shown}</w:t></w:r>'


def write_table(table: Table, *, width: int) -> str:
    """Return a native table with three rules, and its footnotes and notes below it.

    Parameters
    ----------
    table : Table
        The header repeats on every page, no row breaks across pages, a row stays with the levels below it.
    width : int
        Of the text area, in twentieths of a point; the table is as wide as it needs, and no wider.
    """
    widths = measure_columns(table, width=width)
    borders = f'<w:top w:val="single" w:sz="{HEAVY_RULE}"/><w:bottom w:val="single" w:sz="{HEAVY_RULE}"/>'
    margins = "".join(f'<w:{side} w:w="{MARGIN}" w:type="dxa"/>' for side in ("left", "right"))
    properties = (
        f'<w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{borders}</w:tblBorders>'
        f'<w:tblLayout w:type="fixed"/><w:tblCellMar>{margins}</w:tblCellMar>'
        '<w:tblLook w:val="0420" w:firstRow="1" w:lastRow="0" w:firstColumn="0" w:lastColumn="0" '
        f'w:noHBand="0" w:noVBand="1"/><w:tblCaption w:val="{escape(clean_text(table.caption))}"/>'
    )
    grid = "".join(f'<w:gridCol w:w="{one}"/>' for one in widths)
    rows = "".join([*_write_header(table, widths), *_write_rows(table, widths)])
    return (
        f"<w:tbl><w:tblPr>{properties}</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>"
        f"{_write_notes(table)}"
    )


def _write_header(table: Table, widths: Sequence[int]) -> Iterable[str]:
    if table.has_spanners:
        cells, place = list[str](), 0
        for title, columns in table.spans:
            across = sum(widths[place : place + columns])
            runs, rule = (write_run(title, bold=True) if title else ""), LIGHT_RULE if title else 0
            look = CellLook(span=columns, rule=rule, align="center", keep_next=True, style=_style(table))
            cells.append(_write_cell(runs, across, look))
            place += columns
        yield _write_row(cells, is_header=True)
    titles = [
        _write_cell(
            _write_title(column),
            one,
            CellLook(rule=LIGHT_RULE, align=column.align, keep_next=True, style=_style(table)),
        )
        for column, one in zip(table.columns, widths, strict=True)
    ]
    yield _write_row(titles, is_header=True)


def _write_title(column: Column) -> str:
    slanted, rest = column.parts
    start = write_run(slanted, bold=True, slanted=True) if slanted else ""
    if start and not rest:
        return start + _write_marks(column.marks)
    held = write_run(" ", bold=True) if start and rest.startswith(" ") else ""
    return start + held + write_run(let_break(rest), bold=True) + _write_marks(column.marks)


def _write_rows(table: Table, widths: Sequence[int]) -> Iterable[str]:
    is_short, style = len(table.rows) <= MOST_KEPT_ROWS, _style(table)
    for place, row in enumerate(table.rows):
        below = table.rows[place + 1] if place + 1 < len(table.rows) else None
        # The last row stays with the first note; a section or a factor stays with what stands below it.
        keep = is_short or below is None or row.is_section or below.indent > row.indent
        head = write_run(row.header, bold=row.is_section) + _write_marks(row.marks)
        if row.is_section:
            head += write_run(" ") + write_run(row.text) if row.text else ""
            look = CellLook(span=len(widths), keep_next=keep, style=style)
            yield _write_row([_write_cell(head, sum(widths), look)])
            continue
        look = CellLook(indent=row.indent * INDENT, keep_next=keep, style=style)
        first = _write_cell(head, widths[0], look)
        blank = [Cell()] * (len(widths) - 1 - len(row.cells))
        cells = zip([*row.cells, *blank], table.columns[1:], widths[1:], strict=True)
        others = (
            _write_data(cell, one, CellLook(align=column.align, keep_next=keep, style=style), column)
            for cell, column, one in cells
        )
        yield _write_row([first, *others])


def _style(table: Table) -> str:
    return "TableSmall" if table.is_page else "TableText"


def _write_data(cell: Cell, width: int, look: CellLook, column: Column) -> str:
    """Return a cell: its text with marks, the bounds on a line of their own below."""
    color = {"quiet": QUIET, "differs": DIFFERS}.get(cell.tone, "")
    text = hold_together(cell.text, column)
    runs = write_run(text, bold=cell.tone == "differs", color=color) if text else ""
    runs += _write_marks(cell.marks)
    if cell.bounds:
        runs += f"<w:r><w:br/></w:r>{write_run(cell.bounds, size=BOUNDS_SIZE, color=QUIET)}"
    return _write_cell(runs, width, look)


def _write_marks(marks: Iterable[int]) -> str:
    text = ",".join(map(footnote_mark, marks))
    return write_run(text, raised=True) if text else ""


def _write_row(cells: Iterable[str], *, is_header: bool = False) -> str:
    repeated = "<w:tblHeader/>" if is_header else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{repeated}</w:trPr>{''.join(cells)}</w:tr>"


def _write_cell(runs: str, width: int, look: CellLook) -> str:
    properties = f'<w:tcW w:w="{width}" w:type="dxa"/>'
    properties += f'<w:gridSpan w:val="{look.span}"/>' if look.span > 1 else ""
    if look.rule:
        rule = f'<w:bottom w:val="single" w:sz="{look.rule}"/>'
        properties += f'<w:tcBorders>{rule}</w:tcBorders><w:vAlign w:val="bottom"/>'
    text = write_paragraph(
        runs, style=look.style, align=look.align, indent=look.indent, keep_next=look.keep_next
    )
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{text}</w:tc>"


def _write_notes(table: Table) -> str:
    """Return footnotes, then notes; always a last paragraph, because two tables in a row would merge."""
    lines = [
        write_run(footnote_mark(number), raised=True) + write_run(" ") + write_run(text)
        for number, text in enumerate(table.footnotes)
    ]
    lines += [write_run(text) for text in table.notes]
    return "".join(write_paragraph(line, style="TableNote") for line in lines) + write_paragraph(
        "", style="TableEnd"
    )


def fix_archive(data: bytes) -> bytes:
    """Return a ZIP archive with the same files and one fixed date: equal content gives equal bytes."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as fixed,
    ):
        for item in source.infolist():
            entry = zipfile.ZipInfo(item.filename, ARCHIVE_DATE)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 0, 0
            fixed.writestr(entry, source.read(item))
    return target.getvalue()
