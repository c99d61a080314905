"""Text tables (comma, semicolon, tab) as they are: every cell stays text, and nothing is guessed silently."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import polars as pl

from cytopenia.errors import ReaderError
from cytopenia.readers.excel import name_column

__all__ = ["decode_text", "read_text_cells", "read_text_file"]

_SEPARATORS = (",", ";", "\t")
_SAMPLE_LINES = 6
_SEPARATOR_LINES = 200
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_text_file(path: Path, *, encoding: str | None = None, separator: str | None = None) -> pl.DataFrame:
    """Return a text table with all cells as text and `source_row`, the row as a spreadsheet numbers it.

    Parameters
    ----------
    path : Path
    encoding
        Name of the encoding. Without it the file must be UTF-8 (with or without byte order mark) or UTF-16
        with one.
    separator
        One character. Without it comma, semicolon or tab, as the header and the first rows show.

    Returns
    -------
    DataFrame
        Blank lines are left out (but counted); a blank cell is null.

    Raises
    ------
    ReaderError
        The file is absent, empty, in another encoding, or a line has more or fewer cells than the header.
    """
    data = _decode(_read_bytes(path), path.name, encoding)
    body = data.lstrip(b"\r\n")
    skipped = data[: len(data) - len(body)].count(b"\n")
    if not body.strip():
        raise ReaderError(f"{path.name}: the file is empty. Export it again.")
    mark = separator or _find_separator(body, path.name)
    names = _read_header(body, mark, path.name)
    table = _parse(body, mark, path.name, names=names)
    table = table.with_columns(
        source_row=pl.int_range(2 + skipped, table.height + 2 + skipped, dtype=pl.UInt32, eager=True)
    )
    return _drop_blank(table, names)


def decode_text(path: Path, *, encoding: str | None = None) -> str:
    """Return the content of a text file without byte order mark.

    Raises
    ------
    ReaderError
        The file is absent, or is in another encoding.
    """
    return _require_utf8(_decode(_read_bytes(path), path.name, encoding), path.name)


def read_text_cells(path: Path, *, encoding: str | None = None, separator: str | None = None) -> pl.DataFrame:
    """Return the cells of a text table whose lines may differ in length, as a spreadsheet would show them.

    Returns
    -------
    DataFrame
        `source_row` (the first line is 1), then one text column per column under its letter, "A", "B" ...

    Raises
    ------
    ReaderError
        The file is absent, empty, or in another encoding.
    """
    data = _decode(_read_bytes(path), path.name, encoding)
    if not data.strip():
        raise ReaderError(f"{path.name}: the file is empty. Export it again.")
    mark = separator or _find_common_separator(data)
    try:
        rows = list(csv.reader(io.StringIO(_require_utf8(data, path.name), newline=""), delimiter=mark))
    except csv.Error as cause:
        raise ReaderError(
            f"{path.name}: cannot be read as a text table ({cause}). Export it again."
        ) from cause
    letters = [name_column(place) for place in range(max(map(len, rows)))]
    columns = {
        letter: [row[place] if place < len(row) else None for row in rows]
        for place, letter in enumerate(letters)
    }
    number = pl.int_range(1, len(rows) + 1, dtype=pl.UInt32, eager=True)
    return pl.DataFrame(columns, schema=dict.fromkeys(letters, pl.String)).select(
        number.alias("source_row"), *letters
    )


def _find_common_separator(data: bytes) -> str:
    """The mark that most lines have, where titles above the table have none."""
    lines = data.decode("utf-8", errors="replace").splitlines()[:_SEPARATOR_LINES]
    return max(_SEPARATORS, key=lambda mark: sorted(line.count(mark) for line in lines)[len(lines) // 2])


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as cause:
        raise ReaderError(f"{path.name}: no such file in {path.parent}. Check the name.") from cause
    except OSError as cause:
        raise ReaderError(f"{path.name}: cannot be read ({cause.strerror}).") from cause


def _decode(data: bytes, name: str, encoding: str | None) -> bytes:
    """The content as UTF-8 without byte order mark; UTF-8 itself is checked later, while parsing."""
    if encoding is None:
        encoding = _UTF16.get(data[:2])
    if encoding is None:
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode(encoding).encode("utf-8").removeprefix(codecs.BOM_UTF8)
    except LookupError as cause:
        raise ReaderError(
            f"{name}: encoding '{encoding}' is unknown; common ones: utf-8, cp1252, gb18030, utf-16."
        ) from cause
    except UnicodeDecodeError as cause:
        line = data[: cause.start].count(b"\n") + 1
        raise ReaderError(
            f"{name}: line {line} is not {encoding} text. State another encoding in the mapping."
        ) from cause


def _require_utf8(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as cause:
        line = data[: cause.start].count(b"\n") + 1
        raise ReaderError(
            f"{name}: line {line} is not UTF-8 text. Save the file as UTF-8, or state its encoding "
            'in the mapping: encoding = "cp1252" or encoding = "gb18030".'
        ) from cause


def _find_separator(data: bytes, name: str) -> str:
    """The mark the header shows; where it shows several, the one that gives every first row as many cells."""
    lines = [
        line.decode("utf-8", errors="replace") for line in data.splitlines()[:_SAMPLE_LINES] if line.strip()
    ]
    shown = [mark for mark in _SEPARATORS if mark in lines[0]]
    if len(shown) > 1:
        shown = [mark for mark in shown if len({len(row) for row in csv.reader(lines, delimiter=mark)}) == 1]
    if len(shown) > 1:
        raise _uncertain(name)
    if not shown:
        if any(mark in lines[0] for mark in _SEPARATORS):
            raise _uncertain(name)
        return ","
    return shown[0]


def _uncertain(name: str) -> ReaderError:
    return ReaderError(
        f'{name}: the separator is not certain. State it in the mapping: separator = "," or ";" or "\\t".'
    )


def _read_header(data: bytes, mark: str, name: str) -> list[str]:
    head = b"\n".join(islice(_lines(data), _SAMPLE_LINES))
    cells = next(csv.reader(io.StringIO(_require_utf8(head, name), newline=""), delimiter=mark))
    names = [cell.strip() or f"column {place}" for place, cell in enumerate(cells, start=1)]
    doubled = sorted({cell for cell in names if names.count(cell) > 1})
    if doubled:
        listed = ", ".join(f"'{cell}'" for cell in doubled)
        raise ReaderError(
            f"{name}: column {listed} appears twice in the header. Give every column its own name."
        )
    return names


def _lines(data: bytes) -> Iterator[bytes]:
    return (line.rstrip(b"\r\n") for line in io.BytesIO(data))


def _parse(data: bytes, mark: str, name: str, *, names: list[str]) -> pl.DataFrame:
    try:
        table = pl.read_csv(io.BytesIO(data), separator=mark, infer_schema=False, new_columns=names)
    except pl.exceptions.PolarsError as cause:
        raise _explain(data, mark, name, len(names)) from cause
    short = table.filter(pl.col(names[-1]).is_null() & ~pl.all_horizontal(pl.all().is_null())).height
    if short and len(names) > 1:
        _require_even(_require_utf8(data, name), mark, name, len(names))
    return table


def _explain(data: bytes, mark: str, name: str, width: int) -> ReaderError:
    """Why the table could not be parsed: encoding, ragged lines or a quotation mark."""
    try:
        text = _require_utf8(data, name)
        odd = next(
            (number for number, line in enumerate(text.splitlines(), start=1) if line.count('"') % 2), None
        )
        if odd is None:
            _require_even(text, mark, name, width)
    except ReaderError as found:
        return found
    return ReaderError(
        f"{name}: a quotation mark is not closed or stands inside a cell, first in line {odd or 1}. "
        "Correct the line."
    )


def _require_even(text: str, mark: str, name: str, width: int) -> None:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    for cells in reader:
        if cells and len(cells) != width:
            count = f"{len(cells)} {'cell' if len(cells) == 1 else 'cells'}"
            raise ReaderError(
                f"{name}: line {reader.line_num} has {count}, the header has {width}. "
                "Correct the line, put quotation marks around cells that hold the separator, or state the "
                "separator in the mapping."
            )


def _drop_blank(table: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Without blank lines, and without nameless columns that hold nothing."""
    table = table.filter(~pl.all_horizontal(pl.col(names).is_null()))
    empty = [
        name
        for place, name in enumerate(names, start=1)
        if name == f"column {place}" and table[name].null_count() == table.height
    ]
    return table.drop(empty)
