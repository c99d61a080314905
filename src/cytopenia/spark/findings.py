"""Findings of many blocks of patients as the findings of one cohort: counted together, without row lists."""

from __future__ import annotations

import re

import polars as pl

from cytopenia.contract import OF_WHOLE_COHORTS, leave_out

__all__ = ["take_findings"]

_COUNTED_ROWS = re.compile(r" in [\d,]+ of [\d,]+ rows?(?: \(rows? [\d, .]+\))?")
_COUNTED = re.compile(r"\b[\d,]+ (patient|row)s?\b( has| was| is| repeats)?")
_MORE = re.compile(r"\band [\d,]+ more\b")
_VERBS = {"": "", " has": " have", " was": " were", " is": " is", " repeats": " repeat"}


def take_findings(findings: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Return the findings of one block, so that equal ones of several blocks have the same words.

    Parameters
    ----------
    findings : DataFrame
        As `check_tables` returns them.
    rows : Series
        The row numbers of the laboratory values as they were given, in the order of the block.

    Returns
    -------
    DataFrame
        The same columns. Numbers of rows and patients stand in `rows` alone and can be added up; `row` is a
        row of the table that was given, and known for laboratory values only.

    Examples
    --------
    >>> from cytopenia.contract import collect_findings, note
    >>> found = collect_findings(
    ...     [note("infusions", "second_infusion", "3 patients have more than one infusion", rows=3)]
    ... )
    >>> take_findings(found, pl.Series([])).select("rows", "message").row(0)
    (3, 'infusions: patients have more than one infusion. Their courses end at the second infusion.')
    """
    kept = leave_out(findings, OF_WHOLE_COHORTS)
    messages = [_drop_counts(message) for message in kept["message"]]
    given = [
        rows[row - 2] if table == "labs" and row is not None else None
        for table, row in kept.select("table", "row").iter_rows()
    ]
    return kept.with_columns(
        pl.Series("message", messages, dtype=pl.String),
        pl.Series("row", given, dtype=pl.Int64),
        pl.col("rows").cast(pl.Int64),
    )


def _drop_counts(message: str) -> str:
    """The message without numbers of rows and patients; quoted words stay."""
    bare = _MORE.sub("and more", _COUNTED_ROWS.sub("", message))
    return _COUNTED.sub(lambda found: f"{found[1]}s{_VERBS[found[2] or '']}", bare)
