"""Febrile neutropenia of courses: readings of the temperature by the minute, a count of the day.

A day has febrile neutropenia for certain, possibly, or not. A day without a reading, or without a count on it
or the day before, is not judged unless the other of the two already says no. A day with neither was not
looked at: as for grades of a course it is open, enters nothing, and is counted beside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import FeverDefinition
from cytopenia.grading.cuts import is_met
from cytopenia.grading.day_grid import DayGrid
from cytopenia.grading.outcome_rows import NO_DAY, EvidenceRows, OutcomeRows
from cytopenia.grading.runs import any_marked, find_longest_run, first_marked, last_marked
from cytopenia.grading.temperatures import Readings, judge_readings
from cytopenia.units import convert_value

__all__ = [
    "FEVER_REASONS",
    "FEVER_RULES",
    "CountDays",
    "derive_fever",
    "judge_counts",
]

Marks = NDArray[np.bool_]
Places = NDArray[np.int64]

FEVER_RULES = ("a single temperature", "a sustained temperature")
FEVER_REASONS = (
    "",
    "no temperature in the window",
    "fever without a neutrophil count on the day or before it",
    "a temperature that may have lasted, without the readings that decide",
    "days without a temperature",
    "the reported values do not decide",
    "not at risk in the window",
)
_NO_READING, _NO_COUNT, _MAY_HAVE_LASTED, _DAYS_WITHOUT, _UNDECIDED_VALUE, _NOT_AT_RISK = range(1, 7)


@dataclass(frozen=True, kw_only=True)
class CountDays:
    """The count that holds for each day: low for certain, possibly low, and where it comes from.

    `days_before` is 0 for a count of the same day, -1 where no count holds; `by_cap` marks counts that are
    known only through the cap.
    """

    certain: Marks
    possible: Marks
    days_before: Places
    by_cap: Marks


def judge_counts(grid: DayGrid, definition: FeverDefinition, *, days: range) -> CountDays:
    """Return the count that holds for each day: that of the day, else of the nearest day before within reach.

    A day without a count on which the cap alone is low enough has a low count; any other cap says nothing.
    """
    rule = definition.count
    cut = convert_value(rule.cut, analyte=rule.analyte, unit=rule.unit)
    is_low = is_met(grid.high, rule.comparator, cut) & grid.measured
    may_be_low = is_met(grid.low, rule.comparator, cut) & grid.measured
    by_cap = np.zeros_like(is_low)
    if grid.cap is not None:
        by_cap = ~grid.measured & is_met(grid.cap, rule.comparator, cut)
    shape = (is_low.shape[0], len(days))
    certain, possible = np.zeros(shape, dtype=np.bool_), np.ones(shape, dtype=np.bool_)
    source, capped = np.full(shape, -1, dtype=np.int64), np.zeros(shape, dtype=np.bool_)
    for before in range(definition.counting.count_days_before + 1):
        offset = days.start - before - grid.first_day
        part = slice(offset, offset + len(days))
        is_new = (grid.measured | by_cap)[:, part] & (source < 0)
        certain = np.where(is_new, (is_low | by_cap)[:, part], certain)
        possible = np.where(is_new, (may_be_low | by_cap)[:, part], possible)
        capped = np.where(is_new, by_cap[:, part], capped)
        source = np.where(is_new, before, source)
    return CountDays(certain=certain, possible=possible, days_before=source, by_cap=capped)


@dataclass(frozen=True, kw_only=True)
class _Days:
    """What the readings and the counts of each day say together, from `first_day` on.

    `possible` are days that were looked at; `not_looked_at` have neither a reading nor a count, `excluded` a
    count of their own that says no, without a reading. `has_no_days` marks patients none of whose days are
    asked about.
    """

    first_day: int
    measured: Marks
    fever: Marks
    certain: Marks
    possible: Marks
    not_looked_at: Marks
    excluded: Marks
    at_risk: Marks
    has_no_days: Marks

    def within_readings(self) -> _Days:
        """Return the days from each patient's first to last reading; `has_no_days` marks who has none."""
        begun = np.logical_or.accumulate(self.measured, axis=1)
        not_ended = np.logical_or.accumulate(self.measured[:, ::-1], axis=1)[:, ::-1]
        kept = begun & not_ended
        return replace(
            self,
            certain=self.certain & kept,
            possible=self.possible & kept,
            not_looked_at=self.not_looked_at & kept,
            excluded=self.excluded & kept,
            at_risk=self.at_risk & kept,
            has_no_days=~any_marked(self.measured),
        )

    @property
    def open(self) -> Marks:
        """Days that do not say whether they had it."""
        return (self.possible & ~self.certain) | self.not_looked_at

    @property
    def is_excluded(self) -> Marks:
        """Whether no day that was looked at can have had it; without any reading every day must say so."""
        is_seen = any_marked(self.measured) | ~any_marked(self.not_looked_at)
        return any_marked(self.at_risk) & is_seen & ~any_marked(self.possible)


