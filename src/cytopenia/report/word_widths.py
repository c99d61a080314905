"""Widths of the columns of a Word table: no number breaks, and no column is wider than its texts need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil
from unicodedata import east_asian_width

from cytopenia.report.table_model import Column, Row, Table, footnote_mark

__all__ = [
    "BOUNDS_SIZE",
    "MARGIN",
    "hold_together",
    "let_break",
    "measure_columns",
    "measure_table",
    "measure_text",
]

# Sizes of type in half points: of cells, of those of a table on a page of its own, of the bounds below them,
# of raised marks.
TEXT_SIZE, SMALL_SIZE, BOUNDS_SIZE, MARK_SIZE = 17, 15, 15, 11
# Widths in twentieths of a point. Another program may draw a text a little wider than its metrics say.
MARGIN, PER_SIGN, PER_BOLD_SIGN, NARROWEST, ROOM = 70, 92, 118, 520, 16
MOST_SIGNS, MOST_HEADER_SIGNS, COMFORTABLE_SIGNS = 34, 40, 24
# Share of the texts of a column that its usual width holds on one line.
USUAL = 0.85
# Where a word may break without a sign.
LONG_WORD, BREAK = 12, "\N{ZERO WIDTH SPACE}"
HOLDING_SPACE = "\N{NO-BREAK SPACE}"
# A number with what belongs to it: a comparator before it, a percent sign behind it.
SHORT_NUMBER = re.compile(r"([<>=\u2264\u2265~]\s?)?[-+\u2212]?\d[\d.,]*(\s?%)?")
# Words of no more signs stay whole whatever the page.
SHORT_WORD = 9
# Widths of the signs of Arial in thousandths of the size of type, as in the metrics of Helvetica (Adobe);
# what is not listed is as wide as a digit.
SIGN_WIDTHS = {
    222: "ijl'",
    278: " !,./:;[]\\|ftI\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}",
    334: "()`-r{}\N{DEGREE SIGN}\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}",
    389: '*"',
    500: "ckvxyzJs",
    584: "+<=>~\N{MINUS SIGN}\N{MULTIPLICATION SIGN}\N{PLUS-MINUS SIGN}\N{GREEK SMALL LETTER MU}",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "wCDHNRU\N{INFINITY}",
    778: "GOQ",
    833: "mM",
    889: "%",
    944: "W",
    1015: "@\N{EM DASH}\N{HORIZONTAL ELLIPSIS}",
}
WIDTH_OF = {sign: width for width, signs in SIGN_WIDTHS.items() for sign in signs}
WIDTH_OF_DIGIT, WIDTH_OF_SQUARE = 556, 1100
NO_WIDTH = {BREAK}


# The tables of Word and PDF are measured more than once, and hold the same numbers and words many times.
@lru_cache(maxsize=20_000)
def measure_text(text: str, *, size: int) -> int:
    """Return the width of a text on one line, in twentieths of a point; `size` is in half points.

    Examples
    --------
    >>> measure_text("41.3%", size=17)
    482
    """
    return ceil(sum(_measure_sign(sign) for sign in text) * size / 100)


def _measure_sign(sign: str) -> int:
    if sign in NO_WIDTH:
        return 0
    known = WIDTH_OF.get(sign)
    if known is not None:
        return known
    return WIDTH_OF_SQUARE if east_asian_width(sign) in ("W", "F") else WIDTH_OF_DIGIT


def hold_together(text: str, column: Column) -> str:
    r"""Return the text of a cell; a short number in a column of numbers has spaces that do not break.

    Examples
    --------
    >>> hold_together("41.3 %", Column("%")) == "41.3\N{NO-BREAK SPACE}%"
    True
    """
    is_number = column.align != "left" and SHORT_NUMBER.fullmatch(text) is not None
    return text.replace(" ", HOLDING_SPACE) if is_number else text


def let_break(title: str) -> str:
    """Return a title that may break behind the slash of a long word."""
    words = title.split(" ")
    return " ".join(word.replace("/", f"/{BREAK}") if len(word) > LONG_WORD else word for word in words)


@dataclass(frozen=True)
class ColumnNeed:
    """Widths of a column, each at least as wide as the one before.

    `short` breaks no short word of a cell, `words` none, `titles` none of the title either, `least` no
    number; `usual` and `most` hold most or all of the texts on one line.
    """

    short: int
    words: int
    titles: int
    least: int
    usual: int
    most: int

    @property
    def levels(self) -> tuple[int, ...]:
        """The widths from the narrowest to the widest."""
        return self.short, self.words, self.titles, self.least, self.usual, self.most


def measure_table(table: Table) -> int:
    """Return the width below which numbers of a table would break, or its row headers would be squeezed."""
    first, *others = (_measure(table, place) for place in range(len(table.columns)))
    comfortable = max(first.least, min(first.most, COMFORTABLE_SIGNS * PER_SIGN))
    return comfortable + sum(one.least for one in others)


def measure_columns(table: Table, *, width: int) -> list[int]:
    """Return a width for each column: what its texts need, less where the page is too narrow for that.

    Texts give way first, the few long ones before the many, then long numbers break at their spaces, then
    titles. A short number never breaks, and no word of a cell, unless these do not fit side by side either.
    """
    needs = [_measure(table, place) for place in range(len(table.columns))]
    levels = [list(level) for level in zip(*(one.levels for one in needs), strict=True)]
    if sum(levels[-1]) <= width:
        return levels[-1]
    for low, high in pairwise(levels):
        if sum(low) <= width < sum(high):
            share = (width - sum(low)) / (sum(high) - sum(low))
            return [least + int((most - least) * share) for least, most in zip(low, high, strict=True)]
    return [one * width // sum(levels[0]) for one in levels[0]]


def _measure(table: Table, place: int) -> ColumnNeed:
    column = table.columns[place]
    size = SMALL_SIZE if table.is_page else TEXT_SIZE
    lines = list(_list_lines([row for row in table.rows if not row.is_section], place, column, size=size))
    is_text = column.align == "left"
    lengths = sorted(one.width for one in lines) or [0]
    short = max((one.short_word for one in lines), default=0)
    cap = MOST_SIGNS * PER_SIGN
    # A longer word breaks within: else one name would leave no room for the numbers.
    words = min(cap, max((one.word for one in lines), default=0))
    # A column of sentences gets more room than one of names.
    most = min(cap + (lengths[-1] // 4 if is_text else 0), lengths[-1])
    usual = min(most, lengths[int(USUAL * (len(lengths) - 1))])
    # Titles are bold, and broken into two lines before they widen a column.
    pieces = let_break(column.title).replace(BREAK, " ").split(" ")
    title = max(len(piece) + bool(column.marks) for piece in pieces) * PER_BOLD_SIGN
    header = min(MOST_HEADER_SIGNS, -(-len(column.title) // 2)) * PER_BOLD_SIGN
    margins = 2 * MARGIN + ROOM
    needs = [short, words, title, words if is_text else most, usual, max(most, header)]
    return ColumnNeed(*_rise(max(one + margins, NARROWEST) for one in needs))


def _rise(widths: Iterator[int]) -> Sequence[int]:
    """The widths, none smaller than the one before."""
    rising: list[int] = []
    for width in widths:
        rising.append(max(width, rising[-1]) if rising else width)
    return rising


@dataclass(frozen=True)
class _Line:
    """One line of a cell: its width, and those of its widest word and its widest short word."""

    width: int
    word: int
    short_word: int


def _list_lines(rows: Sequence[Row], place: int, column: Column, *, size: int) -> Iterator[_Line]:
    for row in rows:
        if not place:
            # An indent is as wide as two signs.
            yield _measure_line("a" * 2 * row.indent + row.header, row.marks, size)
        elif len(row.cells) >= place:
            cell = row.cells[place - 1]
            yield _measure_line(hold_together(cell.text, column), cell.marks, size)
            yield _measure_line(cell.bounds, (), BOUNDS_SIZE)


def _measure_line(text: str, marks: Sequence[int], size: int) -> _Line:
    raised = measure_text(",".join(map(footnote_mark, marks)), size=MARK_SIZE)
    words = [(len(word), measure_text(word, size=size)) for word in text.split(" ")]
    words[-1] = (words[-1][0], words[-1][1] + raised)
    short = max((width for signs, width in words if signs <= SHORT_WORD), default=0)
    return _Line(measure_text(text, size=size) + raised, max(width for _, width in words), short)
