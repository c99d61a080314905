"""How good the data of a study are, as small tables of numbers: what `check` finds and its page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from cytopenia.contract.findings import FINDING_SCHEMA
from cytopenia.contract.schemas import LAB_ACCOUNT_SCHEMA

__all__ = ["COVERAGE_STATES", "QUALITY_SCHEMAS", "DataQuality", "Reading"]

COVERAGE_STATES = ("measured", "short_gap", "open", "not_at_risk")

_COUNT = pl.UInt32
_DAYS = dict.fromkeys(("at_risk", "measured", "short_gap", "open"), _COUNT)
_PERCENTS = dict.fromkeys(("percent_measured", "percent_short_gap", "percent_open"), pl.Float64)
_WINDOW = {"analyte": pl.String, "first_day": pl.Int32, "last_day": pl.Int32}

QUALITY_SCHEMAS: Mapping[str, dict[str, Any]] = {
    "findings": FINDING_SCHEMA,
    "tables": {"table": pl.String, "rows": _COUNT, "patients": _COUNT},
    "account": dict(LAB_ACCOUNT_SCHEMA),
    "moments": {"analyte": pl.String, "conflicts": _COUNT, "several": _COUNT},
    "censored": {"analyte": pl.String, "comparator": pl.String, "limit": pl.Float64, "rows": _COUNT},
    "spread": {
        "analyte": pl.String,
        "is_log": pl.Boolean,
        "low": pl.Float64,
        "high": pl.Float64,
        "judged": _COUNT,
        "implausible": _COUNT,
    },
    "cuts": {"analyte": pl.String, "cut": pl.Float64, "label": pl.String},
    "limits": {
        "analyte": pl.String,
        "name": pl.String,
        "limit": pl.Float64,
        "rows": _COUNT,
        "patients": _COUNT,
    },
    "covered": {
        "analyte": pl.String,
        **_DAYS,
        **_PERCENTS,
        "patients": _COUNT,
        "patients_unmeasured": _COUNT,
    },
    "covered_days": {"analyte": pl.String, "day": pl.Int32, **_DAYS, **_PERCENTS},
    "covered_weeks": {**_WINDOW, **_DAYS, **_PERCENTS},
    "covered_patients": {"place": _COUNT, "patient_id": pl.String, "analyte": pl.String, **_DAYS},
    "patient_days": {"place": _COUNT, "analyte": pl.String, "day": pl.Int32, "state": pl.String},
    "group_weeks": {
        "place": _COUNT,
        "patients": _COUNT,
        "analyte": pl.String,
        "first_day": pl.Int32,
        "last_day": pl.Int32,
        "at_risk": _COUNT,
        "measured": _COUNT,
        "percent_measured": pl.Float64,
    },
    "weekdays": {
        "analyte": pl.String,
        "weekday": pl.Int8,
        "at_risk": _COUNT,
        "measured": _COUNT,
        "percent_measured": pl.Float64,
    },
    "windows": {
        **_WINDOW,
        "outcomes": pl.String,
        "patients": _COUNT,
        **dict.fromkeys(("measured", "bounded", "filled", "open", "not_followed", "over", "days"), _COUNT),
        "percent_measured": pl.Float64,
        **dict.fromkeys(("patients_open", "patients_unmeasured"), _COUNT),
    },
    "outcomes": {
        "outcome": pl.String,
        "title": pl.String,
        **dict.fromkeys(("patients", "decided", "may_differ", "not_judged"), _COUNT),
    },
    "ends": {"reason": pl.String, "patients": _COUNT, "last_value": pl.Float64},
    "follow_up": dict.fromkeys(("patients", "q1", "median", "q3"), pl.Float64),
    "support": {
        "kind": pl.String,
        **dict.fromkeys(("rows", "patients", "without_stop", "before_day_0", "after_last_day"), _COUNT),
    },
    "events": {
        "kind": pl.String,
        **dict.fromkeys(("rows", "patients", "before_day_0", "after_last_day"), _COUNT),
    },
    "facts": {"fact": pl.String, "patients": _COUNT, "of": _COUNT},
}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What became of the rows of the files; the columns are those of `QUALITY_SCHEMAS`.

    Attributes
    ----------
    findings : DataFrame
    tables : DataFrame
        Rows and patients of each table as it is used.
    account : DataFrame
        What became of the laboratory rows, by analyte, printed unit and state.
    """

    findings: pl.DataFrame
    tables: pl.DataFrame
    account: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class DataQuality(Reading):
    """What is known of the data before anything is graded; the columns are those of `QUALITY_SCHEMAS`.

    Attributes
    ----------
    first_day, last_day : int
        The days that coverage is told of.
    has_days : bool
        Some patient has a course: an infusion, or days that count from one.
    has_support : bool
        A table of support was given.
    hindrance : str
        Why the outcomes of the study could not be worked out: `windows` and `outcomes` have no rows then.
        Empty where nothing hindered it.
    findings, tables, account : DataFrame
        As in `Reading`.
    moments : DataFrame
        Draws of one minute with different values, and days with several values, of which the lowest counts.
    censored : DataFrame
        Values printed as a limit: how many rows have which.
    spread : DataFrame
        How the values lie in the canonical unit: bins in equal steps, of the logarithm where `is_log`. A bin
        whose ends are both 0 holds the zeros.
    cuts : DataFrame
        The fixed cuts of the grades that the study asks for.
    limits : DataFrame
        Rows by limit of normal, `name` is "lln" or "uln"; a null limit counts the rows without one.
    covered, covered_days, covered_weeks, covered_patients : DataFrame
        Patient-days by state: of all days, of each day, of each week counted from day 0, and of each patient.
        Percents are of the days at risk; null where there are none. `place` orders the patients by coverage.
    patient_days : DataFrame
        The state of each day of each patient, where the cohort is small enough to be drawn.
    group_weeks : DataFrame
        Else patient-days of groups of patients with neighboring places, by week.
    weekdays : DataFrame
        Patient-days by day of the week (1 is Monday), of patients with a date of infusion.
    windows : DataFrame
        Patient-days of each analyte and window that an outcome looks at: `bounded` by white cells, `filled`
        between close measurements, `open`, `not_followed` (after the last contact or discharge, no value),
        `over` (after death or a second infusion); `days` are all but those. Patients with a day that nobody
        saw, and those at risk without any value.
    outcomes : DataFrame
        Patients whose answer is certain, can be another, or cannot be told.
    ends : DataFrame
        Until when patients have counts, and what explains that there are none.
    follow_up : DataFrame
        Days that are known beyond the last window.
    support, events : DataFrame
        Rows by kind, and which lie outside the days.
    facts : DataFrame
        Patients with what else a reader should know.
    """

    first_day: int
    last_day: int
    has_days: bool
    has_support: bool
    hindrance: str
    moments: pl.DataFrame
    censored: pl.DataFrame
    spread: pl.DataFrame
    cuts: pl.DataFrame
    limits: pl.DataFrame
    covered: pl.DataFrame
    covered_days: pl.DataFrame
    covered_weeks: pl.DataFrame
    covered_patients: pl.DataFrame
    patient_days: pl.DataFrame
    group_weeks: pl.DataFrame
    weekdays: pl.DataFrame
    windows: pl.DataFrame
    outcomes: pl.DataFrame
    ends: pl.DataFrame
    follow_up: pl.DataFrame
    support: pl.DataFrame
    events: pl.DataFrame
    facts: pl.DataFrame
