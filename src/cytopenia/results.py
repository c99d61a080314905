"""The one long result table: every number of a run, one row each, still a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

__all__ = ["RESULT_SCHEMA", "ResultRow", "collect_results"]

RESULT_SCHEMA: dict[str, type[pl.DataType]] = {
    "analysis_id": pl.String,
    "group": pl.String,
    "level": pl.String,
    "stratum": pl.String,
    "variable": pl.String,
    "variable_level": pl.String,
    "scenario": pl.String,
    "estimate": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "text": pl.String,
    "n": pl.Int64,
    "status": pl.String,
    "note": pl.String,
}


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """One number with the key that names it.

    `low` and `high` are confidence limits only; bounds from unobserved days are rows of their own with
    scenario "best" and "worst". A number that cannot be given has `value=None`, a `status` other than
    "ok" and the reason in `note`.
    """

    analysis_id: str
    variable: str
    estimate: str
    value: float | None = None
    variable_level: str = ""
    scenario: str = ""
    group: str = ""
    level: str = ""
    stratum: str = ""
    low: float | None = None
    high: float | None = None
    text: str = ""
    n: int | None = None
    status: str = "ok"
    note: str = ""


def collect_results(rows: Iterable[ResultRow]) -> pl.DataFrame:
    """Return the rows as one table with the columns of `RESULT_SCHEMA`, in the order given.

    Examples
    --------
    >>> row = ResultRow(analysis_id="cohort", variable="patients", estimate="count", value=63)
    >>> collect_results([row]).select("variable", "value", "status").row(0)
    ('patients', 63.0, 'ok')
    """
    return pl.DataFrame([vars(row) for row in rows], schema=RESULT_SCHEMA)
