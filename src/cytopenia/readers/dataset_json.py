"""CDISC Dataset-JSON 1.1 (.json, and .ndjson with one row a line) as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import polars as pl

from cytopenia.errors import ReaderError

__all__ = ["read_dataset_json"]

_VERSION = "1.1"
_NUMBERS = {"integer", "float", "double", "decimal"}


def read_dataset_json(path: Path) -> pl.DataFrame:
    """Return the rows of a Dataset-JSON 1.1 file; numbers are numbers, dates and all else text as written.

    Raises
    ------
    ReaderError
        The file is no Dataset-JSON 1.1, or has fewer rows than it says.
    """
    head, rows = _parse(path)
    version = str(head.get("datasetJSONVersion", ""))
    columns = cast("Any", head.get("columns"))
    if not version.startswith(_VERSION) or not isinstance(columns, list):
        said = f"version {version}" if version else "no datasetJSONVersion"
        raise ReaderError(f"{path.name}: is no Dataset-JSON {_VERSION} ({said}). Export it again.")
    described = cast("list[Mapping[str, Any]]", columns)
    if head.get("records") != len(rows):
        raise ReaderError(
            f"{path.name}: says it has {head.get('records')} rows and has {len(rows)}; a part of the file is "
            "missing. Copy or export it again."
        )
    uneven = next((number for number, row in enumerate(rows, 1) if len(row) != len(described)), None)
    if uneven is not None:
        raise ReaderError(
            f"{path.name}: row {uneven} has {len(rows[uneven - 1])} cells, the file says {len(described)} "
            "columns. Export it again."
        )
    return pl.DataFrame(
        [_read_column(described[place], [row[place] for row in rows]) for place in range(len(described))]
    )


def _parse(path: Path) -> tuple[Mapping[str, Any], Sequence[Sequence[Any]]]:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as cause:
        raise ReaderError(f"{path.name}: cannot be read ({cause.strerror}).") from cause
    except UnicodeDecodeError as cause:
        raise ReaderError(f"{path.name}: is not UTF-8 text. Export it again.") from cause
    try:
        if path.suffix.lower() == ".ndjson":
            head, *rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            head = json.loads(text)
            rows = cast("dict[str, Any]", head).get("rows") if isinstance(head, dict) else None
    except ValueError as cause:
        line = f" (line {cause.lineno})" if isinstance(cause, json.JSONDecodeError) else ""
        raise ReaderError(
            f"{path.name}: is no complete JSON{line}; it is damaged or cut. Copy or export it again."
        ) from cause
    if not isinstance(head, dict) or not isinstance(rows, list):
        raise ReaderError(f"{path.name}: is no Dataset-JSON {_VERSION} (no rows). Export it again.")
    if not all(isinstance(row, list) for row in cast("list[Any]", rows)):
        raise ReaderError(f"{path.name}: is no Dataset-JSON {_VERSION} (a row is no list). Export it again.")
    return cast("Mapping[str, Any]", head), cast("list[list[Any]]", rows)


def _read_column(described: Mapping[str, Any], cells: list[Any]) -> pl.Series:
    """Decimals are written as text, so that no digit is lost."""
    name = str(described.get("name"))
    if described.get("dataType") in _NUMBERS:
        text = pl.Series(name, [None if cell in (None, "") else str(cell) for cell in cells], dtype=pl.String)
        return text.cast(pl.Float64, strict=False)
    return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)
