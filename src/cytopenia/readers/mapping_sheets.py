"""The sheet that each table of a mapping is read from, and its columns: to be shown, not to be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cytopenia.errors import CytopeniaError
from cytopenia.readers.column_guesses import ColumnGuess, guess_column
from cytopenia.readers.headings import Grid, lay_out
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.mapping_forms import TableMapping
from cytopenia.readers.sheet_sources import FoundSheet, find_sheets
from cytopenia.readers.tabular import FileSource, find_sources

__all__ = ["TableSheet", "read_table_sheets"]

_ALL = "*"


@dataclass(frozen=True)
class TableSheet:
    """A table, where it stands, and its columns; `sheets` are the names of those that are stacked."""

    table: str
    origin: str
    columns: tuple[ColumnGuess, ...]
    sheets: tuple[str, ...] = ()
    file: str = ""

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings, from left to right."""
        return tuple(one.heading for one in self.columns)

    def find(self, heading: str | None) -> ColumnGuess | None:
        """Return the column of a heading."""
        return next((one for one in self.columns if one.heading == heading), None)


def read_table_sheets(folder: Path, section: DataSection) -> tuple[dict[str, TableSheet], list[str]]:
    """Return the first rows of each table that a mapping reads from a file, and what cannot be shown.

    Nothing is raised: a mapping that is being corrected may name a file or a row that is not there.
    """
    found: dict[str, TableSheet] = {}
    problems: list[str] = []
    try:
        sources = find_sources(folder, section)
    except (CytopeniaError, OSError) as cause:
        return {}, [str(cause)]
    for name, source in sources.items():
        try:
            found[name] = _read_sheet(name, source, section.tables[name])
        except (CytopeniaError, OSError) as cause:
            problems.append(str(cause))
    return found, problems


def _read_sheet(name: str, source: FileSource, mapping: TableMapping) -> TableSheet:
    sheets = _choose(find_sheets(source.path), source, mapping)
    bodies = [_lay_out(sheet, name, mapping) for sheet in sheets]
    alike = [body for body in bodies if body.columns == bodies[0].columns]
    body = pl.concat(alike) if alike else pl.DataFrame()
    columns = tuple(guess_column(text, body[text]) for text in body.columns if text != "source_row")
    stacked = tuple(str(sheet.sheet) for sheet in sheets) if mapping.sheets else ()
    origin = sheets[0].name if len(sheets) == 1 else f"{source.path.name}, {len(sheets)} sheets"
    return TableSheet(name, origin, columns, stacked, source.path.name)


def _choose(sheets: list[FoundSheet], source: FileSource, mapping: TableMapping) -> list[FoundSheet]:
    """The sheets that the mapping names, else the first, as the reader takes it."""
    if mapping.sheets == (_ALL,):
        return sheets
    wanted = mapping.sheets or tuple(name for name in (mapping.sheet or source.sheet,) if name)
    named = [sheet for sheet in sheets if sheet.sheet in wanted]
    return named or sheets[:1]


def _lay_out(sheet: FoundSheet, name: str, mapping: TableMapping) -> pl.DataFrame:
    if sheet.has_headings:
        return sheet.cells
    laid = lay_out(Grid(sheet.cells, sheet.name, sheet.merges), name, mapping)
    return laid.frame
