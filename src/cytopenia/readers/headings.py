"""A grid of cells becomes a table: several heading rows, merged headings, a row of units, a last row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from cytopenia.contract import Finding, note
from cytopenia.errors import suggest_name
from cytopenia.readers.excel import name_column
from cytopenia.readers.mapping_forms import TableMapping
from cytopenia.readers.sheet_marks import Merge
from cytopenia.units import load_analytes, match_unit
from cytopenia.values import is_number_text

__all__ = ["Grid", "LaidOut", "fill_down", "find_heading_row", "fold_heading", "lay_out", "quote_heading"]

_JOINT = " / "
_BRACKETED = re.compile(r"^[\(\[](?P<unit>.+)[\)\]]$")
_HEADING_UNIT = re.compile(r"[\(\[](?P<unit>[^\(\)\[\]]+)[\)\]]$")
_LOOKED_AT = 60
_NEARLY_ALL = 0.6
_FEWEST_COLUMNS = 3


@dataclass(frozen=True)
class Grid:
    """The cells of a sheet as `read_cells` gives them; `merges` None: not known for this kind of file."""

    cells: pl.DataFrame
    origin: str
    merges: Sequence[Merge] | None = None


@dataclass(frozen=True)
class LaidOut:
    """The table with its headings, the letter of each column, and what was found; problems stop the run."""

    frame: pl.DataFrame
    letters: Mapping[str, str]
    findings: list[Finding]
    problems: list[str]


def lay_out(grid: Grid, name: str, mapping: TableMapping) -> LaidOut:
    """Return the table of a grid as the mapping of the table `name` says where it stands.

    Without `header` the first filled row has the headings.
    """
    cells = _blank_to_null(grid.cells)
    letters = cells.columns[1:]
    if cells.height == 0 or not letters:
        return LaidOut(pl.DataFrame(), {}, [], [f"{grid.origin}: the sheet is empty"])
    filled = cells.select("source_row", filled=pl.sum_horizontal(pl.col(letters).is_not_null()))
    header = mapping.header or (int(filled.filter(pl.col("filled") > 0)["source_row"][0]),)
    last = cells["source_row"][-1]
    beyond = [f"'header' names row {row}" for row in header if row > last]
    if mapping.unit_row is not None and mapping.unit_row > last:
        beyond.append(f"'unit_row' is {mapping.unit_row}")
    if beyond:
        return LaidOut(
            pl.DataFrame(), {}, [], [f"{grid.origin}: {what}, and its last row is {last}" for what in beyond]
        )
    headings, guessed = _join_headings(cells, header, grid.merges)
    headings, problems = _add_units(headings, cells, mapping.unit_row)
    first = max(header[-1], mapping.unit_row or 0)
    data = cells.filter((pl.col("source_row") > first) & (pl.col("source_row") <= (mapping.last_row or last)))
    names, found = _name_columns(headings, data, header, has_days=bool(getattr(mapping, "days", None)))
    problems = [f"{grid.origin}: {problem}" for problem in (*problems, *found)]
    findings = _name_left_out(grid.origin, name, filled, header=header, last_row=mapping.last_row)
    if guessed:
        what = f"{guessed:,} blank headings of upper rows of {grid.origin} took the one to their left"
        findings.append(note(name, "headings_spread", what))
    # Our own number of the row takes the place of a column of that name, as in every other file.
    kept = {letter: text for letter, text in names.items() if text not in (None, "source_row")}
    frame = data.filter(~pl.all_horizontal(pl.col(letters).is_null())).select("source_row", *kept)
    if problems:
        return LaidOut(pl.DataFrame(), {}, findings, problems)
    renamed = {text: letter for letter, text in kept.items()}
    return LaidOut(
        frame.select(*(pl.col(a).alias(b) for a, b in kept.items()), "source_row"), renamed, findings, []
    )


def fill_down(
    frame: pl.DataFrame, name: str, mapping: TableMapping
) -> tuple[pl.DataFrame, list[Finding], list[str]]:
    """Return the table whose blank cells repeat the value above, in the columns that the mapping names."""
    findings: list[Finding] = []
    problems: list[str] = []
    for ours in mapping.fill_down:
        theirs = mapping.columns.get(ours)
        found = [
            text
            for text in frame.columns
            if text == theirs or (theirs is None and fold_heading(text) == ours)
        ]
        if not found:
            wanted = f"'{theirs}' (for {ours})" if theirs else f"'{ours}'"
            hint = suggest_name(theirs or ours, frame.columns)
            problems.append(f"'fill_down' names {ours}, and there is no column {wanted}{hint}")
            continue
        column = frame[found[0]]
        if column.dtype == pl.String:
            column = column.set(column.str.strip_chars() == "", None)
        filled = column.fill_null(strategy="forward")
        count = column.null_count() - filled.null_count()
        if count:
            what = f"{count:,} blank {'cell' if count == 1 else 'cells'} took the value above"
            findings.append(note(f"{name}.{ours}", "filled_down", what, rows=count))
        frame = frame.with_columns(filled)
    return frame, findings, problems


def fold_heading(text: str) -> str:
    """Return a heading as our names are written: lower case, with underscores.

    Examples
    --------
    >>> fold_heading(" Patient ID")
    'patient_id'
    """
    return re.sub(r"[\s\-]+", "_", text.strip()).lower()


def find_heading_row(cells: pl.DataFrame) -> int | None:
    """Return the row that looks like the headings, if the first filled row looks like a title above them.

    A title is one filled cell, or far fewer than in the rows beneath.

    Examples
    --------
    >>> cells = pl.DataFrame(
    ...     {"source_row": [1, 2], "A": ["Report", "id"], "B": [None, "day"], "C": [None, "ANC"]}
    ... )
    >>> find_heading_row(cells)
    2
    """
    cells = _blank_to_null(cells)
    if cells.width <= _FEWEST_COLUMNS:
        return None
    filled = cells.select("source_row", filled=pl.sum_horizontal(pl.exclude("source_row").is_not_null()))
    filled = filled.filter(pl.col("filled") > 0).head(_LOOKED_AT)
    if filled.height < 2:
        return None
    own, most = int(filled["filled"][0]), max(filled["filled"][1:].to_list())
    if most < _FEWEST_COLUMNS or (own > 1 and 2 * own >= most):
        return None
    return int(filled[1:].filter(pl.col("filled") >= _NEARLY_ALL * most)["source_row"][0])


def quote_heading(text: str) -> str:
    """Return a heading for a message; a number is most likely a value, in a row that is no heading.

    Examples
    --------
    >>> quote_heading("ANC"), quote_heading("0.35")
    ("heading 'ANC'", 'the same heading (a number)')
    """
    if is_number_text(pl.Series([text]))[0]:
        return "the same heading (a number)"
    return f"heading '{text}'"


def _blank_to_null(cells: pl.DataFrame) -> pl.DataFrame:
    text = pl.exclude("source_row")
    return cells.with_columns(pl.when(text.str.strip_chars() != "").then(text))


def _join_headings(
    cells: pl.DataFrame, header: Sequence[int], merges: Sequence[Merge] | None
) -> tuple[dict[str, str], int]:
    """The heading of each column, and how many cells were taken from the left without knowing."""
    letters = cells.columns[1:]
    places = {name_column(place): place for place in range(_place_of(letters[-1]) + 1)}
    rows = [_read_row(cells, row) for row in header]
    spread = 0
    if merges is None:
        for row in rows[:-1]:
            spread += _spread_right(row, letters)
    for merge in merges or ():
        if merge.top in header:
            shown = rows[header.index(merge.top)].get(name_column(merge.left))
            for number, row in zip(header, rows, strict=True):
                if shown and merge.top <= number <= merge.bottom:
                    row.update(
                        {letter: shown for letter in letters if merge.left <= places[letter] <= merge.right}
                    )
    return {letter: _join(row.get(letter) for row in rows) for letter in letters}, spread


def _place_of(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _read_row(cells: pl.DataFrame, number: int) -> dict[str, str]:
    row = cells.filter(pl.col("source_row") == number).drop("source_row")
    if row.height == 0:
        return {}
    return {
        letter: " ".join(text.split()) for letter, text in row.row(0, named=True).items() if text is not None
    }


def _spread_right(row: dict[str, str], letters: Sequence[str]) -> int:
    shown, count = "", 0
    for letter in letters:
        if letter in row:
            shown = row[letter]
        elif shown:
            row[letter] = shown
            count += 1
    return count


def _join(parts: Iterable[str | None]) -> str:
    kept: list[str] = []
    for part in parts:
        if part and part not in kept:
            kept.append(part)
    return _JOINT.join(kept)


def _add_units(
    headings: dict[str, str], cells: pl.DataFrame, unit_row: int | None
) -> tuple[dict[str, str], list[str]]:
    if unit_row is None:
        return headings, []
    problems: list[str] = []
    united = dict(headings)
    for letter, text in _read_row(cells, unit_row).items():
        bracketed = _BRACKETED.match(text)
        unit = bracketed["unit"].strip() if bracketed else text
        own = _find_unit(headings[letter])
        if own and own != unit:
            problems.append(
                f"column {letter} has the unit '{own}' in its heading and '{unit}' in row "
                f"{unit_row}; correct one of them"
            )
        elif not own and headings[letter]:
            united[letter] = f"{headings[letter]} [{unit}]"
    return united, problems


def _find_unit(heading: str) -> str | None:
    """The unit behind a name; other words in brackets, as in "Hb (BGA)", belong to the name."""
    found = _HEADING_UNIT.search(heading)
    unit = found["unit"].strip() if found else ""
    is_unit = unit == "%" or any(match_unit(analyte, unit) is not None for analyte in load_analytes())
    return unit if unit and is_unit else None


def _name_columns(
    headings: Mapping[str, str], data: pl.DataFrame, header: Sequence[int], *, has_days: bool
) -> tuple[dict[str, str | None], list[str]]:
    """Names of the columns; None for one without heading and content. Equal headings are a problem."""
    rows = " and ".join(str(row) for row in header)
    given = pl.Series([text for text in headings.values() if text], dtype=pl.String)
    if given.len() == 0:
        return {}, [f"row {rows} has no headings: all its cells are blank; correct 'header'"]
    if not has_days and 2 * is_number_text(given).sum() > given.len():
        return {}, [f"row {rows} looks like data: most of its cells are numbers; correct 'header'"]
    names: dict[str, str | None] = {
        letter: text or (None if data[letter].null_count() == data.height else f"column {letter}")
        for letter, text in headings.items()
    }
    by_name: dict[str, list[str]] = {}
    for letter, text in names.items():
        if text is not None:
            by_name.setdefault(text, []).append(letter)
    above = header[0] - 1
    also = f", or name the row above as well: header = [{above}, {header[-1]}]" if above else ""
    return names, [
        f"{quote_heading(text)} stands over columns {', '.join(letters)}; give every column its own{also}"
        for text, letters in by_name.items()
        if len(letters) > 1
    ]


def _name_left_out(
    origin: str, name: str, filled: pl.DataFrame, *, header: Sequence[int], last_row: int | None
) -> list[Finding]:
    """Filled rows that were not read; what stands in them is not repeated."""
    row, has_text = pl.col("source_row"), pl.col("filled") > 0
    above = filled.filter(has_text & (row < header[-1]) & ~row.is_in(list(header)))["source_row"]
    below = filled.filter(has_text & (row > (last_row or filled["source_row"].max())))["source_row"]
    findings: list[Finding] = []
    if above.len():
        listed = ", ".join(str(number) for number in above.to_list())
        what = _count(above.len(), f"above the headings of {origin}") + f" (row {listed})"
        findings.append(note(name, "rows_above_headings", what, rows=above.len()))
    if below.len():
        what = _count(below.len(), f"below the last row ({last_row}) of {origin}")
        findings.append(note(name, "rows_below_last_row", what, rows=below.len()))
    return findings


def _count(rows: int, where: str) -> str:
    if rows == 1:
        return f"1 filled row {where} was not read"
    return f"{rows:,} filled rows {where} were not read"
