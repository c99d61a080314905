"""Findings: what is doubtful in the data, one row per problem, never an exception.

What can be doubtful stands in `finding_rules`. An error stops a run; a warning
marks rows that are not judged or deserve a look; an info states a choice that was made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from cytopenia.contract.finding_rules import RULES

__all__ = [
    "FINDING_SCHEMA",
    "OF_WHOLE_COHORTS",
    "Finding",
    "collect_findings",
    "leave_out",
    "merge_findings",
    "note",
    "note_rows",
]

FINDING_SCHEMA: dict[str, Any] = {
    "table": pl.String,
    "row": pl.UInt32,
    "column": pl.String,
    "rule": pl.String,
    "severity": pl.String,
    "rows": pl.UInt32,
    "message": pl.String,
}

SHOWN_ROWS = 5


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One row of a findings table; `rows` is how many rows (or patients) are concerned, `row` the first."""

    table: str
    rule: str
    severity: str
    message: str
    row: int | None = None
    column: str | None = None
    rows: int = 0


_SEVERITIES = ("error", "warning", "info")


def note(where: str, rule: str, what: str, *, rows: int = 0) -> Finding:
    """Return one finding of the closed list that concerns a whole table or a number of patients.

    `where` is a table, or a table and column ("labs.unit") where the column is not the usual one of the rule.
    """
    table, _, column = where.partition(".")
    entry = RULES[rule]
    message = " ".join(part for part in (f"{table}: {what}.", entry.advice) if part)
    return Finding(
        table=table,
        rule=rule,
        severity=entry.severity,
        message=message,
        column=column or entry.column,
        rows=rows,
    )


def note_rows(
    where: str, rule: str, what: str, *, rows: pl.Series, total: int, allowed: str = ""
) -> list[Finding]:
    """Return one finding about the source rows given, or none if there are no rows.

    The message counts the rows, names the first five by their number in the source file, and says what is
    allowed. `where` as in `note`.
    """
    if rows.len() == 0:
        return []
    table, _, column = where.partition(".")
    entry, ordered = RULES[rule], rows.sort(nulls_last=True)
    count = f"{what} in {len(rows):,} of {total:,} {'row' if total == 1 else 'rows'} ({_name_rows(ordered)})."
    listed = f"Allowed: {allowed}." if allowed else ""
    return [
        Finding(
            table=table,
            rule=rule,
            severity=entry.severity,
            message=" ".join(part for part in (f"{table}: {count}", listed, entry.advice) if part),
            row=ordered[0],
            column=column or entry.column,
            rows=len(rows),
        )
    ]


def collect_findings(findings: Iterable[Finding]) -> pl.DataFrame:
    """Return the findings as one table with the columns of `FINDING_SCHEMA`, errors first.

    Examples
    --------
    >>> collect_findings([note("support", "no_support_table", "no table was given")])["severity"].to_list()
    ['info']
    """
    return _sort(pl.DataFrame([asdict(finding) for finding in findings], schema=FINDING_SCHEMA))


def merge_findings(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Return the findings of both tables without repeats, errors first."""
    return _sort(pl.concat([first, second]).unique(maintain_order=True))


# These compare a whole column with what is usual or with itself, or say that a whole table is empty: a part
# of a cohort cannot know.
OF_WHOLE_COHORTS = (
    *("suspected_unit", "unusual_value", "patient_id_blanks", "patient_id_near"),
    *("empty_labs", "empty_table"),
)


def leave_out(findings: pl.DataFrame, rules: Iterable[str]) -> pl.DataFrame:
    """Return the findings without those of some rules: those that the question asked does not touch."""
    return findings.filter(~pl.col("rule").is_in(list(rules)))


def _sort(findings: pl.DataFrame) -> pl.DataFrame:
    rank = pl.col("severity").replace_strict(
        {name: place for place, name in enumerate(_SEVERITIES)}, return_dtype=pl.UInt8
    )
    return findings.sort(rank, maintain_order=True)


def _name_rows(rows: pl.Series) -> str:
    shown = ", ".join(str(row) for row in rows.head(SHOWN_ROWS))
    return f"{'row' if len(rows) == 1 else 'rows'} {shown}{', ...' if len(rows) > SHOWN_ROWS else ''}"
