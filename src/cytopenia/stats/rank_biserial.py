"""The rank-biserial correlation: how often a value of one sample lies above one of another."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.stats.compare import drop_missing, rank_values, require_one_of
from cytopenia.stats.shift import Effect, refuse_effect, require_level

__all__ = ["estimate_rank_biserial"]

Numbers = NDArray[np.float64]
INTERVALS = ("newcombe", "delong")
# Absolute accuracy of the limits of an area.
ACCURACY = 1e-14


def estimate_rank_biserial(
    first: ArrayLike, second: ArrayLike, *, interval: str = "newcombe", level: float = 0.95
) -> Effect:
    """Return the rank-biserial correlation of two samples; NaN is missing.

    Of all pairs of a value of the first and a value of the second sample, the share in which the first is
    larger minus the share in which it is smaller: r = 2 U / (m n) - 1 = 2 AUC - 1, with U of
    `compare_distributions`, ties counting half. 1: every value of the first lies above every value of the
    second; also called Cliff's delta.

    Parameters
    ----------
    first, second : array of float
    interval : {"newcombe", "delong"}
        Of the area under the curve, from which that of r follows. "newcombe" inverts the variance
        A (1 - A) (1 + s (1 - A) / (2 - A) + s A / (1 + A)) / (m n) with s = (m + n) / 2 - 1 (his method 5):
        it stays within its ends and has a width where the samples do not overlap. "delong" is the interval
        that `estimate_roc` gives.
    level : float
        Of the interval.

    Returns
    -------
    Effect
        `method` is `rank_biserial_newcombe` or `rank_biserial_delong`. Not estimable: an empty sample, or all
        values equal; DeLong's limits need two values in each sample.

    Raises
    ------
    DataError
        An unknown interval, or a level that is not between 0 and 1.

    Notes
    -----
    With "delong" the same as `2 * ci.auc(..., method = "delong") - 1` of pROC 1.18 to 1e-9; "newcombe"
    solves the equation of `auc.nonpara.mw(method = "newcombe")` of the R package auRoc, to 1e-9. It is the
    default because with 21 against 42 normal values and an area of 0.9 DeLong's 95% interval held the true
    area in 90% of samples, and Newcombe's in 97% (at 0.97: 82% and 98%; 1500 samples each).

    References
    ----------
    Wendt, European Journal of Social Psychology 1972;2:463-465. DOI 10.1002/ejsp.2420020412.
    Newcombe, Statistics in Medicine 2006;25:559-573. DOI 10.1002/sim.2324.

    Examples
    --------
    >>> found = estimate_rank_biserial([1.1, 2.2, 3.3, 9.7], [4.4, 5.5, 6.6, 7.7, 8.8])
    >>> [round(number, 4) for number in (found.value, found.low, found.high)]
    [-0.5, -0.8693, 0.2668]
    """
    require_one_of("interval", interval, INTERVALS)
    require_level(level)
    one, two = drop_missing(first), drop_missing(second)
    n, method = one.size + two.size, f"rank_biserial_{interval}"
    if not one.size or not two.size:
        return refuse_effect(method, n, "a group has no value")
    ranks = rank_values(np.concatenate([one, two]))
    if np.ptp(ranks) == 0:
        return refuse_effect(method, n, "all values are equal")
    if interval == "delong":
        return _estimate_by_delong(ranks[: one.size], ranks[one.size :], level)
    # Twice U as a whole number, so that both directions give the same digits.
    doubled = 2 * float(ranks[: one.size].sum()) - one.size * (one.size + 1)
    pairs = one.size * two.size
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    high = _find_upper_area(doubled / (2 * pairs), (one.size, two.size), z)
    low = -_as_correlation(_find_upper_area((2 * pairs - doubled) / (2 * pairs), (one.size, two.size), z))
    return Effect(method, (doubled - pairs) / pairs, low, _as_correlation(high), n, "ok", "")


def _as_correlation(area: float) -> float:
    return 2 * area - 1


def _find_upper_area(area: float, sizes: tuple[int, int], z: float) -> float:
    """The upper limit of an area: the largest area from which this one is z standard errors away."""
    first, second = sizes
    spare = (first + second) / 2 - 1
    if area == 1:
        return 1.0

    def excess(limit: float) -> float:
        variance = limit * (1 - limit) * (1 + spare * (1 - limit) / (2 - limit) + spare * limit / (1 + limit))
        return (limit - area) ** 2 - z**2 * variance / (first * second)

    from scipy.optimize import brentq

    # At an area of 0 the variance is 0 as well: a root that is no limit.
    return float(np.asarray(brentq(excess, max(area, ACCURACY), 1.0, xtol=ACCURACY)))


def _estimate_by_delong(one: Numbers, two: Numbers, level: float) -> Effect:
    from cytopenia.stats.roc import estimate_roc

    event = np.repeat([1.0, 0.0], [one.size, two.size])
    curve = estimate_roc(np.concatenate([one, two]), event, high_means_event=True, level=level)
    value, low, high = (
        None if area is None else _as_correlation(area) for area in (curve.auc, curve.low, curve.high)
    )
    notes = {
        None: "no interval: a group has only one value",
        0.0: "the interval has no width; not to be trusted",
    }
    note = notes.get(curve.standard_error, "")
    return Effect("rank_biserial_delong", value, low, high, one.size + two.size, "ok", note)
