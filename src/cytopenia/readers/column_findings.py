"""What is said about the columns of a table: their units, which are not used, and values that are dates."""

from __future__ import annotations

from collections.abc import Iterable
from math import isclose

import polars as pl

from cytopenia.contract import Finding, note, note_rows
from cytopenia.contract.near_names import (
    SHARE_UNITS,
    is_listed_unit,
    list_measure_units,
    resolve_measure,
)
from cytopenia.readers.labs_mapping import LabsTable
from cytopenia.units import convert_value, load_analytes
from cytopenia.values import is_number_text

__all__ = ["check_heading_units", "find_dates", "name_unused_columns"]

_DATE_TEXT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:.]+)?$|^[0-9]{2}:[0-9]{2}:[0-9]{2}$"
_SHOWN_COLUMNS = 12


def name_unused_columns(name: str, columns: list[str]) -> list[Finding]:
    """Columns that nothing maps; a heading that is a number is not repeated."""
    listed = pl.Series(columns, dtype=pl.String)
    words = listed.filter(~is_number_text(listed)).to_list()
    if not columns:
        return []
    more = len(columns) - len(words[:_SHOWN_COLUMNS])
    also = [f"{more:,} more"] if more else []
    shown = ", ".join([*(f"'{word}'" for word in words[:_SHOWN_COLUMNS]), *also])
    return [note(name, "columns_not_used", f"columns that are not used: {shown}")]


def check_heading_units(
    headings: Iterable[tuple[str, str, str | None]], mapping: LabsTable, origin: str
) -> list[str]:
    """Return one sentence for each unit over a column of values that cannot be meant.

    Parameters
    ----------
    headings
        Heading, name of the analyte in it, and unit in it. Where `wide` names columns only those count.
    """
    stated = {wide.column: (measure, wide.unit) for measure, wide in mapping.wide.items()}
    problems: list[str] = []
    for heading, name, printed in headings:
        if printed is None or (stated and heading not in stated):
            continue
        measure, unit = stated.get(heading, (resolve_measure(name), None))
        read = mapping.units.get(printed, printed)
        if measure is None or (unit is None and measure == "anc" and read.strip() in SHARE_UNITS):
            continue
        if not is_listed_unit(measure, read):
            if mapping.unit_row is not None:
                problems.append(
                    f"'{printed}' in the row of units ({mapping.unit_row}) is no listed unit of {measure} "
                    f"('{heading}'); allowed: {', '.join(list_measure_units(measure))}. Correct the cell, or "
                    "map it in units = { 'their text' = 'listed unit' }"
                )
        elif unit is not None and not _are_alike(measure, unit, read):
            problems.append(
                f"column '{heading}' is in {printed}, and the mapping says {unit}. Correct the mapping; if "
                f"the heading is wrong, write units = {{ '{printed}' = '{unit}' }}"
            )
    return [f"labs: {origin}: {problem}" for problem in problems]


def _are_alike(measure: str, one: str, other: str) -> bool:
    """True for units of one size; a cell that is shown as 65% holds 0.65, so both fit a percentage."""
    if measure not in load_analytes():
        return True
    return all(
        isclose(convert_value(number, one, analyte=measure), convert_value(number, other, analyte=measure))
        for number in (0.0, 1.0)
    )


def find_dates(table: pl.DataFrame) -> list[Finding]:
    """Values that a spreadsheet has turned into dates."""
    if "value" not in table.columns:
        return []
    column, text = table["value"], pl.col("value")
    if column.dtype.is_temporal():
        where = text.is_not_null()
    elif column.dtype == pl.String:
        where = text.str.contains(_DATE_TEXT)
    else:
        return []
    rows = table.filter(where)["source_row"]
    return note_rows("labs", "date_as_value", "the value is a date or a time", rows=rows, total=table.height)
