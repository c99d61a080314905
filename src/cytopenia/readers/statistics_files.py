"""Files of SPSS, Stata and SAS become source tables: labels instead of codes, declared missing values null.

Nothing that the file declares is lost silently: a finding names each code with its label, and each code that
the file declares as missing. 0 is missing only where the file says so.
"""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Context
from pathlib import Path
from typing import Any

import polars as pl

from cytopenia.contract import Finding, note, note_rows
from cytopenia.contract.texts import shorten
from cytopenia.errors import ReaderError
from cytopenia.readers.source_table import SourceTable
from cytopenia.readers.statistics_content import (
    STATISTICS_KINDS,
    require_kind,
    require_whole_transport,
)

__all__ = ["STATISTICS_SUFFIXES", "read_statistics_file"]

STATISTICS_SUFFIXES = tuple(STATISTICS_KINDS)

_READERS = {
    ".sav": "read_sav",
    ".zsav": "read_sav",
    ".dta": "read_dta",
    ".sas7bdat": "read_sas7bdat",
    ".xpt": "read_xport",
}
_SPSS = (".sav", ".zsav")
_SHOWN_LABELS = 10
_OTHER_ENCODING = (
    "{}: holds text in another encoding than it says. State it in the mapping: "
    'encoding = "cp1252" or encoding = "gb18030".'
)
_SPSS_ZERO = dt.datetime(1582, 10, 14)  # noqa: DTZ001 - the day from which the program counts, without a zone
_WHOLE_NUMBER = 8
_MOST_DIGITS = 17


@dataclass(frozen=True)
class _File:
    """The table as the library gives it, and what the file says about its columns."""

    frame: pl.DataFrame
    labels: Mapping[str, Mapping[Any, str]]
    label_sets: Mapping[str, str]
    missing: Mapping[str, Sequence[Mapping[str, Any]]]
    letters: Mapping[str, Sequence[str]]
    widths: Mapping[str, int]
    single: Collection[str]


def read_statistics_file(
    path: Path, table: str, *, encoding: str | None = None, keep_codes: Sequence[str] = ()
) -> SourceTable:
    """Return a table of SPSS (.sav, .zsav), Stata (.dta) or SAS (.sas7bdat, .xpt) with findings on its codes.

    Parameters
    ----------
    path : Path
    table
        The table of the contract that the findings name.
    encoding
        Of the texts, where the file does not say it rightly.
    keep_codes
        Columns whose codes are read instead of their labels.

    Returns
    -------
    SourceTable
        Columns as they are named in the file, and `source_row` (the first row of data is 2). A code with a
        label is the label; what the file declares as missing is null, as is a blank text.

    Raises
    ------
    ReaderError
        The file is of another kind than its name says, cut, in another encoding, or a column to keep is
        absent.
    """
    require_kind(path)
    file = _read(path, encoding)
    if path.suffix.lower() == ".xpt":
        require_whole_transport(path, width=sum(file.widths.values()), rows=file.frame.height)
    if absent := [name for name in keep_codes if name not in file.frame.columns]:
        raise ReaderError(
            f"{path.name}: keep_codes names '{absent[0]}', which is no column; "
            f"found: {', '.join(file.frame.columns)}."
        )
    rows = pl.int_range(2, file.frame.height + 2, dtype=pl.UInt32, eager=True).alias("source_row")
    columns, findings = list[pl.Series](), list[Finding]()
    for column in file.frame.drop("source_row", strict=False):
        settled, found = _settle(column, file, _Place(table, rows), keep=column.name in keep_codes)
        columns.append(settled)
        findings += found
    columns, found = _restore_shortened(columns, file, table, base=16 if path.suffix.lower() == ".xpt" else 2)
    named = [column.alias(column.name.strip()) for column in columns]
    return SourceTable(pl.DataFrame([*named, rows]), path.name, (*findings, *found))


@dataclass(frozen=True)
class _Place:
    """Where a column stands: the table of its findings, and the number of each row."""

    table: str
    rows: pl.Series


def _read(path: Path, encoding: str | None) -> _File:
    """What the library reads, its errors in our words."""
    import pyreadstat

    library: Any = pyreadstat
    suffix = path.suffix.lower()
    options: dict[str, Any] = {"output_format": "polars", "encoding": encoding}
    if suffix != ".xpt":
        options["user_missing"] = True
    try:
        frame, meta = getattr(library, _READERS[suffix])(path, **options)
    except UnicodeDecodeError as cause:
        raise ReaderError(_OTHER_ENCODING.format(path.name)) from cause
    except (library.ReadstatError, library.PyreadstatError) as cause:
        raise ReaderError(_explain(path, encoding, str(cause))) from cause
    except (pl.exceptions.PolarsError, OverflowError, ValueError) as cause:
        raise ReaderError(
            f"{path.name}: a column of dates holds a number that is no date. Correct it, or export the "
            "column as text."
        ) from cause
    if suffix in _SPSS:
        _require_all_text(path, frame, library)
    return _File(
        frame=frame,
        labels=meta.variable_value_labels,
        label_sets=meta.variable_to_label if suffix == ".dta" else {},
        missing=meta.missing_ranges,
        letters=meta.missing_user_values,
        widths=meta.variable_storage_width,
        single={name for name, kind in meta.readstat_variable_types.items() if kind == "float"},
    )


