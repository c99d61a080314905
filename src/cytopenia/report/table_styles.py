"""Titles and notes of a finished table in the words of a journal; its numbers were printed so already."""

from __future__ import annotations

from dataclasses import replace

from cytopenia.report.journal_styles import current_style, split_letter, style_words
from cytopenia.report.table_model import Column, Table

__all__ = ["restyle_table"]


def restyle_table(table: Table) -> Table:
    """Return the table with the letter of P values as the journal has it.

    Names of the study, in rows and captions, stay as they are.
    """
    return replace(
        table,
        columns=tuple(map(_restyle_column, table.columns)),
        notes=tuple(map(style_words, table.notes)),
        footnotes=tuple(map(style_words, table.footnotes)),
    )


def _restyle_column(column: Column) -> Column:
    letter, rest = split_letter(column.title)
    spanner = "".join(split_letter(column.spanner))
    slanted = len(letter) if current_style().p_italic else 0
    return replace(column, title=f"{letter}{rest}", spanner=spanner, slanted=slanted)
