"""When blood is drawn: the schedules of the parameter file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytopenia.simulate.draws import DAYS, Draws
from cytopenia.simulate.parameters import Schedule, Stretch
from cytopenia.simulate.patients import Patients

__all__ = ["find_marker_days", "plan_visits"]

Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]


def plan_visits(schedule: Schedule, patients: Patients, draws: Draws) -> Flags:
    """Return the days with a draw, shape (day, patient); none after death or the last contact."""
    first, last = schedule.first
    chance = draws.uniform_grid(len(DAYS) + 1)
    due = first + _spread(chance[-1], last - first)
    until = np.stack([_last_day(stretch, patients) for stretch in schedule.stretches])
    shortest = np.array([stretch.every[0] for stretch in schedule.stretches])
    longest = np.array([stretch.every[1] for stretch in schedule.stretches])
    drawn = np.zeros((len(DAYS), draws.size), bool)
    for place, day in enumerate(DAYS):
        drawn[place] = day >= due
        stretch = np.minimum((until < day).sum(axis=0), len(schedule.stretches) - 1)
        wait = shortest[stretch] + _spread(chance[place], longest[stretch] - shortest[stretch])
        due = np.where(drawn[place], day + wait, due)
    seen = np.minimum(patients.death_day, patients.last_contact_day)
    return drawn & (DAYS[:, None] <= seen)


def _last_day(stretch: Stretch, patients: Patients) -> Whole:
    if stretch.until == "discharge":
        return patients.discharge_day
    return np.full(len(patients.discharge_day), stretch.until)


def _spread(chance: NDArray[np.floating], width: Whole | int) -> Whole:
    """A whole number from 0 to the width, all equally likely."""
    return np.minimum(np.floor(chance * (width + 1)), width).astype(np.int64)


def find_marker_days(drawn: Flags, marker_days: tuple[int, ...]) -> Flags:
    """Return the draws that also measure markers: the first from each listed day to before the next."""
    marked = np.zeros_like(drawn)
    ends = [*marker_days[1:], int(DAYS[-1]) + 1]
    for start, end in zip(marker_days, ends, strict=True):
        stretch = slice(start - int(DAYS[0]), end - int(DAYS[0]))
        inside = drawn[stretch]
        marked[stretch] = inside & (np.cumsum(inside, axis=0, dtype=np.int16) == 1)
    return marked
