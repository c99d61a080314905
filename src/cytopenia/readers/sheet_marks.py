"""What the library that reads cells does not tell: merged cells, formulas, errors, and what is hidden.

The XML of one sheet is read once in pieces, without building a tree, and never kept.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from cytopenia.errors import ReaderError
from cytopenia.readers.workbook_guard import measure_part, refuse_entities

__all__ = ["Merge", "SheetMarks", "count_places", "scan_sheet"]

_PIECE = 1 << 22
_LONGEST_ROW = 64 << 20
_LARGEST_LIST = 16 << 20


@dataclass(frozen=True)
class Merge:
    """Merged cells; rows count from 1, columns from 0, both ends included."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass
class SheetMarks:
    """What was seen in a sheet; places are column letters with the rows.

    Attributes
    ----------
    first_row : int or None
        The first row with a cell that holds anything.
    formulas : int
        Cells with a formula.
    uncomputed, errors, booleans : mapping of letters to rows
        Formulas whose result is not stored, cells with an error, and cells with true or false.
    """

    first_row: int | None = None
    formulas: int = 0
    uncomputed: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    errors: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    booleans: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    hidden_rows: list[int] = field(default_factory=list[int])
    hidden_columns: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    merges: list[Merge] = field(default_factory=list[Merge])


def scan_sheet(path: Path, sheet: str) -> SheetMarks | None:
    """Return the marks of a sheet of an .xlsx or .xlsm file; None for other kinds of workbook.

    Raises
    ------
    ReaderError
        The sheet is damaged or its size is not what the directory of the file says.
    """
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            part, trusted = _find_part(path.name, archive, sheet)
            if part is None:
                return None
            # Python stops at the size that the directory says and checks the sum; only then it is unfolded.
            with archive.open(part) as file:
                marks, size = _scan(path.name, file, trusted=trusted)
            if size != part.file_size:
                measure_part(path.name, archive, part)
            return marks
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ElementTree.ParseError) as cause:
        raise ReaderError(
            f"{path.name}: sheet '{sheet}' is damaged, or has another size than the directory of the file "
            "says. Open it in the spreadsheet program it came from and save it as .xlsx again."
        ) from cause


def _find_part(name: str, archive: zipfile.ZipFile, sheet: str) -> tuple[zipfile.ZipInfo | None, bool]:
    """The part that holds a sheet, and whether zeros of its formulas are results.

    Programs that cannot compute write 0 (or nothing) as the result and ask for a computation on opening.
    """
    book = _parse(name, archive, "xl/workbook.xml")
    links = {
        link.attrib["Id"]: link.attrib["Target"]
        for link in _parse(name, archive, "xl/_rels/workbook.xml.rels")
    }
    asked = any(_is_set(item.attrib.get("fullCalcOnLoad")) for item in _named(book, "calcPr"))
    for item in _named(book, "sheet"):
        target = next((links.get(value) for key, value in item.attrib.items() if key.endswith("}id")), None)
        if item.attrib.get("name") == sheet and target is not None:
            parts = {part.filename.lower(): part for part in archive.infolist()}
            place = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
            return parts.get(place.lower()), not asked
    return None, not asked


def _parse(name: str, archive: zipfile.ZipFile, part: str) -> ElementTree.Element:
    with archive.open(part) as file:
        data = file.read(_LARGEST_LIST)
    refuse_entities(name, data)
    return ElementTree.fromstring(data)  # noqa: S314 (entities were refused)


