"""How given probabilities do on imputed tables: each measure pooled by Rubin's rules. Knows no patients."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.calibration import Estimate, Performance, assess_predictions
from cytopenia.stats.pooling import PooledEstimate, PooledShare, pool_areas, pool_estimates, pool_ratios
from cytopenia.stats.roc import estimate_roc

__all__ = ["PooledPerformance", "pool_discrimination", "pool_performance"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class PooledPerformance:
    """How probabilities do on patients whose predictors were imputed; see `Performance`.

    Attributes
    ----------
    c_statistic, observed_by_expected : PooledShare
        Pooled on the logit and on the log scale.
    in_the_large, intercept, slope, brier : PooledEstimate
    n, events, imputations : int
    """

    c_statistic: PooledShare
    in_the_large: PooledEstimate
    intercept: PooledEstimate
    slope: PooledEstimate
    observed_by_expected: PooledShare
    brier: PooledEstimate
    n: int
    events: int
    imputations: int


def pool_performance(chances: ArrayLike, event: ArrayLike, *, level: float = 0.95) -> PooledPerformance:
    """Return discrimination and calibration of probabilities, pooled over imputed tables.

    Parameters
    ----------
    chances : array of float, tables by rows
        Above 0 and below 1: what a model that was made without these rows says of each completed table.
    event : array of 0 and 1, one per row
        The same in every table: an outcome is not imputed.
    level : float

    Returns
    -------
    PooledPerformance
        A measure that a table does not have is not estimable, with the reason.

    Raises
    ------
    DataError
        As `assess_predictions`, or not tables by rows.

    Notes
    -----
    Measures and standard errors of each table are those of `assess_predictions`; they are pooled by
    `pool.scalar` of mice 3.15, to 1e-6, with the degrees of freedom of Barnard and Rubin: C on the logit
    scale (DeLong), observed by expected on the log scale, intercept and slope with rows less 2 if nothing
    were missing, the others with rows less 1. The standard error of the Brier score is that of a mean.

    References
    ----------
    Wood, Royston and White, Biometrical Journal 2015. DOI 10.1002/bimj.201400004.
    Marshall et al., BMC Medical Research Methodology 2009;9:57. DOI 10.1186/1471-2288-9-57.

    Examples
    --------
    >>> chances = [[0.1, 0.2, 0.4, 0.6, 0.7, 0.9], [0.1, 0.2, 0.5, 0.6, 0.7, 0.9]]
    >>> found = pool_performance(chances, [0, 0, 1, 0, 1, 1])
    >>> round(found.c_statistic.estimate, 3), round(found.brier.estimate, 3)
    (0.889, 0.136)
    """
    tables, marks = np.asarray(chances, dtype=np.float64), np.asarray(event, dtype=np.float64)
    if tables.ndim != 2:
        raise DataError(f"chances: shape {tables.shape}; give tables by rows")
    each = [assess_predictions(one, marks, level=level) for one in tables]
    n, events = marks.size, int(marks.sum())
    squares = (tables - marks) ** 2
    ratios = np.array([_value(one.observed_by_expected) for one in each])
    log_errors = np.array([_read_log_error(one.observed_by_expected, level) for one in each])
    return PooledPerformance(
        c_statistic=pool_discrimination(tables, marks, level=level),
        in_the_large=_pool(each, "in_the_large", max(n - 1, 1), level),
        intercept=_pool(each, "intercept", max(n - 2, 1), level),
        slope=_pool(each, "slope", max(n - 2, 1), level),
        observed_by_expected=pool_ratios(ratios, log_errors, n=n, level=level),
        brier=pool_estimates(
            squares.mean(axis=1) if n else np.full(len(tables), np.nan),
            np.sqrt(squares.var(axis=1, ddof=1) / n) if n > 1 else np.full(len(tables), np.nan),
            complete_freedom=max(n - 1, 1),
            level=level,
        ),
        n=n,
        events=events,
        imputations=len(tables),
    )


def pool_discrimination(scores: ArrayLike, event: ArrayLike, *, level: float = 0.95) -> PooledShare:
    """Return the C statistic of scores that rise with the event, pooled over imputed tables (logit scale).

    Parameters
    ----------
    scores : array of float, tables by rows
    event : array of 0 and 1, one per row
    level : float

    Examples
    --------
    >>> found = pool_discrimination([[1, 2, 3, 4, 5, 6], [1, 3, 2, 4, 5, 6]], [0, 0, 1, 0, 1, 1])
    >>> round(found.estimate, 3)
    0.841
    """
    tables, marks = np.asarray(scores, dtype=np.float64), np.asarray(event, dtype=np.float64)
    curves = [estimate_roc(one, marks, high_means_event=True, level=level) for one in tables]
    areas = [np.nan if one.auc is None else one.auc for one in curves]
    errors = [np.nan if one.standard_error is None else one.standard_error for one in curves]
    return pool_areas(areas, errors, n=marks.size, level=level)


def _value(found: Estimate) -> float:
    return np.nan if found.value is None else found.value


def _pool(each: Sequence[Performance], name: str, freedom: float, level: float) -> PooledEstimate:
    found: list[Estimate] = [getattr(one, name) for one in each]
    errors = [_read_error(one, level) for one in found]
    return pool_estimates([_value(one) for one in found], errors, complete_freedom=freedom, level=level)


def _read_error(found: Estimate, level: float) -> float:
    """The standard error behind an interval of the normal distribution."""
    if found.value is None or found.high is None:
        return np.nan
    return (found.high - found.value) / _quantile(level)


def _read_log_error(found: Estimate, level: float) -> float:
    if not found.value or not found.high:
        return np.nan
    return math.log(found.high / found.value) / _quantile(level)


def _quantile(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))
