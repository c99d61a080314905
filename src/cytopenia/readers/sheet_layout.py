"""Where the table stands in a sheet: title rows, headings of one or more rows, a row of units, a legend.

Every choice carries its reason, and what could be otherwise is a question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from cytopenia.readers.heading_parts import read_day, read_heading, share_units
from cytopenia.values import is_number_text

__all__ = ["Layout", "find_layout"]

LOOKED_AT = 30
_MOST_HEADING_ROWS = 3
_ENOUGH = 0.5
_JOINT = " / "
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
_LEGEND = re.compile(
    r"^(?:(?:sum|summe|total|mean|median|mittelwert|average|min|max|sd|n|legend\w*|notes?|anmerkung\w*|source|quelle)\b"
    r"|\*|n ?=)",
    re.IGNORECASE,
)
_WRAPPED = re.compile(r"^[\(\[](?P<unit>.+)[\)\]]$")
_FEW_ROWS = 3
_TWO_COLUMNS = 2

Row = tuple[int, tuple[str | None, ...]]


@dataclass(frozen=True)
class Layout:
    """The headings of a sheet and the rows under them.

    `header` holds the numbers of the heading rows, `first_filled` that of the first row with anything in it,
    `body` the data with one column per heading (and `source_row`); `reasons` say why, by key of the mapping.
    """

    header: tuple[int, ...]
    first_filled: int
    unit_row: int | None
    last_row: int | None
    headings: tuple[str, ...]
    body: pl.DataFrame
    reasons: dict[str, str]
    question: str | None = None

    @property
    def has_words(self) -> bool:
        """False where what stands in the place of headings are values."""
        return _share_of_values(self.headings) < _ENOUGH

    @property
    def is_plain(self) -> bool:
        """True where the reader finds the headings by itself."""
        return self.header == (self.first_filled,) and self.unit_row is None


def find_layout(cells: pl.DataFrame) -> Layout | None:
    """Return where the table of a sheet stands, or None for a sheet without one.

    Parameters
    ----------
    cells : DataFrame
        `source_row`, the row as the spreadsheet counts it, and one text column per column of the sheet.
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
    header = rows[top : top + count]
    unit = _find_unit_row(rows[top + count :])
    headings = _join_headings([row for _, row in header], unit[1] if unit else None)
    start = rows[top + count - 1][0] if unit is None else unit[0]
    body, last_row, why_last = _cut_body(filled.filter(pl.col("source_row") > start), letters)
    reasons = _give_reasons(rows, top, count) | ({"last_row": why_last} if why_last else {})
    if unit:
        reasons["unit_row"] = f"{sum(cell is not None for cell in unit[1])} cells of row {unit[0]} are units"
    named = [place for place, heading in enumerate(headings) if heading]
    body = body.select(
        "source_row", *(pl.col(letters[place]).alias(headings[place]) for place in _first_of(named, headings))
    )
    doubled = sorted({headings[place] for place in named if headings.count(headings[place]) > 1})
    return Layout(
        header=tuple(number for number, _ in header),
        first_filled=rows[0][0],
        unit_row=unit[0] if unit else None,
        last_row=last_row,
        headings=tuple(headings[place] for place in _first_of(named, headings)),
        body=body,
        reasons=reasons,
        question=f"the heading '{doubled[0]}' stands over several columns; give each its own"
        if doubled
        else None,
    )


def _trim(cell: str | None) -> str | None:
    text = (cell or "").strip()
    return text or None


def _first_of(places: Sequence[int], headings: Sequence[str]) -> list[int]:
    return [place for place in places if headings.index(headings[place]) == place]


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


def _join_headings(rows: Sequence[Sequence[str | None]], units: Sequence[str | None] | None) -> list[str]:
    """One heading per column: merged cells hold for all they span, parts are joined from top to bottom."""
    spread = [_spread(row, rows[level + 1 :]) for level, row in enumerate(rows)]
    headings: list[str] = []
    for place in range(len(rows[0])):
        parts: list[str] = []
        for row in spread:
            cell = row[place]
            if cell is not None and cell not in parts:
                parts.append(cell)
        heading = _JOINT.join(parts)
        unit = units[place] if units is not None else None
        headings.append(f"{heading} [{unit}]" if heading and unit else heading)
    return headings


def _spread(row: Sequence[str | None], lower: Sequence[Sequence[str | None]]) -> list[str | None]:
    """A cell also over the blank cells to its right, as long as a lower row names something there."""
    spread: list[str | None] = []
    current: str | None = None
    for place, cell in enumerate(row):
        named_below = any(cells[place] is not None for cells in lower)
        current = cell if cell is not None else current if named_below else None
        spread.append(current)
    return spread


def _cut_body(body: pl.DataFrame, letters: Sequence[str]) -> tuple[pl.DataFrame, int | None, str | None]:
    """The rows of data without the legend or the sums under them."""
    if body.height < _FEW_ROWS:
        return body, None, None
    widths = body.select(pl.sum_horizontal(pl.col(letters).is_not_null())).to_series().to_list()
    numbers = body["source_row"].to_list()
    firsts = body.select(pl.coalesce(letters)).to_series().to_list()
    usual = sorted(widths)[len(widths) // 2]
    end = len(widths)
    while end > 1:
        gap = numbers[end - 1] - numbers[end - 2] > 1
        thin = widths[end - 1] < max(2, _ENOUGH * usual)
        sums = _LEGEND.match((firsts[end - 1] or "").strip()) is not None
        if not (sums or (thin and (gap or end < len(widths) or usual > 2))):
            break
        end -= 1
    # A thin last row of a sparse table is data: only what a blank row or a word sets apart is left out.
    cut = next(
        (
            place
            for place in range(end, len(widths))
            if numbers[place] - numbers[place - 1] > 1 or _LEGEND.match((firsts[place] or "").strip())
        ),
        None,
    )
    if cut is None:
        return body, None, None
    last = numbers[cut - 1]
    count = len(widths) - cut
    rows = "row" if count == 1 else "rows"
    why = f"{count} {rows} under row {last}: a legend or sums"
    return body.head(cut), int(last), why


def _give_reasons(rows: Sequence[Row], top: int, count: int) -> dict[str, str]:
    titles = top
    first = rows[top][0]
    words = sum(cell is not None for cell in rows[top][1])
    above = f", under {titles} {'row' if titles == 1 else 'rows'} of title" if titles else ""
    more = f"; {count} rows of headings are joined" if count > 1 else ""
    return {"header": f"row {first} holds {words} headings{above}{more}"}
