"""What is said about the columns of a table: which are not used, and values that are dates."""

from __future__ import annotations

import polars as pl

from cytopenia.contract import Finding, note, note_rows
from cytopenia.values import is_number_text

__all__ = ["find_dates", "name_unused_columns"]

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