def _require_all_text(path: Path, frame: pl.DataFrame, library: Any) -> None:
    """Raise where text came back blank and is not: the library does so with bytes of another encoding."""
    texts = [place for place, dtype in enumerate(frame.dtypes) if dtype == pl.String]
    if not any((frame.to_series(place) == "").any() for place in texts):
        return
    bytewise, _ = library.read_sav(path, output_format="polars", user_missing=True, encoding="ISO-8859-1")
    for place in texts:
        text, other = frame.to_series(place), bytewise.to_series(place)
        if ((text == "") & (other.cast(pl.String).str.strip_chars() != "")).any():
            raise ReaderError(_OTHER_ENCODING.format(path.name))


def _explain(path: Path, encoding: str | None, said: str) -> str:
    if "character set" in said and encoding is not None:
        return f"{path.name}: encoding '{encoding}' is unknown; common ones: utf-8, cp1252, gb18030."
    if "convert" in said or "character" in said:
        return _OTHER_ENCODING.format(path.name)
    if "number of rows" in said or "Unable to read" in said:
        return (
            f"{path.name}: ends before its last row; a part of the file is missing. Copy or export it again."
        )
    return (
        f"{path.name}: cannot be read as a {STATISTICS_KINDS[path.suffix.lower()]}; it is damaged, cut, or "
        "of a version that is not known. Export it again."
    )


def _settle(column: pl.Series, file: _File, place: _Place, *, keep: bool) -> tuple[pl.Series, list[Finding]]:
    """One column with missing values missing and labels in place of codes, and the findings on both."""
    name, labels = column.name, file.labels.get(column.name, {})
    column, findings = _drop_letters(column, file.letters.get(name, ()), labels, place)
    column, found = _drop_declared(column, file.missing.get(name, ()), labels, place)
    findings += found
    if column.dtype == pl.String:
        column = column.set(column.str.strip_chars() == "", None)
    if name in file.single:
        column = column.cast(pl.Float32)
    if labels and not keep and (column.dtype.is_numeric() or column.dtype == pl.String):
        column, found = _apply_labels(column, labels, place)
        findings += found
    elif not labels and file.label_sets.get(name):
        what = f"{name} has the labels '{shorten(file.label_sets[name])}', which are not in the file"
        findings.append(note(f"{place.table}.{name}", "labels_absent", what))
    return column, findings


def _drop_letters(
    column: pl.Series, letters: Sequence[str], labels: Mapping[Any, str], place: _Place
) -> tuple[pl.Series, list[Finding]]:
    """Without the missing values that Stata and SAS mark with a letter (.a to .z)."""
    if column.dtype != pl.Object:
        return column, []
    cells = [*column]
    findings: list[Finding] = []
    for letter in sorted(letters):
        where = pl.Series([cell == letter for cell in cells], dtype=pl.Boolean)
        findings += _note_missing(column.name, f".{letter}", labels.get(letter), place, where)
    numbers = [float(cell) if isinstance(cell, int | float) else None for cell in cells]
    return pl.Series(column.name, numbers, dtype=pl.Float64), findings


def _drop_declared(
    column: pl.Series, ranges: Sequence[Mapping[str, Any]], labels: Mapping[Any, str], place: _Place
) -> tuple[pl.Series, list[Finding]]:
    """Without the values that SPSS declares as missing."""
    findings: list[Finding] = []
    codes = column.str.strip_chars_end() if column.dtype == pl.String else column
    for limits in ranges:
        low, high = (_express_code(limits[end], column.dtype) for end in ("lo", "hi"))
        where = (codes >= low) & (codes <= high)
        code = _say_code(low) if low == high else f"{_say_code(low)} to {_say_code(high)}"
        label = labels.get(limits["lo"]) if low == high else None
        findings += _note_missing(column.name, code, label, place, where)
        column = column.set(where.fill_null(value=False), None)
    return column, findings


def _express_code(code: Any, dtype: pl.DataType) -> Any:
    """A declared code as a cell of its column; the library gives those of dates as numbers."""
    if not dtype.is_temporal() or not isinstance(code, int | float):
        return code
    try:
        if dtype == pl.Date:
            return dt.date(1970, 1, 1) + dt.timedelta(days=int(code))
        return _SPSS_ZERO + dt.timedelta(seconds=code)
    except OverflowError:
        kind = dt.date if dtype == pl.Date else dt.datetime
        return kind.min if code < 0 else kind.max


