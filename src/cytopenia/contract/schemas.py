"""The six tables as data: which columns a file may give, which columns the package works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import polars as pl

__all__ = [
    "EVENT_KINDS",
    "LAB_ACCOUNT_SCHEMA",
    "RESPONSES",
    "SUPPORT_KINDS",
    "TABLES",
    "ColumnRule",
    "Extraction",
    "TableRule",
    "Tables",
    "TextFormat",
    "empty_table",
]

SUPPORT_KINDS = ("gcsf", "rbc_transfusion", "platelet_transfusion", "tpo_ra", "stem_cell_boost")
EVENT_KINDS = (
    "crs",
    "icans",
    "infection",
    "progression",
    "next_therapy",
    "admission",
    "discharge",
    "death",
    "last_contact",
)
RESPONSES = ("CR", "PR", "SD", "PD", "NE")


@dataclass(frozen=True, kw_only=True)
class ColumnRule:
    """One column: its type after reading, whether a file must give it, and what it means.

    `role` is "both", "input" (a file may give it, the package replaces it) or "output" (made by the package).
    An output column that is not `always` there appears only when the file gives it.
    """

    name: str
    dtype: Any
    description: str
    required: bool = False
    role: str = "both"
    always: bool = True
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableRule:
    """One table of the contract; at least one column of each group in `one_of` must be given."""

    name: str
    description: str
    columns: tuple[ColumnRule, ...]
    one_of: tuple[tuple[str, ...], ...] = ()

    @property
    def outputs(self) -> tuple[ColumnRule, ...]:
        """The columns that a prepared table always has, in order."""
        return tuple(column for column in self.columns if column.role != "input" and column.always)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The column names that a file may give."""
        return tuple(column.name for column in self.columns if column.role != "output")


@dataclass(frozen=True)
class TextFormat:
    """How text is written: `decimal` is "auto", "." or ","; `date_format` as strftime has it.

    `time_zone` is where the patients are ("Europe/Berlin"); without it no offset moves a day.
    `has_percents` says of a part of a table that the whole shows percentages of neutrophils above 1.
    """

    decimal: str = "auto"
    date_format: str | None = None
    time_zone: str | None = None
    has_percents: bool = False


LAB_ACCOUNT_SCHEMA: Mapping[str, Any] = MappingProxyType(
    {
        "analyte": pl.String,
        "printed": pl.String,
        "state": pl.String,
        "rows": pl.UInt32,
        "repeats": pl.UInt32,
        "median": pl.Float64,
    }
)


@dataclass(frozen=True)
class Extraction:
    """One query that a database answered: for which table, in which dialect, how many rows came back."""

    table: str
    dialect: str
    sql: str
    rows: int


@dataclass(frozen=True)
class Tables:
    """The six prepared tables, what was found in them, and whether a support table was given at all.

    `lab_account` says what became of the laboratory rows that were read, by analyte, printed unit and state;
    tables that were made without reading have none.
    `extractions` are the queries behind the tables where a database was read, in their order.
    """

    patients: pl.DataFrame
    infusions: pl.DataFrame
    labs: pl.DataFrame
    support: pl.DataFrame
    events: pl.DataFrame
    responses: pl.DataFrame
    findings: pl.DataFrame
    has_support: bool
    lab_account: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(LAB_ACCOUNT_SCHEMA)))
    extractions: tuple[Extraction, ...] = ()


def _column(name: str, dtype: Any, description: str, **rules: Any) -> ColumnRule:
    return ColumnRule(name=name, dtype=dtype, description=description, **rules)


_ID = _column("patient_id", pl.String, "the patient, as text without blanks around it", required=True)
_DAY = _column("day", pl.Int32, "days since the first infusion (day 0), by the local calendar")
_DATE = _column("date", pl.Date, "date, or date and time, instead of day", role="input")
_ROW = _column("source_row", pl.UInt32, "row of the source file as a spreadsheet numbers it (header = 1)")
_DAY_OR_DATE = (("day", "date"),)

_PATIENTS = TableRule(
    "patients",
    "one row per patient; any further column is a candidate factor",
    (
        _ID,
        _column("age_years", pl.Float64, "age at infusion in years", always=False),
        _column("sex", pl.String, "sex", always=False),
        _column("diagnosis", pl.String, "disease treated", always=False),
        _column("stage", pl.String, "stage of the disease", always=False),
        _column("ecog", pl.Float64, "ECOG performance status", always=False),
        _column("prior_lines", pl.Float64, "number of earlier lines of therapy", always=False),
        _column("prior_hsct", pl.String, "earlier stem cell transplantation", always=False),
        _column("marrow_involvement", pl.String, "bone marrow involved", always=False),
        _column("bridging", pl.String, "bridging therapy", always=False),
    ),
)

