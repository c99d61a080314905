"""Febrile neutropenia of courses: readings of the temperature by the minute, a count of the day.

A day has febrile neutropenia for certain, possibly, or not. Fever is a single reading above a cut, or
readings at a lower cut that last longer than a time: two such readings farther apart than that, and no lower
reading between them. A day without a reading, or without a count on it or the day before, is not judged
unless the other of the two already says no.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import FeverDefinition
from cytopenia.grading.cuts import encode_ends, is_met
from cytopenia.grading.day_grid import DayGrid
from cytopenia.grading.outcome_rows import NO_DAY, EvidenceRows, OutcomeRows
from cytopenia.grading.runs import any_marked, find_longest_run, first_marked, last_marked
from cytopenia.units import convert_value

__all__ = [
    "FEVER_REASONS",
    "FEVER_RULES",
    "CountDays",
    "Readings",
    "derive_fever",
    "judge_counts",
    "judge_readings",
]

Marks = NDArray[np.bool_]
Places = NDArray[np.int64]
Numbers = NDArray[np.float64]

_MINUTES = 24 * 60

FEVER_RULES = ("a single temperature", "a sustained temperature")
FEVER_REASONS = (
    "",
    "no temperature in the window",
    "fever without a neutrophil count on the day or before it",
    "a temperature that may have lasted, without the readings that decide",
    "days without a temperature",
    "the reported values do not decide",
)
_NO_READING, _NO_COUNT, _MAY_HAVE_LASTED, _DAYS_WITHOUT, _UNDECIDED_VALUE = range(1, 6)


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The readings of some patients, sorted by patient, time and row, and what each of them shows.

    Attributes
    ----------
    patient, day, source_row : (readings,)
    low, high : (readings,)
        The interval of each value in the canonical unit.
    single : (readings,) bool
        Above the first cut for certain.
    lasting_from : (readings,) int
        The earliest reading with which this one shows a temperature that lasted; -1 if none does.
    possible : (readings,) bool
        Fever by either clause cannot be excluded.
    """

    patient: Places
    day: Places
    source_row: Places
    low: Numbers
    high: Numbers
    single: Marks
    lasting_from: Places
    possible: Marks

    @property
    def certain(self) -> Marks:
        """Fever for certain, by either clause."""
        return self.single | (self.lasting_from >= 0)

    def on_days(self, marks: Marks, *, patients: int, days: range) -> Marks:
        """Return (patients, days): whether any marked reading falls on the day."""
        found = np.zeros((patients, len(days)), dtype=np.bool_)
        kept = marks & (self.day >= days.start) & (self.day < days.stop)
        found[self.patient[kept], self.day[kept] - days.start] = True
        return found


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


def judge_readings(rows: pl.DataFrame, definition: FeverDefinition) -> Readings:
    """Return what each reading of the temperature shows.

    Parameters
    ----------
    rows : DataFrame
        `patient` (place), `day`, `minute` (null where the time is unknown), `value`, `comparator`,
        `source_row`, in the canonical unit; readings around the window belong to it.
    definition : FeverDefinition
    """
    ordered = rows.sort("patient", "day", "minute", "source_row", nulls_last=True)
    low, high = encode_ends(ordered["value"].to_numpy(), ordered["comparator"].to_numpy().astype(np.str_))
    patient, day = (ordered[name].cast(pl.Int64).to_numpy() for name in ("patient", "day"))
    single_cut = _in_canonical(definition.single.cut, definition)
    lasting_cut = _in_canonical(definition.sustained.cut, definition)
    warm = is_met(low, definition.sustained.comparator, lasting_cut)
    may_be_warm = is_met(high, definition.sustained.comparator, lasting_cut)
    minute = ordered["minute"].cast(pl.Int64).fill_null(-1).to_numpy()
    clock = _Clock(patient=patient, day=day, minute=minute)
    refuted = clock.find_enclosed(may_be_warm, definition.sustained.longer_than_minutes)
    return Readings(
        patient=patient,
        day=day,
        source_row=ordered["source_row"].cast(pl.Int64).to_numpy(),
        low=low,
        high=high,
        single=is_met(low, definition.single.comparator, single_cut),
        lasting_from=clock.find_lasting(warm, definition),
        possible=is_met(high, definition.single.comparator, single_cut) | (may_be_warm & ~refuted),
    )


def _in_canonical(cut: float, definition: FeverDefinition) -> float:
    return convert_value(cut, analyte=definition.temperature, unit=definition.temperature_unit)


