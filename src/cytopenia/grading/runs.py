"""Runs of days on the last axis, all built on one primitive: the nearest marked day before and after."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "any_marked",
    "every_marked",
    "find_longest_run",
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
    return np.asarray(marked.any(axis=-1), dtype=np.bool_)


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
    return np.where(any_marked(marked), np.argmax(marked, axis=-1), otherwise).astype(np.int32)


def last_marked(marked: Marks, *, otherwise: int) -> Places:
    """Return the place of the last marked day, or `otherwise`.

    Examples
    --------
    >>> last_marked(np.array([[True, True, False], [False, False, False]]), otherwise=-1).tolist()
    [1, -1]
    """
    place = marked.shape[-1] - 1 - np.argmax(marked[..., ::-1], axis=-1)
    return np.where(any_marked(marked), place, otherwise).astype(np.int32)


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
    before, after = nearest_marked(marked)
    has_both = (before >= 0) & (after < marked.shape[-1])
    return ~marked & has_both & (after - before <= longest)


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


def find_longest_run(inside: Marks) -> tuple[Places, Places, Places]:
    """Return the length, first and last place of the longest run; the first of equals; (0, -1, -1) if none.

    Examples
    --------
    >>> [int(x) for x in find_longest_run(np.array([True, False, True, True]))]
    [2, 2, 3]
    """
    lengths = run_lengths(inside)
    last = np.argmax(lengths, axis=-1).astype(np.int32)
    longest = np.take_along_axis(lengths, last[..., None], axis=-1)[..., 0]
    none = longest == 0
    return longest, np.where(none, -1, last - longest + 1), np.where(none, -1, last)


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
