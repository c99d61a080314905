"""What a workbook must be before it is opened: whole, not protected, and no more than its directory says.

A workbook is a zip file. One of a few kilobytes can unfold to more than the memory of a machine, so its
directory is read first, and what will be unfolded is unfolded once in pieces that are thrown away.
"""

from __future__ import annotations

import zipfile
import zlib
from functools import lru_cache
from pathlib import Path

from cytopenia.errors import ReaderError

__all__ = ["check_workbook", "measure_part", "refuse_entities"]

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PIECE = 1 << 20
_HEAD = 4096

# benchmarks/bench_workbooks.py: an export of 189 MB unfolds to 1,127 MB, six times its size. A sheet of one
# repeated number, or of formatted blank rows, as spreadsheet programs write them, unfolds to 12 to 17 times.
_LARGEST_UNFOLDED = 4 << 30
_PROPORTION = 200
_ALWAYS_ALLOWED = 100 << 20
_MOST_PARTS = 20_000


def check_workbook(path: Path) -> None:
    """Refuse what is no workbook, is protected or damaged, or would unfold out of proportion.

    Raises
    ------
    ReaderError
        With what to do.
    """
    try:
        state = path.stat()
        _check(path, state.st_size, state.st_mtime_ns)
    except FileNotFoundError as cause:
        raise ReaderError(f"{path.name}: no such file in {path.parent}. Check the name.") from cause
    except OSError as cause:
        raise ReaderError(f"{path.name}: cannot be read ({cause.strerror}).") from cause


# A workbook is opened several times in one run (list of sheets, each table); it is checked once.
@lru_cache(maxsize=32)
def _check(path: Path, size: int, changed: int) -> None:  # noqa: ARG001
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(_OLE):
        _check_container(path)
    elif head.startswith(_ZIP) and path.suffix.lower() != ".xls":
        _check_archive(path, size)
    else:
        raise ReaderError(f"{path.name}: {_say_kind(head, path.suffix.lower())}")


def _say_kind(head: bytes, suffix: str) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not head:
        return "the file is empty. Export it again."
    if head.startswith(_ZIP):
        return "is a newer workbook under the name of an old one. Rename it to .xlsx."
    if text.startswith((b"<html", b"<!doctype", b"<table", b"<meta", b"<?xml", b"<head", b"<body")):
        return (
            "cannot be read as an Excel workbook; it is a web page or XML under the name of one. Open it in "
            "the spreadsheet program and save it as .xlsx."
        )
    if b"\0" not in head and (b"\t" in head or b"," in head or b";" in head):
        return (
            "cannot be read as an Excel workbook; it looks like a text file. Rename it to .csv (or .tsv) "
            "if it is one."
        )
    also = "" if suffix == ".xlsx" else " (or as what its name says)"
    return f"cannot be read as an Excel workbook. Save it as .xlsx{also} again."


def _check_container(path: Path) -> None:
    """The old form of Office files: a workbook (.xls), or a protected one of the new kind."""
    if _holds(path, _ENCRYPTED):
        raise ReaderError(
            f"{path.name}: is protected with a password. Open it in the spreadsheet program, save it without "
            "a password, and remove that copy afterwards."
        )
    if path.suffix.lower() != ".xls":
        raise ReaderError(
            f"{path.name}: is an Excel file of the old kind under a newer name. Rename it to .xls, or save "
            "it as .xlsx."
        )


def _holds(path: Path, mark: bytes) -> bool:
    rest = b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if mark in rest + piece:
                return True
            rest = piece[-len(mark) :]
    return False


def _check_archive(path: Path, size: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            _check_directory(path.name, parts, size)
            sheets = path.suffix.lower() in (".xlsx", ".xlsm")
            for part in parts:
                # The rows of a sheet are measured when they are read (`sheet_marks`).
                if not (sheets and part.filename.lower().startswith("xl/worksheets/")):
                    measure_part(path.name, archive, part)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as cause:
        raise _damaged(path.name) from cause


def _check_directory(name: str, parts: list[zipfile.ZipInfo], size: int) -> None:
    unfolded = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    names = [part.filename for part in parts]
    if any(part.flag_bits & 1 for part in parts):
        raise ReaderError(f"{name}: is protected with a password. Save it without one.")
    if packed > size or len(set(names)) < len(names) or len(names) > _MOST_PARTS:
        raise ReaderError(f"{name}: its directory contradicts itself. {_RESAVE}")
    dense = any(
        part.file_size > _ALWAYS_ALLOWED and part.file_size > _PROPORTION * max(part.compress_size, 1)
        for part in parts
    )
    if dense or unfolded > _LARGEST_UNFOLDED or unfolded > max(_ALWAYS_ALLOWED, _PROPORTION * size):
        raise ReaderError(
            f"{name}: {size / 1e6:,.1f} MB that unfold to {unfolded / 1e6:,.0f} MB; allowed: "
            f"{_PROPORTION} times the size of the file, and {_LARGEST_UNFOLDED / 1e6:,.0f} MB. Export fewer "
            "rows at a time, or export as CSV."
        )


def measure_part(name: str, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unfold one part in pieces that are thrown away, and refuse what is not what the directory says.

    Raises
    ------
    ReaderError
        Its size or its checksum is another, or it declares entities.
    """
    unfolded = 0
    try:
        with archive.open(part) as file:
            while piece := file.read(_PIECE):
                if unfolded == 0:
                    refuse_entities(name, piece)
                unfolded += len(piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as cause:
        raise _damaged(name) from cause
    if unfolded != part.file_size:
        raise _damaged(name)


def refuse_entities(name: str, start: bytes) -> None:
    """Refuse a part whose first bytes declare entities, which no spreadsheet program writes."""
    if b"<!DOCTYPE" in start[:_HEAD] or b"<!ENTITY" in start[:_HEAD]:
        raise ReaderError(f"{name}: declares entities, which no spreadsheet program writes. {_RESAVE}")


_RESAVE = "Open it in the spreadsheet program it came from and save it as .xlsx again."


def _damaged(name: str) -> ReaderError:
    return ReaderError(
        f"{name}: cannot be read as an Excel workbook: it is damaged, not complete, or its parts have other "
        f"sizes than its directory says. {_RESAVE}"
    )
