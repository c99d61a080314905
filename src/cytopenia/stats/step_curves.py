"""A curve that changes at the times of a sample: its value at any time, and its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["CurvePoint", "StepCurve", "find_log_log_limits", "find_point"]

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class CurvePoint:
    """A curve at one time.

    Attributes
    ----------
    estimate : float or None
        None beyond the last follow-up of a curve that may still change.
    standard_error : float or None
        None where the curve has none, or is not known.
    low, high : float or None
        Limits of the interval; None where it has none, as on the scale of log(-log) at 0 and 1.
    at_risk : int
        How many are followed up to the time without an event before it.
    events : int
        How many have had the event at or before the time.
    """

    estimate: float | None
    standard_error: float | None
    low: float | None
    high: float | None
    at_risk: int
    events: int


class StepCurve(Protocol):
    """What a point is read from: a value from each time on, and whether the last one stays for all time."""

    @property
    def times(self) -> Numbers:
        """The distinct times of the sample, rising."""
        ...

    @property
    def estimate(self) -> Numbers:
        """From each time on."""
        ...

    @property
    def standard_error(self) -> Numbers:
        """From each time on."""
        ...

    @property
    def low(self) -> Numbers:
        """From each time on."""
        ...

    @property
    def high(self) -> Numbers:
        """From each time on."""
        ...

    @property
    def at_risk(self) -> Counts:
        """Just before each time."""
        ...

    @property
    def events(self) -> Counts:
        """At each time."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether the curve stays as it is for all time."""
        ...


def find_point(curve: StepCurve, time: float, *, start: float) -> CurvePoint:
    """Return a curve at a time; `start` is its value before the first time of the sample."""
    is_followed = curve.times.size > 0 and time <= float(curve.times[-1])
    at_risk = int(curve.at_risk[np.searchsorted(curve.times, time)]) if is_followed else 0
    place = int(np.searchsorted(curve.times, time, side="right")) - 1
    events = int(curve.events[: place + 1].sum())
    if not is_followed and not curve.is_complete:
        return CurvePoint(None, None, None, None, at_risk, events)
    if place < 0:
        return CurvePoint(start, 0.0, None, None, at_risk, events)
    lines = (curve.estimate, curve.standard_error, curve.low, curve.high)
    numbers = [None if math.isnan(line[place]) else float(line[place]) for line in lines]
    return CurvePoint(*numbers, at_risk=at_risk, events=events)


def find_log_log_limits(estimate: Numbers, spread: Numbers, level: float) -> tuple[Numbers, Numbers]:
    """Return the interval on the scale of log(-log); NaN where the scale has no end, or nothing varies.

    Parameters
    ----------
    estimate : array of float
        Shares.
    spread : array of float
        Standard errors of their logarithms.
    level : float

    Examples
    --------
    >>> low, high = find_log_log_limits(np.array([0.5, 1.0]), np.array([0.2, 0.0]), 0.95)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.295, nan], [0.675, nan])
    """
    from scipy.special import ndtri

    has_scale = (estimate > 0) & (estimate < 1) & (spread > 0)
    inner = np.where(has_scale, estimate, np.nan)
    step = float(ndtri((1 + level) / 2)) * spread / np.log(inner)
    return inner ** np.exp(-step), inner ** np.exp(step)