def _named(tree: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (item for item in tree.iter() if item.tag.rpartition("}")[2] == name)


def _is_set(text: str | None) -> bool:
    return text in ("1", "true")


@dataclass(frozen=True)
class _Patterns:
    """The marks as bytes; some programs write a prefix before every name ("<x:c>")."""

    formula: re.Pattern[bytes]
    kind: re.Pattern[bytes]
    row: re.Pattern[bytes]
    column: re.Pattern[bytes]
    merge: re.Pattern[bytes]
    filled: re.Pattern[bytes]
    formula_start: bytes


def _compile(prefix: bytes) -> _Patterns:
    p = re.escape(prefix)
    return _Patterns(
        formula=re.compile(
            rb"<%bc\b([^>]*)>\s*<%bf\b[^>]*?(?:/>|>[^<]*</%bf>)\s*(?:<%bv\b[^>/]*>([^<]*)</)?" % (p, p, p, p)
        ),
        kind=re.compile(rb'<%bc\b([^>]*?\bt="([eb])"[^>]*)>' % p),
        row=re.compile(rb'<%brow\b([^>]*?\bhidden="(?:1|true)"[^>]*)>' % p),
        column=re.compile(rb'<%bcol\b([^>]*?\bhidden="(?:1|true)"[^>]*)>' % p),
        merge=re.compile(rb'<%bmergeCell\b[^>]*?\bref="([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"' % p),
        filled=re.compile(
            rb"<%bc\b([^>]*)>\s*(?:<%bf\b[^>]*?(?:/>|>[^<]*</%bf>)\s*)?(?:<%bv\b[^>/]*>[^<]|<%bis\b)"
            % (p, p, p, p, p)
        ),
        formula_start=b"<" + prefix + b"f",
    )


_PLACE = re.compile(rb'\br="([A-Z]*)([0-9]+)"')
_SPAN = re.compile(rb'\b(min|max)="([0-9]+)"')
_PREFIX = re.compile(rb"<(\w+:)?worksheet\b")


def _scan(name: str, file: IO[bytes], *, trusted: bool) -> tuple[SheetMarks, int]:
    marks, size, patterns, last = SheetMarks(), 0, _compile(b""), b""
    for block in _blocks(name, file):
        if size == 0:
            refuse_entities(name, block)
            found = _PREFIX.search(block)
            patterns = _compile((found[1] or b"") if found else b"")
            _mark_columns(marks, block, patterns)
        size += len(block)
        _mark_block(marks, block, patterns, trusted=trusted)
        last = block
    # What follows the last row is one block.
    marks.merges += [
        Merge(int(found[2]), int(found[4]), _place_of(found[1]), _place_of(found[3]))
        for found in patterns.merge.finditer(last)
    ]
    return marks, size


def _blocks(name: str, file: IO[bytes]) -> Iterator[bytes]:
    """Pieces that end with a row, so that no cell is cut in two."""
    rest = b""
    while piece := file.read(_PIECE):
        piece = rest + piece
        end = piece.rfind(b"row>") + len(b"row>")
        if end < len(b"row>"):
            if len(piece) > _LONGEST_ROW:
                raise ReaderError(f"{name}: a row of more than {_LONGEST_ROW >> 20} MB. Export it as CSV.")
            rest = piece
            continue
        yield piece[:end]
        rest = piece[end:]
    yield rest


def _mark_block(marks: SheetMarks, block: bytes, patterns: _Patterns, *, trusted: bool) -> None:
    if marks.first_row is None and (found := patterns.filled.search(block)):
        place = _PLACE.search(found[1])
        marks.first_row = int(place[2]) if place else 1
    if patterns.formula_start in block:
        for found in patterns.formula.finditer(block):
            marks.formulas += 1
            if not _has_result(found[1], found[2], trusted=trusted):
                _add(marks.uncomputed, found[1])
    if b't="e"' in block or b't="b"' in block:
        for found in patterns.kind.finditer(block):
            _add(marks.errors if found[2] == b"e" else marks.booleans, found[1])
    if b' hidden="' in block:
        marks.hidden_rows += [
            int(place[2]) for found in patterns.row.finditer(block) if (place := _PLACE.search(found[1]))
        ]


def _mark_columns(marks: SheetMarks, block: bytes, patterns: _Patterns) -> None:
    for found in patterns.column.finditer(block):
        span = {key: int(number) - 1 for key, number in _SPAN.findall(found[1])}
        if {b"min", b"max"} <= set(span):
            marks.hidden_columns.append((span[b"min"], span[b"max"]))


def _has_result(attributes: bytes, result: bytes | None, *, trusted: bool) -> bool:
    """A formula that gives a blank text has a result; one whose result nobody stored has none."""
    if b't="str"' in attributes:
        return True
    return bool(result) and (trusted or result != b"0")


def _add(places: dict[str, list[int]], attributes: bytes) -> None:
    if place := _PLACE.search(attributes):
        places.setdefault(place[1].decode(), []).append(int(place[2]))


def _place_of(letters: bytes) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + letter - 64
    return place - 1


def count_places(places: Mapping[str, list[int]]) -> int:
    """Return how many cells are named."""
    return sum(len(rows) for rows in places.values())
