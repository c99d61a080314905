"""Runs of days on the last axis, all built on one primitive: the nearest marked day before and after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Runs",
    "any_marked",
    "every_marked",
    "find_longest_run",
    "find_runs",
    "first_marked",
    "first_run",
    "inside_short_gap",
    "last_marked",
    "nearest_marked",
    "run_lengths",
]

Marks = NDArray[np.bool_]
Places = NDArray[np.int32]


def any_marked(marked: Marks) -> Marks:
    """Return whether any day is marked."""
    if not marked.shape[-1]:
        return np.zeros(marked.shape[:-1], dtype=np.bool_)
    return _is_marked_at(marked, np.argmax(marked, axis=-1))


def _is_marked_at(marked: Marks, place: NDArray[np.intp]) -> Marks:
    """Whether the day of each row is marked; at its `argmax` that says whether any is, in half the time."""
    return np.asarray(np.take_along_axis(marked, place[..., None], axis=-1)[..., 0], dtype=np.bool_)


def every_marked(marked: Marks) -> Marks:
    """Return whether every day is marked."""
    return np.asarray(marked.all(axis=-1), dtype=np.bool_)


def first_marked(marked: Marks, *, otherwise: int) -> Places:
    """Return the place of the first marked day, or `otherwise`.

    Examples
    --------
    >>> first_marked(np.array([[False, True], [False, False]]), otherwise=-1).tolist()
    [1, -1]
    """
    place = np.argmax(marked, axis=-1)
    return np.where(_is_marked_at(marked, place), place, otherwise).astype(np.int32)


def last_marked(marked: Marks, *, otherwise: int) -> Places:
    """Return the place of the last marked day, or `otherwise`.

    Examples
    --------
    >>> last_marked(np.array([[True, True, False], [False, False, False]]), otherwise=-1).tolist()
    [1, -1]
    """
    place = marked.shape[-1] - 1 - np.argmax(marked[..., ::-1], axis=-1)
    return np.where(_is_marked_at(marked, place), place, otherwise).astype(np.int32)


def nearest_marked(marked: Marks) -> tuple[Places, Places]:
    """Return the place of the nearest marked day at or before, and at or after, each day.

    Parameters
    ----------
    marked : array of bool, (..., days)

    Returns
    -------
    before, after : arrays of int, the same shape
        -1 where no marked day stands before, the number of days where none stands after.

    Examples
    --------
    >>> before, after = nearest_marked(np.array([False, True, False, True]))
    >>> before.tolist(), after.tolist()
    ([-1, 1, 1, 3], [1, 1, 3, 3])
    """
    days = marked.shape[-1]
    place = np.arange(days, dtype=np.int32)
    before = np.maximum.accumulate(np.where(marked, place, np.int32(-1)), axis=-1)
    backward = np.where(marked, place, np.int32(days))[..., ::-1]
    after = np.minimum.accumulate(backward, axis=-1)[..., ::-1]
    return before, after


def inside_short_gap(marked: Marks, longest: int) -> Marks:
    """Return the unmarked days whose marked neighbors are at most `longest` days apart.

    Examples
    --------
    >>> marked = np.array([True, False, False, True, False])
    >>> inside_short_gap(marked, 3).tolist()
    [False, True, True, False, False]
    >>> inside_short_gap(marked, 2).any()
    np.False_
    """
    reach = min(longest, marked.shape[-1]) - 1
    if reach < 1:
        return np.zeros_like(marked)
    rows = marked.reshape(-1, marked.shape[-1])
    # Days that are never marked keep the rows apart, so that the whole grid is moved by a day at a time as
    # one line: many times as fast as looking for the nearest mark of each day.
    line = np.pad(rows, ((0, 0), (0, reach))).ravel()
    days = line.size
    after = [np.zeros(days, dtype=np.bool_)]
    for distance in range(1, reach + 1):
        within = after[-1].copy()
        within[:-distance] |= line[distance:]
        after.append(within)
    inside = np.zeros(days, dtype=np.bool_)
    for distance in range(1, reach + 1):
        allowed = min(longest - distance, reach)
        inside[distance:] |= line[:-distance] & after[allowed][distance:]
    inside &= ~line
    return inside.reshape(rows.shape[0], rows.shape[1] + reach)[:, : rows.shape[1]].reshape(marked.shape)


def run_lengths(met: Marks, counted: Marks | None = None) -> Places:
    """Return, for each day, how many counted days the run of met days ending there holds.

    Parameters
    ----------
    met : array of bool, (..., days)
        A day that is not met ends the run and has length 0.
    counted : array of bool, the same shape, optional
        Only these days add to the length: measured days give "three consecutive measurements".

    Examples
    --------
    >>> run_lengths(np.array([True, True, False, True])).tolist()
    [1, 2, 0, 1]
    """
    adds = met if counted is None else met & counted
    total = np.cumsum(adds, axis=-1, dtype=np.int32)
    at_end = np.maximum.accumulate(np.where(met, np.int32(0), total), axis=-1)
    return np.where(met, total - at_end, np.int32(0))


@dataclass(frozen=True)
class Runs:
    """Every run of marked days, in the order of patients and days, as one entry per run.

    Attributes
    ----------
    patient, first, last : (runs,) int
        Row of the grid, and places of the first and last day.
    shape : (patients, days)
    """

    patient: NDArray[np.int64]
    first: Places
    last: Places
    shape: tuple[int, int]

    @property
    def length(self) -> Places:
        """Days of each run."""
        return self.last - self.first + 1

    def find_longest(self) -> tuple[Places, Places, Places]:
        """Return length, first and last place of each patient's longest run; the first of equals."""
        longest = np.zeros(self.shape[0], dtype=np.int32)
        first, last = (np.full(self.shape[0], -1, dtype=np.int32) for _ in range(2))
        if self.patient.size:
            length = self.length
            begins = np.flatnonzero(np.diff(self.patient, prepend=-1))
            longest[self.patient[begins]] = np.maximum.reduceat(length, begins)
            # Assigned from the end, so that the first of equals is the one that stays.
            chosen = np.flatnonzero(length == longest[self.patient])[::-1]
            first[self.patient[chosen]] = self.first[chosen]
            last[self.patient[chosen]] = self.last[chosen]
        return longest, first, last

    def find_start_of(self, place: Places) -> Places:
        """Return where the run begins that holds each patient's place; the number of days if none does."""
        start = np.full(self.shape[0], self.shape[1], dtype=np.int32)
        at = place[self.patient]
        holds = np.flatnonzero((self.first <= at) & (at <= self.last))
        start[self.patient[holds]] = self.first[holds]
        return start

    def mark(self, chosen: Marks) -> Marks:
        """Return the days of the chosen runs as a grid."""
        steps = np.zeros((self.shape[0], self.shape[1] + 1), dtype=np.int8)
        steps[self.patient[chosen], self.first[chosen]] = 1
        steps[self.patient[chosen], self.last[chosen] + 1] = -1
        return np.cumsum(steps, axis=1, dtype=np.int8)[:, : self.shape[1]].astype(np.bool_)