@dataclass(frozen=True, kw_only=True)
class _Clock:
    """When each reading was taken, sorted; the minute is -1 where the time is unknown."""

    patient: Places
    day: Places
    minute: Places

    @property
    def is_timed(self) -> Marks:
        return self.minute >= 0

    def _group_moments(self) -> tuple[Places, Places, Places, Places]:
        """Places of the timed readings, the moment of each, and patient and time of the moments."""
        place = np.flatnonzero(self.is_timed)
        patient, time = self.patient[place], self.day[place] * _MINUTES + self.minute[place]
        is_new = np.ones(place.size, dtype=np.bool_)
        is_new[1:] = (patient[1:] != patient[:-1]) | (time[1:] != time[:-1])
        return place, np.cumsum(is_new) - 1, patient[is_new], time[is_new]

    def find_lasting(self, warm: Marks, definition: FeverDefinition) -> Places:
        """For each warm reading the first of its unbroken run, if that lies long enough ago; else -1."""
        place, moment, patient, time = self._group_moments()
        found = np.full(warm.size, -1, dtype=np.int64)
        if not place.size:
            return found
        all_warm = np.ones(time.size, dtype=np.bool_)
        np.logical_and.at(all_warm, moment, warm[place])
        day = time // _MINUTES
        all_warm &= ~self._has_untimed_lower(warm, patient, day)
        gap = np.diff(time)
        is_near = (day[1:] == day[:-1]) | (
            (np.diff(day) == 1) & is_met(gap, "at_most", definition.counting.night_gap_minutes)
        )
        is_linked = np.zeros(time.size, dtype=np.bool_)
        is_linked[1:] = (patient[1:] == patient[:-1]) & all_warm[1:] & all_warm[:-1] & is_near
        start = np.maximum.accumulate(np.where(is_linked, 0, np.arange(time.size)))
        lasts = all_warm & is_met(time - time[start], "above", definition.sustained.longer_than_minutes)
        first_place = place[np.searchsorted(moment, start)]
        found[place] = np.where(lasts[moment], first_place[moment], -1)
        return found

    def _has_untimed_lower(self, warm: Marks, patient: Places, day: Places) -> Marks:
        """Whether a reading of unknown time, not warm for certain, falls on the day of each moment."""
        lower = ~self.is_timed & ~warm
        if not lower.any():
            return np.zeros(patient.size, dtype=np.bool_)
        keys = {*zip(self.patient[lower].tolist(), self.day[lower].tolist(), strict=True)}
        return np.array([key in keys for key in zip(patient.tolist(), day.tolist(), strict=True)])

    def find_enclosed(self, may_be_warm: Marks, minutes: int) -> Marks:
        """Readings between two lower ones so near to each other that nothing can have lasted between them."""
        place, moment, patient, time = self._group_moments()
        found = np.zeros(may_be_warm.size, dtype=np.bool_)
        if not place.size:
            return found
        any_warm = np.zeros(time.size, dtype=np.bool_)
        np.logical_or.at(any_warm, moment, may_be_warm[place])
        order = np.arange(time.size)
        before = np.maximum.accumulate(np.where(any_warm, -1, order))
        after = np.minimum.accumulate(np.where(any_warm, time.size, order)[::-1])[::-1]
        has_both = (before >= 0) & (after < time.size)
        left, right = np.maximum(before, 0), np.minimum(after, time.size - 1)
        is_own = (patient[left] == patient) & (patient[right] == patient)
        is_short = is_met(time[right] - time[left], "at_most", minutes)
        found[place] = (has_both & is_own & is_short)[moment]
        return found


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
    """What the readings and the counts of each day say together, from `first_day` on."""

    first_day: int
    measured: Marks
    fever: Marks
    certain: Marks
    possible: Marks
    at_risk: Marks


def derive_fever(
    definition: FeverDefinition, rows: pl.DataFrame, grid: DayGrid, *, window: tuple[int, int]
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

    Returns
    -------
    OutcomeRows
        `policy` is the grade if any day has it for certain, 0 if no day at risk can have had it, else none.
        `best` and `worst` take the days that are not judged as without and with it; nobody at risk on any day
        of the window is not judged.
    """
    days = range(window[0], window[1] + 1)
    near = rows.filter(pl.col("day").is_between(window[0] - 1, window[1] + 1))
    readings = judge_readings(near, definition)
    counts = judge_counts(grid, definition, days=days)
    found = _join_days(readings, counts, grid, days)
    is_certain, is_possible = any_marked(found.certain), any_marked(found.possible)
    is_excluded = any_marked(found.at_risk) & ~is_possible
    grade = float(definition.grade)
    first = first_marked(found.certain, otherwise=NO_DAY)
    last = last_marked(found.certain, otherwise=NO_DAY)
    single = readings.on_days(readings.single, patients=grid.low.shape[0], days=days)
    rule = np.where(any_marked(single & found.certain), 0, 1)
    outcome = OutcomeRows(
        policy=np.select([is_certain, is_excluded], [grade, 0.0], np.nan),
        best=np.where(is_certain, grade, 0.0),
        worst=np.where(is_excluded, 0.0, grade),
        evidence=np.where(is_certain | ~is_possible, 0, 2).astype(np.int8),
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
    return _Days(
        first_day=days.start,
        measured=measured & at_risk,
        fever=fever,
        certain=at_risk & fever & counts.certain,
        possible=at_risk & (may_be_fever | ~measured) & counts.possible,
        at_risk=at_risk,
    )


def _explain(found: _Days, counts: CountDays, *, is_judged: Marks) -> NDArray[np.int8]:
    """The first reason that holds on any day in question."""
    question = found.possible & ~found.certain
    no_count = question & found.fever & (counts.days_before < 0)
    lasting = question & found.measured & ~found.fever
    conditions = [
        is_judged,
        ~any_marked(found.measured),
        any_marked(no_count),
        any_marked(lasting),
        any_marked(question & ~found.measured),
    ]
    codes = [0, _NO_READING, _NO_COUNT, _MAY_HAVE_LASTED, _DAYS_WITHOUT]
    return np.select(conditions, codes, _UNDECIDED_VALUE).astype(np.int8)


def _account(found: _Days, first_day: int) -> dict[str, NDArray[np.int32]]:
    """Days with a reading, days that stay open, the longest run without a reading, the last reading."""
    last = last_marked(found.measured, otherwise=NO_DAY)
    return {
        "days_measured": found.measured.sum(axis=1, dtype=np.int32),
        "days_short_gap": np.zeros(found.measured.shape[0], dtype=np.int32),
        "days_open": (found.possible & ~found.certain).sum(axis=1, dtype=np.int32),
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
