"""Groups of imputed tables described and compared, pooled by Rubin's rules. Knows no patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.pooling import PooledEstimate, pool_estimates

__all__ = ["AveragedSummary", "average_summary", "pool_means", "pool_means_apart", "pool_shares_apart"]

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class AveragedSummary:
    """Numbers of imputed tables that are averaged, and have no interval; None where there are too few rows.

    Attributes
    ----------
    sd : float or None
        Root of the mean variance.
    median, q1, q3 : float or None
        Means of those of the tables.
    """

    sd: float | None
    median: float | None
    q1: float | None
    q3: float | None


def average_summary(tables: ArrayLike) -> AveragedSummary:
    """Return spread and quantiles of a number, averaged over imputed tables.

    Parameters
    ----------
    tables : array of float, tables by rows
        Complete.

    Notes
    -----
    A standard deviation and a median have no standard error that Rubin's rules could use in few rows, so that
    these are points only: in R `sqrt(mean(sapply(tables, var)))` and `mean(sapply(tables, median))`,
    quartiles of type 7. Extremes are not given: imputed values are those of donors, so that an extreme of a
    group says who was drawn.

    Raises
    ------
    DataError
        A number is missing.

    References
    ----------
    Marshall et al., BMC Medical Research Methodology 2009;9:57. DOI 10.1186/1471-2288-9-57.

    Examples
    --------
    >>> average_summary([[1.0, 2.0, 3.0], [1.0, 4.0, 3.0]])
    AveragedSummary(sd=1.2909944487358056, median=2.5, q1=1.75, q3=3.0)
    """
    values = _require_complete(tables)
    if not values.size:
        return AveragedSummary(None, None, None, None)
    q1, median, q3 = (float(one) for one in np.quantile(values, [0.25, 0.5, 0.75], axis=1).mean(axis=1))
    sd = float(np.sqrt(values.var(axis=1, ddof=1).mean())) if values.shape[1] > 1 else None
    return AveragedSummary(sd, median, q1, q3)


def pool_means(tables: ArrayLike, *, level: float = 0.95) -> PooledEstimate:
    """Return the mean of a number, pooled over imputed tables.

    Parameters
    ----------
    tables : array of float, tables by rows
        Complete.
    level : float

    Returns
    -------
    PooledEstimate
        Not estimable with fewer than two rows or tables, or where all numbers are equal.

    Notes
    -----
    The variance of a mean is that of the rows over their number, the degrees of freedom if nothing were
    missing are rows less 1: `pool.scalar(means, variances / n, n = n, k = 1)` of mice 3.15, to 1e-6.

    Examples
    --------
    >>> found = pool_means([[1.0, 2.0, 3.0, 6.0], [1.0, 2.0, 3.0, 8.0]])
    >>> found.estimate, round(found.standard_error, 4)
    (3.25, 1.4068)
    """
    values = _require_complete(tables)
    size = values.shape[1]
    if size < 2:
        nothing = np.full(len(values), np.nan)
        return pool_estimates(nothing, nothing, level=level)
    errors = np.sqrt(values.var(axis=1, ddof=1) / size)
    return pool_estimates(values.mean(axis=1), errors, complete_freedom=size - 1, level=level)


def pool_means_apart(tables: ArrayLike, event: ArrayLike, *, level: float = 0.95) -> PooledEstimate:
    """Return the mean with the event less the mean without it, pooled over imputed tables.

    Parameters
    ----------
    tables : array of float, tables by rows
        Complete.
    event : array of 0 and 1, one per row
    level : float

    Returns
    -------
    PooledEstimate
        Not estimable where a side has no row, or all rows of each side are equal.

    Notes
    -----
    Both sides share one variance, as in the line of least squares: the same as
    `pool(with(imputed, lm(x ~ event)))` of mice 3.15, to 1e-6; degrees of freedom if nothing were missing are
    rows less 2.

    Examples
    --------
    >>> found = pool_means_apart([[1.0, 2.0, 3.0, 6.0], [1.0, 2.0, 5.0, 6.0]], [0, 0, 1, 1])
    >>> found.estimate, round(found.standard_error, 4)
    (3.5, 1.5)
    """
    values, has_event = _require_sides(tables, event)
    yes, no = values[:, has_event], values[:, ~has_event]
    freedom = values.shape[1] - 2
    if not yes.shape[1] or not no.shape[1] or freedom < 1:
        nothing = np.full(len(values), np.nan)
        return pool_estimates(nothing, nothing, level=level)
    rest = sum(((side - side.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for side in (yes, no))
    errors = np.sqrt(rest / freedom * (1 / yes.shape[1] + 1 / no.shape[1]))
    apart = yes.mean(axis=1) - no.mean(axis=1)
    return pool_estimates(apart, errors, complete_freedom=freedom, level=level)


def pool_shares_apart(tables: ArrayLike, event: ArrayLike, *, level: float = 0.95) -> PooledEstimate:
    """Return the share of a level with the event less that without it, pooled over imputed tables.

    Parameters
    ----------
    tables : array of bool, tables by rows
        Whether the row is of the level.
    event : array of 0 and 1, one per row
    level : float

    Returns
    -------
    PooledEstimate
        From -1 to 1; limits may lie beyond. Not estimable where a side has no row, or where no share has a
        variance because each is 0 or 1.

    Notes
    -----
    The variance of a table is the sum of p (1 - p) / n of both sides, the degrees of freedom if nothing were
    missing are rows less 2: `pool.scalar(..., n = n, k = 2)` of mice 3.15, to 1e-6.

    Examples
    --------
    >>> found = pool_shares_apart([[1, 0, 0, 1, 1, 0], [1, 0, 0, 1, 0, 1]], [0, 0, 0, 1, 1, 1])
    >>> round(found.estimate, 4), round(found.standard_error, 4)
    (0.3333, 0.3849)
    """
    values, has_event = _require_sides(tables, event)
    sides = [values[:, has_event], values[:, ~has_event]]
    if not all(side.shape[1] for side in sides):
        nothing = np.full(len(values), np.nan)
        return pool_estimates(nothing, nothing, level=level)
    yes, no = (side.mean(axis=1) for side in sides)
    spread = [share * (1 - share) / side.shape[1] for share, side in zip((yes, no), sides, strict=True)]
    freedom = max(values.shape[1] - 2, 1)
    return pool_estimates(yes - no, np.sqrt(sum(spread)), complete_freedom=freedom, level=level)


def _require_complete(tables: ArrayLike) -> Numbers:
    values = np.asarray(tables, dtype=np.float64)
    if values.ndim != 2:
        raise DataError(f"tables: shape {values.shape}; give tables by rows")
    if not np.isfinite(values).all():
        raise DataError("tables: a number is missing or infinite; give completed tables")
    return values


def _require_sides(tables: ArrayLike, event: ArrayLike) -> tuple[Numbers, Marks]:
    values, marks = _require_complete(tables), np.asarray(event, dtype=np.float64)
    if marks.shape != values.shape[1:] or not np.isin(marks, (0.0, 1.0)).all():
        raise DataError("event: give one 0 or 1 for each row of the tables")
    return values, marks == 1