def derive_fever(
    definition: FeverDefinition,
    rows: pl.DataFrame,
    grid: DayGrid,
    *,
    window: tuple[int, int],
    own_days: bool = False,
    judge_open_days: bool = False,
) -> tuple[OutcomeRows, dict[str, EvidenceRows]]:
    """Return febrile neutropenia of each patient in a window, and its evidence by analyte.

    Parameters
    ----------
    definition : FeverDefinition
    rows : DataFrame
        The readings of the temperature; see `judge_readings`.
    grid : DayGrid
        The counts; it reaches before the window as far as the definition looks back.
    window : (int, int)
    own_days : bool
        Look at each patient's own part of the window only, from the first to the last day with a reading.
        Who has none is not judged.
    judge_open_days : bool
        Let `worst` take days with neither a reading nor a count as days with it.

    Returns
    -------
    OutcomeRows
        `policy` is the grade if any day has it for certain, 0 if no day at risk that was looked at can have
        had it, else none. `best` and `worst` take the days that are not judged as without and with it. Days
        with neither a reading nor a count enter nothing and are counted in `days_open`; without any reading
        in the window they leave the patient not judged. Who is at risk on no day has none of the three.
    """
    days = range(window[0], window[1] + 1)
    near = rows.filter(pl.col("day").is_between(window[0] - 1, window[1] + 1))
    readings = judge_readings(near, definition)
    counts = judge_counts(grid, definition, days=days)
    found = _join_days(readings, counts, grid, days)
    found = found.within_readings() if own_days else found
    is_certain, is_excluded = any_marked(found.certain), found.is_excluded
    is_at_risk = any_marked(found.at_risk) | found.has_no_days
    is_none_worst = is_excluded & ~any_marked(found.not_looked_at) if judge_open_days else is_excluded
    grade = float(definition.grade)
    first = first_marked(found.certain, otherwise=NO_DAY)
    last = last_marked(found.certain, otherwise=NO_DAY)
    single = readings.on_days(readings.single, patients=grid.low.shape[0], days=days)
    rule = np.where(any_marked(single & found.certain), 0, 1)
    outcome = OutcomeRows(
        policy=np.select([is_certain, is_excluded], [grade, 0.0], np.nan),
        best=np.where(is_at_risk, np.where(is_certain, grade, 0.0), np.nan),
        worst=np.where(is_at_risk, np.where(is_none_worst, 0.0, grade), np.nan),
        evidence=np.where(is_certain | ~(any_marked(found.open) | found.has_no_days), 0, 2).astype(np.int8),
        reason=_explain(found, counts, is_judged=is_certain | is_excluded),
        rule=np.where(is_certain, rule, -1).astype(np.int8),
        label=np.full(is_certain.size, -1, dtype=np.int8),
        first_day=np.where(first == NO_DAY, first, first + window[0]).astype(np.int32),
        last_day=np.where(last == NO_DAY, last, last + window[0]).astype(np.int32),
        days=_account(found, window[0]),
    )
    return outcome, _collect(readings, counts, found, grid, definition)


def _join_days(readings: Readings, counts: CountDays, grid: DayGrid, days: range) -> _Days:
    patients = grid.low.shape[0]
    offset = days.start - grid.first_day
    at_risk = grid.at_risk[:, offset : offset + len(days)]
    everything = np.ones(readings.day.size, dtype=np.bool_)
    measured = readings.on_days(everything, patients=patients, days=days)
    fever = readings.on_days(readings.certain, patients=patients, days=days)
    may_be_fever = readings.on_days(readings.possible | readings.certain, patients=patients, days=days)
    is_looked_at = measured | (counts.days_before >= 0)
    return _Days(
        first_day=days.start,
        measured=measured & at_risk,
        fever=fever,
        certain=at_risk & fever & counts.certain,
        possible=at_risk & is_looked_at & (may_be_fever | ~measured) & counts.possible,
        not_looked_at=at_risk & ~is_looked_at,
        excluded=at_risk & ~measured & (counts.days_before == 0) & ~counts.possible,
        at_risk=at_risk,
        has_no_days=any_marked(np.zeros_like(measured)),
    )


