"""The first rows of every sheet of the files that a proposal is made from, as cells of text."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cytopenia.errors import ReaderError
from cytopenia.readers.excel import EXCEL_SUFFIXES, list_sheets, name_column, read_grid
from cytopenia.readers.mapping_forms import TableMapping
from cytopenia.readers.sheet_marks import Merge
from cytopenia.readers.statistics_files import STATISTICS_SUFFIXES
from cytopenia.readers.tabular import FileSource, load_table

__all__ = ["LOOKED_AT_ROWS", "LOOKED_AT_SHEETS", "PROPOSED_SUFFIXES", "FoundSheet", "find_sheets"]

LOOKED_AT_ROWS = 2_000
LOOKED_AT_SHEETS = 100
_LOOKED_AT_BYTES = 4_000_000
_TEXT = (".csv", ".tsv", ".txt")
PROPOSED_SUFFIXES = (*_TEXT, *EXCEL_SUFFIXES, ".parquet", *STATISTICS_SUFFIXES)

_SEPARATORS = (",", ";", "\t", "|")
_SAMPLE_LINES = 50
_MIDNIGHT = r"^(\d{4}-\d{2}-\d{2})[ T]00:00:00(?:\.0+)?$"
# Signs of western languages and of units, as single bytes above 127 stand for them.
_WESTERN = re.compile(
    r"^[\x00-\x7fäöüÄÖÜßàáâãåæçèéêëìíîïñòóôõøùúûýÿÀÁÂÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕØÙÚÛµ°²³±×€§·–—‘’“”…\xa0]*$"
)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class FoundSheet:
    """The first rows of a sheet, or of a file without sheets.

    `keys` are lines that its file needs in the mapping to be read at all, with the reason of each;
    `has_headings` is True where the kind of file says itself what its columns are called; `of_sheets` is the
    number of sheets of the file.
    """

    file: str
    sheet: str | None
    cells: pl.DataFrame
    is_cut: bool
    has_headings: bool = False
    keys: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    of_sheets: int = 1
    merges: Sequence[Merge] | None = None

    @property
    def name(self) -> str:
        """Its name as messages print it."""
        return self.file if self.sheet is None else f"{self.file}, sheet {self.sheet}"


def find_sheets(path: Path) -> list[FoundSheet]:
    """Return the first rows of every sheet of a file.

    Raises
    ------
    ReaderError
        The file is absent, of a kind that is not read, or cannot be read.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise ReaderError(f"{path.name}: no such file in {path.parent}. Check the name.")
    if suffix not in PROPOSED_SUFFIXES:
        raise ReaderError(
            f"{path.name}: files of type '{suffix}' are not read; allowed: {', '.join(PROPOSED_SUFFIXES)}."
        )
    if suffix in EXCEL_SUFFIXES:
        return list(_find_in_workbook(path))
    if suffix in _TEXT:
        return [_find_in_text(path)]
    return [_find_in_frame(path)]


def _find_in_workbook(path: Path) -> Iterator[FoundSheet]:
    sheets = list_sheets(path)
    for sheet in sheets[:LOOKED_AT_SHEETS]:
        grid = read_grid(path, sheet, rows=LOOKED_AT_ROWS)
        yield FoundSheet(
            path.name,
            sheet,
            grid.table,
            is_cut=grid.table.height >= LOOKED_AT_ROWS,
            merges=None if grid.marks is None else grid.marks.merges,
            of_sheets=len(sheets),
        )


def _find_in_frame(path: Path) -> FoundSheet:
    """A file that says what its columns are: Parquet, SPSS, Stata, SAS."""
    frame = load_table("labs", FileSource(path), TableMapping()).frame
    height = frame.height
    frame = frame.head(LOOKED_AT_ROWS)
    texts = [
        pl.col(name).cast(pl.String).str.replace(_MIDNIGHT, "$1")
        for name in frame.columns
        if name != "source_row"
    ]
    return FoundSheet(
        path.name, None, frame.select("source_row", *texts), is_cut=height > LOOKED_AT_ROWS, has_headings=True
    )


def _find_in_text(path: Path) -> FoundSheet:
    with path.open("rb") as file:
        data = file.read(_LOOKED_AT_BYTES)
        is_cut = bool(file.read(1))
    if is_cut:
        data = data[: data.rfind(b"\n") + 1]
    text, keys = _decode(data, path.name)
    mark = "\t" if path.suffix.lower() == ".tsv" else _find_separator(text)
    keys = dict(keys)
    if mark != "," and path.suffix.lower() != ".tsv":
        keys["separator"] = (mark, f"{_SEPARATOR_NAMES[mark]} separate the cells of every row")
    rows = _read_rows(text, mark)
    return FoundSheet(
        path.name, None, _frame_rows(rows), is_cut=is_cut or len(rows) >= LOOKED_AT_ROWS, keys=keys
    )


_SEPARATOR_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "upright strokes"}


def _decode(data: bytes, name: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """The text, and the encoding with its evidence where the reader must be told."""
    if data[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return data.decode("utf-16", errors="replace"), {}
    try:
        return data.decode("utf-8-sig"), {}
    except UnicodeDecodeError:
        pass
    for encoding, proof, what in (
        ("cp1252", _WESTERN.match, "its letters above 127 are those of western languages"),
        ("gb18030", _CHINESE.search, "it gives Chinese signs"),
    ):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if proof(text):
            return text, {"encoding": (encoding, f"the file is no UTF-8; {what}")}
    raise ReaderError(
        f"{name}: the file is no UTF-8 text, and its encoding is not certain. Save it as UTF-8."
    )


def _find_separator(text: str) -> str:
    """The mark that cuts most lines into the same number of cells, more than one."""
    lines = [line for line in text.splitlines()[:_SAMPLE_LINES] if line.strip()]
    best, most = ",", (0, 0)
    for mark in _SEPARATORS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=mark)]
        except csv.Error:
            # A cell beyond all measure: this mark does not cut it.
            continue
        usual = max(set(widths), key=widths.count, default=1)
        score = (widths.count(usual), usual) if usual > 1 else (0, 0)
        if score > most:
            best, most = mark, score
    return best


def _read_rows(text: str, mark: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    rows: list[tuple[int, list[str]]] = []
    try:
        for place, cells in enumerate(reader, start=1):
            if place > LOOKED_AT_ROWS:
                break
            rows.append((place, cells))
    except csv.Error:
        pass
    return rows


def _frame_rows(rows: Sequence[tuple[int, list[str]]]) -> pl.DataFrame:
    width = max((len(cells) for _, cells in rows), default=0)
    columns = {
        name_column(place): [
            (cells[place].strip() or None) if place < len(cells) else None for _, cells in rows
        ]
        for place in range(width)
    }
    if not columns:
        return pl.DataFrame(schema={"source_row": pl.UInt32})
    numbers = pl.Series("source_row", [number for number, _ in rows], dtype=pl.UInt32)
    return (
        pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
        .with_columns(numbers)
        .select("source_row", *columns)
    )