def _note_missing(name: str, code: str, label: str | None, place: _Place, where: pl.Series) -> list[Finding]:
    meaning = f" ({shorten(label)})" if label else ""
    what = f"{name}: {code}{meaning} is declared as missing by the file and is read as missing"
    return note_rows(
        f"{place.table}.{name}",
        "declared_missing",
        what,
        rows=place.rows.filter(where.fill_null(value=False)),
        total=len(place.rows),
    )


def _apply_labels(
    column: pl.Series, labels: Mapping[Any, str], place: _Place
) -> tuple[pl.Series, list[Finding]]:
    """Labels in place of codes; a code without a label stays as it is written."""
    number = column.dtype.is_numeric()
    words = {
        (float(code) if number else str(code).rstrip()): label.strip()
        for code, label in labels.items()
        if isinstance(code, str) != number and label.strip()
    }
    present = [word for code, word in words.items() if (column == code).any()]
    if not present:
        return column, []
    where = f"{place.table}.{column.name}"
    written = _write_numbers(column) if number else column
    keys = column.cast(pl.Float64) if number else column.str.strip_chars_end()
    labeled = keys.replace_strict(words, default=None, return_dtype=pl.String)
    listed = [f"{_say_code(code)} = {shorten(word)}" for code, word in words.items()][:_SHOWN_LABELS]
    more = f" and {len(words) - _SHOWN_LABELS} more" if len(words) > _SHOWN_LABELS else ""
    shared = sorted({word for word in present if list(words.values()).count(word) > 1})
    findings = [
        note(
            where,
            "value_labels",
            f"{column.name}: codes are read as their labels ({', '.join(listed)}{more})",
        )
    ]
    findings += [
        note(where, "shared_label", f"{column.name}: several codes have the label '{shorten(word)}'")
        for word in shared
    ]
    findings += note_rows(
        where,
        "code_without_label",
        f"{column.name}: the code has no label, unlike others of the column,",
        rows=place.rows.filter(labeled.is_null() & column.is_not_null()),
        total=len(place.rows),
    )
    return labeled.fill_null(written).alias(column.name), findings


def _write_numbers(column: pl.Series) -> pl.Series:
    """Numbers as text, whole ones without a point."""
    text = column.cast(pl.String)
    return text.str.replace(r"\.0$", "") if column.dtype.is_float() else text


def _say_code(code: Any) -> str:
    if not isinstance(code, int | float):
        return shorten(str(code))
    if abs(code) >= sys.float_info.max:
        return "the lowest" if code < 0 else "the highest"
    return f"{code:.15g}"


def _restore_shortened(
    columns: Sequence[pl.Series], file: _File, table: str, *, base: int
) -> tuple[list[pl.Series], list[Finding]]:
    """Decimals of SAS columns that are stored in fewer than 8 bytes; the last bytes were cut, not rounded.

    0.35 in 4 bytes comes back as 0.3499999; the shortest decimal that leaves the same bytes is meant.
    """
    restored, findings = list[pl.Series](), list[Finding]()
    for column in columns:
        width = file.widths.get(column.name, _WHOLE_NUMBER)
        fractions = column.dtype == pl.Float64 and bool((column != column.floor()).any())
        if not fractions or width >= _WHOLE_NUMBER or file.frame[column.name].dtype != pl.Float64:
            restored.append(column)
            continue
        numbers = {number: _lengthen(number, width, base) for number in column.drop_nulls().unique()}
        changed = sum(new != old for old, new in numbers.items())
        if changed:
            what = f"{column.name}: {changed:,} numbers are stored in {width} of {_WHOLE_NUMBER} bytes"
            findings.append(note(f"{table}.{column.name}", "shortened_numbers", what))
        restored.append(column.replace_strict(numbers, default=None, return_dtype=pl.Float64))
    return restored, findings


def _lengthen(number: float, width: int, base: int) -> float:
    """The shortest decimal whose first bytes are those of the number.

    Examples
    --------
    >>> _lengthen(0.34999996423721313, 4, 16), _lengthen(123.5, 3, 2)
    (0.35, 123.5)
    """
    if number == 0 or not math.isfinite(number):
        return number
    size = abs(number)
    exponent = math.frexp(size)[1]
    # Base 16 (transport files) wastes up to three leading bits of its fraction, base 2 none.
    step = (
        2.0 ** (math.ceil(exponent / 4) * 4 - 8 * (width - 1))
        if base > 2
        else 2.0 ** (exponent - 1 - (8 * width - 12))
    )
    for digits in range(1, _MOST_DIGITS):
        longer = float(Context(prec=digits, rounding=ROUND_UP).create_decimal_from_float(size))
        if longer < size + step:
            return math.copysign(longer, number)
    return number
