"""Where the table stands in a sheet: title rows, headings of one or more rows, a row of units, a legend.

Every choice carries its reason, and what could be otherwise is a question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from cytopenia.readers.heading_parts import read_day, read_heading, share_units
from cytopenia.readers.headings import Grid, find_heading_row, lay_out
from cytopenia.readers.mapping_forms import TableMapping
from cytopenia.readers.sheet_marks import Merge
from cytopenia.values import is_number_text

__all__ = ["Layout", "find_layout"]

LOOKED_AT = 30
_MOST_HEADING_ROWS = 3
_ENOUGH = 0.5
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}|^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_OTHER_UNITS = frozenset(
    [
        "%",
        "years",
        "year",
        "yrs",
        "jahre",
        "y",
        "a",
        "kg",
        "cm",
        "m",
        "days",
        "day",
        "tage",
        "d",
        "dd.mm.yyyy",
        "yyyy-mm-dd",
        "fl",
        "pg",
        "s",
        "sec",
        "mmhg",
        "mg",
        "g",
        "ml",
        "l",
        "-",
        "n",
        "text",
    ]
)
# A word with a number behind it, as in "N-07" or "Note 3", may be a patient.
_LEGEND = re.compile(
    r"^(?:(?:sum|summe|gesamt|total|mean|median\w?|mittelwert|durchschnitt|average|moyenne|m[eé]diane|media"
    r"|min(?:imum)?|max(?:imum)?|sd|stdev|standardabweichung|n)\s*(?:$|[:=(±/])"
    r"|(?:legend\w*|notes?|anmerkung\w*|source|quelle)(?:\s*$|\s*[:(]|\s+[^\d\s])"
    r"|\*)",
    re.IGNORECASE,
)
_WRAPPED = re.compile(r"^[\(\[](?P<unit>.+)[\)\]]$")
_FEW_ROWS = 3

Row = tuple[int, tuple[str | None, ...]]


@dataclass(frozen=True)
class Layout:
    """The headings of a sheet and the rows under them.

    `header` holds the numbers of the heading rows, `body` the data with one column per heading (and
    `source_row`); `reasons` say why, by key of the mapping that is needed. Where the reader could make no
    table of it, `body` is empty and `questions` say why.
    """

    header: tuple[int, ...]
    unit_row: int | None
    last_row: int | None
    headings: tuple[str, ...]
    body: pl.DataFrame
    reasons: dict[str, str]
    questions: tuple[str, ...] = ()

    @property
    def has_words(self) -> bool:
        """False where what stands in the place of headings are values."""
        return _share_of_values(self.headings) < _ENOUGH

    @property
    def is_plain(self) -> bool:
        """True where the reader finds the headings by itself."""
        return "header" not in self.reasons


def find_layout(cells: pl.DataFrame, merges: Sequence[Merge] | None = None) -> Layout | None:
    """Return where the table of a sheet stands, or None for a sheet without one.

    Parameters
    ----------
    cells : DataFrame
        `source_row`, the row as the spreadsheet counts it, and one text column per column of the sheet.
    merges
        Its merged cells; None where they are not known.
    """
    letters = [name for name in cells.columns if name != "source_row"]
    if not letters:
        return None
    filled = cells.filter(~pl.all_horizontal(pl.col(letters).is_null()))
    rows: list[Row] = [
        (int(row[0]), tuple(_trim(cell) for cell in row[1:])) for row in filled.head(LOOKED_AT).iter_rows()
    ]
    if not rows:
        return None
    top = _find_top(rows)
    count = _count_heading_rows(rows[top:])
    header = [number for number, _ in rows[top : top + count]]
    unit = _find_unit_row(rows[top + count :])
    start = header[-1] if unit is None else unit[0]
    last_row, why_last = _find_last_row(filled.filter(pl.col("source_row") > start), letters)
    reasons = {"last_row": why_last} if last_row is not None else {}
    if unit:
        reasons["unit_row"] = f"{sum(cell is not None for cell in unit[1])} cells of row {unit[0]} are units"
    if count > 1 or unit or header[0] != rows[0][0] or find_heading_row(cells) is not None:
        reasons["header"] = _explain_header(rows, top, count)
    mapping = TableMapping(header=tuple(header), unit_row=unit[0] if unit else None, last_row=last_row)
    laid = lay_out(Grid(cells, "", merges), "labs", mapping)
    body = laid.frame if not laid.problems else pl.DataFrame()
    return Layout(
        header=tuple(header),
        unit_row=mapping.unit_row,
        last_row=last_row,
        headings=tuple(name for name in body.columns if name != "source_row"),
        body=body,
        reasons=reasons,
        questions=tuple(problem.removeprefix(": ") for problem in laid.problems),
    )


def _trim(cell: str | None) -> str | None:
    text = (cell or "").strip()
    return text or None


def _find_top(rows: Sequence[Row]) -> int:
    """The first row that is filled as widely as the rows beneath and holds words, not values."""
    widths = [sum(cell is not None for cell in cells) for _, cells in rows]
    for place, (_, cells) in enumerate(rows):
        beneath = sorted(widths[place + 1 :])
        typical = beneath[len(beneath) // 2] if beneath else widths[place]
        words = [cell for cell in cells if cell is not None]
        groups = place + 1 < len(rows) and _is_group_row(cells, rows[place + 1][1])
        wide = len(words) >= max(2, _ENOUGH * typical) or (typical == 1 and len(words) == 1) or groups
        if wide and _share_of_values(words) < _ENOUGH:
            return place
    return 0


def _is_group_row(cells: Sequence[str | None], under: Sequence[str | None]) -> bool:
    """Names over groups of columns (merged cells), with days or names of their own in the row beneath."""
    groups = [cell for cell in cells if cell is not None]
    gaps = sum(cell is None and low is not None for cell, low in zip(cells, under, strict=True))
    return (
        gaps > 0
        and len(groups) >= 1
        and any(read_heading(cell) for cell in groups)
        and (_is_heading_row(under) or _is_bare_days(cells, under))
    )


def _share_of_values(words: Sequence[str]) -> float:
    numbers = is_number_text(pl.Series(words, dtype=pl.String)).to_list() if words else []
    values = sum(
        bool(number) or _DATE.match(word) is not None for word, number in zip(words, numbers, strict=True)
    )
    return values / len(words) if words else 1.0


def _is_heading_row(cells: Sequence[str | None]) -> bool:
    """Days, or words of which none is a value."""
    words = [cell for cell in cells if cell is not None]
    days = sum(read_day(word) is not None for word in words)
    return bool(words) and (_share_of_values(words) == 0 or days >= _ENOUGH * len(words))


def _is_bare_days(above: Sequence[str | None], here: Sequence[str | None]) -> bool:
    """Rising whole numbers under the names of analytes, most of them under merged cells."""
    words = [cell for cell in here if cell is not None]
    gaps = sum(up is None and low is not None for up, low in zip(above, here, strict=True))
    named = any(cell is not None and read_heading(cell) is not None for cell in above)
    numbers = [word for word in words if re.fullmatch(r"[+-]?\d{1,3}", word)]
    return named and gaps >= _ENOUGH * len(words) and len(numbers) >= _ENOUGH * len(words)


def _count_heading_rows(rows: Sequence[Row]) -> int:
    """How many rows of headings stand at the top: a row is one where the row above left gaps for it."""
    count = 1
    while count < _MOST_HEADING_ROWS and count + 1 < len(rows):
        above, here = rows[count - 1][1], rows[count][1]
        gaps = sum(up is None and low is not None for up, low in zip(above, here, strict=True))
        filled = [cell for cell in here if cell is not None]
        if not filled or not gaps or not (_is_heading_row(here) or _is_bare_days(above, here)):
            break
        if not _differs_beneath(here, [cells for _, cells in rows[count + 1 :]]):
            break
        count += 1
    return count


def _differs_beneath(cells: Sequence[str | None], beneath: Sequence[Sequence[str | None]]) -> bool:
    """True where most columns hold values under the words of this row."""
    places = [place for place, cell in enumerate(cells) if cell is not None]
    values = 0
    for place in places:
        column = [row[place] for row in beneath if row[place] is not None]
        values += not column or _share_of_values([cell for cell in column if cell]) >= _ENOUGH
    return values >= _ENOUGH * len(places)


def _find_unit_row(rows: Sequence[Row]) -> Row | None:
    """The row under the headings, if what stands in it are units."""
    if len(rows) < 2:
        return None
    number, cells = rows[0]
    words = [cell for cell in cells if cell is not None]
    listed = [word for word in words if share_units(_unwrap(word))]
    plain = [word for word in words if _unwrap(word).casefold() in _OTHER_UNITS]
    if listed and len(listed) + len(plain) == len(words):
        return number, tuple(_unwrap(cell) if cell else None for cell in cells)
    return None


def _unwrap(unit: str) -> str:
    """A unit without the brackets around it."""
    found = _WRAPPED.match(unit)
    return found["unit"].strip() if found else unit


def _find_last_row(body: pl.DataFrame, letters: Sequence[str]) -> tuple[int | None, str]:
    """The last row of data, where a legend or sums stand under it: behind a blank row, or by a word."""
    if body.height < _FEW_ROWS:
        return None, ""
    widths = body.select(pl.sum_horizontal(pl.col(letters).is_not_null())).to_series().to_list()
    numbers = body["source_row"].to_list()
    firsts = [(first or "").strip() for first in body.select(pl.coalesce(letters)).to_series()]
    usual = sorted(widths)[len(widths) // 2]
    # What stands there more than once is a patient with several rows.
    words = [firsts.count(first) == 1 and _LEGEND.match(first) is not None for first in firsts]
    apart = [
        word or (width < max(2, _ENOUGH * usual) and width < usual)
        for word, width in zip(words, widths, strict=True)
    ]
    end = len(widths)
    while end > 1 and apart[end - 1]:
        end -= 1
    # A thin last row of a sparse table is data: only what a blank row or a word sets apart is left out.
    cut = next(
        (
            place
            for place in range(end, len(widths))
            if numbers[place] - numbers[place - 1] > 1 or words[place]
        ),
        None,
    )
    if cut is None:
        return None, ""
    count, last = len(widths) - cut, int(numbers[cut - 1])
    return last, f"{count} {'row' if count == 1 else 'rows'} under row {last}: a legend or sums"


def _explain_header(rows: Sequence[Row], top: int, count: int) -> str:
    words = sum(cell is not None for cell in rows[top][1])
    above = f", under {top} {'row' if top == 1 else 'rows'} of title" if top else ""
    more = f"; {count} rows of headings are joined" if count > 1 else ""
    return f"row {rows[top][0]} holds {words} headings{above}{more}"
