"""Days from the infusion as CDISC counts them: the infusion is study day 1, the day before it is -1."""

from __future__ import annotations

import polars as pl

__all__ = ["as_date", "as_study_day"]


def as_study_day(day: pl.Expr) -> pl.Expr:
    """Return days from the infusion as study days; there is no study day 0.

    Examples
    --------
    >>> pl.select(as_study_day(pl.Series([-1, 0, 1]))).to_series().to_list()
    [-1, 1, 2]
    """
    return (day + (day >= 0).cast(pl.Int32)).cast(pl.Int32)


def as_date(day: pl.Expr, *, zero: pl.Expr) -> pl.Expr:
    """Return the date of a day from the infusion; null where either is not known."""
    return (zero + pl.duration(days=day)).cast(pl.Date)
