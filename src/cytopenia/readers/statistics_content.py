"""What a file of a statistics program is by its bytes, whatever its name says, and whether it is whole.

The library that reads these files takes a transport file that was cut, or one of several tables, for a whole
one: the first loses rows, the second makes numbers out of headers. Both are refused here, before it reads.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cytopenia.errors import ReaderError

__all__ = ["STATISTICS_KINDS", "require_kind", "require_whole_transport"]

STATISTICS_KINDS = {
    ".sav": "SPSS file",
    ".zsav": "SPSS file",
    ".dta": "Stata file",
    ".sas7bdat": "SAS data set",
    ".xpt": "SAS transport file",
}
_ENDINGS = {
    "SPSS file": ".sav",
    "Stata file": ".dta",
    "SAS data set": ".sas7bdat",
    "SAS transport file": ".xpt",
}

_HEAD = 80
_SAS_MAGIC = bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
_STATA_MARK, _STATA_END = b"<stata_dta>", b"</stata_dta>"
# Release 8 to 12, byte order 1 or 2, file type 1.
_OLD_STATA = re.compile(rb"[\x71-\x73][\x01\x02]\x01")
_RECORD = 80
_TABLE = re.compile(rb"HEADER RECORD\*{7}(?:MEMBER  |MEMBV8  )HEADER RECORD!{7}")
_ROWS = re.compile(rb"HEADER RECORD\*{7}(?:OBS     |OBSV8   )HEADER RECORD!{7}([0-9 ]{30})")
_BLANK = b" "


def require_kind(path: Path) -> None:
    """Raise unless the first bytes of a file are of the kind that its ending says.

    Raises
    ------
    ReaderError
        The file is empty, of another kind, a Stata file without its last bytes, or a transport file of
        several tables.
    """
    wanted = STATISTICS_KINDS[path.suffix.lower()]
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(max(0, path.stat().st_size - _HEAD))
            tail = file.read()
    except OSError as cause:
        raise ReaderError(f"{path.name}: cannot be read ({cause.strerror}).") from cause
    if not head:
        raise ReaderError(f"{path.name}: the file is empty. Export it again.")
    found = _name_kind(head)
    if found != wanted:
        raise ReaderError(_describe_other(path.name, wanted, found))
    if head.startswith(_STATA_MARK) and not tail.rstrip().endswith(_STATA_END):
        raise _cut(path.name)
    if wanted == STATISTICS_KINDS[".xpt"]:
        _require_one_table(path)


def require_whole_transport(path: Path, *, width: int, rows: int) -> None:
    """Raise where a transport file ends before its last row.

    Parameters
    ----------
    path : Path
    width
        Bytes of one row.
    rows
        How many rows were read.

    Raises
    ------
    ReaderError
        The last bytes are no whole row.
    """
    with _map(path) as data:
        starts = _at_records(_ROWS, data)
        if len(data) % _RECORD or not starts:
            raise _cut(path.name)
        announced, start = starts[0].group(1).strip(), starts[0].start() + _RECORD
        left = (len(data) - start) % width if width else 0
        rest = data[len(data) - left :]
        said = int(announced[:15]) if announced[:15].isdigit() else 0
        if rest.strip(_BLANK) or said > rows:
            raise _cut(path.name)


def _require_one_table(path: Path) -> None:
    with _map(path) as data:
        tables = len(_at_records(_TABLE, data))
        if tables > 1:
            raise ReaderError(
                f"{path.name}: the file holds {tables} tables. Export each into a file of its own, "
                "named as the table."
            )


def _name_kind(head: bytes) -> str | None:
    if head.startswith((b"$FL2", b"$FL3")):
        return "SPSS file"
    if head.startswith(_STATA_MARK) or _OLD_STATA.match(head):
        return "Stata file"
    if head.startswith(_SAS_MAGIC):
        return "SAS data set"
    if head.startswith(b"HEADER RECORD*******LIB"):
        return "SAS transport file"
    return None


def _describe_other(name: str, wanted: str, found: str | None) -> str:
    if found is not None:
        return f"{name}: is a {found} by its content. Rename it to end with {_ENDINGS[found]}."
    return f"{name}: is no {wanted} by its content. Export it again, or name the file by what it is."


def _cut(name: str) -> ReaderError:
    return ReaderError(
        f"{name}: ends before its last row; a part of the file is missing. Copy or export it again."
    )


@contextmanager
def _map(path: Path) -> Generator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def _at_records(pattern: re.Pattern[bytes], data: mmap.mmap) -> list[re.Match[bytes]]:
    """The matches that begin a record; the same bytes inside a cell begin none."""
    return [found for found in pattern.finditer(data) if found.start() % _RECORD == 0]
