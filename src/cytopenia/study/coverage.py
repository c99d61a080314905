"""Which days of which patients were measured, and which nobody can see: patient-days by state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.contract import Tables
from cytopenia.contract.data_quality import COVERAGE_STATES, QUALITY_SCHEMAS
from cytopenia.grading.day_grid import Courses, index_labs, lay_out_courses, lay_out_labs
from cytopenia.grading.runs import inside_short_gap

__all__ = [
    "MOST_DRAWN",
    "Coverage",
    "count_all_days",
    "count_days",
    "count_ends",
    "count_follow_up",
    "count_groups",
    "count_patients",
    "count_weekdays",
    "count_weeks",
    "cover_days",
    "frame_days",
]

# A map of more patients than this cannot be read, and would make a large file.
MOST_DRAWN = 200
_GROUPS = 60
_WEEK = 7
_PERCENT = "percent_"
_MEASURED, _SHORT_GAP, _OPEN, _NOT_AT_RISK = range(len(COVERAGE_STATES))

Codes = NDArray[np.int8]
Days = NDArray[np.float64]


@dataclass(frozen=True)
class Coverage:
    """The state of every day of every patient, by analyte; patients in the order of their coverage.

    Attributes
    ----------
    courses : Courses
    first_day : int
    codes : mapping of analyte to (patients, days) int
        Places in `COVERAGE_STATES`, patients as in `courses`.
    order : (patients,) int
        Places in `courses`, best covered first; ties by id.
    last_value : (patients,) float
        Last day with a value of any of the analytes, of all days; NaN where there is none.
    """

    courses: Courses
    first_day: int
    codes: Mapping[str, Codes]
    order: NDArray[np.int64]
    last_value: Days

    @property
    def days(self) -> NDArray[np.int64]:
        """The days, in order."""
        width = next(iter(self.codes.values())).shape[1]
        return np.arange(self.first_day, self.first_day + width, dtype=np.int64)


def cover_days(
    tables: Tables, analytes: Sequence[str], *, days: tuple[int, int], longest_gap: int
) -> Coverage:
    """Return the state of every day from the first to the last of `days`.

    A day is measured, or in a short gap between two measurements at most `longest_gap` days apart, or open,
    or not at risk: after death, or from a second infusion on.
    """
    courses = lay_out_courses(tables)
    labs = index_labs(tables.labs, courses)
    codes = {name: _code_days(labs, courses, name, days=days, longest_gap=longest_gap) for name in analytes}
    at_risk = sum((part != _NOT_AT_RISK).sum(axis=1) for part in codes.values())
    measured = sum((part == _MEASURED).sum(axis=1) for part in codes.values())
    share = measured / np.maximum(at_risk, 1)
    # The patients are sorted by id, and a stable sort keeps ties so.
    order = np.argsort(-share, kind="stable")
    return Coverage(courses, days[0], codes, order, _find_last_value(labs, courses, analytes))


def _code_days(
    labs: Mapping[str, pl.DataFrame],
    courses: Courses,
    analyte: str,
    *,
    days: tuple[int, int],
    longest_gap: int,
) -> Codes:
    first, last = days[0] - longest_gap, days[1] + longest_gap
    grid = lay_out_labs(labs, courses, analyte=analyte, first_day=first, last_day=last)
    short_gap = inside_short_gap(grid.measured, longest_gap)
    states = [grid.measured, ~grid.at_risk, short_gap]
    codes = np.select(states, [_MEASURED, _NOT_AT_RISK, _SHORT_GAP], _OPEN).astype(np.int8)
    return codes[:, longest_gap : codes.shape[1] - longest_gap]


def _find_last_value(labs: Mapping[str, pl.DataFrame], courses: Courses, analytes: Sequence[str]) -> Days:
    last = np.full(len(courses), np.nan)
    for rows in (labs[name] for name in analytes if name in labs):
        np.fmax.at(last, rows["patient"].to_numpy(), rows["day"].cast(pl.Float64).to_numpy())
    return last


def count_days(coverage: Coverage) -> pl.DataFrame:
    """Return the patients in each state on each day."""
    frames = [
        pl.DataFrame({"analyte": name, "day": coverage.days, **_count_states(codes, axis=0)})
        for name, codes in coverage.codes.items()
    ]
    return _gather(frames, "covered_days")


def count_weeks(covered_days: pl.DataFrame) -> pl.DataFrame:
    """Return the patient-days of each week in each state; the first and the last week may be cut short."""
    weeks = covered_days.group_by("analyte", pl.col("day").floordiv(_WEEK).alias("week"), maintain_order=True)
    days = [pl.col("day").min().alias("first_day"), pl.col("day").max().alias("last_day")]
    return _gather([weeks.agg(*days, pl.col("at_risk", *COVERAGE_STATES[:3]).sum())], "covered_weeks")


def count_all_days(covered_patients: pl.DataFrame) -> pl.DataFrame:
    """Return the patient-days of all patients in each state, and the patients without any measured day."""
    counted = covered_patients.group_by("analyte", maintain_order=True).agg(
        pl.col("at_risk", *COVERAGE_STATES[:3]).sum(),
        patients=pl.len(),
        patients_unmeasured=(pl.col("measured") == 0).sum(),
    )
    return _gather([counted], "covered")


def count_patients(coverage: Coverage) -> pl.DataFrame:
    """Return the days of each patient in each state, best covered patients first."""
    ids = coverage.courses.patient_id.gather(coverage.order)
    frames = [
        pl.DataFrame(
            {
                "place": np.arange(1, len(ids) + 1),
                "patient_id": ids,
                "analyte": name,
                **_count_states(codes[coverage.order], axis=1),
            }
        )
        for name, codes in coverage.codes.items()
    ]
    return _gather(frames, "covered_patients")


def _count_states(codes: Codes, *, axis: int) -> dict[str, NDArray[np.int64]]:
    counts = {name: (codes == code).sum(axis=axis) for code, name in enumerate(COVERAGE_STATES)}
    return {"at_risk": codes.shape[axis] - counts["not_at_risk"], **counts}


def frame_days(coverage: Coverage) -> pl.DataFrame:
    """Return the state of each day at risk of each patient; no rows where there are too many to be drawn."""
    patients = len(coverage.courses)
    if patients > MOST_DRAWN:
        return pl.DataFrame(schema=QUALITY_SCHEMAS["patient_days"])
    days = coverage.days
    frames = [
        pl.DataFrame(
            {
                "place": np.repeat(np.arange(1, patients + 1), days.size),
                "analyte": name,
                "day": np.tile(days, patients),
                "state": pl.Series(COVERAGE_STATES).gather(codes[coverage.order].ravel()),
            }
        ).filter(pl.col("state") != "not_at_risk")
        for name, codes in coverage.codes.items()
    ]
    return _gather(frames, "patient_days")


def count_groups(coverage: Coverage) -> pl.DataFrame:
    """Return patient-days by week of groups of patients alike in coverage, of a cohort too large for a map.

    Weeks count from day 0; the first and the last may be cut short.
    """
    patients = len(coverage.courses)
    if patients <= MOST_DRAWN:
        return pl.DataFrame(schema=QUALITY_SCHEMAS["group_weeks"])
    group = np.arange(patients) * _GROUPS // patients
    weeks = coverage.days // _WEEK
    starts = np.unique(weeks, return_index=True)[1]
    ends = np.append(starts[1:], weeks.size)
    sizes = np.bincount(group)
    frames: list[pl.DataFrame] = []
    for name, codes in coverage.codes.items():
        ordered = codes[coverage.order]
        sums = {
            key: np.add.reduceat(np.add.reduceat(marks.astype(np.int64), starts, axis=1), _first_of(group))
            for key, marks in (("at_risk", ordered != _NOT_AT_RISK), ("measured", ordered == _MEASURED))
        }
        frames.append(
            pl.DataFrame(
                {
                    "place": np.repeat(np.arange(1, _GROUPS + 1), starts.size),
                    "patients": np.repeat(sizes, starts.size),
                    "analyte": name,
                    "first_day": np.tile(coverage.days[starts], _GROUPS),
                    "last_day": np.tile(coverage.days[ends - 1], _GROUPS),
                    **{key: counts.ravel() for key, counts in sums.items()},
                }
            )
        )
    return _gather(frames, "group_weeks")


def _first_of(group: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(group, return_index=True)[1]


def count_weekdays(coverage: Coverage, infusions: pl.DataFrame) -> pl.DataFrame:
    """Return patient-days by day of the week, of patients whose infusion has a date; no rows without any."""
    dates = infusions.filter(pl.col("day") == 0).unique("patient_id", keep="first")
    known = pl.DataFrame({"patient_id": coverage.courses.patient_id}).join(
        dates.select("patient_id", weekday=pl.col("infusion_date").dt.weekday()),
        on="patient_id",
        how="left",
        maintain_order="left",
    )
    start = known["weekday"].cast(pl.Float64).to_numpy()
    dated = ~np.isnan(start)
    if not dated.any():
        return pl.DataFrame(schema=QUALITY_SCHEMAS["weekdays"])
    weekday = (start[dated, None].astype(np.int64) - 1 + coverage.days[None, :]) % _WEEK
    rows = [
        (
            name,
            day + 1,
            int(((weekday == day) & (codes[dated] != _NOT_AT_RISK)).sum()),
            int(((weekday == day) & (codes[dated] == _MEASURED)).sum()),
        )
        for name, codes in coverage.codes.items()
        for day in range(_WEEK)
    ]
    counted = pl.DataFrame(rows, schema=["analyte", "weekday", "at_risk", "measured"], orient="row")
    return _gather([counted], "weekdays")


def count_ends(coverage: Coverage, last_day: int) -> pl.DataFrame:
    """Return until when patients have counts, seen from the last day that an outcome looks at.

    Every patient is counted once, under the first reason that fits.
    """
    courses, last = coverage.courses, coverage.last_value
    reasons = {
        "counts to the end": last >= last_day,
        "died": courses.death_day <= last_day,
        "second infusion": courses.second_infusion_day <= last_day,
        "no count from day 0 on": ~(last >= 0),
        "last contact before the end": courses.last_contact_day < last_day,
    }
    left = np.ones(len(courses), dtype=np.bool_)
    rows: list[tuple[str, int, float | None]] = []
    for reason, fits in {**reasons, "counts end early, nothing explains it": left.copy()}.items():
        found = left & fits
        left &= ~fits
        days = last[found & ~np.isnan(last)]
        rows.append((reason, int(found.sum()), float(np.median(days)) if days.size else None))
    return pl.DataFrame(rows, schema=QUALITY_SCHEMAS["ends"], orient="row")


def count_follow_up(coverage: Coverage, last_day: int) -> pl.DataFrame:
    """Return median and quartiles of the days known beyond the last day, of those alive on it.

    A patient is known until death, last contact or the last count, whichever is the latest.
    """
    courses = coverage.courses
    known = np.fmax(np.fmax(courses.death_day, courses.last_contact_day), coverage.last_value)
    beyond = known[known > last_day] - last_day
    numbers = [float(q) for q in np.quantile(beyond, (0.25, 0.5, 0.75))] if beyond.size else [None] * 3
    return pl.DataFrame([(float(beyond.size), *numbers)], schema=QUALITY_SCHEMAS["follow_up"], orient="row")


def _gather(frames: Sequence[pl.DataFrame], name: str) -> pl.DataFrame:
    schema = QUALITY_SCHEMAS[name]
    percents = [column for column in schema if column.startswith(_PERCENT)]
    told = [_add_percents(frame, percents) for frame in frames]
    shaped = [frame.select(pl.col(column).cast(dtype) for column, dtype in schema.items()) for frame in told]
    return pl.concat([pl.DataFrame(schema=schema), *shaped])


def _add_percents(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Columns that say which part of the days at risk was in a state; null where no day was at risk."""
    part = pl.when(pl.col("at_risk") > 0)
    return frame.with_columns(
        part.then(100 * pl.col(name.removeprefix(_PERCENT)) / pl.col("at_risk")).alias(name) for name in names
    )
