"""Time to an event with competing events: cumulative incidence by Aalen and Johansen. Knows no patients."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.stats.step_curves import CurvePoint, find_log_log_limits, find_point

__all__ = ["CENSORED", "CumulativeIncidence", "estimate_cumulative_incidence"]

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

CENSORED = 0
HALF = 0.5
# A share that is a half or all in exact numbers may be summed to a little less.
DIGITS = 12


@dataclass(frozen=True)
class CumulativeIncidence:
    """The curve of one kind of event beside its competing events.

    Attributes
    ----------
    times : (steps,) float
        The distinct times of the sample, rising.
    estimate, standard_error, low, high : (steps,) float
        From each time on; `low` and `high` are NaN where there is no interval.
    at_risk : (steps,) int
        How many stand at risk just before each time.
    events : (steps,) int
        Events of this kind at each time.
    n : int
        Size of the sample.
    is_complete : bool
        Whether the last ones at risk had an event, so that the curve stays as it is for all time.
    """

    times: Numbers
    estimate: Numbers
    standard_error: Numbers
    low: Numbers
    high: Numbers
    at_risk: Counts
    events: Counts
    n: int
    is_complete: bool

    @property
    def median(self) -> float | None:
        """First time at which at least half of the sample has had the event; None if that is not reached."""
        reached = np.flatnonzero(self.estimate >= HALF)
        return float(self.times[reached[0]]) if reached.size else None

    def at(self, time: float) -> CurvePoint:
        """Return the curve at a time; beyond the last follow-up it is not known unless it is complete.

        Examples
        --------
        >>> curve = estimate_cumulative_incidence([2.0, 4.0, 6.0], [1, 2, 0], kind=1)
        >>> point = curve.at(5.0)
        >>> round(point.estimate, 3), point.at_risk, curve.at(7.0).estimate is None
        (0.333, 1, True)
        """
        return find_point(self, time, start=0.0)


def estimate_cumulative_incidence(
    time: ArrayLike, event: ArrayLike, *, kind: int, level: float = 0.95
) -> CumulativeIncidence:
    """Return the cumulative incidence of one kind of event with the others as competing events.

    Parameters
    ----------
    time : array of float
        Time of the event or of the end of follow-up, 0 or later.
    event : array of int
        What ended the time: 0 the end of follow-up, any other number a kind of event.
    kind : int
        The kind of event whose incidence is wanted.
    level : float
        Of the confidence intervals.

    Raises
    ------
    ValueError
        The arrays differ in length, a time is missing or negative, or `kind` is the code of censoring.

    Notes
    -----
    Aalen and Johansen's estimate; events come before censoring of the same time. The standard error is that
    of the multinomial delta method, which is the infinitesimal jackknife of R's `survfit`; the limits are
    estimate ** exp(+-z * se / (estimate * log(estimate))), `conf.type = "log-log"`. Same as `survfit` of R's
    survival; the estimate is also that of `cuminc` of cmprsk, whose variance is another one.

    References
    ----------
    Aalen and Johansen, Scand J Stat 1978;5:141-150.

    Examples
    --------
    >>> curve = estimate_cumulative_incidence([3.0, 5.0, 5.0, 8.0], [1, 2, 1, 0], kind=1)
    >>> curve.estimate.tolist(), curve.median
    ([0.25, 0.5, 0.5], 5.0)
    """
    times, codes = _check_sample(time, event, kind)
    steps, place = np.unique(times, return_inverse=True)
    of_kind = np.bincount(place[codes == kind], minlength=steps.size)
    of_any = np.bincount(place[codes != CENSORED], minlength=steps.size)
    leaving = np.bincount(place, minlength=steps.size)
    at_risk = times.size - np.cumsum(leaving) + leaving
    free_before = _free_of_events_before(of_any, at_risk)
    estimate = np.round(np.cumsum(free_before * of_kind / at_risk), DIGITS)
    error = _standard_errors(estimate, free_before, of_kind, of_any, at_risk)
    spread = np.divide(error, estimate, out=np.zeros_like(error), where=estimate > 0)
    low, high = find_log_log_limits(estimate, spread, level)
    return CumulativeIncidence(
        times=steps,
        estimate=estimate,
        standard_error=error,
        low=low,
        high=high,
        at_risk=at_risk,
        events=of_kind,
        n=times.size,
        is_complete=bool(steps.size and of_any[-1] == at_risk[-1]),
    )


def _check_sample(time: ArrayLike, event: ArrayLike, kind: int) -> tuple[Numbers, Counts]:
    times, codes = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=np.int64)
    if times.shape != codes.shape or times.ndim != 1:
        raise ValueError(f"time and event must be two lists of one length, got {times.shape}, {codes.shape}")
    if not np.all(np.isfinite(times) & (times >= 0)):
        raise ValueError("every time must be a number from 0 on; leave out who has none")
    if kind == CENSORED:
        raise ValueError(f"kind is {kind}, which stands for the end of follow-up; name an event")
    return times, codes


def _free_of_events_before(of_any: Counts, at_risk: Counts) -> Numbers:
    """Kaplan and Meier's estimate of no event of any kind, just before each time."""
    free = np.cumprod(1.0 - of_any / at_risk)
    return np.concatenate([[1.0], free[:-1]])[: free.size]


def _standard_errors(
    estimate: Numbers, free_before: Numbers, of_kind: Counts, of_any: Counts, at_risk: Counts
) -> Numbers:
    """Square root of the sums over all earlier times, written as running sums of powers of the estimate."""
    left = at_risk - of_any
    # Where everybody leaves by an event the curve ends, and the term is multiplied by 0.
    share = np.where(left > 0, of_any / (at_risk * np.maximum(left, 1)), 0.0)
    mixed = free_before * of_kind / at_risk.astype(np.float64) ** 2
    own = free_before**2 * (at_risk - of_kind) * of_kind / at_risk.astype(np.float64) ** 3
    variance = (
        estimate**2 * np.cumsum(share)
        - 2 * estimate * np.cumsum(estimate * share)
        + np.cumsum(estimate**2 * share)
        + np.cumsum(own)
        - 2 * (estimate * np.cumsum(mixed) - np.cumsum(estimate * mixed))
    )
    return np.sqrt(np.maximum(variance, 0.0))
