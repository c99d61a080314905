"""Laboratory values of several files, each written in its own way, become one table with a column of systems.

Numbers and moments of each file are read by its own decimal mark and date format, and written out in one way;
what cannot be read is never read again by the mark of another file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from cytopenia.contract import Finding, TextFormat, note
from cytopenia.contract.days import read_moments
from cytopenia.contract.system_repeats import count_decimals
from cytopenia.values import MISSING, parse_values, settle_decimal

__all__ = ["LabPart", "join_parts"]

_LIMITS = ("lln", "uln", "baseline")
_UNREADABLE = "not a number"


@dataclass(frozen=True)
class LabPart:
    """The laboratory rows of one file under our names, how its text is written, and where it comes from."""

    table: pl.DataFrame
    text: TextFormat
    system: str
    origin: str


def join_parts(parts: Sequence[LabPart]) -> tuple[pl.DataFrame, list[Finding]]:
    """Return one table of text with `system`; the rows of later files are counted on.

    Parameters
    ----------
    parts
        The files in their order. A file that has a column `system` itself keeps what stands there.
    """
    tables: list[pl.DataFrame] = []
    findings: list[Finding] = []
    last = 0
    for part in parts:
        table, found = _write_plainly(part)
        findings += found
        if last:
            what = f"rows of {part.origin} are counted on: its row 2 is row {last + 2}"
            findings.append(note("labs", "rows_counted_on", what, rows=table.height))
            table = table.with_columns(pl.col("source_row") + last)
        last = int(str(table["source_row"].max())) if table.height else last
        tables.append(table)
    return pl.concat(tables, how="diagonal"), findings


def _write_plainly(part: LabPart) -> tuple[pl.DataFrame, list[Finding]]:
    """The rows with ISO dates and plain numbers, all of it text."""
    table = part.table
    if "source_row" not in table.columns:
        table = table.with_columns(source_row=pl.int_range(2, table.height + 2, dtype=pl.UInt32, eager=True))
    moments, findings = read_moments(table, "labs", day="day", date="date", text=part.text)
    clock = pl.format(
        "T{}:{}",
        (pl.col("minute") // 60).cast(pl.String).str.zfill(2),
        (pl.col("minute") % 60).cast(pl.String).str.zfill(2),
    )
    written = pl.DataFrame({"date": moments.date, "minute": moments.minute}).select(
        pl.col("date").cast(pl.String) + pl.when(pl.col("minute").is_null()).then(pl.lit("")).otherwise(clock)
    )["date"]
    numbers = [name for name in ("value", *_LIMITS) if name in table.columns]
    decimal = part.text.decimal
    if decimal == "auto":
        decimal = settle_decimal(table[name] for name in numbers)
    replaced: dict[str, pl.Series] = {"date": written, "day": moments.day.cast(pl.String)}
    for name in numbers:
        parsed = parse_values(table[name], decimal=decimal)
        replaced[name] = _write_numbers(table[name], parsed, blank=None if name == "value" else _UNREADABLE)
        if name == "value":
            replaced["invalid"] = _coalesce_reason(table, parsed["invalid"])
    others = [name for name in table.columns if name not in {*replaced, "source_row"}]
    texts = table.select("source_row", pl.col(others).cast(pl.String)).with_columns(
        series.alias(name) for name, series in replaced.items()
    )
    if "system" not in texts.columns:
        texts = texts.with_columns(system=pl.lit(part.system))
    return texts.with_columns(pl.col("source_row").cast(pl.UInt32)), findings


def _write_numbers(cells: pl.Series, parsed: pl.DataFrame, *, blank: str | None) -> pl.Series:
    """Each number with its comparator and as many decimals as it was printed with."""
    frame = parsed.with_columns(count_decimals(cells, parsed["value"]))
    distinct = frame.select("comparator", "value", "decimals").unique()
    shown = [
        None if value is None else f"{'' if comparator == '=' else comparator}{value:.{decimals}f}"
        for comparator, value, decimals in distinct.iter_rows()
    ]
    written = frame.join(
        distinct.with_columns(pl.Series("shown", shown, dtype=pl.String)),
        on=["comparator", "value", "decimals"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    unread = pl.col("invalid").is_not_null() & (pl.col("invalid") != MISSING)
    return written.select(pl.when(unread).then(pl.lit(blank)).otherwise("shown"))["literal"].alias(cells.name)


def _coalesce_reason(table: pl.DataFrame, unread: pl.Series) -> pl.Series:
    """The file's own reason, else why the value cannot be read."""
    reason = unread.set(unread == MISSING, None)
    if "invalid" not in table.columns:
        return reason.alias("invalid")
    own = table["invalid"].cast(pl.String).str.strip_chars()
    return own.set(own == "", None).zip_with((own != "").fill_null(value=False), reason).alias("invalid")