def _explain(found: _Days, counts: CountDays, *, is_judged: Marks) -> NDArray[np.int8]:
    """The first reason that holds on any day in question."""
    question = found.possible & ~found.certain
    no_count = question & found.fever & (counts.days_before < 0)
    lasting = question & found.measured & ~found.fever
    conditions = [
        is_judged,
        ~any_marked(found.at_risk) & ~found.has_no_days,
        ~any_marked(found.measured),
        any_marked(no_count),
        any_marked(lasting),
        any_marked(question & ~found.measured),
    ]
    codes = [0, _NOT_AT_RISK, _NO_READING, _NO_COUNT, _MAY_HAVE_LASTED, _DAYS_WITHOUT]
    return np.select(conditions, codes, _UNDECIDED_VALUE).astype(np.int8)


def _account(found: _Days, first_day: int) -> dict[str, NDArray[np.int32]]:
    """Days with a reading or a count that says no, days that stay open, the longest run without a reading,
    the last reading.
    """
    last = last_marked(found.measured, otherwise=NO_DAY)
    return {
        "days_measured": (found.measured | found.excluded).sum(axis=1, dtype=np.int32),
        "days_short_gap": np.zeros(found.measured.shape[0], dtype=np.int32),
        "days_open": found.open.sum(axis=1, dtype=np.int32),
        "days_filled": np.zeros(found.measured.shape[0], dtype=np.int32),
        "days_bridged": np.zeros(found.measured.shape[0], dtype=np.int32),
        "longest_gap_days": find_longest_run(found.at_risk & ~found.measured)[0].astype(np.int32),
        "last_measured_day": np.where(last == NO_DAY, last, last + np.int32(first_day)).astype(np.int32),
    }


def _collect(
    readings: Readings, counts: CountDays, found: _Days, grid: DayGrid, definition: FeverDefinition
) -> dict[str, EvidenceRows]:
    """The readings and counts of the days that decide, and the readings that would need a second one."""
    certain = _marks_of_readings(readings, found.certain, found.first_day) & readings.certain
    used = certain.copy()
    used[readings.lasting_from[certain & (readings.lasting_from >= 0)]] = True
    # Once a day is certain, no other day needs to be settled.
    question = found.possible & ~any_marked(found.certain)[:, None]
    asked = _marks_of_readings(readings, question, found.first_day) & readings.possible
    place = np.flatnonzero(used | asked)
    temperature = EvidenceRows(
        patient=readings.patient[place],
        day=readings.day[place].astype(np.int32),
        role=np.where(used[place], 0, 1).astype(np.int8),
        state=np.zeros(place.size, dtype=np.int8),
        low=readings.low[place],
        high=readings.high[place],
        source_row=readings.source_row[place].astype(np.int32),
        verdict=np.where(used[place], 0, 1).astype(np.int8),
    )
    return {
        definition.temperature: temperature,
        definition.count.analyte: _collect_counts(counts, found, grid),
    }


def _marks_of_readings(readings: Readings, days: Marks, first_day: int) -> Marks:
    """Which readings fall on the marked days of their patient."""
    place = readings.day - first_day
    inside = (place >= 0) & (place < days.shape[1])
    return inside & days[readings.patient, np.where(inside, place, 0)]


def _collect_counts(counts: CountDays, found: _Days, grid: DayGrid) -> EvidenceRows:
    """The count behind each day that has it for certain; a count that serves two days stands once."""
    patient, place = np.nonzero(found.certain)
    by_cap = counts.by_cap[patient, place]
    day = place + found.first_day - counts.days_before[patient, place]
    (patient, day), kept = np.unique(np.stack([patient, day]), axis=1, return_index=True)
    by_cap, column = by_cap[kept], day - grid.first_day
    cap = grid.low if grid.cap is None else grid.cap
    row = grid.source_row if grid.cap_row is None else np.where(grid.measured, grid.source_row, grid.cap_row)
    none = np.zeros(patient.size, dtype=np.int8)
    return EvidenceRows(
        patient=patient,
        day=day.astype(np.int32),
        role=none,
        state=by_cap.astype(np.int8),
        low=np.where(by_cap, 0.0, grid.low[patient, column]),
        high=np.where(by_cap, cap[patient, column], grid.high[patient, column]),
        source_row=row[patient, column].astype(np.int32),
        verdict=none,
    )
