"""The mean time free of an event up to a stated time, and its difference between two groups."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cytopenia.errors import DataError
from cytopenia.stats.event_times import require_level
from cytopenia.stats.kaplan_meier import SurvivalCurve

__all__ = ["RestrictedMean", "compare_restricted_means", "estimate_restricted_mean"]


@dataclass(frozen=True)
class RestrictedMean:
    """The area under a curve up to a time, or a difference of two; None where not estimable.

    Attributes
    ----------
    estimate, standard_error, low, high : float or None
    p_value : float or None
        Of a difference, two-sided by the normal distribution.
    until : float
    status, note : str
        `ok` or `not_estimable`, and why.
    """

    estimate: float | None
    standard_error: float | None
    low: float | None
    high: float | None
    p_value: float | None
    until: float
    status: str = "ok"
    note: str = ""


def estimate_restricted_mean(curve: SurvivalCurve, *, until: float, level: float = 0.95) -> RestrictedMean:
    """Return the mean time without the event up to a time.

    Parameters
    ----------
    curve : SurvivalCurve
    until : float
        Above 0. Not estimable where it lies beyond the last follow-up of a curve that has not come to 0: R
        draws the curve on level there, which nobody has seen.
    level : float
        Of the interval, estimate +- z * standard error.

    Raises
    ------
    DataError

    Notes
    -----
    Same estimate and standard error as `print(survfit(...), rmean = until)` of R's survival, and as `rmst2`
    of survRM2.

    References
    ----------
    Royston and Parmar, BMC Med Res Methodol 2013;13:152. DOI 10.1186/1471-2288-13-152.

    Examples
    --------
    >>> from cytopenia.stats.kaplan_meier import estimate_survival
    >>> found = estimate_restricted_mean(estimate_survival([1, 2, 3, 4], [1, 1, 1, 1]), until=3)
    >>> found.estimate
    2.25
    """
    require_level(level)
    if not (math.isfinite(until) and until > 0):
        raise DataError(f"until: {until:g} must be a time after 0")
    if not curve.n or (until > curve.last and not curve.is_complete):
        why = "nobody is followed" if not curve.n else "beyond the last follow-up"
        return RestrictedMean(None, None, None, None, None, until, "not_estimable", why)
    is_inside = curve.times <= until
    ends = np.concatenate([[0.0], curve.times[is_inside], [until]])
    heights = np.concatenate([[1.0], curve.estimate[is_inside]])
    areas = np.diff(ends) * heights
    # What is left of the area after each time.
    rest = np.cumsum(areas[::-1])[::-1][1:]
    at_risk, events = curve.at_risk[is_inside], curve.events[is_inside]
    left = at_risk - events
    share = np.where(left > 0, events / (at_risk * np.maximum(left, 1)), 0.0)
    error = math.sqrt(float(np.sum(rest**2 * share)))
    return _describe(float(areas.sum()), error, until, level)


def compare_restricted_means(
    first: RestrictedMean, second: RestrictedMean, *, level: float = 0.95
) -> RestrictedMean:
    """Return the second mean minus the first, of two independent samples up to the same time.

    Raises
    ------
    DataError
        They are not up to the same time.

    Examples
    --------
    >>> one = RestrictedMean(20.0, 3.0, None, None, None, 28.0)
    >>> two = RestrictedMean(26.0, 4.0, None, None, None, 28.0)
    >>> found = compare_restricted_means(one, two)
    >>> found.estimate, found.standard_error, round(found.p_value, 4)
    (6.0, 5.0, 0.2301)
    """
    from scipy.special import ndtr

    if first.until != second.until:
        raise DataError(f"until: {first.until:g} and {second.until:g}; compare means up to the same time")
    if (
        first.estimate is None
        or first.standard_error is None
        or second.estimate is None
        or second.standard_error is None
    ):
        note = first.note or second.note
        return RestrictedMean(None, None, None, None, None, first.until, "not_estimable", note)
    error = math.hypot(first.standard_error, second.standard_error)
    if error == 0:
        note = "no event in either group: the difference has no error"
        return RestrictedMean(None, None, None, None, None, first.until, "not_estimable", note)
    difference = second.estimate - first.estimate
    p_value = 2.0 * float(ndtr(-abs(difference) / error))
    return _describe(difference, error, first.until, level, p_value=p_value)


def _describe(
    estimate: float, error: float, until: float, level: float, *, p_value: float | None = None
) -> RestrictedMean:
    from scipy.special import ndtri

    half = float(ndtri((1 + level) / 2)) * error
    if error == 0:
        note = "no event up to this time: no interval"
        return RestrictedMean(estimate, error, None, None, p_value, until, "ok", note)
    return RestrictedMean(estimate, error, estimate - half, estimate + half, p_value, until)
