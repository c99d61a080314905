"""Columns that hold one day each ("ANC_d0" to "ANC_d28") become rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from cytopenia.contract import TABLES, Finding, note
from cytopenia.errors import suggest_name
from cytopenia.readers.headings import fold_heading
from cytopenia.readers.labs_mapping import DAY, DayColumn, LabsTable
from cytopenia.units import convert_value, list_units, match_unit

__all__ = ["check_day_columns", "group_day_columns", "list_day_columns", "melt_days"]

_DAY = r"(?P<day>[+\-−]?[0-9]{1,4})"
_UNIT = re.compile(r"^(?P<name>.+?)\s*[\(\[](?P<unit>[^\(\)\[\]]+)[\)\]]$")
_WITHIN_ROWS = frozenset({"value", "day", "date", "time", "minute"})
_PER_ANALYTE = frozenset({"analyte", "unit", "lln", "uln", "baseline"})


@dataclass(frozen=True)
class _DayHeading:
    """A heading that a pattern fits, the day in it, and a unit that it has in brackets."""

    heading: str
    pattern: str
    day: int
    unit: str | None


def check_day_columns(headings: Iterable[str], mapping: LabsTable, origin: str) -> list[str]:
    """Return one sentence for whatever does not fit between the headings of a file and `days`."""
    names = [text for text in headings if text != "source_row"]
    found = _match(names, mapping)
    fits: dict[str, list[_DayHeading]] = {}
    for one in found:
        fits.setdefault(one.heading, []).append(one)
    problems = [
        f"no column fits '{pattern}'{suggest_name(pattern.replace(DAY, '0'), names)}; found: {_list(names)}"
        for pattern in mapping.days
        if all(one.pattern != pattern for one in found)
    ]
    problems += [
        f"column '{heading}' fits {' and '.join(repr(one.pattern) for one in ones)}; "
        "make the patterns narrower"
        for heading, ones in fits.items()
        if len(ones) > 1
    ]
    problems += _find_doubled_days(found, mapping.days)
    problems += _check_analytes(names, mapping)
    problems += [problem for one in found for problem in _check_unit(one, mapping)]
    return [f"labs: {origin}: {problem}" for problem in problems]


def group_day_columns(headings: Iterable[str], mapping: LabsTable) -> dict[str, list[str]]:
    """Return the headings that each pattern fits."""
    grouped: dict[str, list[str]] = {pattern: [] for pattern in mapping.days}
    for one in _match(headings, mapping):
        grouped[one.pattern].append(one.heading)
    return grouped


def list_day_columns(headings: Iterable[str], mapping: LabsTable) -> list[str]:
    """Return the headings that hold a day."""
    return [one.heading for one in _match(headings, mapping)]


def melt_days(table: pl.DataFrame, mapping: LabsTable) -> tuple[pl.DataFrame, list[Finding]]:
    """Return one row per filled day cell, in the order of the rows of the file, and what was found.

    The table has our names already; blank cells give no row.
    """
    found = _match(table.columns, mapping)
    by_column = any(mapping.days[one.pattern].analyte is None for one in found)
    left_out = _WITHIN_ROWS if by_column else _WITHIN_ROWS | _PER_ANALYTE
    keys = [name for name in table.columns if name in TABLES["labs"].inputs and name not in left_out]
    numeric = all(table[one.heading].dtype.is_numeric() for one in found)
    kind = pl.Float64 if numeric else pl.String
    parts: list[pl.DataFrame] = []
    for one in found:
        column = mapping.days[one.pattern]
        added = [
            pl.lit(one.day, dtype=pl.Int32).alias("day"),
            pl.col(one.heading).cast(kind).alias("value"),
        ]
        if column.analyte is not None:
            added.append(pl.lit(column.analyte).alias("analyte"))
        unit = column.unit or one.unit
        if unit is not None or "unit" not in keys:
            added.append(pl.lit(unit, dtype=pl.String).alias("unit"))
        parts.append(table.select(*(key for key in keys if key != "unit" or unit is None), *added))
    long = pl.concat(parts, how="diagonal").filter(pl.col("value").is_not_null())
    if kind == pl.String:
        long = long.filter(pl.col("value").str.strip_chars() != "")
    return long.sort("source_row", maintain_order=True), _describe(found, mapping.days)


def _match(headings: Iterable[str], mapping: LabsTable) -> list[_DayHeading]:
    """Every pair of a heading and a pattern that fits it."""
    patterns = {pattern: _compile(pattern) for pattern in mapping.days}
    taken = set(mapping.columns.values()) | {"source_row"}
    found: list[_DayHeading] = []
    for heading in headings:
        if heading in taken:
            continue
        text = " ".join(heading.split())
        united = _UNIT.match(text)
        for pattern, compiled in patterns.items():
            if match := compiled.fullmatch(text):
                found.append(_DayHeading(heading, pattern, _read_day(match), None))
            elif united and (match := compiled.fullmatch(united["name"])):
                found.append(_DayHeading(heading, pattern, _read_day(match), united["unit"].strip()))
    return found


def _compile(pattern: str) -> re.Pattern[str]:
    before, _, after = " ".join(pattern.split()).partition(DAY)
    return re.compile(re.escape(before) + _DAY + re.escape(after))


def _read_day(match: re.Match[str]) -> int:
    return int(match["day"].replace("−", "-"))


def _find_doubled_days(found: Iterable[_DayHeading], days: Mapping[str, DayColumn]) -> list[str]:
    columns: dict[tuple[str | None, int], list[str]] = {}
    for one in found:
        columns.setdefault((days[one.pattern].analyte, one.day), []).append(one.heading)
    return [
        f"columns {' and '.join(repr(heading) for heading in dict.fromkeys(headings))} are both day {day}"
        f"{f' of {analyte}' if analyte else ''}; rename or remove one"
        for (analyte, day), headings in columns.items()
        if len(set(headings)) > 1
    ]


def _check_analytes(headings: list[str], mapping: LabsTable) -> list[str]:
    """The analyte stands in the pattern or in a column, and not in both."""
    column = mapping.columns.get("analyte") or next(
        (heading for heading in headings if fold_heading(heading) == "analyte"), None
    )
    without = [pattern for pattern, day in mapping.days.items() if day.analyte is None]
    if column is None:
        return [
            f"'{pattern}' has no analyte, and there is no column of analytes; write "
            f'"{pattern}" = {{ analyte = "anc", unit = "1e9/L" }}'
            for pattern in without
        ]
    return [
        f"'{pattern}' has an analyte, and column '{column}' has analytes as well; remove one of them"
        for pattern in mapping.days
        if pattern not in without
    ]


def _check_unit(one: _DayHeading, mapping: LabsTable) -> list[str]:
    """A unit in the heading is a listed one, and of the same size as the one that the mapping states."""
    column = mapping.days[one.pattern]
    if one.unit is None or column.analyte is None:
        return []
    read = mapping.units.get(one.unit, one.unit)
    if match_unit(column.analyte, read) is None:
        if column.unit is not None:
            return []
        return [
            f"the unit '{one.unit}' of column '{one.heading}' is no listed unit of {column.analyte}; "
            f"allowed: {', '.join(list_units(column.analyte))}; state unit in the pattern '{one.pattern}'"
        ]
    sizes = {convert_value(1.0, unit, analyte=column.analyte) for unit in (read, column.unit or read)}
    if len(sizes) > 1:
        return [
            f"column '{one.heading}' is in {one.unit}, and '{one.pattern}' says {column.unit}; "
            "correct the mapping"
        ]
    return []


def _describe(found: Iterable[_DayHeading], days: Mapping[str, DayColumn]) -> list[Finding]:
    groups: dict[tuple[str, str | None], list[int]] = {}
    for one in found:
        groups.setdefault((one.pattern, days[one.pattern].unit or one.unit), []).append(one.day)
    findings: list[Finding] = []
    for (pattern, unit), numbers in groups.items():
        analyte = days[pattern].analyte or "the analyte of the row"
        count = f"{len(numbers)} {'column' if len(numbers) == 1 else 'columns'}"
        said = f"{analyte} in {unit or 'the unit of the row'}"
        what = f"{count} '{pattern}', day {min(numbers)} to {max(numbers)}, {said}"
        findings.append(note("labs", "day_columns", what))
    return findings


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


_SHOWN = 12
