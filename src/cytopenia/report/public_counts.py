"""Counts for the public as text: a number, "<5", or that it is hidden."""

from __future__ import annotations

import polars as pl

from cytopenia.report.display import format_percent

__all__ = ["HIDDEN_TEXT", "print_public"]

HIDDEN_TEXT = "hidden"


def print_public(counts: pl.DataFrame, *, smallest: int) -> pl.DataFrame:
    """Return the counts as they are printed, with a percent of the group beside those that are shown.

    Parameters
    ----------
    counts : DataFrame
        Columns `analysis_id`, `factor`, `level`, `group`, `patients`, `status`, `group_patients`,
        `percent`.
    smallest : int
        The smallest count that is shown.
    """
    rows = [
        (
            *(row[name] for name in ("analysis_id", "factor", "level", "group")),
            _say_count(row["patients"], row["status"], smallest),
            str(row["group_patients"]),
            "" if row["percent"] is None else format_percent(row["percent"]),
        )
        for row in counts.iter_rows(named=True)
    ]
    names = ("analysis_id", "factor", "level", "group", "patients", "group_patients", "percent")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def _say_count(count: int | None, status: str, smallest: int) -> str:
    if count is not None:
        return str(count)
    return f"<{smallest}" if status == "small" else HIDDEN_TEXT
