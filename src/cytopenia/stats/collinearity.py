"""How far the terms of a model stand for each other: variance inflation and condition number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.separation import scale_columns

__all__ = ["Inflation", "measure_condition", "measure_inflation"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Inflation:
    """Variance inflation of the terms of one factor.

    Attributes
    ----------
    terms : int
        How many coefficients the factor has.
    factor : float or None
        The (generalized) variance inflation factor; None where not estimable.
    per_term : float or None
        Its `terms`-th root: comparable with the factor of a single term.
    """

    terms: int
    factor: float | None
    per_term: float | None


def measure_inflation(correlation: ArrayLike, groups: Mapping[str, Sequence[int]]) -> dict[str, Inflation]:
    """Return the variance inflation of each factor of a fitted model.

    Parameters
    ----------
    correlation : array of float, terms by terms
        Of the estimates, without the intercept.
    groups : mapping of str to sequence of int
        The places of each factor's terms.

    Returns
    -------
    dict of str to Inflation
        1 where the other terms cost nothing.

    Raises
    ------
    DataError
        The correlations are no square table, or the groups do not name each place once.

    Notes
    -----
    det(own) * det(others) / det(all). Of one term same as `vif` of R's rms 6.5; of several as `vif` of car
    (`GVIF`), whose `GVIF^(1/(2*Df))` is the square root of `per_term`.

    References
    ----------
    Fox and Monette, Journal of the American Statistical Association 1992;87:178-183.
    DOI 10.1080/01621459.1992.10475190.

    Examples
    --------
    >>> measure_inflation([[1.0, 0.6], [0.6, 1.0]], {"a": [0], "b": [1]})["a"].factor
    1.5625
    """
    table = np.asarray(correlation, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise DataError(f"correlation of shape {table.shape}; give terms by terms")
    named = sorted(place for places in groups.values() for place in places)
    if named != list(range(len(table))):
        raise DataError(f"groups: name each of {len(table)} terms once")
    whole = _log_determinant(table)
    return {name: _inflate(table, list(places), whole) for name, places in groups.items()}


def _inflate(table: Numbers, places: list[int], whole: float) -> Inflation:
    others = [place for place in range(len(table)) if place not in places]
    own = _log_determinant(table[np.ix_(places, places)]) + _log_determinant(table[np.ix_(others, others)])
    log = own - whole
    if not np.isfinite(log):
        return Inflation(len(places), None, None)
    return Inflation(len(places), float(np.exp(log)), float(np.exp(log / len(places))))


def _log_determinant(table: Numbers) -> float:
    sign, log = np.linalg.slogdet(table) if len(table) else (1.0, 0.0)
    return float(log) if sign > 0 else float("nan")


def measure_condition(design: ArrayLike) -> float | None:
    """Return the condition number of the columns of a model.

    Parameters
    ----------
    design : array of float, rows by columns, without the column of the intercept

    Returns
    -------
    float or None
        1 where the columns have nothing in common; None of no column, or where one repeats others.

    Notes
    -----
    The largest singular value over the smallest, of columns with mean 0 and standard deviation 1: neither the
    unit nor the zero of a column matters. Same as `sqrt(kappa(cor(x), exact = TRUE))` of R.

    References
    ----------
    Belsley, Kuh and Welsch, Regression Diagnostics, 1980, chapter 3. DOI 10.1002/0471725153.

    Examples
    --------
    >>> measure_condition([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    1.0
    """
    columns = np.asarray(design, dtype=np.float64)
    if columns.ndim != 2 or not np.isfinite(columns).all():
        raise DataError("design: give complete rows by columns")
    if 0 in columns.shape:
        return None
    values = np.linalg.svd(scale_columns(columns)[0], compute_uv=False)
    if len(values) < columns.shape[1] or values[-1] <= np.finfo(np.float64).eps * values[0] * len(columns):
        return None
    return float(values[0] / values[-1])
