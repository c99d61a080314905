"""Restricted cubic splines: Harrell's knots and the columns of a curve that is a line in its tails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError

__all__ = ["KNOTS", "Knots", "make_spline", "place_knots"]

Numbers = NDArray[np.float64]

KNOTS = (3, 4, 5)
# Outer quantile by number of knots; the others lie at equal distances between the two.
OUTER = {3: 0.1, 4: 0.05, 5: 0.05}
# Among fewer values the outer knots are the fifth lowest and the fifth highest.
MANY, FIFTH = 100, 5
# An end value of so large a share becomes no knot: the next value does.
LARGE_SHARE = 0.05


@dataclass(frozen=True)
class Knots:
    """Where the pieces of a spline meet.

    Attributes
    ----------
    places : tuple of float
        Ascending; empty where not estimable.
    status, note : str
        `ok` or `not_estimable`; why.
    """

    places: tuple[float, ...]
    status: str
    note: str


def place_knots(values: ArrayLike, count: int) -> Knots:
    """Return Harrell's knots of a number.

    Parameters
    ----------
    values : array of float
        NaN is missing and left out.
    count : {3, 4, 5}

    Returns
    -------
    Knots
        Not estimable where the data have too few different values for so many knots, or crowd them.

    Raises
    ------
    DataError
        Another number of knots, or an infinite value.

    Notes
    -----
    Quantiles 0.1, 0.5, 0.9 of 3 knots, 0.05 to 0.95 at equal steps of 4 and 5; among fewer than 100 values
    the outer knots are the fifth lowest and the fifth highest; an end value shared by 5% or more is no knot,
    the next value is. Same as `rcspline.eval(nk, knots.only = TRUE)` of R's Hmisc 4.8. None are given here
    where that takes fewer knots than asked for, and in two cases where it may give as many: where quantiles
    coincide, so that it takes twice as many of them, and where fewer than ten values are left between crowded
    ends.

    References
    ----------
    Harrell, Regression Modeling Strategies, 2nd ed., 2015, section 2.4.6. DOI 10.1007/978-3-319-19425-7.

    Examples
    --------
    >>> place_knots(range(1, 102), 3).places
    (11.0, 51.0, 91.0)
    """
    if count not in KNOTS:
        raise DataError(f"count: {count} knots; allowed: {', '.join(map(str, KNOTS))}")
    numbers = np.asarray(values, dtype=np.float64).ravel()
    if np.isinf(numbers).any():
        raise DataError("values: infinite numbers have no place on a curve")
    known = np.sort(numbers[~np.isnan(numbers)])
    distinct, times = np.unique(known, return_counts=True)
    if len(distinct) - 2 <= count:
        return Knots((), "not_estimable", _say_few(len(distinct), count))
    first, last, middle = _take_ends(known, distinct, times / len(known))
    inner = count - len(first) - len(last)
    places = np.quantile(middle, _list_shares(inner, count))
    if len(np.unique(places)) < min(inner, *KNOTS) or len(middle) < 2 * FIFTH:
        return Knots((), "not_estimable", _say_few(len(distinct), count))
    if len(middle) < MANY:
        places[0] = places[0] if first else middle[FIFTH - 1]
        places[-1] = places[-1] if last else middle[-FIFTH]
    found = np.unique([*first, *places, *last])
    if len(found) < count:
        return Knots((), "not_estimable", _say_few(len(distinct), count))
    return Knots(tuple(float(place) for place in found), "ok", "")


def _say_few(distinct: int, count: int) -> str:
    return f"{distinct} different values are too few, or too unevenly spread, for {count} knots"


def _take_ends(
    known: Numbers, distinct: Numbers, shares: Numbers
) -> tuple[list[float], list[float], Numbers]:
    """Knots beside crowded ends, and the values that are left for the others."""
    first: list[float] = []
    last: list[float] = []
    if shares[1:-1].max() < LARGE_SHARE:
        if shares[0] >= LARGE_SHARE:
            first = [float(distinct[1])]
            known = known[known > first[0]]
        if shares[-1] >= LARGE_SHARE:
            last = [float(known[known < known.max()].max())]
            known = known[known < last[0]]
    return first, last, known


def _list_shares(inner: int, count: int) -> Numbers:
    outer = OUTER[count]
    if inner == 1:
        return np.array([0.5])
    return np.linspace(0.5 if inner == 2 else outer, 1.0 - outer, inner)


def make_spline(values: ArrayLike, knots: ArrayLike) -> Numbers:
    """Return the columns of a restricted cubic spline: the number itself, then its bends.

    Parameters
    ----------
    values : array of float
        NaN stays NaN.
    knots : array of float
        At least three, ascending.

    Returns
    -------
    array of float, values by (knots - 1)
        Linear below the first knot and above the last.

    Raises
    ------
    DataError
        Fewer than three knots, or knots that do not rise.

    Notes
    -----
    Bends are divided by the square of the distance of the outer knots, so that every column has the unit of
    the number. Same as `rcspline.eval(inclx = TRUE, norm = 2)` of R's Hmisc 4.8, and `rcs` of rms 6.5.

    References
    ----------
    Harrell, Regression Modeling Strategies, 2nd ed., 2015, section 2.4.5. DOI 10.1007/978-3-319-19425-7.

    Examples
    --------
    >>> make_spline([1.0, 2.0, 4.0], [1.0, 2.0, 3.0]).tolist()
    [[1.0, 0.0], [2.0, 0.25], [4.0, 3.0]]
    """
    places = np.asarray(knots, dtype=np.float64).ravel()
    if len(places) < min(KNOTS) or not (np.diff(places) > 0).all():
        raise DataError("knots: give at least three numbers that rise")
    numbers = np.asarray(values, dtype=np.float64).ravel()
    last, before = places[-1], places[-2]
    power = np.maximum(numbers[:, np.newaxis] - places, 0.0) ** 3
    bends = (
        power[:, :-2]
        - power[:, -2:-1] * (last - places[:-2]) / (last - before)
        + power[:, -1:] * (before - places[:-2]) / (last - before)
    )
    return np.column_stack([numbers, bends / (last - places[0]) ** 2])
