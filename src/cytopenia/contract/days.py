"""Days and dates: reading them from cells, and counting days from the first infusion.

Dates are local: without a stated time zone an offset never moves a blood draw to another day. A date is read
only where its order is certain. Years of two digits are read as 1970 to 2069.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from cytopenia.contract.findings import Finding, note_rows
from cytopenia.contract.local_days import ZonedTimes, is_utc, move_times, name_zones, split_offsets
from cytopenia.contract.schemas import TextFormat
from cytopenia.values import clean_text, is_missing_text, parse_values

__all__ = ["Moments", "place_days", "read_moments", "read_times"]

_DATE = (
    r"^(?:(?P<y>[0-9]{4})[-/.](?P<m>[0-9]{1,2})[-/.](?P<d>[0-9]{1,2})"
    r"|(?P<a>[0-9]{1,2})(?P<mark>[-/.])(?P<b>[0-9]{1,2})[-/.](?P<yy>[0-9]{4}|[0-9]{2})"
    r"|(?P<dd>[0-9]{1,2})[- ]?(?P<mon>[A-Za-z]{3})[- ]?(?P<yyyy>[0-9]{4}|[0-9]{2}))"
    r"(?:(?:T|\s+)(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])(?::[0-5][0-9](?:[.,][0-9]+)?)?\s*(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
_FORMAT_OFFSET = re.compile(r"\s*(?:%:?z|Z)$")
_TIME = r"^(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])(?::[0-5][0-9](?:[.,][0-9]+)?)?$"
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# "02.04.24 07:15" under a format that says nothing of the time.
_TIMED = (
    r"^(?P<date>.*[0-9])(?:T|\s+)"
    r"(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])(?::[0-5][0-9](?:[.,][0-9]+)?)?$"
)
# Years of two digits are those from 1970 to 2069, as date_format reads %y.
_FIRST_OF_1900 = 70
# Draws of one column that seem to span more years than this, and fewer if the year came first, are not read.
_MOST_YEARS = 10
_SHORT_YEAR = 2
_DOUBTS = {
    "ambiguous": "day first or month first (no date of the column shows which part is the day)",
    "mixed": "day first or month first (both orders appear)",
    "years": "day first or year first (its years have two digits)",
}
_MONTHS = {name: str(number) for number, name in enumerate(_MONTH_NAMES, start=1)}


@dataclass(frozen=True)
class Moments:
    """When each row happened: `day` Int32, `date` Date and `minute` Int32, each null where not given."""

    day: pl.Series
    date: pl.Series
    minute: pl.Series


@dataclass(frozen=True)
class _Cells:
    """The cells of one column with what is needed to name them in a finding."""

    table: str
    column: str
    cells: pl.Series
    rows: pl.Series
    text: TextFormat

    @property
    def where(self) -> str:
        return f"{self.table}.{self.column}"


def read_moments(
    table: pl.DataFrame, name: str, *, day: str, date: str, text: TextFormat
) -> tuple[Moments, list[Finding]]:
    """Return when each row happened, from the columns `day` and `date` (one may be absent), and findings.

    A column meant for days that holds dates is read as dates. Fractions of days count to their calendar day.
    Text dates are read as 2024-01-31, 31.01.2024 and 31-Jan-2024; 01/02/2024 only where one date of the
    column, or `date_format`, settles the order. A year may have two digits, 70 to 99 being 1970 to 1999 and
    00 to 69 being 2000 to 2069. Date-times that say an offset become those of `time_zone`,
    where it is stated.
    """
    height, findings = table.height, list[Finding]()
    days, dates, minutes = (
        pl.repeat(None, height, dtype=dtype, eager=True) for dtype in (pl.Int32, pl.Date, pl.Int32)
    )
    if day in table.columns:
        source = _Cells(name, day, table[day], table["source_row"], text)
        if _holds_dates(source.cells):
            dates, minutes, found = _read_dates(source)
        else:
            days, found = _read_days(source)
        findings += found
    if date in table.columns:
        given, given_minutes, found = _read_dates(_Cells(name, date, table[date], table["source_row"], text))
        dates, minutes = (
            given.zip_with(given.is_not_null(), dates),
            given_minutes.zip_with(given.is_not_null(), minutes),
        )
        findings += found
    return Moments(days.rename("day"), dates.rename("date"), minutes.rename("minute")), findings


def read_times(column: pl.Series) -> pl.Series:
    """Return minutes after midnight of a column of times ("8:30" or a native time), else null."""
    if column.dtype == pl.Time:
        return column.dt.hour().cast(pl.Int32) * 60 + column.dt.minute()
    return _minutes(clean_text(column).str.extract_groups(_TIME).struct.unnest())


def place_days(
    table: pl.DataFrame, moments: Moments, *, zeros: pl.DataFrame | None, name: str
) -> tuple[pl.Series, list[Finding]]:
    """Return the day of every row counted from day 0 of its patient, and the findings.

    Parameters
    ----------
    table : DataFrame
        `patient_id` and `source_row` of each row.
    zeros : DataFrame or None
        One row per patient: `patient_id`, `zero_date` Date or null, `zero_day` Int32 (the given day that is
        day 0). None: days are taken as given and dates cannot be placed.
    """
    if zeros is None or (moments.date.null_count() == table.height and not (zeros["zero_day"] != 0).any()):
        return moments.day, []
    frame = table.select("patient_id", "source_row", moments.day.alias("day"), moments.date.alias("date"))
    frame = frame.join(zeros, on="patient_id", how="left", maintain_order="left").select(
        "source_row",
        given=pl.col("day") - pl.col("zero_day").fill_null(0),
        counted=(pl.col("date") - pl.col("zero_date")).dt.total_days().cast(pl.Int32),
    )
    apart = frame.filter(pl.col("given") != pl.col("counted"))["source_row"]
    what = "day and date do not agree"
    findings = note_rows(name, "day_and_date_disagree", what, rows=apart, total=table.height)
    return frame.select(day=pl.coalesce("given", "counted")).to_series(), findings


def _holds_dates(cells: pl.Series) -> bool:
    if cells.dtype.is_temporal():
        return True
    if cells.dtype != pl.String:
        return False
    return bool(clean_text(cells.unique()).str.contains(_DATE).any())


def _read_days(source: _Cells) -> tuple[pl.Series, list[Finding]]:
    if source.cells.dtype.is_integer():
        return source.cells.cast(pl.Int32, strict=False), []
    number = parse_values(source.cells)
    missing = is_missing_text(source.cells) if source.cells.dtype == pl.String else source.cells.is_null()
    whole = number["value"].floor()
    frame = pl.DataFrame(
        {
            "row": source.rows,
            "exact": (number["comparator"] == "="),
            "value": number["value"],
            "whole": whole,
            "missing": missing,
        }
    )
    read = pl.col("exact") & pl.col("value").is_not_null()
    fractional = frame.filter(read & (pl.col("value") != pl.col("whole")))["row"]
    unread = frame.filter(~read & ~pl.col("missing"))["row"]
    findings = note_rows(
        source.where, "fractional_day", f"{source.column} has a fraction", rows=fractional, total=frame.height
    )
    findings += note_rows(
        source.where,
        "date_not_read",
        f"{source.column} is neither a day nor a date",
        rows=unread,
        total=frame.height,
    )
    return frame.select(
        pl.when(read).then(pl.col("whole")).cast(pl.Int32, strict=False)
    ).to_series(), findings


def _read_dates(source: _Cells) -> tuple[pl.Series, pl.Series, list[Finding]]:
    cells, height = source.cells, source.cells.len()
    if cells.dtype == pl.Date:
        return cells, pl.repeat(None, height, dtype=pl.Int32, eager=True), []
    if isinstance(cells.dtype, pl.Datetime):
        return _read_native(source, cells.dtype.time_zone)
    if cells.dtype != pl.String:
        return _refuse_numbers(source)
    distinct = cells.unique(maintain_order=True).alias("cell")
    date_format = source.text.date_format
    parsed, problem = _parse_formatted(distinct, date_format) if date_format else _parse_dates(distinct)
    parsed = parsed.with_columns(split_offsets(clean_text(distinct))[1].alias("offset"))
    frame = (
        cells.to_frame("cell")
        .join(parsed, on="cell", how="left", nulls_equal=True, maintain_order="left")
        .with_columns(row=source.rows)
    )
    findings = _name_unread(source, frame, problem)
    date, minute, found = _settle_zone(source, frame)
    return date, _drop_midnight(minute), [*findings, *found]


def _settle_zone(source: _Cells, frame: pl.DataFrame) -> tuple[pl.Series, pl.Series, list[Finding]]:
    """Date and minute in the stated time zone, where the cells say an offset."""
    date, minute, offset, zone = frame["date"], frame["minute"], frame["offset"], source.text.time_zone
    if offset.null_count() == offset.len():
        return date, minute, []
    apart = None
    if zone is not None:
        date, minute, apart = move_times(date, minute, offset, zone=zone)
    return date, minute, name_zones(source.where, ZonedTimes(offset, apart), zone=zone, rows=source.rows)


def _read_native(source: _Cells, zone: str | None) -> tuple[pl.Series, pl.Series, list[Finding]]:
    """Native date-times: the printed time of day, and the offset that their own time zone has then."""
    wall = source.cells.dt.replace_time_zone(None)
    minute = wall.dt.hour().cast(pl.Int32) * 60 + wall.dt.minute()
    offset = pl.repeat(None, wall.len(), dtype=pl.Int32, eager=True)
    if zone is not None:
        utc = source.cells.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        offset = (wall - utc).dt.total_minutes().cast(pl.Int32)
    frame = pl.DataFrame({"date": wall.dt.date(), "minute": minute, "offset": offset})
    if source.text.time_zone is None and not is_utc(zone):
        frame = frame.with_columns(offset=pl.lit(None, dtype=pl.Int32))
    date, minute, findings = _settle_zone(source, frame)
    return date, _drop_midnight(minute), findings


def _refuse_numbers(source: _Cells) -> tuple[pl.Series, pl.Series, list[Finding]]:
    nothing = pl.repeat(None, source.cells.len(), eager=True)
    rows = source.rows.filter(source.cells.is_not_null())
    what = f"{source.column} is no date"
    findings = note_rows(source.where, "date_is_a_number", what, rows=rows, total=source.cells.len())
    return nothing.cast(pl.Date), nothing.cast(pl.Int32), findings


def _parse_formatted(distinct: pl.Series, date_format: str) -> tuple[pl.DataFrame, str]:
    """Dates in the format the user stated; a format without a time of day gives no minutes."""
    text, date_format = _drop_offset(clean_text(distinct), date_format)
    if "%H" in date_format or "%I" in date_format:
        moment = text.str.to_datetime(date_format, strict=False)
        return pl.DataFrame(
            {
                "cell": distinct,
                "date": moment.dt.date(),
                "minute": moment.dt.hour().cast(pl.Int32) * 60 + moment.dt.minute(),
            }
        ), ""
    timed = text.str.extract_groups(_TIMED).struct.unnest()
    bare = timed.select(pl.coalesce("date", text.alias("text"))).to_series()
    whole, day = (one.str.to_date(date_format, strict=False) for one in (text, bare))
    frame = pl.DataFrame({"cell": distinct, "whole": whole, "day": day, "minute": _minutes(timed)})
    by_time = pl.when(pl.col("whole").is_null()).then("minute")
    return frame.select("cell", date=pl.coalesce("whole", "day"), minute=by_time), ""


def _drop_offset(text: pl.Series, date_format: str) -> tuple[pl.Series, str]:
    """Text and format without the offset, which never moves a printed day by itself."""
    bare = _FORMAT_OFFSET.sub("", date_format)
    return (text, date_format) if bare == date_format else (split_offsets(text)[0], bare)


def _parse_dates(distinct: pl.Series) -> tuple[pl.DataFrame, str]:
    """Dates of each distinct text, and whether the order of slashes is "ambiguous" or "mixed"."""
    parts = clean_text(distinct).str.extract_groups(_DATE).struct.unnest()
    sloped = parts.filter(pl.col("mark").is_in(["/", "-"])).select(pl.col("a", "b").cast(pl.Int32))
    day_first = bool((sloped["a"] > len(_MONTHS)).any())
    month_first = bool((sloped["b"] > len(_MONTHS)).any())
    problem = "" if day_first != month_first or sloped.is_empty() else "mixed" if day_first else "ambiguous"
    sloping = pl.col("mark").is_in(["/", "-"])
    unsettled, swap = sloping & bool(problem), sloping & month_first
    if _may_start_with_year(parts):
        unsettled |= pl.col("yy").str.len_chars() == _SHORT_YEAR
        problem = problem or "years"
    day = pl.when(swap).then("b").otherwise("a")
    month = pl.when(swap).then("a").otherwise("b")
    named = pl.col("mon").str.to_lowercase().replace_strict(_MONTHS, default=None)
    text = pl.concat_str(
        _add_century(pl.coalesce("y", "yy", "yyyy")),
        pl.coalesce("m", pl.when(~unsettled).then(month), named),
        pl.coalesce("d", day, "dd"),
        separator="-",
    )
    frame = parts.select(
        date=text.str.to_date("%Y-%m-%d", strict=False), doubtful=unsettled.fill_null(value=False)
    )
    return frame.with_columns(cell=distinct, minute=_minutes(parts)), problem


def _add_century(year: pl.Expr) -> pl.Expr:
    late = year.cast(pl.Int32, strict=False) >= _FIRST_OF_1900
    century = pl.when(late).then(pl.lit("19")).otherwise(pl.lit("20"))
    return pl.when(year.str.len_chars() == _SHORT_YEAR).then(century + year).otherwise(year)


def _may_start_with_year(parts: pl.DataFrame) -> bool:
    """True where years of two digits would be many, and few if they stood first, as in 24.01.31."""
    short = parts.filter(pl.col("yy").str.len_chars() == _SHORT_YEAR)
    first, last = short["a"].cast(pl.Int32), _read_years(short["yy"])
    return not short.is_empty() and _span(last) > max(_MOST_YEARS, _span(first))


def _read_years(texts: pl.Series) -> pl.Series:
    return texts.to_frame("year").select(_add_century(pl.col("year")).cast(pl.Int32)).to_series()


def _span(numbers: pl.Series) -> int:
    ordered = numbers.sort().to_list()
    return ordered[-1] - ordered[0]


def _name_unread(source: _Cells, frame: pl.DataFrame, problem: str) -> list[Finding]:
    unread = frame.filter(pl.col("date").is_null() & ~is_missing_text(frame["cell"]))
    doubtful = unread.filter("doubtful") if "doubtful" in unread.columns else unread.clear()
    others = unread.filter(~pl.col("doubtful")) if "doubtful" in unread.columns else unread
    findings = note_rows(
        source.where,
        "ambiguous_date",
        f"{source.column} may be {_DOUBTS.get(problem, _DOUBTS['ambiguous'])}",
        rows=doubtful["row"],
        total=frame.height,
    )
    what = f"{source.column} cannot be read as a date"
    return findings + note_rows(source.where, "date_not_read", what, rows=others["row"], total=frame.height)


def _minutes(parts: pl.DataFrame) -> pl.Series:
    return parts.select(
        minute=pl.col("hour").cast(pl.Int32) * 60 + pl.col("minute").cast(pl.Int32)
    ).to_series()


def _drop_midnight(minutes: pl.Series) -> pl.Series:
    """A column whose times are all midnight has no times."""
    if (minutes == 0).all() or minutes.null_count() == minutes.len():
        return pl.repeat(None, minutes.len(), dtype=pl.Int32, eager=True).alias("minute")
    return minutes.cast(pl.Int32).alias("minute")
