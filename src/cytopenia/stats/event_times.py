"""Times with what ended them, checked and laid out by distinct time. Knows no patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError

__all__ = ["CENSORED", "EventTimes", "number_groups", "require_event_times", "require_level"]

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

CENSORED = 0


@dataclass(frozen=True)
class EventTimes:
    """A sample by distinct time.

    Attributes
    ----------
    time : (rows,) float
    code : (rows,) int
        0 the end of follow-up, any other number a kind of event.
    steps : (steps,) float
        The distinct times, rising.
    place : (rows,) int
        The step of each row.
    at_risk : (steps,) int
        Rows whose time is not before the step.
    """

    time: Numbers
    code: Counts
    steps: Numbers
    place: Counts
    at_risk: Counts

    def count(self, chosen: NDArray[np.bool_]) -> Counts:
        """Return how many of the chosen rows end at each step."""
        return np.bincount(self.place[chosen], minlength=self.steps.size).astype(np.int64)

    def count_at_risk(self, chosen: NDArray[np.bool_]) -> Counts:
        """Return how many of the chosen rows have a time not before each step."""
        return np.cumsum(self.count(chosen)[::-1])[::-1]


def require_event_times(time: ArrayLike, event: ArrayLike, *, most_codes: int | None = 1) -> EventTimes:
    """Return a sample by distinct time.

    Parameters
    ----------
    time : array of float
        0 or later.
    event : array of int
        0 the end of follow-up, else a kind of event.
    most_codes : int or None
        The largest code that is allowed; None allows any.

    Raises
    ------
    DataError
        The arrays differ in length, a time is missing or negative, or a code is not allowed.

    Notes
    -----
    Times are compared as they are; R takes times that differ by rounding only as one (`timefix`).

    Examples
    --------
    >>> require_event_times([3.0, 5.0, 5.0], [1, 0, 1]).at_risk.tolist()
    [3, 2]
    """
    times, codes = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=np.float64)
    if times.ndim != 1 or times.shape != codes.shape:
        raise DataError(f"time and event must be two lists of one length, got {times.shape}, {codes.shape}")
    if not np.all(np.isfinite(times) & (times >= 0)):
        raise DataError("time: every time must be a number from 0 on; leave out who has none")
    most = np.inf if most_codes is None else most_codes
    if not np.all((codes >= 0) & (codes <= most) & (codes == np.round(codes))):
        allowed = "whole numbers from 0 on" if most_codes is None else f"0 to {most_codes}"
        raise DataError(f"event: allowed are {allowed}; 0 is the end of follow-up")
    steps, place = np.unique(times, return_inverse=True)
    leaving = np.bincount(place, minlength=steps.size)
    at_risk = times.size - np.cumsum(leaving) + leaving
    return EventTimes(times, codes.astype(np.int64), steps, place.astype(np.int64), at_risk.astype(np.int64))


def number_groups(group: ArrayLike, size: int) -> tuple[list[str], Counts]:
    """Return the names of the groups in their order and the number of each row's group.

    Raises
    ------
    DataError
        There is not one group for every row.

    Examples
    --------
    >>> names, numbers = number_groups(["b", "a", "b"], 3)
    >>> names, numbers.tolist()
    (['a', 'b'], [1, 0, 1])
    """
    values = np.asarray(group)
    if values.shape != (size,):
        raise DataError(f"group of shape {values.shape}; give one group for each of {size} rows")
    names, numbers = np.unique(values, return_inverse=True)
    return [str(name) for name in names.tolist()], numbers.astype(np.int64)


def require_level(level: float) -> None:
    """Raise where the level of an interval is none.

    Raises
    ------
    DataError

    Examples
    --------
    >>> require_level(0.95)
    """
    if not 0 < level < 1:
        raise DataError(f"level: {level:g} is not between 0 and 1")
