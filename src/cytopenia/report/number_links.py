"""From a printed number to the row of the result table that holds it, among the rows read for its cell."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import polars as pl

from cytopenia.report.display import round_decimal
from cytopenia.report.number_sources import FIRST_ROW, ROW, row_anchor
from cytopenia.report.table_model import Table

__all__ = ["Links", "find_links", "list_linked_rows", "read_row_numbers"]

# Of a table: (place of the row, place of the cell, whether its second line) to the anchor of what made it.
Place = tuple[int, int, bool]
Links = Mapping[Place, str]
Numbers = Mapping[int, tuple[float, ...]]

PRINTED = re.compile(r"([<>]?)([-\u2212]?(?:\d[\d\u202f\u2009,]*)?[.\u00b7]?\d+)")
MINUS, POINT, SPACES = "\u2212", "\u00b7", re.compile("[\u202f\u2009,]")
# The odds ratio of a reference level is 1 by definition: no row made it.
REFERENCE = "(reference)"
PERCENT = 100


def read_row_numbers(results: pl.DataFrame) -> dict[int, tuple[float, ...]]:
    """Return the numbers of each row of the result table: value, limits and n, by the row's number."""
    columns = results.select(pl.col("value", "low", "high"), pl.col("n").cast(pl.Float64)).iter_rows()
    return {
        place: tuple(number for number in numbers if number is not None)
        for place, numbers in enumerate(columns, FIRST_ROW)
    }


def find_links(table: Table, numbers: Numbers) -> dict[Place, str]:
    """Return the anchor of what is behind each printed number of a table.

    Parameters
    ----------
    table : Table
        Made while `number_sources.watch_rows` watched, so that its cells hold the rows read for them.
    numbers : mapping
        From `read_row_numbers`.

    Returns
    -------
    dict
        By (place of the row, place of the cell, whether the second line of the cell). A part of a cell is
        linked to the row that was read for it and holds, rounded as printed, its first number, else a later
        one; of several the one that comes nearest to what is printed, else the first read, in bounds the
        last read, since they are read last. After that to a row that holds the number as a fraction; after
        that to one read for its line of the table; after that to the target that the line names itself. A
        number that none of them holds has no link.
    """
    links = dict[Place, str]()
    for place, row in enumerate(table.rows):
        beside = [*row.sources, *(source for cell in row.cells for source in cell.sources)]
        for column, cell in enumerate(row.cells):
            for is_second, text in enumerate((cell.text, cell.bounds)):
                printed = _read_printed(text)
                own = tuple(reversed(cell.sources)) if is_second else cell.sources
                found = (
                    _find_row(printed, own, numbers)
                    or _find_row(printed, own, numbers, scale=PERCENT)
                    or _find_row(printed, beside, numbers)
                )
                if found or (printed and row.target):
                    links[place, column, bool(is_second)] = row_anchor(found) if found else row.target
    return links


def list_linked_rows(links: Iterable[Links]) -> set[int]:
    """Return the number of every row of the result table that something is linked to."""
    anchors = {anchor for one in links for anchor in one.values()}
    return {int(anchor.removeprefix(ROW)) for anchor in anchors if anchor.startswith(ROW)}


def _find_row(
    printed: Sequence[tuple[str, Decimal]], candidates: Iterable[int], numbers: Numbers, *, scale: int = 1
) -> int:
    known = [(row, numbers.get(row, ())) for row in dict.fromkeys(candidates)]
    for sign, number in printed:
        distances = {row: _measure_distance(held, sign, number, scale) for row, held in known}
        nearest = min(distances, key=lambda row: distances[row], default=0)
        if nearest and distances[nearest] < math.inf:
            return nearest
    return 0


def _measure_distance(held: Iterable[float], sign: str, printed: Decimal, scale: int) -> float:
    """Return how far the nearest number that prints so is from what is printed; infinite if none does."""
    scaled = (scale * value for value in held)
    return min(
        (abs(value - float(printed)) for value in scaled if _prints_as(value, sign, printed)),
        default=math.inf,
    )


def _prints_as(value: float, sign: str, printed: Decimal) -> bool:
    if not math.isfinite(value):
        return False
    if sign:
        # Only a P value is printed as a limit.
        return 0 <= value < printed if sign == "<" else printed < value <= 1
    return round_decimal(value, max(0, -int(printed.as_tuple().exponent))) == printed


def _read_printed(text: str) -> list[tuple[str, Decimal]]:
    """Return the numbers of a text, each with the sign before it that says it is only a limit."""
    if REFERENCE in text:
        return []
    return [
        (sign, Decimal(SPACES.sub("", digits).replace(MINUS, "-").replace(POINT, ".")))
        for sign, digits in PRINTED.findall(text)
    ]
