"""The means of two samples: Welch's test, Student's test and the difference with its interval."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.stats.compare import Comparison, drop_missing
from cytopenia.stats.shift import Effect, refuse_effect, require_level

__all__ = ["compare_means", "estimate_mean_difference"]

Numbers = NDArray[np.float64]
# A standard deviation needs two values.
FEWEST_FOR_SPREAD = 2


def compare_means(first: ArrayLike, second: ArrayLike, *, with_equal_spread: bool = False) -> Comparison:
    """Return Welch's two-sided t test of two samples; NaN is missing and not counted.

    With `with_equal_spread` it is Student's test, which takes both standard deviations for the same. The
    statistic is t of the first mean minus the second. Same as `t.test(first, second)` of R, and as
    `t.test(first, second, var.equal = TRUE)`, to 1e-9.

    Returns
    -------
    Comparison
        Not estimable: a sample with fewer than two values, an infinite value, or no spread in either sample.

    References
    ----------
    Welch, Biometrika 1947;34:28-35. DOI 10.1093/biomet/34.1-2.28.

    Examples
    --------
    >>> found = compare_means([1, 2, 3, 4], [3, 5, 7, 9, 11])
    >>> round(found.statistic, 4), round(found.p_value, 6)
    (-2.8947, 0.030286)
    """
    one, two = drop_missing(first), drop_missing(second)
    n = one.size + two.size
    method = "student_t" if with_equal_spread else "welch_t"
    reason = _explain(one, two)
    if reason:
        return Comparison(method, None, None, None, None, n, "not_estimable", reason)
    from scipy.stats import ttest_ind

    statistic, p_value = np.asarray(
        ttest_ind(one, two, equal_var=with_equal_spread), dtype=np.float64
    ).tolist()
    return Comparison(method, statistic, p_value, None, None, n, "ok", "")


def estimate_mean_difference(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Effect:
    """Return the mean of the first sample minus that of the second, with Welch's interval; NaN is missing.

    Same as `t.test(first, second)` of R to 1e-9.

    Returns
    -------
    Effect
        `method` is `welch`. Not estimable where `compare_means` is not.

    Raises
    ------
    DataError
        A level that is not between 0 and 1.

    References
    ----------
    Welch, Biometrika 1947;34:28-35. DOI 10.1093/biomet/34.1-2.28.

    Examples
    --------
    >>> found = estimate_mean_difference([1, 2, 3, 4], [3, 5, 7, 9, 11])
    >>> [round(number, 4) for number in (found.value, found.low, found.high)]
    [-4.5, -8.3854, -0.6146]
    """
    require_level(level)
    one, two = drop_missing(first), drop_missing(second)
    n = one.size + two.size
    reason = _explain(one, two)
    if reason:
        return refuse_effect("welch", n, reason)
    from scipy.stats import ttest_ind

    limits = ttest_ind(one, two, equal_var=False).confidence_interval(level)
    value = float(one.mean() - two.mean())
    return Effect("welch", value, float(limits.low), float(limits.high), n, "ok", "")


def _explain(one: Numbers, two: Numbers) -> str:
    """Return why the means of two samples without missing values cannot be compared; empty if they can."""
    if not one.size or not two.size:
        return "a group has no value"
    if not np.all(np.isfinite(np.concatenate([one, two]))):
        return "a value is infinite"
    if min(one.size, two.size) < FEWEST_FOR_SPREAD:
        return "a group has only one value"
    return "the values of each group are all equal" if np.ptp(one) == 0 and np.ptp(two) == 0 else ""
