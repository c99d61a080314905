"""Several coefficients of imputed tables tested at once. Knows no patients."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError

__all__ = ["PooledTest", "pool_wald"]

Numbers = NDArray[np.float64]

# With fewer tables times coefficients the approximation of Reiter does not exist.
FEWEST_FOR_REITER = 4


@dataclass(frozen=True)
class PooledTest:
    """A test of several coefficients, from several imputed tables; None where not estimable.

    Attributes
    ----------
    statistic : float or None
        F.
    degrees : int
        Of the numerator: coefficients.
    denominator : float or None
        Degrees of freedom of the denominator.
    p_value : float or None
    relative_increase : float or None
        Of the variance by the missing values, on average over the coefficients.
    imputations : int
    status, note : str
    """

    statistic: float | None
    degrees: int
    denominator: float | None
    p_value: float | None
    relative_increase: float | None
    imputations: int
    status: str
    note: str


def pool_wald(
    estimates: ArrayLike, covariances: ArrayLike, *, complete_freedom: float = math.inf
) -> PooledTest:
    """Return Wald's test that all coefficients are 0, pooled over imputed tables (D1).

    Parameters
    ----------
    estimates : array of float, tables by coefficients
        NaN: not estimated in that table.
    covariances : array of float, tables by coefficients by coefficients
    complete_freedom : float
        Degrees of freedom if nothing were missing.

    Returns
    -------
    PooledTest
        Not estimable: fewer than two tables, a table without estimates, or coefficients that repeat each
        other.

    Raises
    ------
    DataError
        Shapes do not fit, or `complete_freedom` is not above 0.

    Notes
    -----
    Same as `D1(fit1, fit0)` of mice 3.15 (`testModels(method = "D1")` of mitml 0.4), to 1e-6, where Reiter's
    approximation holds; with an infinite `complete_freedom` as without `df.com`. It holds for coefficients
    times (tables less 1) above 4 and for observed degrees of freedom above 4 (1 + a), a being his relative
    increase. Elsewhere those of Li et al. are used, but no more than the observed data have. There mitml goes
    on with his formula, although a variance in it is negative: it divides by 0, gives negative degrees of
    freedom, or positive ones that mean nothing (19.2 of 10 that complete data would have). The statistic is
    the same.

    References
    ----------
    Li, Raghunathan and Rubin, Journal of the American Statistical Association 1991;86:1065-1073.
    Reiter, Biometrika 2007;94:502-508. DOI 10.1093/biomet/asm028.

    Examples
    --------
    >>> found = pool_wald([[1.0, 0.5], [1.2, 0.3], [0.8, 0.6]], np.tile(np.eye(2) * 0.25, (3, 1, 1)))
    >>> round(found.statistic, 4), found.degrees, round(found.p_value, 4)
    (2.0837, 2, 0.1282)
    """
    each, spread = np.asarray(estimates, dtype=np.float64), np.asarray(covariances, dtype=np.float64)
    if each.ndim != 2 or spread.shape != (*each.shape, each.shape[1]):
        raise DataError("estimates, covariances: give tables by coefficients, and a square for each table")
    if not complete_freedom > 0:
        raise DataError(f"complete_freedom: {complete_freedom:g} is not above 0")
    m, k = each.shape
    reason = _find_reason(each, spread)
    if reason:
        return PooledTest(None, k, None, None, None, m, "not_estimable", reason)
    center, within = each.mean(axis=0), spread.mean(axis=0)
    between = np.atleast_2d(np.cov(each, rowvar=False))
    increase = (1 + 1 / m) * float(np.trace(np.linalg.solve(within, between))) / k
    statistic = float(center @ np.linalg.solve(within, center)) / (k * (1 + increase))
    denominator = _count_denominator(increase, m, k, complete_freedom)
    return PooledTest(statistic, k, denominator, _judge(statistic, k, denominator), increase, m, "ok", "")


def _find_reason(each: Numbers, spread: Numbers) -> str:
    m, k = each.shape
    if not k:
        return "no coefficient"
    if m < 2:
        return "pooling needs two imputations"
    lost = int((~np.isfinite(each).all(axis=1) | ~np.isfinite(spread).all(axis=(1, 2))).sum())
    if lost:
        return f"not estimable in {lost} of {m} imputations"
    is_full = np.linalg.matrix_rank(spread.mean(axis=0)) == k
    return "" if is_full else "the coefficients repeat each other"


def _judge(statistic: float, degrees: int, denominator: float) -> float:
    from scipy.special import chdtrc, fdtrc

    if math.isinf(denominator):
        return float(chdtrc(degrees, degrees * statistic))
    return float(fdtrc(degrees, denominator, statistic))


def _count_denominator(increase: float, m: int, k: int, complete_freedom: float) -> float:
    t = k * (m - 1)
    if math.isinf(complete_freedom):
        return _count_large(increase, t, k)
    observed = (complete_freedom + 1) / (complete_freedom + 3) * complete_freedom
    a = increase * t / (t - 2) if t > FEWEST_FOR_REITER else math.inf
    # With few tables, or so much missing, his approximation has no positive degrees of freedom.
    if observed - 4 * (1 + a) <= 0:
        return min(_count_large(increase, t, k), observed)
    c0, c1, c2 = 1 / (t - 4), observed - 2 * (1 + a), observed - 4 * (1 + a)
    z = 1 / c2 + c0 * (
        a**2 * c1 / ((1 + a) ** 2 * c2)
        + 8 * a**2 * c1 / ((1 + a) * c2**2)
        + 4 * a**2 / ((1 + a) * c2)
        + 4 * a**2 / (c2 * c1)
        + 16 * a**2 * c1 / c2**3
        + 8 * a**2 / c2**2
    )
    return 4 + 1 / z


def _count_large(increase: float, t: int, k: int) -> float:
    """Degrees of freedom where the complete data have infinitely many."""
    if increase <= 0:
        return math.inf
    if t > FEWEST_FOR_REITER:
        return 4 + (t - 4) * (1 + (1 - 2 / t) / increase) ** 2
    return t * (1 + 1 / k) * (1 + 1 / increase) ** 2 / 2
