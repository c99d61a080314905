"""Parts of a Word file as WordprocessingML: runs, captions, native tables, and an archive without a clock."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from cytopenia.report.display import clean_text
from cytopenia.report.table_model import Cell, Column, Table, footnote_mark

__all__ = [
    "NAMESPACE",
    "CaptionLabel",
    "fix_archive",
    "measure_columns",
    "measure_table",
    "split_label",
    "write_caption",
    "write_paragraph",
    "write_run",
    "write_table",
]

NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
# The oldest date that a ZIP archive can hold.
ARCHIVE_DATE = (1980, 1, 1, 0, 0, 0)
# Sizes of type in half points.
BOUNDS_SIZE = 15
QUIET, DIFFERS = "5B6673", "9C1C14"
# Widths in twentieths of a point.
INDENT, MARGIN, PER_SIGN, PER_BOLD_SIGN, NARROWEST = 200, 70, 92, 118, 520
MOST_SIGNS, MOST_HEADER_SIGNS, COMFORTABLE_SIGNS = 34, 40, 24
# Share of the texts of a column that its usual width holds on one line.
USUAL = 0.85
# Where a word may break without a sign.
LONG_WORD, BREAK = 12, "\N{ZERO WIDTH SPACE}"
HOLDING = re.compile("((?<=[^ ])[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}](?=[^ ]))")
HEAVY_RULE, LIGHT_RULE = 8, 4
# A table of no more rows stands on one page.
MOST_KEPT_ROWS = 20


@dataclass(frozen=True, kw_only=True)
class CaptionLabel:
    """How a caption begins: "Table 3" with a number that Word counts itself, or a label given as it is.

    `prefix` stands before the number: where some captions bring labels of their own, "Table A1" cannot be
    mistaken for "Table I".
    """

    kind: str
    given: str = ""
    number: int = 0
    prefix: str = ""


def split_label(caption: str, labels: Iterable[str]) -> tuple[str, str]:
    """Return which of the labels a caption begins with, and the rest; no label is an empty one.

    Examples
    --------
    >>> (
    ...     split_label("Table II. Risk factors", ["Table I", "Table II"]),
    ...     split_label("Risk factors", ["Table I"]),
    ... )
    (('Table II', 'Risk factors'), ('', 'Risk factors'))
    """
    found = next((label for label in labels if label and caption.startswith(f"{label}. ")), "")
    return found, caption.removeprefix(f"{found}. ") if found else caption


def write_run(
    text: str, *, bold: bool = False, raised: bool = False, size: int | None = None, color: str = ""
) -> str:
    """Return a run of text: one line, no character that XML cannot hold. `size` is in half points."""
    look = "<w:b/>" if bold else ""
    look += f'<w:color w:val="{color}"/>' if color else ""
    look += f'<w:sz w:val="{size}"/><w:szCs w:val="{size}"/>' if size else ""
    look += '<w:vertAlign w:val="superscript"/>' if raised else ""
    # Spaces that hold a number together are none that may be tidied away.
    pieces = enumerate(HOLDING.split(text))
    cleaned = "".join(piece if at % 2 else clean_text(piece) for at, piece in pieces)
    shown = escape(text if text == " " else cleaned)
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


def write_paragraph(
    runs: str, *, style: str, align: str = "", indent: int = 0, keep_next: bool = False
) -> str:
    """Return a paragraph of a style around its runs; `keep_next` keeps it on the page of what follows."""
    look = f'<w:pStyle w:val="{style}"/>' + ("<w:keepNext/>" if keep_next else "")
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
            cells.append(
                _write_cell(runs, across, CellLook(span=columns, rule=rule, align="center", keep_next=True))
            )
            place += columns
        yield _write_row(cells, is_header=True)
    titles = [
        _write_cell(
            write_run(_let_break(column.title), bold=True) + _write_marks(column.marks),
            one,
            CellLook(rule=LIGHT_RULE, align=column.align, keep_next=True),
        )
        for column, one in zip(table.columns, widths, strict=True)
    ]
    yield _write_row(titles, is_header=True)


def _write_rows(table: Table, widths: Sequence[int]) -> Iterable[str]:
    is_short = len(table.rows) <= MOST_KEPT_ROWS
    for place, row in enumerate(table.rows):
        below = table.rows[place + 1] if place + 1 < len(table.rows) else None
        # The last row stays with the first note; a section or a factor stays with what stands below it.
        keep = is_short or below is None or row.is_section or below.indent > row.indent
        head = write_run(row.header, bold=row.is_section) + _write_marks(row.marks)
        if row.is_section:
            yield _write_row([_write_cell(head, sum(widths), CellLook(span=len(widths), keep_next=keep))])
            continue
        first = _write_cell(head, widths[0], CellLook(indent=row.indent * INDENT, keep_next=keep))
        blank = [Cell()] * (len(widths) - 1 - len(row.cells))
        cells = zip([*row.cells, *blank], table.columns[1:], widths[1:], strict=True)
        others = (_write_data(cell, column, one, keep_next=keep) for cell, column, one in cells)
        yield _write_row([first, *others])


def _write_data(cell: Cell, column: Column, width: int, *, keep_next: bool) -> str:
    """Return a cell: its text with marks, the bounds on a line of their own below."""
    color = {"quiet": QUIET, "differs": DIFFERS}.get(cell.tone, "")
    runs = write_run(cell.text, bold=cell.tone == "differs", color=color) if cell.text else ""
    runs += _write_marks(cell.marks)
    if cell.bounds:
        runs += f"<w:r><w:br/></w:r>{write_run(cell.bounds, size=BOUNDS_SIZE, color=QUIET)}"
    return _write_cell(runs, width, CellLook(align=column.align, keep_next=keep_next))


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
        runs, style="TableText", align=look.align, indent=look.indent, keep_next=look.keep_next
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


@dataclass(frozen=True)
class ColumnNeed:
    """Widths of a column: the least that breaks no number or word, and what most or all of its texts need."""

    least: int
    usual: int
    most: int


def measure_table(table: Table) -> int:
    """Return the width below which numbers of a table would break, or its row headers would be squeezed."""
    first, *others = (_measure(table, place) for place in range(len(table.columns)))
    comfortable = max(first.least, min(first.most, COMFORTABLE_SIGNS * PER_SIGN))
    return comfortable + sum(one.least for one in others)


def measure_columns(table: Table, *, width: int) -> list[int]:
    """Return a width for each column: what its texts need, less where the page is too narrow for that.

    Texts give way first, the few long ones before the many, then numbers break. No column becomes narrower
    than its longest word, unless the longest words do not fit either.
    """
    needs = [_measure(table, place) for place in range(len(table.columns))]
    levels = [[one.least for one in needs], [one.usual for one in needs], [one.most for one in needs]]
    if sum(levels[-1]) <= width:
        return levels[-1]
    for low, high in pairwise(levels):
        if sum(low) <= width < sum(high):
            share = (width - sum(low)) / (sum(high) - sum(low))
            return [least + int((most - least) * share) for least, most in zip(low, high, strict=True)]
    return [one * width // sum(levels[0]) for one in levels[0]]


def _measure(table: Table, place: int) -> ColumnNeed:
    column = table.columns[place]
    rows = [row for row in table.rows if not row.is_section]
    if place:
        cells = [row.cells[place - 1] for row in rows if len(row.cells) >= place]
        texts = [text + "a" * len(cell.marks) for cell in cells for text in (cell.text, cell.bounds)]
    else:
        # An indent is as wide as two signs.
        texts = ["a" * 2 * row.indent + row.header + "a" * len(row.marks) for row in rows]
    is_text = column.align == "left"
    lengths = sorted(map(len, texts)) or [0]
    words = max((len(word) for text in texts for word in text.split(" ")), default=0)
    # A column of sentences gets more room than one of names.
    most = min(MOST_SIGNS + (lengths[-1] // 4 if is_text else 0), lengths[-1])
    usual = min(most, lengths[int(USUAL * (len(lengths) - 1))])
    # Titles are bold, and broken into two lines before they widen a column.
    pieces = _let_break(column.title).replace(BREAK, " ").split(" ")
    title = max(len(piece) + bool(column.marks) for piece in pieces) * PER_BOLD_SIGN
    lines = min(MOST_HEADER_SIGNS, -(-len(column.title) // 2)) * PER_BOLD_SIGN
    margins = 2 * MARGIN
    least = max((words if is_text else most) * PER_SIGN + margins, title + margins, NARROWEST)
    usual = max(usual * PER_SIGN + margins, least)
    return ColumnNeed(least, usual, max(most * PER_SIGN + margins, lines + margins, usual))


def _let_break(title: str) -> str:
    """Return a title that may break behind the slash of a long word."""
    words = title.split(" ")
    return " ".join(word.replace("/", f"/{BREAK}") if len(word) > LONG_WORD else word for word in words)


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
