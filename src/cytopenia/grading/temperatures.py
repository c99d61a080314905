"""Readings of the temperature by the minute: which of them are a fever, for certain or possibly.

Fever is a single reading above a cut, or readings at a lower cut that last longer than a time: two such
readings farther apart than that, and no lower reading between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import FeverDefinition
from cytopenia.grading.cuts import encode_ends, is_met
from cytopenia.units import convert_value

__all__ = ["Readings", "judge_readings"]

Marks = NDArray[np.bool_]
Places = NDArray[np.int64]
Numbers = NDArray[np.float64]

_MINUTES = 24 * 60


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
