"""Study days and partial dates of CDISC data as days and dates of the contract.

Study days have no day 0: day 1 is the reference day (RFSTDTC, TRTSDT) and day -1 the day before it. Here they
are counted with a 0, so that differences are days: 1 becomes 0, and -1 stays.
"""

from __future__ import annotations

import polars as pl

from cytopenia.contract import Finding, note_rows
from cytopenia.contract.local_days import localize_texts

__all__ = ["add_moments", "count_study_days", "localize", "read_calendar_days"]

_DAY, _MINUTE = 10, 16


def count_study_days(days: pl.Series) -> pl.Series:
    """Return study days counted with a day 0, which is the reference day; a written 0 is no study day.

    Examples
    --------
    >>> count_study_days(pl.Series([-1.0, 1.0, 2.0, 0.0])).to_list()
    [-1, 0, 1, None]
    """
    whole = days.cast(pl.Float64, strict=False).floor().cast(pl.Int32, strict=False)
    return (whole - (whole > 0).cast(pl.Int32)).set(whole == 0, None).rename(days.name)


def read_calendar_days(moments: pl.Series) -> pl.Series:
    """Return the dates of ISO 8601 texts or of native dates; a date without its day is null.

    Examples
    --------
    >>> read_calendar_days(pl.Series(["2024-01-30T08:50", "2024-01"])).to_list()
    [datetime.date(2024, 1, 30), None]
    """
    if moments.dtype.is_temporal():
        return moments.cast(pl.Date, strict=False)
    return moments.cast(pl.String).str.slice(0, _DAY).str.to_date("%Y-%m-%d", strict=False)


def add_moments(
    frame: pl.DataFrame, columns: tuple[str, str], *, reference: pl.DataFrame, where: str, zone: str | None
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the rows with `date` (text) and `study_day` (reference day 0), each from the other if need be.

    Parameters
    ----------
    frame
        `patient_id`, `source_row` and the two columns; either may be absent.
    columns
        The column of dates and the column of study days.
    reference
        `patient_id` and `reference`, the date of study day 1 (null where it is not known).
    where
        The table of the findings.
    zone
        The time zone of the patients. Without it no offset moves a draw to another day.
    """
    dated, counted = columns
    moments = frame[dated] if dated in frame.columns else _nothing(frame, pl.String)
    moments, local = localize(moments, zone=zone, where=where, rows=frame["source_row"])
    days = frame[counted] if counted in frame.columns else _nothing(frame, pl.Float64)
    zeros = frame["source_row"].filter((days == 0).fill_null(value=False))
    found = [*local, *note_rows(where, "study_day_zero", f"{counted} is 0", rows=zeros, total=frame.height)]
    first = frame.select("patient_id").join(reference, on="patient_id", how="left", maintain_order="left")
    table = frame.with_columns(
        read_calendar_days(moments).alias("_date"),
        _write_moments(moments).alias("_written"),
        count_study_days(days).alias("_day"),
        first["reference"].alias("_first"),
    )
    since = (pl.col("_date") - pl.col("_first")).dt.total_days().cast(pl.Int32)
    table = table.with_columns(_since=since)
    odd = table.filter(pl.col("_since") != pl.col("_day"))["source_row"]
    found += note_rows(
        where,
        "study_day_disagrees",
        f"{counted} is not the distance of {dated} from the reference day",
        rows=odd,
        total=frame.height,
    )
    derived = (pl.col("_first") + pl.duration(days=pl.col("_day"))).cast(pl.Date).cast(pl.String)
    table = table.with_columns(
        date=pl.when(pl.col("_date").is_not_null()).then(pl.col("_written")).otherwise(derived),
        study_day=pl.coalesce("_since", "_day"),
    )
    return table.drop("_date", "_written", "_day", "_first", "_since"), found


def localize(
    moments: pl.Series, *, zone: str | None, where: str, rows: pl.Series
) -> tuple[pl.Series, list[Finding]]:
    """Return ISO 8601 texts that say an offset as local date-times; native dates say none."""
    if moments.dtype.is_temporal():
        return moments, []
    return localize_texts(moments.cast(pl.String), zone=zone, where=where, rows=rows)


def _nothing(frame: pl.DataFrame, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    return pl.repeat(None, frame.height, dtype=dtype, eager=True)


def _write_moments(moments: pl.Series) -> pl.Series:
    """Date and minute as text; whatever offset is left moves nothing to another day."""
    if moments.dtype == pl.Datetime:
        return moments.dt.strftime("%Y-%m-%dT%H:%M")
    text = moments.cast(pl.String)
    timed = text.str.contains(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
    return text.str.slice(0, _MINUTE).zip_with(timed, text.str.slice(0, _DAY))
