"""Sensitivity, specificity, predictive values and Youden's index of one cut, with intervals."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError, suggest_name

__all__ = ["MEASURES", "Measure", "divide_counts", "estimate_accuracy"]

Numbers = NDArray[np.float64]

MEASURES = ("sensitivity", "specificity", "ppv", "npv", "youden")
METHODS = {"wilson": "wilson", "clopper_pearson": "exact"}
EMPTY = {
    "sensitivity": "nobody has the event",
    "specificity": "everybody has the event",
    "ppv": "nobody is on the side of the cut that means the event",
    "npv": "everybody is on the side of the cut that means the event",
}


@dataclass(frozen=True)
class Measure:
    """One number of a two-by-two table; None where its denominator is 0.

    Attributes
    ----------
    value, low, high : float or None
    count, denominator : int or None
        What the value is a share of; None for Youden's index.
    status, note : str
        `ok` or `not_estimable`; why.
    """

    value: float | None
    low: float | None
    high: float | None
    count: int | None
    denominator: int | None
    status: str
    note: str


def estimate_accuracy(
    counts: ArrayLike, *, method: str = "wilson", level: float = 0.95
) -> Mapping[str, Measure]:
    """Return sensitivity, specificity, predictive values and Youden's index of a cut that was given.

    Parameters
    ----------
    counts : four whole numbers
        True positives, false negatives, true negatives, false positives.
    method : {"wilson", "clopper_pearson"}
        Of the intervals: Wilson's score without continuity correction, or the exact one. The interval of
        Youden's index adds the distances of both limits in squares (Newcombe's method 10 with "wilson").
    level : float

    Returns
    -------
    mapping of str to Measure
        By the names in `MEASURES`. The predictive values are those at the share of events in the table.

    Raises
    ------
    DataError
        Not four whole numbers from 0, an unknown method, or the level is not between 0 and 1.

    Notes
    -----
    The cut is taken as given. If it was chosen in the same patients, every value is too high and no interval
    knows it: see `bootstrap_cut`. Same as `prop.test(correct = FALSE)` and `binom.test` of R 4.2 to 1e-9.

    References
    ----------
    Wilson, Journal of the American Statistical Association 1927;22:209-212.
    Clopper and Pearson, Biometrika 1934;26:404-413. DOI 10.1093/biomet/26.4.404.
    Newcombe, Statistics in Medicine 1998;17:873-890.

    Examples
    --------
    >>> found = estimate_accuracy([14, 7, 33, 6])
    >>> sensitivity = found["sensitivity"]
    >>> round(sensitivity.value, 3), round(sensitivity.low, 3), round(sensitivity.high, 3)
    (0.667, 0.454, 0.828)
    """
    if method not in METHODS:
        raise DataError(
            f"method: unknown '{method}'{suggest_name(method, METHODS)}; allowed: {', '.join(METHODS)}"
        )
    if not 0 < level < 1:
        raise DataError(f"level: {level:g} is not between 0 and 1")
    numbers = np.asarray(counts, dtype=np.float64)
    if numbers.shape != (4,) or not np.all((numbers >= 0) & (numbers == np.floor(numbers))):
        raise DataError(
            "counts: give four whole numbers from 0: true positives, false negatives, true negatives, false"
            " positives"
        )
    hits, misses, refusals, alarms = (int(number) for number in numbers)
    shares = {
        "sensitivity": (hits, hits + misses),
        "specificity": (refusals, refusals + alarms),
        "ppv": (hits, hits + alarms),
        "npv": (refusals, refusals + misses),
    }
    found = {name: _estimate_share(name, share, METHODS[method], level) for name, share in shares.items()}
    return {**found, "youden": _add_shares(found["sensitivity"], found["specificity"])}


def divide_counts(counts: ArrayLike) -> Numbers:
    """Return the five numbers, in the order of `MEASURES`, of many two-by-two tables at once.

    Parameters
    ----------
    counts : array of int, ... by 4
        True positives, false negatives, true negatives, false positives.

    Returns
    -------
    array of float, ... by 5
        NaN where a denominator is 0.

    Examples
    --------
    >>> divide_counts([[3, 1, 4, 0], [0, 0, 1, 1]]).round(2).tolist()
    [[0.75, 1.0, 1.0, 0.8, 0.75], [nan, 0.5, 0.0, 1.0, nan]]
    """
    hits, misses, refusals, alarms = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    shares = [
        np.divide(count, count + rest, out=np.full(count.shape, np.nan), where=count + rest > 0)
        for count, rest in ((hits, misses), (refusals, alarms), (hits, alarms), (refusals, misses))
    ]
    return np.stack([*shares, shares[0] + shares[1] - 1], axis=-1)


def _estimate_share(name: str, share: tuple[int, int], method: str, level: float) -> Measure:
    from scipy.stats import binomtest

    count, denominator = share
    if denominator == 0:
        return Measure(None, None, None, count, denominator, "not_estimable", EMPTY[name])
    limits = binomtest(count, denominator).proportion_ci(level, method=method)
    return Measure(count / denominator, float(limits.low), float(limits.high), count, denominator, "ok", "")


def _add_shares(one: Measure, other: Measure) -> Measure:
    """Youden's index: the distances of the limits from both shares add up in squares."""
    parts = (one.value, one.low, one.high, other.value, other.low, other.high)
    if any(part is None for part in parts):
        note = "; ".join(filter(None, (one.note, other.note)))
        return Measure(None, None, None, None, None, "not_estimable", note)
    a, a_low, a_high, b, b_low, b_high = (float(part or 0.0) for part in parts)
    value = a + b - 1
    low, high = value - math.hypot(a - a_low, b - b_low), value + math.hypot(a_high - a, b_high - b)
    return Measure(value, low, high, None, None, "ok", "")
