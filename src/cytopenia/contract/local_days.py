"""Date-times with an offset become date-times of one place: its calendar day is the day that counts.

Only what says its own offset ("Z", "+01:00", a native time zone) is ever moved, and only where the study
states its time zone. Date-times without an offset are local already.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from cytopenia.contract.findings import Finding, note_rows

__all__ = [
    "ZonedTimes",
    "is_time_zone",
    "is_utc",
    "localize_texts",
    "move_times",
    "name_zones",
    "split_offsets",
]

_OFFSET = (
    r"^(?P<local>.*[0-9]:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)"
    r"\s*(?:(?P<utc>Z)|(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2}))$"
)
_UTC = ("UTC", "Etc/UTC", "Z", "GMT", "Etc/GMT")
_ISO = "%Y-%m-%dT%H:%M"
_ISO_LENGTH = 16


class ZonedTimes:
    """Which rows of a column say an offset, which of them say UTC, and which were moved to another day."""

    def __init__(self, offset: pl.Series, moved: pl.Series | None = None) -> None:
        self.is_utc = (offset == 0).fill_null(value=False)
        self.moved = moved


def is_time_zone(name: str) -> bool:
    """Return True for a name of the IANA database of time zones.

    Examples
    --------
    >>> is_time_zone("Europe/Berlin"), is_time_zone("Berlin")
    (True, False)
    """
    # A fixed offset is no place: it has no summer time.
    if not name[:1].isalpha():
        return False
    moment = pl.Series([datetime(2024, 1, 1)], dtype=pl.Datetime).dt.replace_time_zone("UTC")  # noqa: DTZ001
    try:
        moment.dt.convert_time_zone(name)
    except pl.exceptions.PolarsError:
        return False
    return True


def split_offsets(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the texts without the offset at the end of a time, and the offsets in minutes (null: none).

    Examples
    --------
    >>> local, offset = split_offsets(pl.Series(["2024-01-05T23:30Z", "5.1.2024 8:00 -0530", "2024-01-05"]))
    >>> local.to_list(), offset.to_list()
    (['2024-01-05T23:30', '5.1.2024 8:00', '2024-01-05'], [0, -330, None])
    """
    parts = texts.str.extract_groups(_OFFSET).struct.unnest()
    size = pl.col("hours").cast(pl.Int32) * 60 + pl.col("minutes").cast(pl.Int32)
    signed = pl.when(pl.col("sign") == "-").then(-size).otherwise(size)
    found = parts.with_columns(texts.alias("text")).select(
        local=pl.coalesce("local", "text"),
        offset=pl.when(pl.col("utc").is_not_null()).then(0).otherwise(signed).cast(pl.Int32),
    )
    return found["local"], found["offset"]


def move_times(
    dates: pl.Series, minutes: pl.Series, offset: pl.Series, *, zone: str
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return date and minute of each row in the time zone, and whether the day is another one.

    A column whose printed times are all midnight has no times; nothing is moved there.
    """
    frame = pl.DataFrame({"date": dates, "minute": minutes, "offset": offset})
    timed = frame.filter(pl.col("minute").is_not_null())
    if (timed["minute"] == 0).all():
        return dates, minutes, pl.repeat(value=False, n=dates.len(), eager=True)
    moment = pl.col("date").cast(pl.Datetime) + pl.duration(minutes=pl.col("minute") - pl.col("offset"))
    local = moment.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    said = pl.all_horizontal(pl.col("date", "minute", "offset").is_not_null())
    moved = frame.select(
        date=pl.when(said).then(local.dt.date()).otherwise("date"),
        minute=pl.when(said)
        .then(local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute())
        .otherwise("minute")
        .cast(pl.Int32),
    )
    apart = (moved["date"] != dates).fill_null(value=False)
    return moved["date"], moved["minute"], apart


def name_zones(where: str, times: ZonedTimes, *, zone: str | None, rows: pl.Series) -> list[Finding]:
    """Return the findings on rows of another local day, or on times in UTC that were left as printed."""
    if zone is None:
        utc = rows.filter(times.is_utc)
        return note_rows(where, "time_in_utc", "the time is in UTC", rows=utc, total=rows.len())
    if times.moved is None:
        return []
    what = f"the calendar day in {zone} is another than the printed one"
    return note_rows(where, "local_day", what, rows=rows.filter(times.moved), total=rows.len())


def is_utc(zone: str | None) -> bool:
    """Return True for the names of UTC.

    Examples
    --------
    >>> is_utc("UTC"), is_utc("Europe/Lisbon")
    (True, False)
    """
    return zone in _UTC


def localize_texts(
    texts: pl.Series, *, zone: str | None, where: str, rows: pl.Series
) -> tuple[pl.Series, list[Finding]]:
    """Return ISO 8601 texts with those that say an offset as local date-times, and the findings.

    Examples
    --------
    >>> moved, found = localize_texts(
    ...     pl.Series(["2024-01-05T23:30Z", "2024-01"]),
    ...     zone="Europe/Berlin",
    ...     where="labs",
    ...     rows=pl.Series([2, 3]),
    ... )
    >>> moved.to_list(), found[0].rule
    (['2024-01-06T00:30', '2024-01'], 'local_day')
    """
    printed, offset = split_offsets(texts)
    if offset.null_count() == offset.len():
        return texts, []
    if zone is None:
        return texts, name_zones(where, ZonedTimes(offset), zone=None, rows=rows)
    moment = printed.str.slice(0, _ISO_LENGTH).str.to_datetime(_ISO, strict=False)
    minutes = moment.dt.hour().cast(pl.Int32) * 60 + moment.dt.minute()
    date, minute, apart = move_times(moment.dt.date(), minutes, offset, zone=zone)
    frame = pl.DataFrame({"date": date, "minute": minute})
    whole = pl.col("date").cast(pl.Datetime) + pl.duration(minutes=pl.col("minute"))
    local = frame.select(whole.dt.strftime(_ISO)).to_series()
    said = offset.is_not_null() & local.is_not_null()
    return local.zip_with(said, texts), name_zones(where, ZonedTimes(offset, apart), zone=zone, rows=rows)
