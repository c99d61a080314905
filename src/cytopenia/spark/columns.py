"""What is taken to the cluster, and what comes back: columns of the tables, and of the rows of a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from cytopenia.contract import FINDING_SCHEMA, TABLES
from cytopenia.grading.day_account import ACCOUNT_SCHEMA
from cytopenia.grading.outcome_rows import EVIDENCE_SCHEMA, OUTCOME_SCHEMA
from cytopenia.study.protocol import Study

__all__ = [
    "DATES",
    "KEY",
    "NUMBERS",
    "PART",
    "PARTS",
    "ROW_SCHEMA",
    "TABLE",
    "TAKEN",
    "TEXTS",
    "WHOLE",
    "Question",
]

# Rows with one key are of one patient, but for two patients that share it by chance.
KEY, TABLE = "_key", "_table"
PART = "part"

TEXTS = ("patient_id", "analyte", "unit", "invalid", "kind", "agent", "time")
WHOLE = ("day", "minute", "start", "stop", "lymphodepletion_day", "source_row")
DATES = ("date", "infusion_date", "lymphodepletion_date", "start_date", "stop_date")
NUMBERS = ("value", "lln", "uln", "baseline")

# No outcome rests on any other column.
TAKEN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        name: tuple(column for column in TABLES[name].inputs if column in {*TEXTS, *WHOLE, *DATES, *NUMBERS})
        for name in ("labs", "infusions", "support", "events")
    }
    | {"patients": ("patient_id", "source_row")}
)


def _without_unsigned(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Spark has no unsigned numbers, and more rows than 32 bits can count."""
    return {name: pl.Int64 if dtype == pl.UInt32 else dtype for name, dtype in schema.items()}


PARTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "outcomes": _without_unsigned(OUTCOME_SCHEMA),
        "evidence": _without_unsigned(EVIDENCE_SCHEMA),
        "account": _without_unsigned(ACCOUNT_SCHEMA),
        "findings": _without_unsigned(FINDING_SCHEMA),
    }
)

# All parts as one table: a column that a part does not have is blank in its rows.
ROW_SCHEMA: Mapping[str, Any] = MappingProxyType(
    {PART: pl.String} | {name: dtype for schema in PARTS.values() for name, dtype in schema.items()}
)


@dataclass(frozen=True)
class Question:
    """What every worker is asked.

    Attributes
    ----------
    study : Study
        Its `[data]` says how texts and days are read.
    columns : mapping of table to columns
        The tables that were given, with the columns that are looked at.
    parts : tuple of str
        The names of `PARTS` that are wanted.
    has_percents : bool
        See `TextFormat`.
    """

    study: Study
    columns: Mapping[str, tuple[str, ...]]
    parts: tuple[str, ...]
    has_percents: bool = False