def find_runs(marked: Marks) -> Runs:
    """Return every run of marked days of a grid of patients by days.

    Examples
    --------
    >>> runs = find_runs(np.array([[True, True, False, True]]))
    >>> runs.first.tolist(), runs.last.tolist()
    ([0, 3], [1, 3])
    """
    patients, days = marked.shape
    # A column that is never marked keeps the runs of neighboring rows apart.
    padded = np.zeros((patients, days + 1), dtype=np.bool_)
    padded[:, :days] = marked
    flat = padded.ravel()
    changes = np.flatnonzero(np.diff(flat, prepend=False))
    start, stop = changes[::2], changes[1::2]
    patient = start // (days + 1)
    offset = patient * (days + 1)
    return Runs(
        patient, (start - offset).astype(np.int32), (stop - 1 - offset).astype(np.int32), (patients, days)
    )


def find_longest_run(inside: Marks) -> tuple[Places, Places, Places]:
    """Return the length, first and last place of the longest run; the first of equals; (0, -1, -1) if none.

    Examples
    --------
    >>> [int(x) for x in find_longest_run(np.array([True, False, True, True]))]
    [2, 2, 3]
    """
    rows = inside.reshape(-1, inside.shape[-1])
    longest, first, last = (found.reshape(inside.shape[:-1]) for found in find_runs(rows).find_longest())
    return longest, first, last


def first_run(met: Marks, length: int, counted: Marks | None = None) -> tuple[Places, Places]:
    """Return the first and last place of the first run that reaches `length` counted days; -1 if none does.

    Examples
    --------
    >>> met = np.array([True, False, True, True, True])
    >>> [int(x) for x in first_run(met, 3)]
    [2, 4]
    """
    reached = run_lengths(met, counted) >= length
    is_found = reached.any(axis=-1)
    last = np.argmax(reached, axis=-1).astype(np.int32)
    starts = met if counted is None else met & counted
    start_of_run = nearest_marked(~met)[0] + 1
    begin = np.take_along_axis(start_of_run, last[..., None], axis=-1)
    _, first_counted = nearest_marked(starts)
    first = np.take_along_axis(first_counted, np.minimum(begin, met.shape[-1] - 1), axis=-1)[..., 0]
    return np.where(is_found, first, -1), np.where(is_found, last, -1)