_INFUSIONS = TableRule(
    "infusions",
    "one row per infusion; the first of a patient is day 0",
    (
        _ID,
        _column("day", pl.Int32, "0 for the first infusion, later days for further ones"),
        _column("infusion_date", pl.Date, "date of the infusion"),
        _column(
            "lymphodepletion_day", pl.Int32, "first day of lymphodepletion (negative: before the infusion)"
        ),
        _column("lymphodepletion_date", pl.Date, "date instead of lymphodepletion_day", role="input"),
        _column("product", pl.String, "product", always=False),
        _column("target", pl.String, "target antigen", always=False),
        _column("costimulation", pl.String, "costimulatory domain", always=False),
        _column("dose_1e6_per_kg", pl.Float64, "dose in 1e6 cells per kg", always=False),
    ),
    (("infusion_date", "day"),),
)

_LABS = TableRule(
    "labs",
    "one row per laboratory value",
    (
        _ID,
        _DAY,
        _DATE,
        _column("time", pl.Time, "time of the draw, if the date has none", role="input"),
        _column("minute", pl.Int32, "minutes after midnight of a timed draw"),
        _column("analyte", pl.String, "name of the analyte; every listed name is understood", required=True),
        _column("value", pl.Float64, 'the printed value: 0.35, "0,35", "<0.1", ">2000"', required=True),
        _column(
            "comparator",
            pl.String,
            "how the value is meant",
            role="output",
            allowed=("=", "<", "<=", ">", ">="),
        ),
        _column(
            "unit",
            pl.String,
            "unit of value, lln, uln and baseline; the canonical unit after reading",
            required=True,
        ),
        _column("lln", pl.Float64, "lower limit of normal"),
        _column("uln", pl.Float64, "upper limit of normal"),
        _column(
            "baseline",
            pl.Float64,
            "the patient's value before treatment, for grading single rows relative to it",
            always=False,
        ),
        _column(
            "system",
            pl.String,
            "the system a row comes from (laboratory, intensive care), if there are several",
            role="input",
        ),
        _column("invalid", pl.String, "why the value must not be judged (clumping, diluted ...)"),
        _ROW,
        _column(
            "origin",
            pl.String,
            "how a value came about that no row of the file has",
            role="output",
            always=False,
        ),
    ),
    _DAY_OR_DATE,
)

_SUPPORT = TableRule(
    "support",
    "one row per course of growth factor, transfusion or boost",
    (
        _ID,
        _column("start", pl.Int32, "first day, or date"),
        _column("start_date", pl.Date, "date instead of start", role="input"),
        _column("stop", pl.Int32, "last day, or date"),
        _column("stop_date", pl.Date, "date instead of stop", role="input"),
        _column("kind", pl.String, "what was given", required=True, allowed=SUPPORT_KINDS),
        _column("agent", pl.String, "name of the drug or product"),
        _ROW,
    ),
    (("start", "start_date"),),
)

_EVENTS = TableRule(
    "events",
    "one row per clinical event",
    (
        _ID,
        _DAY,
        _DATE,
        _column("kind", pl.String, "what happened", required=True, allowed=EVENT_KINDS),
        _column("grade", pl.Float64, "grade of the event"),
        _column("scale", pl.String, "grading scale"),
        _ROW,
    ),
    _DAY_OR_DATE,
)

_RESPONSES = TableRule(
    "responses",
    "one row per response assessment",
    (_ID, _DAY, _DATE, _column("response", pl.String, "response", required=True, allowed=RESPONSES), _ROW),
    _DAY_OR_DATE,
)

TABLES: Mapping[str, TableRule] = MappingProxyType(
    {table.name: table for table in (_PATIENTS, _INFUSIONS, _LABS, _SUPPORT, _EVENTS, _RESPONSES)}
)


def empty_table(name: str) -> pl.DataFrame:
    """Return the table of that name with its columns and no rows.

    Examples
    --------
    >>> empty_table("responses").columns
    ['patient_id', 'day', 'response', 'source_row']
    """
    return pl.DataFrame(schema={column.name: column.dtype for column in TABLES[name].outputs})
