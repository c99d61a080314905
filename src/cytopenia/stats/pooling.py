"""Rubin's rules: estimates of several imputed tables as one. Knows no patients."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError

__all__ = [
    "PooledEstimate",
    "PooledShare",
    "pool_areas",
    "pool_estimates",
    "pool_proportions",
    "pool_ratios",
]

Numbers = NDArray[np.float64]

# As in mice, so that imputations that agree leave the degrees of freedom finite.
LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class PooledEstimate:
    """One number from several imputed tables; None where not estimable.

    Attributes
    ----------
    estimate, standard_error : float or None
    low, high, p_value : float or None
        From the t distribution; P of the hypothesis that the number is 0.
    within, between : float or None
        Mean variance of the estimates, and variance between them.
    degrees_of_freedom : float or None
        Barnard and Rubin.
    relative_increase : float or None
        Of the variance by the missing values; `riv` of mice.
    share_of_variance : float or None
        Share of the variance that missing values cause; `lambda` of mice.
    fraction_missing : float or None
        Fraction of missing information; `fmi` of mice.
    imputations : int
    status, note : str
        `ok` or `not_estimable`, and why.
    """

    estimate: float | None
    standard_error: float | None
    low: float | None
    high: float | None
    p_value: float | None
    within: float | None
    between: float | None
    degrees_of_freedom: float | None
    relative_increase: float | None
    share_of_variance: float | None
    fraction_missing: float | None
    imputations: int
    status: str
    note: str


@dataclass(frozen=True)
class PooledShare:
    """A number pooled on another scale, a share or an area on the logit, a ratio on the log scale.

    Attributes
    ----------
    estimate, low, high : float or None
        Back on its own scale; None where not estimable.
    p_value : float or None
        Of the hypothesis that it is one half, a ratio that it is 1: 0 on the other scale.
    degrees_of_freedom, fraction_missing : float or None
    imputations : int
    status, note : str
    """

    estimate: float | None
    low: float | None
    high: float | None
    p_value: float | None
    degrees_of_freedom: float | None
    fraction_missing: float | None
    imputations: int
    status: str
    note: str


def pool_estimates(
    estimates: ArrayLike,
    standard_errors: ArrayLike,
    *,
    complete_freedom: float = math.inf,
    level: float = 0.95,
) -> PooledEstimate:
    """Return the estimates of imputed tables pooled by Rubin's rules.

    Parameters
    ----------
    estimates, standard_errors : array of float, one per imputed table
        NaN: not estimated in that table.
    complete_freedom : float
        Degrees of freedom if nothing were missing: rows less coefficients; infinite for a large sample.
    level : float
        Of the interval.

    Returns
    -------
    PooledEstimate
        Not estimable: fewer than two tables, or a table without the estimate; leaving such a table out would
        choose among the imputations.

    Raises
    ------
    DataError
        Shapes differ, a standard error is negative, `complete_freedom` is not above 0, or the level is not
        between 0 and 1.

    Notes
    -----
    Same as `pool(fit, dfcom = complete_freedom)` of mice 3.15 to 1e-8, with its least share of the variance
    of 1e-4. `pool(fit)` itself takes rows less coefficients of a `glm`.

    References
    ----------
    Rubin, Multiple Imputation for Nonresponse in Surveys. Wiley, 1987. DOI 10.1002/9780470316696.
    Barnard and Rubin, Biometrika 1999;86:948-955. DOI 10.1093/biomet/86.4.948.

    Examples
    --------
    >>> found = pool_estimates([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], complete_freedom=20)
    >>> found.estimate, round(found.standard_error, 4), round(found.degrees_of_freedom, 4)
    (2.0, 1.5275, 3.4359)
    """
    each, errors = _require_pairs(estimates, standard_errors)
    if not complete_freedom > 0:
        raise DataError(f"complete_freedom: {complete_freedom:g} is not above 0")
    if not 0 < level < 1:
        raise DataError(f"level: {level:g} is not between 0 and 1")
    reason = _find_reason(each, errors)
    if reason:
        return _give_up(each.size, reason)
    m = each.size
    estimate, within, between = float(each.mean()), float(np.mean(errors**2)), float(each.var(ddof=1))
    total = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * between / total
    increase = (1 + 1 / m) * between / within
    freedom = _count_freedom(m, share, complete_freedom)
    low, high, p_value = _judge(estimate, math.sqrt(total), freedom, level)
    return PooledEstimate(
        estimate=estimate,
        standard_error=math.sqrt(total),
        low=low,
        high=high,
        p_value=p_value,
        within=within,
        between=between,
        degrees_of_freedom=freedom,
        relative_increase=increase,
        share_of_variance=share,
        fraction_missing=(increase + 2 / (freedom + 3)) / (increase + 1),
        imputations=m,
        status="ok",
        note="",
    )


def _give_up(imputations: int, reason: str) -> PooledEstimate:
    return PooledEstimate(
        estimate=None,
        standard_error=None,
        low=None,
        high=None,
        p_value=None,
        within=None,
        between=None,
        degrees_of_freedom=None,
        relative_increase=None,
        share_of_variance=None,
        fraction_missing=None,
        imputations=imputations,
        status="not_estimable",
        note=reason,
    )


def _require_pairs(estimates: ArrayLike, standard_errors: ArrayLike) -> tuple[Numbers, Numbers]:
    each, errors = np.asarray(estimates, dtype=np.float64), np.asarray(standard_errors, dtype=np.float64)
    if each.ndim != 1 or each.shape != errors.shape:
        raise DataError(
            f"estimates of shape {each.shape} and standard_errors of shape {errors.shape}; give two columns"
        )
    if np.any(errors < 0):
        raise DataError("standard_errors: a number is negative")
    return each, errors


def _find_reason(each: Numbers, errors: Numbers) -> str:
    if each.size < 2:
        return "pooling needs two imputations"
    lost = int((~np.isfinite(each) | ~np.isfinite(errors)).sum())
    if lost:
        return f"not estimable in {lost} of {each.size} imputations"
    return "" if errors.any() else "no standard error is above 0"


def _count_freedom(m: int, share: float, complete_freedom: float) -> float:
    share = max(share, LEAST_SHARE)
    old = (m - 1) / share**2
    if math.isinf(complete_freedom):
        return old
    observed = (complete_freedom + 1) / (complete_freedom + 3) * complete_freedom * (1 - share)
    return old * observed / (old + observed)


def _judge(estimate: float, error: float, freedom: float, level: float) -> tuple[float, float, float]:
    from scipy.special import stdtr, stdtrit

    half = float(stdtrit(freedom, (1 + level) / 2)) * error
    return estimate - half, estimate + half, 2.0 * float(stdtr(freedom, -abs(estimate) / error))


def pool_proportions(counts: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> PooledShare:
    """Return a proportion of imputed tables, pooled on the logit scale.

    Parameters
    ----------
    counts : array, one count per imputed table
    n : int or array
        Rows of each table; an array where they differ, as of those above a limit.
    level : float

    Returns
    -------
    PooledShare
        Not estimable where a table has a count of 0 or n: the logit of it does not exist.

    Raises
    ------
    DataError
        A count lies outside of 0 to n.

    Notes
    -----
    The variance of a logit is 1 / (n p (1 - p)), the degrees of freedom if nothing were missing are the least
    n - 1; then `pool.scalar(..., n = n, k = 1)` of mice 3.15, to 1e-6.

    Examples
    --------
    >>> found = pool_proportions([10, 12, 11], 40)
    >>> [round(x, 3) for x in (found.estimate, found.low, found.high)]
    [0.275, 0.146, 0.455]
    """
    each = np.asarray(counts, dtype=np.float64)
    sizes = np.broadcast_to(np.asarray(n, dtype=np.float64), each.shape)
    if np.any((each < 0) | (each > sizes)):
        raise DataError(f"counts: a count lies outside of 0 to {int(sizes.max(initial=0))}")
    if np.any((each == 0) | (each == sizes)):
        return _refuse(each.size, "nobody, or everybody, in an imputed table")
    share = each / sizes
    freedom = max(float(sizes.min(initial=np.inf)) - 1, 1)
    return _pool_logits(share, np.sqrt(share * (1 - share) / sizes), freedom, level)


def _refuse(imputations: int, note: str) -> PooledShare:
    return PooledShare(None, None, None, None, None, None, imputations, "not_estimable", note)


def pool_areas(areas: ArrayLike, standard_errors: ArrayLike, *, n: int, level: float = 0.95) -> PooledShare:
    """Return areas under the ROC curve of imputed tables, pooled on the logit scale.

    Parameters
    ----------
    areas, standard_errors : array of float, one per imputed table
        As `estimate_roc` gives them, with DeLong's standard error.
    n : int
        Rows of each table.
    level : float

    Returns
    -------
    PooledShare
        Not estimable where an area is 0 or 1, or has no standard error.

    Notes
    -----
    The standard error of a logit is that of the area over area (1 - area); the degrees of freedom if nothing
    were missing are n - 1.

    References
    ----------
    Marshall et al., BMC Medical Research Methodology 2009;9:57. DOI 10.1186/1471-2288-9-57.

    Examples
    --------
    >>> found = pool_areas([0.70, 0.74, 0.72], [0.06, 0.06, 0.06], n=60)
    >>> [round(x, 3) for x in (found.estimate, found.low, found.high)]
    [0.72, 0.574, 0.831]
    """
    each, errors = _require_pairs(areas, standard_errors)
    if np.any((each <= 0) | (each >= 1)):
        note = "an imputed table has an area of 0 or 1"
        return _refuse(each.size, note)
    return _pool_logits(each, errors, max(n - 1, 1), level)


def pool_ratios(ratios: ArrayLike, log_errors: ArrayLike, *, n: int, level: float = 0.95) -> PooledShare:
    """Return ratios of imputed tables, pooled on the log scale.

    Parameters
    ----------
    ratios : array of float, one per imputed table
        Above 0.
    log_errors : array of float
        Standard errors of their logarithms.
    n : int
        Rows of each table; the degrees of freedom if nothing were missing are n - 1.
    level : float

    Notes
    -----
    Same as `pool.scalar(log(ratios), log_errors^2, n = n, k = 1)` of mice 3.15, to 1e-6.

    Examples
    --------
    >>> found = pool_ratios([0.9, 1.2, 1.0], [0.2, 0.2, 0.2], n=60)
    >>> [round(x, 3) for x in (found.estimate, found.low, found.high)]
    [1.026, 0.566, 1.859]
    """
    each, errors = _require_pairs(ratios, log_errors)
    if np.any(each <= 0):
        return _refuse(each.size, "an imputed table has a ratio of 0")
    found = pool_estimates(np.log(each), errors, complete_freedom=max(n - 1, 1), level=level)
    return _turn_back(found, math.exp)


def _pool_logits(share: Numbers, errors: Numbers, freedom: float, level: float) -> PooledShare:
    spread = share * (1 - share)
    found = pool_estimates(
        np.log(share / (1 - share)), errors / spread, complete_freedom=freedom, level=level
    )
    return _turn_back(found, lambda logit: 1 / (1 + math.exp(-logit)))


def _turn_back(found: PooledEstimate, back: Callable[[float], float]) -> PooledShare:
    """The pooled number on its own scale."""
    estimate, low, high = (
        None if one is None else back(one) for one in (found.estimate, found.low, found.high)
    )
    freedom, lost = found.degrees_of_freedom, found.fraction_missing
    return PooledShare(
        estimate, low, high, found.p_value, freedom, lost, found.imputations, found.status, found.note
    )
