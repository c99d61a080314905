"""Survival by Kaplan and Meier with numbers at risk, quantiles, and the follow-up by the reversed curve."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError, suggest_name
from cytopenia.stats.event_times import require_event_times, require_level
from cytopenia.stats.step_curves import CurvePoint, find_log_log_limits, find_point

__all__ = ["Quantile", "SurvivalCurve", "estimate_follow_up", "estimate_survival"]

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

INTERVALS = ("log_log", "log")
HALF = 0.5
# A share within so much of a quantile has reached it: R's tolerance, the root of the smallest number.
TIE = math.sqrt(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Quantile:
    """A time that a share of the sample does not survive; None where the curve, or a limit, stays above."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class SurvivalCurve:
    """The curve of one sample.

    Attributes
    ----------
    times : (steps,) float
        The distinct times of the sample, rising.
    estimate, standard_error, low, high : (steps,) float
        From each time on; NaN where there is none.
    at_risk, events, censored : (steps,) int
        Just before each time, and at it.
    n : int
        Size of the sample.
    """

    times: Numbers
    estimate: Numbers
    standard_error: Numbers
    low: Numbers
    high: Numbers
    at_risk: Counts
    events: Counts
    censored: Counts
    n: int

    @property
    def is_complete(self) -> bool:
        """Whether the curve has come to 0, so that it is known for all time."""
        return bool(self.n and self.estimate[-1] == 0)

    @property
    def last(self) -> float:
        """The last time of the sample; 0 without any."""
        return float(self.times[-1]) if self.n else 0.0

    @property
    def median(self) -> Quantile:
        """The time that half of the sample does not survive, as `print(survfit)` has it."""
        return self.find_quantile(HALF)

    def find_quantile(self, share: float) -> Quantile:
        """Return the time by which a share of the sample has had the event, with its interval.

        The first time at which the curve is at or below 1 - share. Where it lies exactly there for a while,
        the middle between this time and the next step down, as R has it. The limits are the same of the
        limits of the curve.

        Examples
        --------
        >>> estimate_survival([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1]).find_quantile(0.5).value
        2.5
        """
        found = [_first_below(self.times, line, 1 - share) for line in (self.estimate, self.low, self.high)]
        return Quantile(*found)

    def at(self, time: float) -> CurvePoint:
        """Return the curve at a time: the share still free of the event, with Greenwood's standard error.

        Examples
        --------
        >>> curve = estimate_survival([2.0, 4.0, 6.0], [1, 1, 0])
        >>> point = curve.at(5.0)
        >>> round(point.estimate, 3), point.at_risk, point.events, curve.at(7.0).estimate is None
        (0.333, 1, 2, True)
        """
        return find_point(self, time, start=1.0)


def estimate_survival(
    time: ArrayLike, event: ArrayLike, *, level: float = 0.95, interval: str = "log_log"
) -> SurvivalCurve:
    """Return the survival of a sample by Kaplan and Meier.

    Parameters
    ----------
    time : array of float
        Time of the event or of the end of follow-up, 0 or later.
    event : array of 0 and 1
        1 the event, 0 the end of follow-up.
    level : float
        Of the intervals.
    interval : {"log_log", "log"}
        The scale of the interval: log(-log S), as SAS and most papers have it, or log S, the default of R.

    Raises
    ------
    DataError
        The arrays differ in length, a time is missing or negative, the event is not 0 or 1, or an option is
        unknown.

    Notes
    -----
    Events come before the end of follow-up of the same time. Same as `survfit(Surv(time, event) ~ 1,
    conf.type = "log-log")` of R's survival 3.5, or `"log"`, with the standard error of its `summary`.

    References
    ----------
    Kaplan and Meier, J Am Stat Assoc 1958;53:457-481. Kalbfleisch and Prentice, The Statistical Analysis of
    Failure Time Data, 1980 (the interval).

    Examples
    --------
    Weeks of remission of six children, Freireich et al., Blood 1963;21:699-716:

    >>> curve = estimate_survival([6, 6, 6, 6, 7, 9], [1, 1, 1, 0, 1, 0])
    >>> curve.estimate.tolist(), curve.at_risk.tolist()
    ([0.5, 0.25, 0.25], [6, 2, 1])
    """
    require_level(level)
    if interval not in INTERVALS:
        hint = suggest_name(interval, INTERVALS)
        raise DataError(f"interval: unknown '{interval}'{hint}; allowed: {', '.join(INTERVALS)}")
    sample = require_event_times(time, event)
    events = sample.count(sample.code == 1)
    left = sample.at_risk - events
    estimate = np.asarray(np.cumprod(left / np.maximum(sample.at_risk, 1)), dtype=np.float64)
    # Where everybody leaves by the event the curve is 0 and has no error any more.
    spread = np.sqrt(np.cumsum(np.where(left > 0, events / (sample.at_risk * np.maximum(left, 1)), np.nan)))
    low, high = _find_limits(estimate, spread, level, interval)
    return SurvivalCurve(
        times=sample.steps,
        estimate=estimate,
        standard_error=estimate * spread,
        low=low,
        high=high,
        at_risk=sample.at_risk,
        events=events,
        censored=sample.count(sample.code == 0),
        n=sample.time.size,
    )


def estimate_follow_up(time: ArrayLike, event: ArrayLike, *, level: float = 0.95) -> SurvivalCurve:
    """Return the curve of potential follow-up: the reversed Kaplan-Meier curve; its median is the answer.

    Parameters
    ----------
    time, event, level
        As for `estimate_survival`. The end of follow-up is the event here; the event ends the observation.

    Notes
    -----
    Same as `survfit(Surv(time, 1 - event) ~ 1, conf.type = "log-log")` of R's survival.

    References
    ----------
    Schemper and Smith, Controlled Clinical Trials 1996;17:343-346. DOI 10.1016/0197-2456(96)00075-X.

    Examples
    --------
    >>> estimate_follow_up([10.0, 20.0, 30.0], [1, 0, 0]).median.value
    25.0
    """
    sample = require_event_times(time, event)
    return estimate_survival(sample.time, 1 - sample.code, level=level)


def _find_limits(estimate: Numbers, spread: Numbers, level: float, interval: str) -> tuple[Numbers, Numbers]:
    """Limits of the curve from the standard error of its logarithm."""
    from scipy.special import ndtri

    if interval == "log":
        quantile = float(ndtri((1 + level) / 2))
        return estimate * np.exp(-quantile * spread), np.minimum(estimate * np.exp(quantile * spread), 1.0)
    return find_log_log_limits(estimate, spread, level)


def _first_below(times: Numbers, line: Numbers, height: float) -> float | None:
    """The first time at which a falling line is at a height or below; in the middle of a step on it."""
    known = ~np.isnan(line)
    below = np.flatnonzero(known & (line < height + TIE))
    if not below.size:
        return None
    first = below[0]
    if abs(line[first] - height) < TIE:
        lower = np.flatnonzero(known & (line < line[first]) & (np.arange(line.size) > first))
        if lower.size:
            return float(times[first] + times[lower[0]]) / 2
    return float(times[first])
